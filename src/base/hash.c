/* See hash.h. */
#include "base/hash.h"

#include <string.h>

static uint64_t read_u64(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static uint64_t read_u32(const unsigned char *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

/* Up to eight bytes in one word; what overlaps is harmless, because the length is hashed too. */
static uint64_t read_short(const unsigned char *at, size_t length)
{
    if (length >= 4)
        return read_u32(at) | read_u32(at + length - 4) << (length - 4) * 8;
    if (length == 0)
        return 0;
    return (uint64_t)at[0] | (uint64_t)at[length / 2] << 8 | (uint64_t)at[length - 1] << 16;
}

uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed)
{
    const unsigned char *at = bytes;
    struct hash_secret secret = hash_expand(seed);
    if (length <= 8)
        return hash_finish(secret, hash_fold(read_short(at, length) ^ secret.k0, secret.k1), length);

    uint64_t state = secret.k1;
    const unsigned char *last = at + length - 8;
    for (; last - at > 8; at += 16)
        state = hash_fold(read_u64(at) ^ secret.k0, read_u64(at + 8) ^ state);
    /* Up to 16 bytes are left; a longer input reads some of them twice. */
    const unsigned char *tail = length < 16 ? at : last - 8;
    state = hash_fold(read_u64(tail) ^ secret.k0, read_u64(last) ^ state);
    return hash_finish(secret, state, length);
}
