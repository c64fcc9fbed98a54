/* daemons/polls: the two waits that are too long are shortened, and nothing else. */
#include "support/cmocka_main.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

static struct timespec slept;

int __wrap_nanosleep(const struct timespec *duration, struct timespec *left);
int __wrap_nanosleep(const struct timespec *duration, struct timespec *left)
{
    (void)left;
    slept = *duration;
    return 0;
}

static void assert_sleeps(useconds_t us, time_t seconds, long ns)
{
    assert_int_equal(usleep(us), 0);
    assert_int_equal(slept.tv_sec, seconds);
    assert_int_equal(slept.tv_nsec, ns);
}

static void test_the_consumer_looks_for_metadata_every_millisecond(void **state)
{
    (void)state;
    assert_sleeps(200000, 0, 1000000);
}

static void test_other_sleeps_are_as_long_as_they_are(void **state)
{
    (void)state;
    assert_sleeps(199999, 0, 199999000);
    assert_sleeps(2500000, 2, 500000000);
    assert_sleeps(0, 0, 0);
}

/* What a timer of so many ns is set to. */
static long set_to_ns(long asked_ns)
{
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    timer_t timer;
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    struct itimerspec times = {.it_interval.tv_nsec = asked_ns, .it_value.tv_nsec = asked_ns}, now;
    assert_int_equal(timer_settime(timer, 0, &times, NULL), 0);
    assert_int_equal(timer_gettime(timer, &now), 0);
    assert_true(now.it_value.tv_nsec <= now.it_interval.tv_nsec);
    timer_delete(timer);
    return now.it_interval.tv_nsec;
}

static void test_the_end_of_a_session_is_looked_for_every_10_milliseconds(void **state)
{
    (void)state;
    assert_int_equal(set_to_ns(500000000), 10000000);
}

static void test_other_timers_are_as_they_are_set(void **state)
{
    (void)state;
    assert_int_equal(set_to_ns(499999999), 499999999);
    assert_int_equal(set_to_ns(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_consumer_looks_for_metadata_every_millisecond),
        cmocka_unit_test(test_other_sleeps_are_as_long_as_they_are),
        cmocka_unit_test(test_the_end_of_a_session_is_looked_for_every_10_milliseconds),
        cmocka_unit_test(test_other_timers_are_as_they_are_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
