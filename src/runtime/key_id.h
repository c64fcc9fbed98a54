/* Identity of keys in events, and which keys are recorded: the same for our maps and for probes of others. */
#ifndef MSC_RUNTIME_KEY_ID_H
#define MSC_RUNTIME_KEY_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "runtime/config.h"

/* A keyed hash of the key's bytes, with the recording's seed: the same key has the same id in every map. */
static inline uint64_t key_id_of(const void *bytes, size_t length)
{
    return hash_bytes(bytes, length, config.key_seed);
}

/* Whether the key is one of the kept: key_id < 2^64 / rate, without the division. A rate of 0 keeps none. */
static inline bool key_id_is_kept(uint64_t key_id, uint32_t rate)
{
    uint64_t product;
    return rate && !__builtin_mul_overflow(key_id, rate, &product);
}

#endif
