/*
 * The verbs about whole maps when memory runs out: at each request they make. -ENOMEM leaves the map as it was, for
 * its entries, an open iteration and the next try, and nothing is lost.
 */
#include "failing_memory.h"
#include "map_fixture.h"

enum { FIRST = 410, KEYS = 470, ROOM = 3000, LARGE = 4000 };

/* 417 entries are too many for 2^6 buckets: a map that is growing, with overflow buckets, and entries in both arrays.
 */
static struct subject *subject_growing(enum msc_key_kind kind)
{
    struct subject *subject = subject_create(kind, KEYS, 0);
    make_colliding(subject, KEYS - 20, 5);
    for (size_t i = 0; i < FIRST; i++)
        must_assign(subject, i, i);
    for (size_t i = 0; i < FIRST; i += 9)
        must_delete(subject, i);
    for (size_t i = FIRST; i < KEYS; i++)
        must_assign(subject, i, i);
    assert_non_null(subject->map->old);
    return subject;
}

/* A large array with few entries. */
static struct subject *subject_sparse(enum msc_key_kind kind)
{
    struct subject *subject = subject_growing(kind);
    for (size_t i = 60; i < KEYS; i++)
        must_delete(subject, i);
    return subject;
}

/* A verb on the map: 0, or -ENOMEM. */
typedef int verb_fn(struct subject *subject);

static int reserve(struct subject *subject)
{
    return msc_map_reserve(subject->map, ROOM);
}

static int shrink(struct subject *subject)
{
    return msc_map_shrink(subject->map);
}

static int clone(struct subject *subject)
{
    struct msc_map *copy = NULL, *map = subject->map;
    int error = msc_map_clone(map, &copy);
    if (error) {
        assert_null(copy);
        return error;
    }
    assert_int_equal(msc_map_equal(map, copy), 1);
    subject->map = copy;
    check_all(subject);
    subject->map = map;
    msc_map_destroy(copy);
    return 0;
}

/* These need no memory at all. */
static int alias_swap_and_compare(struct subject *subject)
{
    uint64_t asked = failing_memory.asked;
    struct msc_map *other = msc_map_alias(subject->map);
    assert_int_equal(msc_map_equal(subject->map, other), 1);
    msc_map_destroy(other);
    assert_int_equal(failing_memory.asked, asked);
    failing_memory_recover();
    other = make_map(subject->kind, sizeof(uint64_t), 0);
    map_set_seed(other, FIXED_HASH0);
    failing_memory.fail_at = failing_memory.asked + 1;
    failing_memory.for_good = true;
    assert_int_equal(msc_map_swap(subject->map, other), 0);
    assert_int_equal(msc_map_count(subject->map), 0);
    assert_int_equal(msc_map_equal(subject->map, other), 0);
    assert_int_equal(msc_map_swap(other, subject->map), 0);
    assert_int_equal(failing_memory.failed, 0);
    failing_memory_recover();
    msc_map_destroy(other);
    return 0;
}

/* The map can be used as before: each entry changes, and new ones come. */
static void use(struct subject *subject)
{
    for (size_t i = 0; i < KEYS; i++)
        must_assign(subject, i, i + 7);
    check_all(subject);
}

static void finish(struct subject *subject)
{
    use(subject);
    subject_destroy(subject);
    assert_int_equal(failing_memory.alive, 0);
    assert_int_equal(failing_memory.mapped_bytes, 0);
}

/* Goes on with an iteration that has produced one entry: each of the others comes, once. */
static void finish_iteration(struct subject *subject, struct msc_map_iter *iter)
{
    size_t seen = 1;
    while (msc_map_iter_next(iter) == 1)
        seen++;
    assert_int_equal(seen, subject->count);
    msc_map_iter_end(iter);
}

/* False if there were fewer requests. */
static bool fails_at(verb_fn *verb, enum msc_key_kind kind, uint64_t n, bool for_good, bool iterated)
{
    struct msc_map_iter iter;
    failing_memory_begin(0, for_good);
    struct subject *subject = verb == shrink ? subject_sparse(kind) : subject_growing(kind);
    if (iterated) {
        assert_int_equal(msc_map_iter_begin(subject->map, &iter), 0);
        assert_int_equal(msc_map_iter_next(&iter), 1);
    }
    failing_memory.asked = 0;
    failing_memory.fail_at = n;
    int error = verb(subject);
    bool failed = failing_memory.failed > 0;
    assert_int_equal(error, failed ? -ENOMEM : 0);
    check_all(subject);
    failing_memory_recover();
    assert_int_equal(verb(subject), 0);
    check_all(subject);
    if (iterated)
        finish_iteration(subject, &iter);
    finish(subject);
    return failed;
}

static void check_each_failure(verb_fn *verb, uint64_t least_requests)
{
    for (int kind = MSC_KEY_U64; kind <= MSC_KEY_BYTES; kind++)
        for (int way = 0; way < (verb == alias_swap_and_compare ? 2 : 4); way++) { /* -EBUSY while it is iterated */
            uint64_t n = 1; /* of the many requests of a clone, the first ones and every seventh */
            while (fails_at(verb, (enum msc_key_kind)kind, n, way & 1, way & 2))
                n += n < 20 ? 1 : 7;
            assert_true(n > least_requests);
        }
}

static void test_reserve_that_finds_no_memory_leaves_the_map_as_it_was(void **state)
{
    (void)state;
    check_each_failure(reserve, 1);
}

static void test_shrink_that_finds_no_memory_leaves_the_map_as_it_was(void **state)
{
    (void)state;
    check_each_failure(shrink, 1);
}

static void test_clone_that_finds_no_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    check_each_failure(clone, 2);
}

static void test_handles_exchange_and_comparison_need_no_memory(void **state)
{
    (void)state;
    check_each_failure(alias_swap_and_compare, 0);
}

/* ---- large arrays, of pages ---- */

/* Grows a map to LARGE entries of 64 bytes by assigns; those that fail leave it as it was. Returns what failed. */
static uint64_t fill_large(uint64_t fail_at, bool for_good)
{
    struct msc_map *map;
    struct msc_map_options options = {.struct_size = sizeof options, .value_size = 64};
    failing_memory_begin_with_pages(0, for_good);
    assert_int_equal(msc_map_create(&options, &map), 0);
    failing_memory.asked = 0;
    failing_memory.fail_at = fail_at;
    unsigned char value[64] = {1};
    size_t refused = 0;
    for (uint64_t key = 0; key < LARGE; key++) {
        int error = msc_map_assign_u64(map, key, value);
        assert_true(error == 0 || error == -ENOMEM);
        refused += error != 0;
        assert_int_equal(msc_map_count(map), key + 1 - refused);
    }
    uint64_t failed = failing_memory.failed;
    int error = msc_map_shrink(map);
    assert_true(error == 0 || (error == -ENOMEM && failing_memory.failed > failed));
    error = msc_map_reserve(map, 4 * (size_t)LARGE);
    assert_true(error == 0 || (error == -ENOMEM && failing_memory.failed > failed));
    failed = failing_memory.failed;
    failing_memory_recover();
    for (uint64_t key = 0; key < LARGE; key++)
        assert_int_equal(msc_map_assign_u64(map, key, value), 0);
    assert_int_equal(msc_map_count(map), LARGE);
    msc_map_destroy(map);
    assert_int_equal(failing_memory.alive, 0);
    assert_int_equal(failing_memory.mapped_bytes, 0);
    return failed;
}

static void test_an_array_for_which_there_are_no_pages_is_put_off(void **state)
{
    (void)state;
    for (int for_good = 0; for_good <= 1; for_good++) {
        uint64_t n = 1;
        while (fill_large(n, for_good))
            n++;
        assert_true(n > 12); /* an array of each size, the large ones with two requests */
    }
    failing_memory_begin_with_pages(0, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reserve_that_finds_no_memory_leaves_the_map_as_it_was),
        cmocka_unit_test(test_shrink_that_finds_no_memory_leaves_the_map_as_it_was),
        cmocka_unit_test(test_clone_that_finds_no_memory_leaves_nothing_behind),
        cmocka_unit_test(test_handles_exchange_and_comparison_need_no_memory),
        cmocka_unit_test(test_an_array_for_which_there_are_no_pages_is_put_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
