/* timeline_nest: what nests stays as it is, what does not is cut, and memory has a bound. */
#include "collector/analyses/timeline_nest.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_added(struct nest *nest, uint64_t begin_ns, uint64_t end_ns, uint64_t want_begin_ns,
                         uint64_t want_end_ns)
{
    assert_int_equal(nest_add(nest, &begin_ns, &end_ns), 0);
    assert_int_equal(begin_ns, want_begin_ns);
    assert_int_equal(end_ns, want_end_ns);
}

static void assert_kept(struct nest *nest, uint64_t begin_ns, uint64_t end_ns)
{
    assert_added(nest, begin_ns, end_ns, begin_ns, end_ns);
}

static void test_a_parent_may_come_after_its_children(void **state)
{
    struct nest *nest = *state;
    assert_kept(nest, 2, 5);
    assert_kept(nest, 6, 7);
    assert_kept(nest, 0, 10);
    assert_kept(nest, 0, 12);
}

static void test_a_parent_may_begin_and_end_with_its_children(void **state)
{
    struct nest *nest = *state;
    assert_kept(nest, 5, 8);
    assert_kept(nest, 8, 9);
    assert_kept(nest, 5, 9);
    assert_kept(nest, 5, 9);
}

static void test_a_wait_that_comes_late_finds_its_gap(void **state)
{
    struct nest *nest = *state;
    assert_kept(nest, 0, 3);
    assert_kept(nest, 20, 21);
    assert_kept(nest, 22, 23);
    assert_kept(nest, 3, 20);
}

static void test_a_late_slice_fits_inside_one_that_has_ended(void **state)
{
    struct nest *nest = *state;
    assert_kept(nest, 0, 100);
    assert_kept(nest, 120, 130);
    assert_kept(nest, 10, 100);
    assert_kept(nest, 10, 20);
}

static void test_an_end_behind_the_parents_is_cut_even_by_1_ns(void **state)
{
    struct nest *nest = *state;
    assert_kept(nest, 0, 100);
    assert_added(nest, 50, 101, 50, 100);
}

static void test_a_slice_across_a_later_begin_is_cut_there(void **state)
{
    struct nest *nest = *state;
    assert_kept(nest, 50, 100);
    assert_added(nest, 40, 60, 40, 50);
}

static void test_nothing_begins_before_the_start(void **state)
{
    struct nest nest;
    nest_init(&nest, 1000, NEST_IN_ORDER);
    assert_added(&nest, 10, 1010, 1000, 1010);
    assert_added(&nest, 10, 20, 1000, 1000);
    nest_fini(&nest);
    (void)state;
}

static void test_an_open_slice_holds_what_comes_until_it_is_closed(void **state)
{
    struct nest *nest = *state;
    uint64_t begin_ns = 10, end_ns = 40;
    assert_int_equal(nest_open(nest, &begin_ns), 0);
    assert_added(nest, 5, 20, 5, 10); /* began before it: may not reach into it */
    assert_kept(nest, 15, 30);
    assert_int_equal(nest_close(nest, &end_ns), 0);
    assert_int_equal(end_ns, 40);
    assert_added(nest, 35, 45, 35, 40);
}

static void test_a_close_before_a_childs_end_moves_to_that_end(void **state)
{
    struct nest *nest = *state;
    uint64_t begin_ns = 10, end_ns = 12;
    assert_int_equal(nest_open(nest, &begin_ns), 0);
    assert_kept(nest, 11, 20);
    assert_int_equal(nest_close(nest, &end_ns), 0);
    assert_int_equal(end_ns, 20);
}

static void test_a_long_gap_is_remembered_behind_thousands_of_slices(void **state)
{
    struct nest *nest = *state;
    assert_kept(nest, 0, 10);
    for (uint64_t at = 100000; at < 200000; at += 20)
        assert_kept(nest, at, at + 10);
    assert_true(nest->count <= NEST_LATE);
    assert_kept(nest, 10, 100000); /* the wait before all of them */
}

/* What is short is what is short now: a gap of 300 ns is nothing among slices of a millisecond, and then it is long. */
static void test_which_gaps_are_long_changes_with_the_slices(void **state)
{
    struct nest *nest = *state;
    for (uint64_t at = 0; at < 2000 * UINT64_C(1000000); at += 1000000)
        assert_kept(nest, at, at + 500000);
    uint64_t gap_ns = UINT64_C(3000000000);
    for (uint64_t at = gap_ns - 40000; at < gap_ns; at += 20)
        assert_kept(nest, at, at + 10);
    for (uint64_t at = gap_ns + 300; at < gap_ns + 40000; at += 20)
        assert_kept(nest, at, at + 10);
    assert_kept(nest, gap_ns, gap_ns + 300);
}

static void test_a_slice_around_forgotten_ones_is_kept(void **state)
{
    struct nest *nest = *state;
    for (uint64_t at = 1000; at < 9000; at += 20)
        assert_kept(nest, at, at + 10);
    assert_kept(nest, 500, 10000);
    assert_added(nest, 700, 20000, 700, 10000);
}

static void test_a_short_gap_among_forgotten_ones_takes_no_slice(void **state)
{
    struct nest *nest = *state;
    for (uint64_t at = 1000; at < 9000; at += 20)
        assert_kept(nest, at, at + 10);
    assert_added(nest, 1992, 1997, 1992, 1992);
}

static void test_slices_do_not_go_deeper_than_perfetto_shows(void **state)
{
    struct nest *nest = *state;
    uint64_t begin_ns = 1;
    for (unsigned i = 0; i < NEST_DEPTH_MAX; i++)
        assert_int_equal(nest_open(nest, &begin_ns), 0);
    assert_int_equal(nest_open(nest, &begin_ns), -EOVERFLOW);
    assert_added(nest, 5, 10, 5, 5);
}

static uint64_t random_below(uint64_t limit)
{
    static uint64_t seed = 1;
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (seed >> 33) % limit;
}

struct span {
    uint64_t begin_ns, end_ns;
};

static int by_begin(const void *left, const void *right)
{
    const struct span *a = left, *b = right;
    if (a->begin_ns != b->begin_ns)
        return a->begin_ns < b->begin_ns ? -1 : 1;
    return a->end_ns > b->end_ns ? -1 : a->end_ns < b->end_ns;
}

static void assert_nested(struct span *spans, size_t count)
{
    uint64_t ends[4096];
    size_t depth = 0;
    qsort(spans, count, sizeof *spans, by_begin);
    for (size_t i = 0; i < count; i++) {
        while (depth && ends[depth - 1] <= spans[i].begin_ns)
            depth--;
        assert_true(depth == 0 || ends[depth - 1] >= spans[i].end_ns);
        ends[depth++] = spans[i].end_ns;
    }
    assert_true(depth <= NEST_DEPTH_MAX + 1);
}

/* Times from nowhere: whatever is asked for, what is given nests. */
static void run_noise(size_t capacity, uint64_t range_ns)
{
    enum { SLICES = 3000, FRAMES_MAX = 8 };
    static struct span spans[SLICES + FRAMES_MAX];
    uint64_t frames[FRAMES_MAX], now_ns = 0;
    size_t frame_count = 0, count = 0;
    struct nest nest;
    nest_init(&nest, 0, capacity);
    while (count < SLICES) {
        uint64_t begin_ns = random_below(range_ns), end_ns = begin_ns + random_below(range_ns);
        unsigned choice = (unsigned)random_below(16);
        now_ns += random_below(3);
        if (choice == 0 && frame_count < FRAMES_MAX) {
            frames[frame_count] = now_ns;
            assert_int_equal(nest_open(&nest, &frames[frame_count++]), 0);
        } else if (choice == 1 && frame_count) {
            end_ns = now_ns;
            assert_int_equal(nest_close(&nest, &end_ns), 0);
            spans[count++] = (struct span){frames[--frame_count], end_ns};
        } else {
            assert_int_equal(nest_add(&nest, &begin_ns, &end_ns), 0);
            spans[count++] = (struct span){begin_ns, end_ns};
        }
    }
    while (frame_count) {
        uint64_t end_ns = now_ns;
        assert_int_equal(nest_close(&nest, &end_ns), 0);
        spans[count++] = (struct span){frames[--frame_count], end_ns};
    }
    assert_nested(spans, count);
    nest_fini(&nest);
}

static void test_what_comes_out_nests_whatever_goes_in(void **state)
{
    (void)state;
    for (uint64_t range_ns = 2; range_ns < 5000; range_ns = range_ns * 3 / 2 + 1)
        for (unsigned i = 0; i < 8; i++) {
            run_noise(NEST_LATE, range_ns);
            run_noise(NEST_IN_ORDER, range_ns);
        }
}

static int setup(void **state)
{
    static struct nest nest;
    nest_init(&nest, 0, NEST_LATE);
    *state = &nest;
    return 0;
}

static int teardown(void **state)
{
    nest_fini(*state);
    return 0;
}

#define NEST_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NEST_TEST(test_a_parent_may_come_after_its_children),
        NEST_TEST(test_a_parent_may_begin_and_end_with_its_children),
        NEST_TEST(test_a_wait_that_comes_late_finds_its_gap),
        NEST_TEST(test_a_late_slice_fits_inside_one_that_has_ended),
        NEST_TEST(test_an_end_behind_the_parents_is_cut_even_by_1_ns),
        NEST_TEST(test_a_slice_across_a_later_begin_is_cut_there),
        cmocka_unit_test(test_nothing_begins_before_the_start),
        NEST_TEST(test_an_open_slice_holds_what_comes_until_it_is_closed),
        NEST_TEST(test_a_close_before_a_childs_end_moves_to_that_end),
        NEST_TEST(test_a_long_gap_is_remembered_behind_thousands_of_slices),
        NEST_TEST(test_which_gaps_are_long_changes_with_the_slices),
        NEST_TEST(test_a_slice_around_forgotten_ones_is_kept),
        NEST_TEST(test_a_short_gap_among_forgotten_ones_takes_no_slice),
        NEST_TEST(test_slices_do_not_go_deeper_than_perfetto_shows),
        cmocka_unit_test(test_what_comes_out_nests_whatever_goes_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
