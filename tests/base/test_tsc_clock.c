/* The clock from the processor's counter: its lines with made-up clocks, then the clock itself beside the other one. */
#include "base/tsc_clock.h"

#include <pthread.h>

#include "support/cmocka_main.h"

/* A counter of 2.5 ticks a ns, and a clock whose pace and place the test sets. */
static uint64_t counter, shown_ns;

static struct tsc_look look(void)
{
    return (struct tsc_look){counter, shown_ns};
}

static void pass(uint64_t ns, int64_t more_ns)
{
    counter += ns * 5 / 2;
    shown_ns += ns + (uint64_t)more_ns;
}

static uint64_t off(struct tsc_line *line)
{
    uint64_t ns = tsc_line_at(line, counter);
    return ns > shown_ns ? ns - shown_ns : shown_ns - ns;
}

/* As if it had run for a while. */
static void run(struct tsc_line *line, struct tsc_drawer *drawer)
{
    *line = (struct tsc_line){0};
    *drawer = (struct tsc_drawer){0};
    counter = 77000000;
    shown_ns = 5000000000;
    for (int i = 0; i < 400; i++, pass(5000000, 0))
        tsc_line_draw(line, drawer, look);
}

static struct tsc_line line;
static struct tsc_drawer drawer;

static void test_there_is_no_line_before_two_looks(void **state)
{
    (void)state;
    line = (struct tsc_line){0};
    drawer = (struct tsc_drawer){0};
    counter = 1000;
    shown_ns = 5000000000;
    assert_int_equal(tsc_line_at(&line, counter), 0);
    tsc_line_draw(&line, &drawer, look);
    assert_int_equal(tsc_line_at(&line, counter), 0);
    pass(5000000, 0);
    tsc_line_draw(&line, &drawer, look);
    assert_int_equal(tsc_line_at(&line, counter), shown_ns);
}

static void test_a_line_follows_the_clock(void **state)
{
    (void)state;
    run(&line, &drawer);
    assert_true(off(&line) <= 1);
    pass(40000000, 0);
    assert_true(off(&line) <= 10); /* ns, after 45 ms */
}

static void test_a_line_ends(void **state)
{
    (void)state;
    run(&line, &drawer);
    counter -= 15000000; /* before it began, as after a machine was moved */
    assert_int_equal(tsc_line_at(&line, counter), 0);
    counter += 15000000;
    pass(51000000, 0);
    assert_int_equal(tsc_line_at(&line, counter), 0);
}

static void test_a_line_that_is_being_drawn_is_not_read(void **state)
{
    (void)state;
    run(&line, &drawer);
    line.changes++;
    assert_int_equal(tsc_line_at(&line, counter), 0);
    line.changes++;
    assert_int_not_equal(tsc_line_at(&line, counter), 0);
}

/* The other clock is 2000 ns ahead all at once: no step, and 20 ms later it is caught up with. */
static void test_lines_are_continuous_and_meet_the_clock(void **state)
{
    (void)state;
    run(&line, &drawer);
    uint64_t before = tsc_line_at(&line, counter);
    shown_ns += 2000;
    tsc_line_draw(&line, &drawer, look);
    assert_in_range(tsc_line_at(&line, counter), before, before + 1);
    pass(20000000, 0);
    assert_true(off(&line) < 60);
}

/* 500 ppm, the most that the kernel turns its clock by. */
static void test_a_change_of_pace_costs_microseconds_at_most(void **state)
{
    (void)state;
    uint64_t worst = 0;
    run(&line, &drawer);
    for (int i = 0; i < 400; i++) {
        pass(5000000, 2500);
        worst = off(&line) > worst ? off(&line) : worst;
        tsc_line_draw(&line, &drawer, look);
    }
    assert_true(worst < 15000);
    pass(5000000, 2500);
    assert_true(off(&line) < 20); /* and none once it is known */
}

static void test_a_clock_that_jumped_is_begun_anew(void **state)
{
    (void)state;
    run(&line, &drawer);
    pass(5000000, 3000000000);
    tsc_line_draw(&line, &drawer, look);
    assert_int_equal(tsc_line_at(&line, counter), 0);
    pass(5000000, 0);
    tsc_line_draw(&line, &drawer, look);
    assert_int_equal(tsc_line_at(&line, counter), shown_ns);
}

/* --- The clock ---------------------------------------------------------------------------------------------------- */

static _Atomic bool is_over;

static void *draw_always(void *unused)
{
    while (!is_over)
        tsc_clock_draw();
    return unused;
}

/* A thread may lose its processor between two looks: then they are too far apart to tell. */
static void test_it_is_within_microseconds_of_the_other_clock_and_runs_on(void **state)
{
    (void)state;
    enum { READS = 200000 };
    const uint64_t near_ns = 20000;
    pthread_t thread;
    tsc_clock_prepare();
    assert_int_equal(pthread_create(&thread, NULL, draw_always, NULL), 0);
    uint64_t worst_ns = 0, compared = 0;
    for (int i = 0; i < READS; i++) {
        uint64_t before_ns = clock_monotonic_ns(), ns = tsc_clock_ns(), after_ns = clock_monotonic_ns();
        if (after_ns - before_ns > near_ns)
            continue;
        uint64_t early_ns = before_ns > ns ? before_ns - ns : 0, late_ns = ns > after_ns ? ns - after_ns : 0;
        worst_ns = early_ns + late_ns > worst_ns ? early_ns + late_ns : worst_ns;
        compared++;
    }
    is_over = true;
    pthread_join(thread, NULL);
    assert_true(compared > READS / 10);
    assert_true(worst_ns < 2 * near_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_is_no_line_before_two_looks),
        cmocka_unit_test(test_a_line_follows_the_clock),
        cmocka_unit_test(test_a_line_ends),
        cmocka_unit_test(test_a_line_that_is_being_drawn_is_not_read),
        cmocka_unit_test(test_lines_are_continuous_and_meet_the_clock),
        cmocka_unit_test(test_a_change_of_pace_costs_microseconds_at_most),
        cmocka_unit_test(test_a_clock_that_jumped_is_begun_anew),
        cmocka_unit_test(test_it_is_within_microseconds_of_the_other_clock_and_runs_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
