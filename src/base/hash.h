/*
 * A keyed 64-bit hash for tables and key ids: folded 64x64 -> 128 bit multiplications, as in wyhash.
 *
 * Why not SipHash-1-3: five rounds for 8 bytes cost more than a whole look-up may (DESIGN.md, section 6:
 * by-key sampling has 2 ns), and a fold costs one multiplication. Why not wyhash itself: its constants are
 * public, so that a key with a word equal to one of them zeroes a product and collides under every seed.
 * Here both operands of every fold are mixed with a 128-bit secret that is derived from the seed, not
 * linearly, so neither such keys nor operand swaps can be written down without knowing the seed. It keeps
 * floods out of tables whose seed is secret; it is not a cryptographic MAC.
 *
 * The same value on every machine (words are read little-endian), at any alignment: recordings of several
 * hosts with one seed agree. The values are frozen by tests/base/test_hash.c.
 *
 * Pure functions: any thread, any signal handler.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* High and low half of the product, xored. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 product;
    product p = (product)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
#else
    uint64_t a_low = (uint32_t)a, a_high = a >> 32, b_low = (uint32_t)b, b_high = b >> 32;
    uint64_t low = a_low * b_low, cross = a_high * b_low + (low >> 32);
    uint64_t middle = a_low * b_high + (uint32_t)cross;
    return a * b ^ (a_high * b_high + (cross >> 32) + (middle >> 32));
#endif
}

struct hash_secret {
    uint64_t k0, k1;
};

/* Never zero, and k0 ^ k1 is not known without the seed. */
static inline struct hash_secret hash_expand(uint64_t seed)
{
    return (struct hash_secret){
        .k0 = hash_fold(seed ^ UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xd1342543de82ef95)) | 1,
        .k1 = hash_fold(seed ^ UINT64_C(0xbf58476d1ce4e5b9), UINT64_C(0xaf251af3b0f025b5)) | 1,
    };
}

/* `length` tells apart inputs whose words are equal. */
static inline uint64_t hash_finish(struct hash_secret secret, uint64_t state, uint64_t length)
{
    return hash_fold(state ^ secret.k1, length ^ secret.k0);
}

/* Equals hash_bytes of the number's eight bytes, least significant first. About 2 ns. */
static inline uint64_t hash_u64(uint64_t number, uint64_t seed)
{
    struct hash_secret secret = hash_expand(seed);
    return hash_finish(secret, hash_fold(number ^ secret.k0, secret.k1), sizeof number);
}

/* `bytes` may be NULL if `length` is 0. One multiplication for each 16 bytes, and four. */
uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed);

#endif
