/* See sampler.h. */
#include "runtime/sampler.h"

#include "base/clock.h"
#include "runtime/event.h"
#include "runtime/thread.h"

/* So that a weight times a draw, and a sum of weights, stay in range. */
static const uint64_t fraction_max = UINT64_C(1) << 32;

/* splitmix64 (Steele, Lea, Flood 2014): any seed is a good one. `seeded` with the tid it was seeded for. */
static __thread struct {
    uint64_t state;
    uint32_t seeded;
} generator __attribute__((tls_model("initial-exec")));

static uint64_t next_word(void)
{
    uint64_t word = generator.state += UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

/* The tid tells the threads of a process apart, also the two that continue after a fork. */
static void seed_thread(void)
{
    generator.seeded = thread_tid();
    generator.state = config.key_seed ^ clock_monotonic_ns() ^ (uint64_t)generator.seeded << 32;
}

void sampler_seed(uint64_t seed)
{
    generator.seeded = thread_tid();
    generator.state = seed;
}

/*
 * exp(-x), x >= 0, to 10^-8: 2^-k times a series for the rest. A traced program need not load libm for it,
 * and what it lacks in precision biases nothing: decision and weight come from the same value.
 */
static double exp_minus(double x)
{
    const double log2_e = 1.4426950408889634, ln_2 = 0.69314718055994531;
    if (!(x < 40))
        return 0;
    double halvings = x * log2_e;
    uint64_t whole = (uint64_t)halvings;
    double rest = ((double)whole - halvings) * ln_2;
    double sum = 1, term = 1;
    for (int i = 1; i <= 9; i++)
        sum += term *= rest / i;
    return sum / (double)(UINT64_C(1) << whole);
}

static double hybrid_weight(double fraction, double rate_ns, double contended_ns)
{
    return 1 / (1 - (1 - 1 / fraction) * exp_minus(contended_ns / rate_ns));
}

uint64_t sampler_weight(struct mutex_sampling settings, uint64_t contended_ns)
{
    uint64_t fraction = settings.fraction < fraction_max ? settings.fraction : fraction_max;
    if (settings.mode == MSC_SAMPLER_OFF || fraction == 0)
        return 0;
    if (settings.mode == MSC_SAMPLER_BERNOULLI || fraction == 1 || settings.rate_ns == 0)
        return fraction * MSC_WEIGHT_ONE;
    double weight = hybrid_weight((double)fraction, (double)settings.rate_ns, (double)contended_ns);
    return (uint64_t)(weight * (double)MSC_WEIGHT_ONE + 0.5);
}

static uint64_t draw(void)
{
    if (generator.seeded != thread_tid())
        seed_thread();
    return next_word();
}

/* `weight` if that draw keeps it, P = 2^16 / weight; else 0. */
static uint64_t keep(uint64_t word, uint64_t weight)
{
    __extension__ typedef unsigned __int128 product;
    return (product)word * weight >> 64 < MSC_WEIGHT_ONE ? weight : 0;
}

uint64_t sampler_keep(uint64_t weight)
{
    return weight <= MSC_WEIGHT_ONE ? weight : keep(draw(), weight);
}

/*
 * No draw above this keeps a contention of `contended_ns`: 1 - (1 - 1/n) exp(-c/R) <= 1/n + c/R, and a little more, for
 * what rounds. Most are dropped by that, and spared the exponential.
 */
static uint64_t hybrid_ceiling(struct mutex_sampling settings, uint64_t contended_ns)
{
    const double words = 18446744073709551616.0, slack = 1.001;
    double most = slack * (1 / (double)settings.fraction + (double)contended_ns / (double)settings.rate_ns);
    return most < 1 ? (uint64_t)(most * words) : UINT64_MAX;
}

uint64_t sampler_draw(uint64_t contended_ns)
{
    struct mutex_sampling settings = config_mutex_sampling();
    if (settings.mode != MSC_SAMPLER_HYBRID || settings.fraction <= 1 || settings.fraction > fraction_max ||
        settings.rate_ns == 0)
        return sampler_keep(sampler_weight(settings, contended_ns));
    uint64_t word = draw();
    if (word > hybrid_ceiling(settings, contended_ns))
        return 0;
    return keep(word, sampler_weight(settings, contended_ns));
}
