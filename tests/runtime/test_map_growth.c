/* When msc_map grows, how it evacuates, and what its slots say: Go's counts and states. */
#include "map_fixture.h"

static uint32_t B_of(const struct subject *subject)
{
    return subject->map->table->B;
}

static void assign_until(struct subject *subject, size_t count)
{
    while (subject->count < count)
        must_assign(subject, subject->count, subject->count);
}

/* count + 1 > 8 and count + 1 > 6.5 * 2^B */
static void test_a_map_doubles_at_the_counts_of_go(void **state)
{
    (void)state;
    static const size_t doubling_insert[] = {9, 14, 27, 53, 105, 209, 417, 833, 1665, 3329};
    struct subject *subject = subject_create(MSC_KEY_U64, UNIVERSE_MAX, 0);
    for (uint32_t B = 0; B < 10; B++) {
        assign_until(subject, doubling_insert[B] - 1);
        assert_int_equal(B_of(subject), B);
        assert_null(subject->map->old);
        must_assign(subject, 0, 0); /* no new key */
        assert_int_equal(B_of(subject), B);
        assign_until(subject, doubling_insert[B]);
        assert_int_equal(B_of(subject), B + 1);
        assert_false(subject->map->same_size);
    }
    check_all(subject);
    subject_destroy(subject);
}

static void test_a_hint_makes_room_from_the_start(void **state)
{
    (void)state;
    static const struct {
        size_t hint;
        uint32_t B;
    } cases[] = {{9, 1}, {13, 1}, {14, 2}, {832, 7}, {1000, 8}};
    struct msc_map *map = make_map(MSC_KEY_U64, 8, 8);
    assert_null(map->table); /* made by the first assign */
    msc_map_destroy(map);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        map = make_map(MSC_KEY_U64, 8, cases[i].hint);
        assert_int_equal(map->table->B, cases[i].B);
        msc_map_destroy(map);
    }
}

/* Up to the assign that begins to double 16 buckets. */
static struct subject *subject_growing(enum msc_key_kind kind)
{
    struct subject *subject = subject_create(kind, 200, 0);
    assign_until(subject, 105);
    assert_non_null(subject->map->old);
    return subject;
}

static void test_a_write_evacuates_its_bucket_and_one_more(void **state)
{
    (void)state;
    struct subject *subject = subject_growing(MSC_KEY_U64);
    uint64_t steps = subject->map->evacuation.steps - subject->map->before_growth.steps;
    assert_int_equal(steps, 2);
    for (size_t i = 0; subject->map->old; i++) {
        uint64_t before = subject->map->evacuation.steps, mask = subject->map->old->view.mask;
        bool moved = map_table_is_evacuated(subject->map->old, hash_of(subject, i) & mask);
        if (i % 2)
            must_assign(subject, i, 7);
        else
            must_delete(subject, i);
        uint64_t now = subject->map->evacuation.steps;
        assert_true(now - before == (moved ? 1u : 2u) || !subject->map->old);
        check_all(subject);
    }
    steps = subject->map->evacuation.steps - subject->map->before_growth.steps;
    assert_int_equal(steps, 16);
    subject_destroy(subject);
}

static void test_reads_look_in_the_old_bucket_and_move_nothing(void **state)
{
    (void)state;
    struct subject *subject = subject_growing(MSC_KEY_BYTES);
    uint64_t steps = subject->map->evacuation.steps;
    size_t in_old = 0;
    for (size_t i = 0; i < 105; i++)
        in_old += is_in_old(subject->map, hash_of(subject, i));
    assert_in_range(in_old, 50, 105);
    check_all(subject);
    assert_int_equal(subject->map->evacuation.steps, steps);
    subject_destroy(subject);
}

static void test_no_growth_begins_while_one_is_under_way(void **state)
{
    (void)state;
    struct subject *subject = subject_growing(MSC_KEY_U64);
    const struct msc_map_table *old = subject->map->old;
    subject->map->noverflow = 1000;
    must_assign(subject, 150, 1);
    assert_ptr_equal(subject->map->old, old);
    assert_int_equal(B_of(subject), 5);
    subject_destroy(subject);
}

/* The n-th key of the universe, from 0, that falls into this bucket of two. */
static size_t key_in(const struct subject *subject, uint64_t bucket, size_t n)
{
    size_t i = 0;
    while ((hash_of(subject, i) & 1) != bucket || n-- > 0)
        i++;
    return i;
}

/*
 * Two buckets, each with an overflow bucket, but 10 entries: the next new key re-packs the map.
 * One overflow bucket would not have (2^B = 2), nor would 14 entries have done it so (they double).
 */
static void test_a_sparse_map_grows_at_the_same_size(void **state)
{
    (void)state;
    struct subject *subject = subject_create(MSC_KEY_U64, 200, 13);
    for (size_t n = 0; n < 9; n++)
        must_assign(subject, key_in(subject, 0, n), n);
    assert_int_equal(subject->map->noverflow, 1);
    for (size_t n = 0; n < 8; n++)
        must_delete(subject, key_in(subject, 0, n));
    for (size_t n = 0; n < 9; n++)
        must_assign(subject, key_in(subject, 1, n), n);
    assert_int_equal(subject->map->noverflow, 2);
    assert_null(subject->map->old);

    uint64_t before = subject->map->evacuation.moved;
    must_assign(subject, key_in(subject, 0, 20), 99);
    assert_int_equal(B_of(subject), 1);
    assert_null(subject->map->old); /* both buckets were evacuated by that assign */
    assert_int_equal(subject->map->evacuation.moved - before, 10);
    assert_int_equal(subject->map->noverflow, 1); /* of bucket 1, with 9 entries */
    assert_null(subject->map->table->view.buckets[0].overflow);
    check_all(subject);
    subject_destroy(subject);
}

static void check_tops(const uint8_t *tops, const char *states)
{
    char seen[MSC_MAP_SLOTS + 1] = "";
    for (unsigned i = 0; i < MSC_MAP_SLOTS; i++)
        seen[i] = "r1???x"[tops[i] < MSC_MAP_MIN_TOPHASH ? tops[i] : MSC_MAP_MIN_TOPHASH];
    assert_string_equal(seen, states);
}

/* x = an entry, 1 = empty, r = empty and so is all that follows */
static void test_deleting_restores_empty_rest_backwards(void **state)
{
    (void)state;
    struct subject *subject = subject_create(MSC_KEY_BYTES, 10, 100);
    make_colliding(subject, 0, 8);
    for (size_t i = 0; i < 10; i++)
        must_assign(subject, i, i);
    uint64_t number = hash_of(subject, 0) & subject->map->table->view.mask;
    const struct msc_map_link link = map_table_link(subject->map->table, &subject->map->layout, number);
    const uint8_t *first = link.tops, *second = link.bucket->overflow->tops;
    check_tops(first, "xxxxxxxx");
    check_tops(second, "xxrrrrrr");
    must_delete(subject, 8);
    check_tops(second, "1xrrrrrr");
    must_delete(subject, 7);
    must_delete(subject, 3);
    check_tops(first, "xxx1xxx1");
    must_delete(subject, 9);
    check_tops(second, "rrrrrrrr");
    check_tops(first, "xxx1xxxr");
    must_delete(subject, 4);
    must_delete(subject, 5);
    check_tops(first, "xxx111xr");
    must_delete(subject, 6);
    check_tops(first, "xxxrrrrr");
    must_assign(subject, 9, 1); /* takes the first free slot */
    check_tops(first, "xxxxrrrr");
    check_all(subject);
    subject_destroy(subject);
}

static void test_an_emptied_map_keeps_its_buckets_and_changes_its_seed(void **state)
{
    (void)state;
    struct subject *subject = subject_create(MSC_KEY_BYTES, 1000, 0);
    assign_until(subject, 1000);
    while (subject->map->old)
        must_assign(subject, 0, 0);
    uint32_t B = B_of(subject);
    const struct msc_map_table *table = subject->map->table;
    for (size_t i = 0; i < 999; i++)
        must_delete(subject, i);
    assert_int_equal(subject->map->hash0, FIXED_HASH0);
    must_delete(subject, 999);
    assert_int_not_equal(subject->map->hash0, FIXED_HASH0);
    assert_int_equal(B_of(subject), B);
    assert_ptr_equal(subject->map->table, table);
    check_all(subject);
    subject_destroy(subject);
}

static void test_clear_keeps_the_buckets_and_ends_the_growth(void **state)
{
    (void)state;
    struct subject *subject = subject_growing(MSC_KEY_BYTES);
    const struct msc_map_table *table = subject->map->table;
    must_clear(subject);
    assert_null(subject->map->old);
    assert_ptr_equal(subject->map->table, table);
    assert_int_equal(subject->map->noverflow, 0);
    assert_int_not_equal(subject->map->hash0, FIXED_HASH0);
    check_all(subject);
    assign_until(subject, 200);
    check_all(subject);
    subject_destroy(subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_map_doubles_at_the_counts_of_go),
        cmocka_unit_test(test_a_hint_makes_room_from_the_start),
        cmocka_unit_test(test_a_write_evacuates_its_bucket_and_one_more),
        cmocka_unit_test(test_reads_look_in_the_old_bucket_and_move_nothing),
        cmocka_unit_test(test_no_growth_begins_while_one_is_under_way),
        cmocka_unit_test(test_a_sparse_map_grows_at_the_same_size),
        cmocka_unit_test(test_deleting_restores_empty_rest_backwards),
        cmocka_unit_test(test_an_emptied_map_keeps_its_buckets_and_changes_its_seed),
        cmocka_unit_test(test_clear_keeps_the_buckets_and_ends_the_growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
