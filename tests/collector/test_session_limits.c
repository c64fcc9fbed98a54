/* When a recording ends by itself, and how often its size is looked at. */
#include "support/cmocka_main.h"

#include "collector/session/limits.h"

#define MS UINT64_C(1000000)
#define BEGIN (UINT64_C(5000) * MS)

static void test_without_limits_nothing_is_ever_due(void **state)
{
    (void)state;
    struct limits limits;
    limits_begin(&limits, 0, 0, BEGIN);
    assert_int_equal(limits_due_ns(&limits), UINT64_MAX);
    assert_false(limits_wants_size(&limits, UINT64_MAX - 1));
    assert_int_equal(limits_reached(&limits, UINT64_MAX - 1), LIMITS_NONE);
}

static void test_the_duration_ends_it_to_the_nanosecond(void **state)
{
    (void)state;
    struct limits limits;
    limits_begin(&limits, 300 * MS, 0, BEGIN);
    assert_int_equal(limits_due_ns(&limits), BEGIN + 300 * MS);
    assert_int_equal(limits_reached(&limits, BEGIN + 300 * MS - 1), LIMITS_NONE);
    assert_int_equal(limits_reached(&limits, BEGIN + 300 * MS), LIMITS_DURATION);
}

static void test_the_size_ends_it_from_the_byte_on(void **state)
{
    (void)state;
    struct limits limits;
    limits_begin(&limits, 0, 1000, BEGIN);
    limits_note_size(&limits, 999, BEGIN + 100 * MS);
    assert_int_equal(limits_reached(&limits, BEGIN + 100 * MS), LIMITS_NONE);
    limits_note_size(&limits, 1000, BEGIN + 200 * MS);
    assert_int_equal(limits_reached(&limits, BEGIN + 200 * MS), LIMITS_SIZE);
}

static void test_a_trace_that_does_not_grow_is_looked_at_once_a_second(void **state)
{
    (void)state;
    struct limits limits;
    limits_begin(&limits, 0, 1000, BEGIN);
    assert_int_equal(limits_due_ns(&limits), BEGIN + 100 * MS);
    assert_false(limits_wants_size(&limits, BEGIN + 100 * MS - 1));
    assert_true(limits_wants_size(&limits, BEGIN + 100 * MS));
    limits_note_size(&limits, 10, BEGIN + 100 * MS);
    limits_note_size(&limits, 10, BEGIN + 1100 * MS);
    assert_int_equal(limits_due_ns(&limits), BEGIN + 2100 * MS);
    limits_note_size(&limits, 5, BEGIN + 2100 * MS); /* a file was taken away */
    assert_int_equal(limits_due_ns(&limits), BEGIN + 3100 * MS);
}

static void test_a_trace_that_grows_fast_is_looked_at_before_it_is_full(void **state)
{
    (void)state;
    struct limits limits;
    limits_begin(&limits, 0, 1000, BEGIN);
    limits_note_size(&limits, 200, BEGIN + 100 * MS); /* 2 bytes a ms, 800 left: full in 400 ms */
    assert_int_equal(limits_due_ns(&limits), BEGIN + 300 * MS);
    limits_note_size(&limits, 600, BEGIN + 300 * MS);
    assert_int_equal(limits_due_ns(&limits), BEGIN + 400 * MS);
    limits_note_size(&limits, 999, BEGIN + 400 * MS); /* but not without a pause */
    assert_int_equal(limits_due_ns(&limits), BEGIN + 450 * MS);
}

static void test_whichever_comes_first_is_due(void **state)
{
    (void)state;
    struct limits limits;
    limits_begin(&limits, 500 * MS, 1000, BEGIN);
    assert_int_equal(limits_due_ns(&limits), BEGIN + 100 * MS);
    limits_note_size(&limits, 10, BEGIN + 100 * MS);
    assert_int_equal(limits_due_ns(&limits), BEGIN + 500 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_limits_nothing_is_ever_due),
        cmocka_unit_test(test_the_duration_ends_it_to_the_nanosecond),
        cmocka_unit_test(test_the_size_ends_it_from_the_byte_on),
        cmocka_unit_test(test_a_trace_that_does_not_grow_is_looked_at_once_a_second),
        cmocka_unit_test(test_a_trace_that_grows_fast_is_looked_at_before_it_is_full),
        cmocka_unit_test(test_whichever_comes_first_is_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
