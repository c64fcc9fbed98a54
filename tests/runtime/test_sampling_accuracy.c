/*
 * The estimators of docs/sampling.md against the truth: one list of charges, drawn 2000 times under each setting,
 * from a fixed seed. Prints the table that docs/sampling.md holds.
 */
#include "support/cmocka_main.h"

#include <math.h>
#include <stdbool.h>

#include "runtime/config.h"
#include "runtime/event.h"
#include "runtime/sampler.h"

enum { CHARGES = 4000, REPLAYS = 2000 };

static uint64_t charges[CHARGES];

/*
 * As a busy lock has them: most last microseconds, and a few milliseconds make up most of the time. The quantiles of
 * a log-normal distribution of median 20 us, by way of the logistic one (1.702 makes them alike).
 */
static int make_charges(void **state)
{
    (void)state;
    for (int i = 0; i < CHARGES; i++) {
        double quantile = (i + 0.5) / CHARGES;
        charges[i] = (uint64_t)(20000 * exp(1.5 * log(quantile / (1 - quantile)) / 1.702));
    }
    return 0;
}

static void set(uint64_t fraction, uint64_t rate_ns)
{
    config_apply(&(struct config){.mutex_mode = rate_ns ? MSC_SAMPLER_HYBRID : MSC_SAMPLER_BERNOULLI,
                                  .mutex_fraction = fraction,
                                  .mutex_rate_ns = rate_ns});
}

/* Of a sum: what it is, what the estimates of it were, and how often their interval held it. */
struct quantity {
    double truth, variance; /* by the formula */
    double mean, spread;    /* of the estimates: sums first */
    unsigned covered;
};

static void truth_add(struct quantity *of, double value, double p)
{
    of->truth += value;
    of->variance += value * value * (1 - p) / p;
}

/* One replay: Horvitz and Thompson's sum, and its variance as a reader of the events estimates it. */
struct estimate {
    double sum, variance;
};

static void estimate_add(struct estimate *to, double value, double weight)
{
    to->sum += value * weight;
    to->variance += value * weight * value * weight * (1 - 1 / weight);
}

static void replay_add(struct quantity *of, const struct estimate *estimate)
{
    double error = estimate->sum - of->truth;
    of->mean += estimate->sum / REPLAYS;
    of->spread += error * error / REPLAYS;
    of->covered += error * error <= 1.96 * 1.96 * estimate->variance;
}

static double replay(struct quantity *time, struct quantity *count)
{
    struct mutex_sampling settings = config_mutex_sampling();
    static uint64_t weights[CHARGES];
    uint64_t kept = 0;
    for (int i = 0; i < CHARGES; i++) {
        weights[i] = sampler_weight(settings, charges[i]);
        double p = (double)MSC_WEIGHT_ONE / (double)weights[i];
        truth_add(time, (double)charges[i], p);
        truth_add(count, 1, p);
    }
    for (int r = 0; r < REPLAYS; r++) {
        struct estimate times = {0}, counts = {0};
        for (int i = 0; i < CHARGES; i++) {
            double weight = (double)sampler_keep(weights[i]) / (double)MSC_WEIGHT_ONE;
            if (weight > 0) {
                kept++;
                estimate_add(&times, (double)charges[i], weight);
                estimate_add(&counts, 1, weight);
            }
        }
        replay_add(time, &times);
        replay_add(count, &counts);
    }
    return (double)kept / REPLAYS;
}

static double relative_error(const struct quantity *of)
{
    return 100 * sqrt(of->variance) / of->truth;
}

static double coverage(const struct quantity *of)
{
    return 100.0 * of->covered / REPLAYS;
}

/* Where a sum rests on a handful of samples, no interval from their squares is to be trusted: docs/sampling.md. */
static bool is_large_sample(const struct quantity *of)
{
    enum { PERCENT = 6 };
    return relative_error(of) < PERCENT;
}

static void assert_accurate(const struct quantity *of)
{
    double error = of->mean - of->truth;
    assert_true(error * error <= 9 * of->variance / REPLAYS);
    if (!is_large_sample(of))
        return;
    assert_true(of->spread > 0.9 * of->variance && of->spread < 1.1 * of->variance);
    assert_true(coverage(of) >= 93 && coverage(of) <= 97);
}

static void test_sums_are_unbiased_and_their_intervals_hold(void **state)
{
    (void)state;
    static const uint64_t fractions[] = {2, 10, 100, 1000}, rates_ns[] = {0, 100000, 1000000, 10000000, 100000000};
    unsigned large_times = 0, large_counts = 0;
    print_message("%6s %9s %9s %10s %9s %11s %9s\n", "n", "R", "kept", "time +-%", "in 95%", "count +-%", "in 95%");
    for (size_t f = 0; f < sizeof fractions / sizeof *fractions; f++)
        for (size_t r = 0; r < sizeof rates_ns / sizeof *rates_ns; r++) {
            set(fractions[f], rates_ns[r]);
            sampler_seed(1000 * f + r);
            struct quantity time = {0}, count = {0};
            double kept = replay(&time, &count);
            print_message("%6u %6.1f ms %9.0f %10.1f %9.1f %11.1f %9.1f\n", (unsigned)fractions[f],
                          (double)rates_ns[r] / 1e6, kept, relative_error(&time), coverage(&time),
                          relative_error(&count), coverage(&count));
            assert_accurate(&time);
            assert_accurate(&count);
            large_times += is_large_sample(&time);
            large_counts += is_large_sample(&count);
        }
    assert_true(large_times >= 9 && large_counts >= 10); /* or the check above sees nothing */
}

/* Settings that change halfway need nothing but the weights: claim A7. */
static void test_weights_survive_a_change_of_settings(void **state)
{
    (void)state;
    struct estimate estimate = {0};
    double truth = 0;
    for (int r = 0; r < REPLAYS / 10; r++)
        for (int i = 0; i < CHARGES; i++) {
            if (r == 0 && i == 0)
                set(10, 0);
            else if (r == REPLAYS / 20 && i == 0)
                set(1000, 1000000);
            double weight = (double)sampler_draw(charges[i]) / (double)MSC_WEIGHT_ONE;
            truth += (double)charges[i];
            if (weight > 0)
                estimate_add(&estimate, (double)charges[i], weight);
        }
    set(0, 0); /* off: what was kept stays */
    assert_int_equal(sampler_draw(1000000000), 0);
    double error = estimate.sum - truth;
    assert_true(error * error <= 9 * estimate.variance);
    assert_true(sqrt(estimate.variance) < truth / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_are_unbiased_and_their_intervals_hold),
        cmocka_unit_test(test_weights_survive_a_change_of_settings),
    };
    return cmocka_run_group_tests(tests, make_charges, NULL);
}
