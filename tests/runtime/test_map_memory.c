/* msc_map when memory runs out: at each request once, and from each request on for good. */
#include "failing_memory.h"
#include "map_fixture.h"

#define KEYS 120
#define STEPS 400

static void assign_or_fail(struct subject *subject, size_t i, uint64_t value)
{
    int error = do_assign(subject, i, value);
    if (error) {
        assert_int_equal(error, -ENOMEM);
        check_all(subject); /* as it was */
        return;
    }
    subject->count += !subject->expected[i].present;
    subject->expected[i].present = true;
    subject->expected[i].value = value;
    subject->expected[i].version = subject->map->seq;
}

/* Growth by count and by overflow, deletes in both tables, an iteration open in the middle third. */
static void work(struct subject *subject)
{
    struct msc_map_iter iter;
    for (uint64_t step = 0; step < STEPS; step++) {
        size_t i = draw(subject, KEYS);
        if (step == STEPS / 3)
            assert_int_equal(msc_map_iter_begin(subject->map, &iter), 0);
        if (step == 2 * STEPS / 3)
            msc_map_iter_end(&iter);
        if (draw(subject, 3) == 0)
            must_delete(subject, i); /* never fails */
        else
            assign_or_fail(subject, i, step);
    }
    check_all(subject);
}

static struct subject *subject_colliding(enum msc_key_kind kind)
{
    struct subject *subject = subject_create(kind, KEYS, 0);
    make_colliding(subject, KEYS / 2, 7);
    return subject;
}

/* Returns how many requests failed. */
static uint64_t work_with_failure(enum msc_key_kind kind, uint64_t fail_at, bool for_good)
{
    failing_memory_begin(0, for_good);
    struct subject *subject = subject_colliding(kind);
    failing_memory.asked = 0;
    failing_memory.fail_at = fail_at;
    work(subject);
    uint64_t failed = failing_memory.failed;
    failing_memory_recover();
    for (size_t i = 0; i < KEYS; i++)
        must_assign(subject, i, i);
    check_all(subject);
    subject_destroy(subject);
    assert_int_equal(failing_memory.alive, 0);
    return failed;
}

static void check_each_failure(bool for_good)
{
    for (int kind = MSC_KEY_U64; kind <= MSC_KEY_BYTES; kind++) {
        uint64_t fail_at = 1;
        while (work_with_failure((enum msc_key_kind)kind, fail_at, for_good))
            fail_at++;
        assert_in_range(fail_at, kind == MSC_KEY_U64 ? 10 : 150, 1000); /* as many requests as it made */
    }
}

static void test_one_failed_allocation_does_no_damage(void **state)
{
    (void)state;
    check_each_failure(false);
}

static void test_a_map_without_memory_goes_on_with_what_it_has(void **state)
{
    (void)state;
    check_each_failure(true);
}

static void test_create_gives_back_what_it_got(void **state)
{
    (void)state;
    struct msc_map_options options = {.struct_size = sizeof options, .hint = 1000};
    for (uint64_t fail_at = 1; fail_at <= 2; fail_at++) {
        struct msc_map *map = NULL;
        failing_memory_begin(fail_at, false);
        assert_int_equal(msc_map_create(&options, &map), -ENOMEM);
        assert_null(map);
        assert_int_equal(failing_memory.alive, 0);
    }
}

/* Growth that cannot begin is put off: nothing fails as long as there is a free slot. */
static void test_an_assign_needs_no_memory_while_there_is_a_free_slot(void **state)
{
    (void)state;
    failing_memory_begin(0, true);
    struct subject *subject = subject_create(MSC_KEY_U64, 200, 13);
    for (size_t i = 0; i < 13; i++)
        must_assign(subject, i, i);
    failing_memory.fail_at = 1;
    uint64_t first = hash_of(subject, 13) & 1;
    struct msc_map_link link = map_table_link(subject->map->table, &subject->map->layout, first);
    bool room = msc_map_any(map_tops_empty(msc_map_tops_load(link.tops)));
    assert_int_equal(do_assign(subject, 13, 13), room ? 0 : -ENOMEM);
    assert_int_equal(subject->map->table->B, 1);
    failing_memory_recover();
    must_assign(subject, 14, 14);
    assert_int_equal(subject->map->table->B, 2);
    subject_destroy(subject);
    assert_int_equal(failing_memory.alive, 0);
}

/* While no old bucket with overflow can be moved, its entries live, change and go where they are. */
static void test_writes_go_on_in_old_buckets_that_cannot_be_evacuated(void **state)
{
    (void)state;
    failing_memory_begin(0, true);
    struct subject *subject = subject_create(MSC_KEY_U64, 30, 13);
    make_colliding(subject, 0, 8);
    for (size_t i = 0; i < 13; i++)
        must_assign(subject, i, i); /* 8 and 5 in one chain */
    failing_memory.asked = 0;
    failing_memory.fail_at = 2; /* the table of twice the size is had, and nothing more */
    must_assign(subject, 13, 13);
    assert_non_null(subject->map->old);
    assert_true(is_in_old(subject->map, hash_of(subject, 0)));
    must_assign(subject, 0, 100);
    must_delete(subject, 1);
    must_assign(subject, 14, 14);
    check_all(subject);
    failing_memory_recover();
    must_assign(subject, 2, 102);
    assert_false(is_in_old(subject->map, hash_of(subject, 0)));
    check_all(subject);
    subject_destroy(subject);
    assert_int_equal(failing_memory.alive, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_failed_allocation_does_no_damage),
        cmocka_unit_test(test_a_map_without_memory_goes_on_with_what_it_has),
        cmocka_unit_test(test_create_gives_back_what_it_got),
        cmocka_unit_test(test_an_assign_needs_no_memory_while_there_is_a_free_slot),
        cmocka_unit_test(test_writes_go_on_in_old_buckets_that_cannot_be_evacuated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
