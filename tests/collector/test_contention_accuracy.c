/* The contention analysis of samples: estimates lie around the truth, and their intervals hold it. */
#include "collector/contention_events.h"

#include <math.h>
#include <stdlib.h>

static void test_at_rate_one_nothing_is_left_open(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    apply(&f, release_event(1, 1000, 10, ONE), 0xa);
    apply(&f, wait_event(1, 1010, CONTENTION_ACQUIRED, ONE), 0xb);
    const struct contention_view *view = view_of(&f);
    assert_int_equal(contention_margin(view->mutex_variance), 0);
    assert_int_equal(contention_margin(view->wait_variance), 0);
    assert_int_equal(contention_margin(view->locks[0].waiters[0].count_variance), 0);
    fini(&f);
}

/* (1000 * 100)^2 * 0.99: +- 1.96 * 99498.7; of charge and hand-off together, for they are kept together. */
static void test_the_variance_is_that_of_horvitz_and_thompson(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    apply(&f, release_event(1, 900, 100, 100 * ONE), 0xa);
    const struct contention_view *view = view_of(&f);
    assert_int_equal(contention_margin(view->mutex_variance), 195014);
    assert_int_equal(contention_margin(view->locks[0].releasers[0].delay_variance), 175513);
    assert_int_equal(contention_margin(view->locks[0].releasers[0].count_variance), 196);
    fini(&f);
}

static double uniform(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*random >> 11) / 9007199254740992.0;
}

/*
 * The same list of waits sampled again and again, as the runtime does it (hybrid, n = 20, R = 10 us): the estimates
 * lie around the truth, and their intervals hold it as often as they say.
 */
static void test_the_interval_holds_the_truth_as_often_as_it_says(void **state)
{
    (void)state;
    enum { RUNS = 600, WAITS = 2000 };
    static uint64_t waits[WAITS];
    uint64_t truth = 0, random = 7;
    double mean = 0;
    int held = 0;
    for (int i = 0; i < WAITS; i++)
        truth += waits[i] = (uint64_t)(-2000 * log(1 - uniform(&random))) + 1;
    for (int run = 0; run < RUNS; run++) {
        struct fixture f;
        init(&f);
        for (int i = 0; i < WAITS; i++) {
            double p = 1 - (1 - 1.0 / 20) * exp(-(double)waits[i] / 10000);
            if (uniform(&random) < p)
                apply(&f, wait_event(1, waits[i], CONTENTION_ACQUIRED, (uint64_t)(ONE / p)), 0xa);
        }
        const struct contention_view *view = view_of(&f);
        int64_t off = (int64_t)(view->wait_ns - truth);
        held += (uint64_t)llabs(off) <= contention_margin(view->wait_variance);
        mean += (double)view->wait_ns / RUNS;
        fini(&f);
    }
    assert_true(fabs(mean / (double)truth - 1) < 0.01);
    assert_true(held > RUNS * 92 / 100 && held < RUNS * 98 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_rate_one_nothing_is_left_open),
        cmocka_unit_test(test_the_variance_is_that_of_horvitz_and_thompson),
        cmocka_unit_test(test_the_interval_holds_the_truth_as_often_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
