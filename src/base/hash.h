/*
 * The keyed hash of mapscope/hash.h for callers that hold a plain seed: key ids, random numbers.
 * Pure functions: any thread, any signal handler.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "mapscope/hash.h"

static inline uint64_t hash_u64(uint64_t number, uint64_t seed)
{
    return msc_hash_u64(number, msc_hash_seed_of(seed));
}

/* `bytes` may be NULL if `length` is 0. */
static inline uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed)
{
    return msc_hash_bytes(bytes, length, msc_hash_seed_of(seed));
}

#endif
