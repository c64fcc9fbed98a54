/* khash of klib (Debian: libhts-dev), 16-byte keys with a multiplicative hash of both halves. */
#include <htslib/khash.h>

#include "peer.h"

static inline khint_t u64_hash(uint64_t key)
{
    return (khint_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static inline khint_t key16_hash(struct key16 key)
{
    return (khint_t)(((key.a ^ (key.b << 32 | key.b >> 32)) * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

#define u64_equal(one, other) ((one) == (other))
#define key16_equal(one, other) ((one).a == (other).a && (one).b == (other).b)

#define DEFINE(NAME, KEY)                                                                                              \
    KHASH_INIT(NAME, KEY, uint64_t, 1, NAME##_hash, NAME##_equal)                                                      \
    static khash_t(NAME) * NAME##_new(void)                                                                            \
    {                                                                                                                  \
        return kh_init(NAME);                                                                                          \
    }                                                                                                                  \
    PEER_INLINE void NAME##_insert(khash_t(NAME) * table, KEY key, uint64_t value)                                     \
    {                                                                                                                  \
        int absent;                                                                                                    \
        khint_t at = kh_put(NAME, table, key, &absent);                                                                \
        kh_value(table, at) = value;                                                                                   \
    }                                                                                                                  \
    PEER_INLINE const uint64_t *NAME##_find(khash_t(NAME) * table, KEY key)                                            \
    {                                                                                                                  \
        khint_t at = kh_get(NAME, table, key);                                                                         \
        return at == kh_end(table) ? NULL : &kh_value(table, at);                                                      \
    }                                                                                                                  \
    PEER_INLINE void NAME##_delete(khash_t(NAME) * table, KEY key)                                                     \
    {                                                                                                                  \
        kh_del(NAME, table, kh_get(NAME, table, key));                                                                 \
    }                                                                                                                  \
    static uint64_t NAME##_sum(khash_t(NAME) * table)                                                                  \
    {                                                                                                                  \
        uint64_t sum = 0;                                                                                              \
        for (khint_t at = kh_begin(table); at != kh_end(table); at++)                                                  \
            if (kh_exist(table, at))                                                                                   \
                sum += kh_value(table, at);                                                                            \
        return sum;                                                                                                    \
    }                                                                                                                  \
    PEER_LOOPS(NAME, KEY)

#define auto_table khash_t(u64) *
DEFINE(u64, uint64_t)
#undef auto_table
#define auto_table khash_t(key16) *
DEFINE(key16, struct key16)

int main(int argc, char **argv)
{
    struct peer_data *data = peer_data_create(argc, argv);
    u64_measure(data);
    key16_measure(data);
    return 0;
}
