/* Typed concurrent maps: every flavour, every ready kind of key, and a key of one's own. */
#include <errno.h>
#include <mapscope/flavour_template.h>
#include <mapscope/mapscope.h>
#include <string.h>

#include "support/cmocka_main.h"

struct price {
    uint32_t cents;
    char currency[12];
};

struct point {
    int32_t x, y;
};

static inline uint64_t point_hash(const struct point *point, struct msc_hash_seed seed)
{
    return msc_hash_bytes(point, sizeof *point, seed);
}

static inline bool point_equal(const struct point *point, const struct point *other)
{
    return point->x == other->x && point->y == other->y;
}

#define NO_LIMIT_rwmap
#define NO_LIMIT_syncmap
#define NO_LIMIT_shardmap
#define NO_LIMIT_cowmap
#define NO_LIMIT_mapwriter , NULL

/* Every verb, with keys of type K out of key_of(i) and values of type V, whose first bytes are a uint32_t. */
#define TYPED_TEST(flavour, NAME, K, V, key_of, number_of)                                                             \
    static int NAME##_sum(void *context, K key, V const *value, uint64_t version)                                      \
    {                                                                                                                  \
        uint32_t number;                                                                                               \
        memcpy(&number, value, sizeof number);                                                                         \
        assert_int_equal(number_of(key), number);                                                                      \
        assert_true(version > 0);                                                                                      \
        *(uint64_t *)context += number;                                                                                \
        return number == 5 ? 77 : 0;                                                                                   \
    }                                                                                                                  \
    static void NAME##_test(void **state)                                                                              \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        struct NAME *map = NULL;                                                                                       \
        V value = {0}, other = {0}, out;                                                                               \
        uint32_t number = 1, nine = 9;                                                                                 \
        uint64_t version, sum = 0;                                                                                     \
        memcpy(&other, &nine, sizeof nine);                                                                            \
        assert_int_equal(NAME##_create(#NAME, 4, &map), 0);                                                            \
        assert_int_equal(NAME##_load(map, key_of(1), &out), -ENOENT);                                                  \
        for (; number <= 4; number++) {                                                                                \
            memcpy(&value, &number, sizeof number);                                                                    \
            assert_int_equal(NAME##_store(map, key_of(number), &value NO_LIMIT_##flavour), 0);                         \
        }                                                                                                              \
        assert_int_equal(NAME##_load(map, key_of(4), &out), 0);                                                        \
        assert_memory_equal(&out, &value, sizeof(V));                                                                  \
        assert_int_equal(NAME##_range(map, NAME##_sum, &sum), 0);                                                      \
        assert_int_equal(sum, 10);                                                                                     \
        assert_int_equal(NAME##_count(map), 4);                                                                        \
        assert_int_equal(NAME##_load_or_store(map, key_of(4), &other, &out NO_LIMIT_##flavour), 1);                    \
        assert_memory_equal(&out, &value, sizeof(V));                                                                  \
        assert_int_equal(NAME##_compare_and_swap(map, key_of(4), &other, &other NO_LIMIT_##flavour), -ESTALE);         \
        assert_int_equal(NAME##_compare_and_swap(map, key_of(4), &value, &other NO_LIMIT_##flavour), 0);               \
        assert_int_equal(NAME##_swap(map, key_of(4), &value, &out NO_LIMIT_##flavour), 1);                             \
        assert_memory_equal(&out, &other, sizeof(V));                                                                  \
        assert_int_equal(NAME##_load_version(map, key_of(4), &out, &version), 0);                                      \
        assert_int_equal(NAME##_store_version(map, key_of(4), version + 1, &other NO_LIMIT_##flavour), -ESTALE);       \
        assert_int_equal(NAME##_store_version(map, key_of(4), version, &other NO_LIMIT_##flavour), 0);                 \
        assert_int_equal(NAME##_delete_version(map, key_of(4), version NO_LIMIT_##flavour), -ESTALE);                  \
        assert_int_equal(NAME##_compare_and_delete(map, key_of(4), &other NO_LIMIT_##flavour), 0);                     \
        assert_int_equal(NAME##_load_and_delete(map, key_of(3), &out NO_LIMIT_##flavour), 0);                          \
        assert_int_equal(NAME##_delete(map, key_of(3) NO_LIMIT_##flavour), -ENOENT);                                   \
        assert_int_equal(NAME##_count(map), 2);                                                                        \
        assert_int_equal(NAME##_clear(map NO_LIMIT_##flavour), 0);                                                     \
        memcpy(&value, &number, sizeof number);                                                                        \
        assert_int_equal(NAME##_store(map, key_of(5), &value NO_LIMIT_##flavour), 0);                                  \
        assert_int_equal(NAME##_range(map, NAME##_sum, &sum), 77);                                                     \
        assert_int_equal(NAME##_range(map, NULL, NULL), -EINVAL);                                                      \
        assert_int_equal(msc_##flavour##_count(NAME##_map(map)), 1);                                                   \
        NAME##_destroy(map);                                                                                           \
    }

/* ---- keys ---- */

static const char *const words[] = {"", "one", "two", "three", "four", "five"};

static uint64_t u64_of(uint32_t number)
{
    return number + (UINT64_C(1) << 40);
}

static uint32_t number_of_u64(uint64_t key)
{
    return (uint32_t)key;
}

static uint32_t u32_of(uint32_t number)
{
    return number;
}

static const void *ptr_of(uint32_t number)
{
    return &words[number];
}

static uint32_t number_of_ptr(const void *key)
{
    return (uint32_t)((const char *const *)key - words);
}

static struct msc_bytes bytes_of(uint32_t number)
{
    return (struct msc_bytes){words[number], strlen(words[number])};
}

static uint32_t number_of_bytes(struct msc_bytes key)
{
    for (uint32_t number = 0;; number++)
        if (strlen(words[number]) == key.length && memcmp(words[number], key.data, key.length) == 0)
            return number;
}

static struct point point_of(uint32_t number)
{
    return (struct point){(int32_t)number, -1};
}

static uint32_t number_of_point(struct point key)
{
    return (uint32_t)key.x;
}

/* ---- maps ---- */

MSC_FLAVOUR_TEMPLATE_U64(rwmap, orders, struct price);
MSC_FLAVOUR_TEMPLATE_U64(syncmap, counters, uint64_t);
MSC_FLAVOUR_TEMPLATE_U64(shardmap, prices, struct price);
MSC_FLAVOUR_TEMPLATE_U32(shardmap, ages, uint32_t);
MSC_FLAVOUR_TEMPLATE_PTR(syncmap, owners, struct price);
MSC_FLAVOUR_TEMPLATE_PTR(cowmap, handlers, uint64_t);
MSC_FLAVOUR_TEMPLATE_BYTES(cowmap, routes, struct price);
MSC_FLAVOUR_TEMPLATE_BYTES(mapwriter, users, struct price);
MSC_FLAVOUR_TEMPLATE(rwmap, atlas, struct point, struct price, point_hash, point_equal);
MSC_FLAVOUR_TEMPLATE(mapwriter, board, struct point, uint32_t, point_hash, point_equal);

TYPED_TEST(rwmap, orders, uint64_t, struct price, u64_of, number_of_u64)
TYPED_TEST(syncmap, counters, uint64_t, uint64_t, u64_of, number_of_u64)
TYPED_TEST(shardmap, prices, uint64_t, struct price, u64_of, number_of_u64)
TYPED_TEST(shardmap, ages, uint32_t, uint32_t, u32_of, u32_of)
TYPED_TEST(syncmap, owners, const void *, struct price, ptr_of, number_of_ptr)
TYPED_TEST(cowmap, handlers, const void *, uint64_t, ptr_of, number_of_ptr)
TYPED_TEST(cowmap, routes, struct msc_bytes, struct price, bytes_of, number_of_bytes)
TYPED_TEST(mapwriter, users, struct msc_bytes, struct price, bytes_of, number_of_bytes)
TYPED_TEST(rwmap, atlas, struct point, struct price, point_of, number_of_point)
TYPED_TEST(mapwriter, board, struct point, uint32_t, point_of, number_of_point)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_test), cmocka_unit_test(counters_test), cmocka_unit_test(prices_test),
        cmocka_unit_test(ages_test),   cmocka_unit_test(owners_test),   cmocka_unit_test(handlers_test),
        cmocka_unit_test(routes_test), cmocka_unit_test(users_test),    cmocka_unit_test(atlas_test),
        cmocka_unit_test(board_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
