/* The sampler: its weights against evaluated numbers, its estimates against the truth, from a fixed seed. */
#include "support/cmocka_main.h"

#include <pthread.h>
#include <stdbool.h>

#include "runtime/event.h"
#include "runtime/sampler.h"

static const struct mutex_sampling hybrid = {MSC_SAMPLER_HYBRID, 100, 10000000};

static double weight_of(struct mutex_sampling settings, uint64_t contended_ns)
{
    return (double)sampler_weight(settings, contended_ns) / (double)MSC_WEIGHT_ONE;
}

static struct mutex_sampling in_force;

static void set(struct mutex_sampling sampling)
{
    in_force = sampling;
    config_apply(&(struct config){
        .mutex_mode = sampling.mode, .mutex_fraction = sampling.fraction, .mutex_rate_ns = sampling.rate_ns});
}

/* 1 / (1 - 0.99 exp(-c / 10 ms)), evaluated with 50 digits: the table of sampler.h. */
static void test_hybrid_weights_follow_the_formula(void **state)
{
    (void)state;
    static const struct {
        uint64_t contended_ns;
        double weight;
    } table[] = {
        {0, 100},
        {10000, 90.995907913},
        {100000, 50.376147134},
        {1000000, 9.595920016},
        {10000000, 1.572823242},
        {100000000, 1.000044948},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_float_equal(weight_of(hybrid, table[i].contended_ns), table[i].weight, 1.0 / 65536);
    assert_int_equal(sampler_weight(hybrid, UINT64_MAX), MSC_WEIGHT_ONE);
}

static void test_fraction_one_keeps_all_with_weight_exactly_one(void **state)
{
    (void)state;
    for (int mode = MSC_SAMPLER_BERNOULLI; mode <= MSC_SAMPLER_HYBRID; mode++) {
        set((struct mutex_sampling){(enum msc_sampler_mode)mode, 1, 1000});
        for (uint64_t ns = 0; ns < 100; ns++)
            assert_int_equal(sampler_draw(ns * ns), MSC_WEIGHT_ONE);
    }
}

/* Most are dropped without the formula: which must be those that the formula drops. */
static void test_a_draw_decides_as_the_formula_does(void **state)
{
    (void)state;
    static const uint64_t fractions[] = {2, 3, 100, 100000, UINT64_C(1) << 32}, rates[] = {1, 1000, 10000000, 1 << 30};
    for (size_t f = 0; f < sizeof fractions / sizeof *fractions; f++) {
        for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
            struct config settings = {
                .mutex_mode = MSC_SAMPLER_HYBRID, .mutex_fraction = fractions[f], .mutex_rate_ns = rates[r]};
            config_apply(&settings);
            for (uint64_t seed = 0; seed < 20000; seed++) {
                uint64_t contended_ns = seed % 64 < 50 ? UINT64_C(1) << seed % 64 : seed * seed;
                sampler_seed(seed);
                uint64_t drawn = sampler_draw(contended_ns);
                sampler_seed(seed);
                assert_int_equal(drawn, sampler_keep(sampler_weight(config_mutex_sampling(), contended_ns)));
            }
        }
    }
}

static void test_off_keeps_nothing(void **state)
{
    (void)state;
    set((struct mutex_sampling){MSC_SAMPLER_OFF, 1, 0});
    assert_int_equal(sampler_draw(1000000), 0);
    set((struct mutex_sampling){MSC_SAMPLER_BERNOULLI, 0, 0});
    assert_int_equal(sampler_draw(1000000), 0);
}

static void test_the_largest_fraction_still_fits(void **state)
{
    (void)state;
    set((struct mutex_sampling){MSC_SAMPLER_BERNOULLI, UINT64_MAX, 0});
    assert_int_equal(sampler_weight(config_mutex_sampling(), 1), MSC_WEIGHT_ONE << 32);
}

/* --- Unbiased ---------------------------------------------------------------------------------------------- */

/* A load as locks have it: nine of ten short, a few long. */
static uint64_t contended_at(unsigned i)
{
    return i % 10 ? 5000 + i % 7 * 1000 : i % 100 ? 300000 : 20000000;
}

struct estimate {
    double count, time_ns, true_time_ns, count_variance, time_variance;
    unsigned kept;
};

/* Draws of n contentions; the variance is what sampler.h says of it. */
static struct estimate estimate(unsigned n)
{
    struct estimate e = {0};
    for (unsigned i = 0; i < n; i++) {
        uint64_t contended_ns = contended_at(i);
        double time = (double)contended_ns, p = 1 / weight_of(in_force, contended_ns);
        double weight = (double)sampler_draw(contended_ns) / (double)MSC_WEIGHT_ONE;
        e.kept += weight > 0;
        e.count += weight;
        e.time_ns += weight * time;
        e.true_time_ns += time;
        e.count_variance += (1 - p) / p;
        e.time_variance += time * time * (1 - p) / p;
    }
    return e;
}

static bool within_three_errors(double value, double truth, double variance)
{
    return (value - truth) * (value - truth) <= 9 * variance;
}

static void test_weighted_sums_are_unbiased(void **state)
{
    (void)state;
    enum { DRAWS = 2000000 };
    static const uint64_t fractions[] = {2, 10, 100, 1000}, rates_ns[] = {0, 100000, 10000000, 100000000};
    for (size_t f = 0; f < 4; f++)
        for (size_t r = 0; r < 4; r++) {
            set((struct mutex_sampling){rates_ns[r] ? MSC_SAMPLER_HYBRID : MSC_SAMPLER_BERNOULLI, fractions[f],
                                        rates_ns[r]});
            sampler_seed(2024 + f * 4 + r);
            struct estimate e = estimate(DRAWS);
            assert_true(within_three_errors(e.count, DRAWS, e.count_variance));
            assert_true(within_three_errors(e.time_ns, e.true_time_ns, e.time_variance));
        }
}

static void test_the_default_is_better_for_times_than_go_with_as_few_samples(void **state)
{
    (void)state;
    enum { DRAWS = 1000000 };
    set(hybrid);
    sampler_seed(1);
    struct estimate default_mode = estimate(DRAWS);
    set((struct mutex_sampling){MSC_SAMPLER_BERNOULLI, 20, 0});
    struct estimate bernoulli = estimate(DRAWS);
    assert_in_range(default_mode.kept, DRAWS / 50, DRAWS / 20);
    assert_in_range(bernoulli.kept, DRAWS / 25, DRAWS / 16); /* more samples, and yet ... */
    assert_true(default_mode.time_variance * 25 < bernoulli.time_variance);
}

/* --- Generators ---------------------------------------------------------------------------------------------- */

static uint64_t pattern(void)
{
    uint64_t bits = 0;
    for (int i = 0; i < 64; i++)
        bits = bits << 1 | (sampler_draw(0) != 0);
    return bits;
}

static void *pattern_of_thread(void *out)
{
    *(uint64_t *)out = pattern();
    return NULL;
}

static void test_threads_draw_differently_and_a_seed_repeats(void **state)
{
    (void)state;
    config.key_seed = 9;
    set((struct mutex_sampling){MSC_SAMPLER_BERNOULLI, 2, 0});
    uint64_t patterns[2];
    for (int i = 0; i < 2; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, pattern_of_thread, &patterns[i]);
        pthread_join(thread, NULL);
    }
    assert_int_not_equal(patterns[0], patterns[1]);
    sampler_seed(7);
    uint64_t first = pattern(), second = pattern();
    sampler_seed(7);
    assert_int_equal(pattern(), first);
    assert_int_not_equal(first, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hybrid_weights_follow_the_formula),
        cmocka_unit_test(test_fraction_one_keeps_all_with_weight_exactly_one),
        cmocka_unit_test(test_a_draw_decides_as_the_formula_does),
        cmocka_unit_test(test_off_keeps_nothing),
        cmocka_unit_test(test_the_largest_fraction_still_fits),
        cmocka_unit_test(test_weighted_sums_are_unbiased),
        cmocka_unit_test(test_the_default_is_better_for_times_than_go_with_as_few_samples),
        cmocka_unit_test(test_threads_draw_differently_and_a_seed_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
