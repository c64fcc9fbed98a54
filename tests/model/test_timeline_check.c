/* timeline_check: finds each broken rule of model/timeline.h, and passes everything on. */
#include "model/timeline.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct timeline_check *check;
    const struct timeline_sink *sink;
    struct diag diag;
    unsigned passed_on;
    struct timeline_slice last_slice;
};

static int on_slice(void *self, const struct timeline_slice *slice)
{
    struct fixture *fixture = self;
    fixture->last_slice = *slice;
    fixture->passed_on++;
    return 0;
}

static int on_process(void *self, uint32_t pid, const char *name, int32_t sort_index)
{
    (void)pid;
    (void)name;
    (void)sort_index;
    ((struct fixture *)self)->passed_on++;
    return 0;
}

static int setup(void **state)
{
    static struct fixture fixture;
    struct timeline_sink next = {.slice = on_slice, .process = on_process, .self = &fixture};
    fixture = (struct fixture){.passed_on = 0};
    diag_init(&fixture.diag);
    assert_int_equal(timeline_check_create(&next, &fixture.diag, &fixture.check), 0);
    fixture.sink = timeline_check_sink(fixture.check);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    timeline_check_destroy(fixture->check);
    diag_fini(&fixture->diag);
    return 0;
}

static void name(struct fixture *fixture)
{
    assert_int_equal(fixture->sink->process(fixture->sink->self, 1, "p", 0), 0);
    assert_int_equal(fixture->sink->row(fixture->sink->self, 1, 2, "r", 0), 0);
}

static int put(struct fixture *fixture, uint64_t begin_ns, uint64_t end_ns, enum timeline_flow flow, uint64_t flow_id)
{
    struct timeline_slice slice = {.pid = 1,
                                   .row = 2,
                                   .begin_ns = begin_ns,
                                   .end_ns = end_ns,
                                   .name = "s",
                                   .category = "",
                                   .flow = flow,
                                   .flow_id = flow_id};
    return fixture->sink->slice(fixture->sink->self, &slice);
}

static void put_plain(struct fixture *fixture, uint64_t begin_ns, uint64_t end_ns)
{
    assert_int_equal(put(fixture, begin_ns, end_ns, TIMELINE_FLOW_NONE, 0), 0);
}

static void put_flow(struct fixture *fixture, uint64_t begin_ns, enum timeline_flow flow)
{
    assert_int_equal(put(fixture, begin_ns, begin_ns, flow, TIMELINE_FLOW_FIRST), 0);
}

static void assert_finds(struct fixture *fixture, const char *why)
{
    assert_int_equal(timeline_check_finish(fixture->check), -EINVAL);
    assert_non_null(strstr(diag_text(&fixture->diag), why));
}

static void test_it_passes_on_and_counts_what_is_right(void **state)
{
    struct fixture *fixture = *state;
    put_plain(fixture, 10, 20);
    put_plain(fixture, 20, 30);
    put_plain(fixture, 10, 30);
    put_plain(fixture, 15, 15);
    put_flow(fixture, 5, TIMELINE_FLOW_IN);
    put_flow(fixture, 5, TIMELINE_FLOW_OUT);
    put_flow(fixture, 6, TIMELINE_FLOW_IN);
    name(fixture);
    assert_int_equal(timeline_check_finish(fixture->check), 0);
    assert_int_equal(timeline_check_counts(fixture->check).slices, 7);
    assert_int_equal(timeline_check_counts(fixture->check).flows, 1);
    assert_int_equal(fixture->passed_on, 8);
}

static void test_it_finds_an_overlap_of_1_ns(void **state)
{
    name(*state);
    put_plain(*state, 10, 20);
    put_plain(*state, 19, 21);
    assert_finds(*state, "process 1, row 2: [10, 20) and [19, 21) overlap");
}

static void test_it_refuses_an_end_before_the_begin(void **state)
{
    assert_int_equal(put(*state, 11, 10, TIMELINE_FLOW_NONE, 0), -EINVAL);
}

static void test_it_refuses_row_0(void **state)
{
    struct fixture *fixture = *state;
    struct timeline_instant instant = {.pid = 1, .name = "i", .category = ""};
    assert_int_equal(fixture->sink->instant(fixture->sink->self, &instant), -EINVAL);
    assert_int_equal(fixture->sink->row(fixture->sink->self, 1, 0, "r", 0), -EINVAL);
}

static int put_on_two_rows(struct fixture *fixture, uint64_t begin_ns, uint64_t end_ns)
{
    struct timeline_slice slice = {.pid = 1,
                                   .row = 3,
                                   .also = {.pid = 1, .row = 2},
                                   .begin_ns = begin_ns,
                                   .end_ns = end_ns,
                                   .name = "s",
                                   .category = ""};
    return fixture->sink->slice(fixture->sink->self, &slice);
}

static void test_a_slice_on_two_rows_counts_on_both_and_goes_on_as_one(void **state)
{
    struct fixture *fixture = *state;
    name(fixture);
    assert_int_equal(fixture->sink->row(fixture->sink->self, 1, 3, "other", 0), 0);
    unsigned before = fixture->passed_on;
    assert_int_equal(put_on_two_rows(fixture, 10, 20), 0);
    assert_int_equal(fixture->passed_on, before + 1); /* as the one that it came as */
    assert_int_equal(fixture->last_slice.row, 3);
    assert_int_equal(fixture->last_slice.also.row, 2);
    assert_int_equal(timeline_check_counts(fixture->check).slices, 2);
    put_plain(fixture, 15, 25); /* overlaps it on the first row */
    assert_int_equal(timeline_check_finish(fixture->check), -EINVAL);
}

static void test_it_refuses_a_small_flow_id(void **state)
{
    assert_int_equal(put(*state, 1, 2, TIMELINE_FLOW_OUT, TIMELINE_FLOW_FIRST - 1), -EINVAL);
}

static void test_it_finds_a_flow_that_leads_nowhere(void **state)
{
    name(*state);
    put_flow(*state, 5, TIMELINE_FLOW_OUT);
    assert_finds(*state, "leads nowhere");
}

static void test_it_finds_a_flow_from_nowhere(void **state)
{
    name(*state);
    put_flow(*state, 5, TIMELINE_FLOW_IN);
    assert_finds(*state, "comes from nowhere");
}

static void test_it_finds_a_flow_that_begins_twice(void **state)
{
    name(*state);
    put_flow(*state, 5, TIMELINE_FLOW_OUT);
    put_flow(*state, 5, TIMELINE_FLOW_OUT);
    put_flow(*state, 6, TIMELINE_FLOW_IN);
    assert_finds(*state, "begins twice");
}

static void test_it_finds_a_flow_against_time(void **state)
{
    name(*state);
    put_flow(*state, 5, TIMELINE_FLOW_OUT);
    put_flow(*state, 4, TIMELINE_FLOW_IN);
    assert_finds(*state, "arrives before it begins");
}

static void test_it_finds_a_row_without_a_name(void **state)
{
    struct fixture *fixture = *state;
    put_plain(fixture, 1, 2);
    assert_int_equal(fixture->sink->process(fixture->sink->self, 1, "p", 0), 0);
    assert_finds(fixture, "row 2: never named");
}

static void test_it_finds_a_process_without_a_name(void **state)
{
    struct fixture *fixture = *state;
    struct timeline_counter counter = {.pid = 9, .name = "c", .series = "v"};
    name(fixture);
    assert_int_equal(fixture->sink->counter(fixture->sink->self, &counter), 0);
    assert_finds(fixture, "process 9, row 0: never named");
}

static void test_it_finds_a_second_name(void **state)
{
    name(*state);
    name(*state);
    assert_finds(*state, "named twice");
}

#define CHECK_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK_TEST(test_it_passes_on_and_counts_what_is_right),
        CHECK_TEST(test_it_finds_an_overlap_of_1_ns),
        CHECK_TEST(test_it_refuses_an_end_before_the_begin),
        CHECK_TEST(test_it_refuses_row_0),
        CHECK_TEST(test_a_slice_on_two_rows_counts_on_both_and_goes_on_as_one),
        CHECK_TEST(test_it_refuses_a_small_flow_id),
        CHECK_TEST(test_it_finds_a_flow_that_leads_nowhere),
        CHECK_TEST(test_it_finds_a_flow_from_nowhere),
        CHECK_TEST(test_it_finds_a_flow_that_begins_twice),
        CHECK_TEST(test_it_finds_a_flow_against_time),
        CHECK_TEST(test_it_finds_a_row_without_a_name),
        CHECK_TEST(test_it_finds_a_process_without_a_name),
        CHECK_TEST(test_it_finds_a_second_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
