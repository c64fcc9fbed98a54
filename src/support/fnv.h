/*
 * FNV-1a: a hash of bytes that come piece by piece, for text of any length and for what has no padding-free struct to
 * be a key of hashmap.h. Not keyed: who chooses the bytes can choose them to collide. Its low bits are weak.
 *
 *     uint64_t hash = fnv_mix(FNV_BEGIN, name, strlen(name) + 1);     // with the NUL: "ab" "c" is not "a" "bc"
 *     hash = fnv_mix(hash, &line, sizeof line);
 *
 * Pure. Cost: a multiplication a byte. Source: http://www.isthe.com/chongo/tech/comp/fnv/.
 */
#ifndef SUPPORT_FNV_H
#define SUPPORT_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_BEGIN UINT64_C(0xcbf29ce484222325)

static inline uint64_t fnv_mix(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#endif
