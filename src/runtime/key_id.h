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
    return msc_hash_bytes(bytes, length, key_sampling.seed);
}

/* Whether a recording keeps the key that has these bytes. */
static inline bool key_is_kept(const void *bytes, size_t length)
{
    return msc_key_is_kept(&key_sampling, bytes, length);
}

#endif
