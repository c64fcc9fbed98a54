/* msc_map as its user sees it: entries, versions, misuse, and random operations against a reference. */
#include <pthread.h>

#include "map_fixture.h"

static void *create_cancelled(void *created)
{
    struct msc_map_options options = {.struct_size = sizeof options};
    struct msc_map *map;
    pthread_cancel(pthread_self());
    *(bool *)created = msc_map_create(&options, &map) == 0;
    msc_map_destroy(map);
    return NULL;
}

static void test_no_thread_is_cancelled_while_it_creates_the_first_map(void **state)
{
    (void)state;
    bool created = false;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, create_cancelled, &created), 0);
    pthread_join(thread, NULL);
    assert_true(created);
}

static void test_a_new_map_is_empty(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 8, 0);
    assert_int_equal(msc_map_count(map), 0);
    assert_null(msc_map_find_u64(map, 1));
    assert_int_equal(msc_map_load_u64(map, 1, NULL), -ENOENT);
    assert_int_equal(msc_map_delete_u64(map, 1), -ENOENT);
    assert_int_equal(msc_map_version_u64(map, 1), 0);
    assert_int_equal(msc_map_clear(map), 0);
    msc_map_destroy(map);
}

static void test_options_are_checked(void **state)
{
    (void)state;
    struct msc_map *map = NULL;
    struct msc_map_options options = {.struct_size = offsetof(struct msc_map_options, type) - 1};
    assert_int_equal(msc_map_create(NULL, &map), -EINVAL);
    assert_int_equal(msc_map_create(&options, &map), -EINVAL);
    options = (struct msc_map_options){.struct_size = sizeof options, .key = (enum msc_key_kind)6};
    assert_int_equal(msc_map_create(&options, &map), -EINVAL);
    options = (struct msc_map_options){.struct_size = sizeof options, .value_size = SIZE_MAX};
    assert_int_equal(msc_map_create(&options, &map), -EINVAL);
    options = (struct msc_map_options){.struct_size = sizeof options, .hint = SIZE_MAX};
    assert_int_equal(msc_map_create(&options, &map), -ENOMEM);
    assert_null(map);
}

static void test_values_are_copied_in_and_out(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 8, 0);
    uint64_t value = 11, out = 0;
    assert_int_equal(msc_map_assign_u64(map, 5, &value), 0);
    value = 12;
    assert_int_equal(*(const uint64_t *)msc_map_find_u64(map, 5), 11);
    assert_int_equal(msc_map_load_u64(map, 5, &out), 0);
    assert_int_equal(out, 11);
    *(uint64_t *)msc_map_edit_u64(map, 5) = 13;
    assert_int_equal(*(const uint64_t *)msc_map_find_u64(map, 5), 13);
    assert_int_equal(msc_map_assign_u64(map, 5, NULL), 0);
    assert_int_equal(*(const uint64_t *)msc_map_find_u64(map, 5), 0);
    assert_int_equal(msc_map_count(map), 1);
    msc_map_destroy(map);
}

static void test_byte_keys_are_copied_and_may_hold_nul_bytes(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_BYTES, 1, 0);
    char key[] = "a\0b", one = 1, two = 2, three = 3;
    assert_int_equal(msc_map_assign_bytes(map, key, 3, &one), 0);
    assert_int_equal(msc_map_assign_bytes(map, key, 1, &two), 0);
    assert_int_equal(msc_map_assign_bytes(map, NULL, 0, &three), 0);
    key[2] = 'c';
    assert_int_equal(msc_map_count(map), 3);
    assert_int_equal(*(const char *)msc_map_find_bytes(map, "a\0b", 3), 1);
    assert_int_equal(*(const char *)msc_map_find_bytes(map, "a", 1), 2);
    assert_int_equal(*(const char *)msc_map_edit_bytes(map, "", 0), 3);
    assert_null(msc_map_find_bytes(map, "a\0c", 3));
    assert_null(msc_map_find_bytes(map, "a\0", 2));
    msc_map_destroy(map);
}

/* Sizes around every rounding; each value's bytes are its own. */
static void test_values_of_any_size_keep_apart(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 7, 8, 15, 16, 24, 33, 300};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct msc_map *map = make_map(MSC_KEY_U64, sizes[s], 0);
        unsigned char value[300];
        for (uint64_t key = 0; key < 100; key++) {
            memset(value, (int)key, sizeof value);
            assert_int_equal(msc_map_assign_u64(map, key, value), 0);
        }
        for (uint64_t key = 0; key < 100; key++) {
            memset(value, (int)key, sizeof value);
            const void *found = msc_map_find_u64(map, key);
            assert_non_null(found);
            assert_true(sizes[s] == 0 || memcmp(found, value, sizes[s]) == 0);
            assert_true(sizes[s] % 16 || (uintptr_t)found % 16 == 0);
        }
        msc_map_destroy(map);
    }
}

static void test_a_version_is_the_number_of_the_last_assign(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 0);
    assert_int_equal(msc_map_assign_u64(map, 1, NULL), 0);
    assert_int_equal(msc_map_assign_u64(map, 2, NULL), 0);
    assert_int_equal(msc_map_version_u64(map, 1), 1);
    assert_int_equal(msc_map_version_u64(map, 2), 2);
    assert_int_equal(msc_map_delete_u64(map, 2), 0);
    assert_int_equal(msc_map_delete_u64(map, 2), -ENOENT); /* no mutation, no number */
    assert_int_equal(msc_map_assign_u64(map, 1, NULL), 0);
    assert_int_equal(msc_map_version_u64(map, 1), 4);
    assert_int_equal(msc_map_version_u64(map, 2), 0);
    msc_map_destroy(map);
}

static void test_delete_version_spares_an_entry_that_was_assigned_again(void **state)
{
    (void)state;
    for (int kind = MSC_KEY_U64; kind <= MSC_KEY_BYTES; kind++) {
        struct subject *subject = subject_create((enum msc_key_kind)kind, 3, 0);
        must_assign(subject, 1, 10);
        uint64_t seen = do_version(subject, 1);
        must_assign(subject, 1, 20);
        assert_int_equal(do_delete_version(subject, 1, seen), -ESTALE);
        assert_int_equal(do_delete_version(subject, 1, 0), -ESTALE);
        assert_int_equal(*do_find(subject, 1), 20);
        assert_int_equal(do_delete_version(subject, 1, do_version(subject, 1)), 0);
        assert_null(do_find(subject, 1));
        assert_int_equal(do_delete_version(subject, 1, seen), -ENOENT);
        subject_destroy(subject);
    }
}

static void test_a_null_map_is_empty_and_cannot_be_assigned(void **state)
{
    (void)state;
    struct msc_map_iter iter;
    assert_int_equal(msc_map_assign_u64(NULL, 1, NULL), -EFAULT);
    assert_int_equal(msc_map_assign_bytes(NULL, "k", 1, NULL), -EFAULT);
    assert_null(msc_map_find_u64(NULL, 1));
    assert_null(msc_map_edit_bytes(NULL, "k", 1));
    assert_int_equal(msc_map_load_u64(NULL, 1, NULL), -ENOENT);
    assert_int_equal(msc_map_delete_u64(NULL, 1), -ENOENT);
    assert_int_equal(msc_map_version_bytes(NULL, "k", 1), 0);
    assert_int_equal(msc_map_clear(NULL), 0);
    assert_int_equal(msc_map_count(NULL), 0);
    assert_int_equal(msc_map_iter_begin(NULL, &iter), 0);
    assert_int_equal(msc_map_iter_next(&iter), 0);
    msc_map_iter_end(&iter);
    msc_map_destroy(NULL);
}

static void test_the_other_kind_of_key_is_refused(void **state)
{
    (void)state;
    struct msc_map *numbers = make_map(MSC_KEY_U64, 0, 0), *strings = make_map(MSC_KEY_BYTES, 0, 0);
    assert_int_equal(msc_map_assign_bytes(numbers, "k", 1, NULL), -EINVAL);
    assert_int_equal(msc_map_assign_u64(strings, 1, NULL), -EINVAL);
    assert_int_equal(msc_map_assign_bytes(strings, NULL, 1, NULL), -EINVAL);
    assert_int_equal(msc_map_load_u64(strings, 1, NULL), -EINVAL);
    assert_int_equal(msc_map_delete_bytes(numbers, "k", 1), -EINVAL);
    assert_null(msc_map_find_bytes(numbers, "k", 1));
    assert_int_equal(msc_map_count(numbers) + msc_map_count(strings), 0);
    msc_map_destroy(numbers);
    msc_map_destroy(strings);
}

static void test_whoever_meets_a_writer_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 0);
    struct msc_map_iter iter, late;
    assert_int_equal(msc_map_assign_u64(map, 1, NULL), 0);
    assert_int_equal(msc_map_iter_begin(map, &iter), 0);
    map->head.guard.writer = 4242; /* somebody is within an assign */
    assert_int_equal(msc_map_assign_u64(map, 2, NULL), -EBUSY);
    assert_int_equal(msc_map_delete_u64(map, 1), -EBUSY);
    assert_int_equal(msc_map_clear(map), -EBUSY);
    assert_int_equal(msc_map_load_u64(map, 1, NULL), -EBUSY);
    assert_null(msc_map_find_u64(map, 1));
    assert_int_equal(msc_map_iter_next(&iter), -EBUSY);
    assert_int_equal(msc_map_iter_begin(map, &late), -EBUSY);
    assert_int_equal(msc_map_iter_next(&late), 0);
    msc_map_iter_end(&late);
    map->head.guard.writer = 0; /* it left */
    assert_int_equal(map->seq, 1);
    assert_int_equal(msc_map_iter_next(&iter), 1);
    assert_int_equal(iter.key.number, 1);
    msc_map_iter_end(&iter);
    msc_map_destroy(map);
}

#define WRITES 20000

struct writer {
    pthread_barrier_t *start;
    struct msc_map *map;
    uint64_t parity;
};

static void *write_without_a_lock(void *arg)
{
    struct writer *writer = arg;
    pthread_barrier_wait(writer->start);
    for (uint64_t i = 0; i < WRITES; i++) {
        uint64_t key = 2 * i + writer->parity;
        while (msc_map_assign_u64(writer->map, key, &key) == -EBUSY)
            ;
    }
    return NULL;
}

static void test_two_writers_at_once_lose_nothing_under_the_exact_guard(void **state)
{
    (void)state;
    struct msc_map_options options = {.struct_size = sizeof options, .value_size = 8, .guard = MSC_GUARD_EXACT};
    struct msc_map *map;
    assert_int_equal(msc_map_create(&options, &map), 0);
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, 2);
    struct writer even = {&start, map, 0}, odd = {&start, map, 1};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_without_a_lock, &odd), 0);
    write_without_a_lock(&even);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&start);
    assert_int_equal(msc_map_count(map), 2 * WRITES);
    assert_int_equal(map->seq, 2 * WRITES);
    for (uint64_t key = 0; key < 2 * WRITES; key++)
        assert_int_equal(*(const uint64_t *)msc_map_find_u64(map, key), key);
    check_structure(map);
    msc_map_destroy(map);
}

/* One random operation; more assigns than deletes while `growing`. */
static void operate(struct subject *subject, bool growing, uint64_t step)
{
    size_t i = draw(subject, subject->size);
    uint64_t dice = draw(subject, 100);
    if (dice < (growing ? 60u : 30u))
        must_assign(subject, i, step);
    else if (dice < 80)
        must_delete(subject, i);
    else
        check_key(subject, i);
}

/* Long enough for many doublings, same-size growths and emptyings; everything is checked at every 16th step. */
static void check_random(enum msc_key_kind kind, size_t size, size_t colliding, unsigned bits, bool clears)
{
    struct subject *subject = subject_create(kind, size, 0);
    if (colliding)
        make_colliding(subject, size - colliding, bits);
    for (uint64_t step = 0; step < 20000; step++) {
        operate(subject, step / 2000 % 2 == 0, step);
        if (clears && draw(subject, 3000) == 0)
            must_clear(subject);
        if (subject->count == 0)
            map_set_seed(subject->map, FIXED_HASH0); /* an empty map takes any: the keys collide again */
        if (step % 16 == 0 || subject->map->old)
            check_structure(subject->map);
        if (step % 64 == 0)
            check_all(subject);
    }
    check_all(subject);
    subject_destroy(subject);
}

static void test_random_operations_on_numbers(void **state)
{
    (void)state;
    check_random(MSC_KEY_U64, 1000, 0, 0, true);
}

static void test_random_operations_on_strings(void **state)
{
    (void)state;
    check_random(MSC_KEY_BYTES, 1000, 0, 0, true);
}

static void test_random_operations_on_colliding_numbers(void **state)
{
    (void)state;
    check_random(MSC_KEY_U64, 200, 100, 8, true);
}

static void test_random_operations_on_colliding_strings(void **state)
{
    (void)state;
    check_random(MSC_KEY_BYTES, 200, 100, 8, true);
}

static void test_random_operations_on_a_handful_of_keys(void **state)
{
    (void)state;
    check_random(MSC_KEY_U64, 12, 10, 6, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_thread_is_cancelled_while_it_creates_the_first_map), /* so it comes first */
        cmocka_unit_test(test_a_new_map_is_empty),
        cmocka_unit_test(test_options_are_checked),
        cmocka_unit_test(test_values_are_copied_in_and_out),
        cmocka_unit_test(test_byte_keys_are_copied_and_may_hold_nul_bytes),
        cmocka_unit_test(test_values_of_any_size_keep_apart),
        cmocka_unit_test(test_a_version_is_the_number_of_the_last_assign),
        cmocka_unit_test(test_delete_version_spares_an_entry_that_was_assigned_again),
        cmocka_unit_test(test_a_null_map_is_empty_and_cannot_be_assigned),
        cmocka_unit_test(test_the_other_kind_of_key_is_refused),
        cmocka_unit_test(test_whoever_meets_a_writer_is_refused_and_changes_nothing),
        cmocka_unit_test(test_two_writers_at_once_lose_nothing_under_the_exact_guard),
        cmocka_unit_test(test_random_operations_on_numbers),
        cmocka_unit_test(test_random_operations_on_strings),
        cmocka_unit_test(test_random_operations_on_colliding_numbers),
        cmocka_unit_test(test_random_operations_on_colliding_strings),
        cmocka_unit_test(test_random_operations_on_a_handful_of_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
