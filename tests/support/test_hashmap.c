/* The hash map against a plain array, with keys that collide a lot. */
#include "support/cmocka_main.h"

#include <stdbool.h>

#include "support/hashmap.h"

enum { KEYS = 200, STEPS = 200000 };

static void test_random_operations_agree_with_an_array(void **state)
{
    (void)state;
    struct hashmap map;
    hashmap_init(&map, sizeof(uint64_t), sizeof(uint32_t));
    bool present[KEYS] = {false};
    uint32_t values[KEYS] = {0};
    uint64_t random = 1;
    for (uint32_t step = 0; step < STEPS; step++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t key = (random >> 33) % KEYS;
        if ((random >> 60) < 9) {
            bool is_new;
            uint32_t *value = hashmap_put(&map, &key, &is_new);
            assert_non_null(value);
            assert_int_equal(is_new, !present[key]);
            assert_int_equal(*value, values[key]);
            *value = values[key] = step + 1;
            present[key] = true;
        } else {
            assert_int_equal(hashmap_remove(&map, &key), present[key]);
            present[key] = false;
            values[key] = 0;
        }
    }
    size_t left = 0;
    for (uint64_t key = 0; key < KEYS; key++) {
        uint32_t *value = hashmap_find(&map, &key);
        assert_int_equal(value != NULL, present[key]);
        left += present[key];
        if (value)
            assert_int_equal(*value, values[key]);
    }
    assert_int_equal(map.count, left);
    hashmap_fini(&map);
}

static void test_next_visits_every_entry_once(void **state)
{
    (void)state;
    struct hashmap map;
    hashmap_init(&map, 3, 1); /* odd sizes */
    for (unsigned i = 0; i < 1000; i++) {
        unsigned char key[3] = {(unsigned char)i, (unsigned char)(i >> 8), 7};
        assert_non_null(hashmap_put(&map, key, NULL));
    }
    unsigned char seen[1000] = {0};
    const void *key;
    void *value;
    for (size_t at = 0; hashmap_next(&map, &at, &key, &value);) {
        const unsigned char *bytes = key;
        seen[bytes[0] | bytes[1] << 8]++;
    }
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(seen[i], 1);
    hashmap_fini(&map);
}

static void test_an_empty_map_finds_and_removes_nothing(void **state)
{
    (void)state;
    struct hashmap map;
    hashmap_init(&map, sizeof(uint64_t), 8);
    uint64_t key = 1;
    assert_null(hashmap_find(&map, &key));
    assert_false(hashmap_remove(&map, &key));
    hashmap_fini(&map);
}

static void test_take_hands_over_the_value_and_forgets_it(void **state)
{
    (void)state;
    struct hashmap map;
    hashmap_init(&map, sizeof(uint64_t), sizeof(uint32_t));
    uint64_t key = 7;
    uint32_t value = 0;
    assert_false(hashmap_take(&map, &key, &value));
    *(uint32_t *)hashmap_put(&map, &key, NULL) = 70;
    assert_true(hashmap_take(&map, &key, &value));
    assert_int_equal(value, 70);
    assert_null(hashmap_find(&map, &key));
    bool is_new;
    assert_int_equal(*(uint32_t *)hashmap_put(&map, &key, &is_new), 0);
    assert_true(is_new);
    hashmap_fini(&map);
}

/* A map that comes and goes needs no more room than what is in it at once. */
static void test_room_of_removed_entries_is_used_again(void **state)
{
    (void)state;
    struct hashmap map;
    hashmap_init(&map, sizeof(uint64_t), sizeof(uint32_t));
    for (uint64_t key = 0; key < 10000; key++) {
        assert_non_null(hashmap_put(&map, &key, NULL));
        uint64_t old = key - 20;
        assert_true(key < 20 || hashmap_remove(&map, &old));
    }
    assert_int_equal(map.count, 20);
    assert_int_equal(map.capacity, 64);
    hashmap_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_operations_agree_with_an_array),
        cmocka_unit_test(test_next_visits_every_entry_once),
        cmocka_unit_test(test_an_empty_map_finds_and_removes_nothing),
        cmocka_unit_test(test_take_hands_over_the_value_and_forgets_it),
        cmocka_unit_test(test_room_of_removed_entries_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
