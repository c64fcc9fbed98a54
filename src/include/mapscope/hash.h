/*
 * A keyed 64-bit hash for the keys of maps: folded 64x64 -> 128 bit multiplications, as in wyhash.
 *
 *     static uint64_t point_hash(const void *key, struct msc_hash_seed seed)
 *     {
 *         const struct point *point = (const struct point *)key;
 *         return msc_hash_u64((uint64_t)point->x << 32 | point->y, seed);
 *     }
 *
 * Why not SipHash-1-3: five rounds for 8 bytes cost more than a whole look-up may, and a fold costs one
 * multiplication. Why not wyhash itself: its constants are public, so that a key with a word equal to one of
 * them zeroes a product and collides under every seed. Here both operands of every fold are mixed with a
 * 128-bit secret that is derived from the seed, not linearly, so neither such keys nor operand swaps can be
 * written down without knowing the seed. It keeps floods out of tables whose seed is secret; it is not a
 * cryptographic MAC.
 *
 * The same value on every machine (words are read little-endian), at any alignment: recordings of several
 * hosts with one seed agree. The values are frozen by tests/base/test_hash.c.
 *
 * Pure functions: any thread, any signal handler. Inline, so that a length known at compile time costs no
 * branch: two multiplications up to 8 bytes, one more for each 16.
 */
#ifndef MAPSCOPE_HASH_H
#define MAPSCOPE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What a seed is expanded to, once a map. */
struct msc_hash_seed {
    uint64_t k0, k1;
};

/* High and low half of the product, xored. */
static inline uint64_t msc_hash_fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 msc_product;
    msc_product p = (msc_product)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
#else
    uint64_t a_low = (uint32_t)a, a_high = a >> 32, b_low = (uint32_t)b, b_high = b >> 32;
    uint64_t low = a_low * b_low, cross = a_high * b_low + (low >> 32);
    uint64_t middle = a_low * b_high + (uint32_t)cross;
    return (a * b) ^ (a_high * b_high + (cross >> 32) + (middle >> 32));
#endif
}

/* Never zero, and k0 ^ k1 is not known without the seed. */
static inline struct msc_hash_seed msc_hash_seed_of(uint64_t seed)
{
    struct msc_hash_seed expanded;
    expanded.k0 = msc_hash_fold(seed ^ UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xd1342543de82ef95)) | 1;
    expanded.k1 = msc_hash_fold(seed ^ UINT64_C(0xbf58476d1ce4e5b9), UINT64_C(0xaf251af3b0f025b5)) | 1;
    return expanded;
}

/* `length` tells apart inputs whose words are equal. */
static inline uint64_t msc_hash_finish(struct msc_hash_seed seed, uint64_t state, uint64_t length)
{
    return msc_hash_fold(state ^ seed.k1, length ^ seed.k0);
}

/* Equals msc_hash_bytes of the number's bytes, least significant first. About 2 ns. */
static inline uint64_t msc_hash_u64(uint64_t number, struct msc_hash_seed seed)
{
    return msc_hash_finish(seed, msc_hash_fold(number ^ seed.k0, seed.k1), sizeof number);
}

/*
 * One fold, for the buckets of a table whose seed nobody sees: which bits of it two keys share is as good as random
 * over the seeds (multiply-shift hashing), so floods cannot be prepared. Not for ids, which are seen.
 */
static inline uint64_t msc_hash_bucket(uint64_t number, struct msc_hash_seed seed)
{
    return msc_hash_fold(number ^ seed.k0, seed.k1);
}

/* The same for keys of two words. */
static inline uint64_t msc_hash_bucket_pair(uint64_t first, uint64_t second, struct msc_hash_seed seed)
{
    return msc_hash_fold(first ^ seed.k0, second ^ seed.k1);
}

static inline uint64_t msc_hash_u32(uint32_t number, struct msc_hash_seed seed)
{
    return msc_hash_finish(seed, msc_hash_fold(number ^ seed.k0, seed.k1), sizeof number);
}

static inline uint64_t msc_hash_read_u64(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint64_t msc_hash_read_u32(const unsigned char *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

/* Up to eight bytes in one word; what overlaps is harmless, because the length is hashed too. */
static inline uint64_t msc_hash_read_short(const unsigned char *at, size_t length)
{
    if (length >= 4)
        return msc_hash_read_u32(at) | msc_hash_read_u32(at + length - 4) << (length - 4) * 8;
    if (length == 0)
        return 0;
    return (uint64_t)at[0] | (uint64_t)at[length / 2] << 8 | (uint64_t)at[length - 1] << 16;
}

/*
 * msc_hash_bytes without its last fold: one for up to 16 bytes. As random over the seeds as that of msc_hash_bucket,
 * so good enough to choose keys by; it does not tell apart a key and itself with a zero byte more.
 */
static inline uint64_t msc_hash_start(const void *bytes, size_t length, struct msc_hash_seed seed)
{
    const unsigned char *at = (const unsigned char *)bytes;
    if (length <= 8)
        return msc_hash_fold(msc_hash_read_short(at, length) ^ seed.k0, seed.k1);

    uint64_t state = seed.k1;
    const unsigned char *last = at + length - 8;
    for (; last - at > 8; at += 16)
        state = msc_hash_fold(msc_hash_read_u64(at) ^ seed.k0, msc_hash_read_u64(at + 8) ^ state);
    /* Up to 16 bytes are left; a longer input reads some of them twice. */
    const unsigned char *tail = length < 16 ? at : last - 8;
    return msc_hash_fold(msc_hash_read_u64(tail) ^ seed.k0, msc_hash_read_u64(last) ^ state);
}

/* `bytes` may be NULL if `length` is 0. */
static inline uint64_t msc_hash_bytes(const void *bytes, size_t length, struct msc_hash_seed seed)
{
    return msc_hash_finish(seed, msc_hash_start(bytes, length, seed), length);
}

#endif
