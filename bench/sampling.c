/*
 * How good estimates from live sampling are: a run's sums of weighted lock_release events against the exact totals of
 * the shared page in the same run, for the default settings and for a pure fraction of 1 in 100 (Go's).
 *
 * Twenty-four threads, four locks, one unlock each: 70, 25, 4.5 and 0.5 % of the operations, held 20 us, 100 us, 1 ms
 * and 10 ms on average (exponential). The rare long ones are most of the time, as in programs. `sites`: of these four,
 * the one that cost most in its run.
 *
 * Runs last SECONDS (1 s), not the 10 s of a recording: what counts is the contended time, here some 20 s a run. The
 * error shrinks with its square root.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include <mapscope/mutex.h>

#include "base/clock.h"
#include "median.h"
#include "runtime/config.h"
#include "runtime/emit.h"
#include "runtime/locks.h"
#include "runtime/own_lock.h"
#include "runtime/sampler.h"

enum { RUNS_MAX = 1000, THREADS = 24, SITES = 4 };

static msc_mutex mutexes[SITES];
static const double shares[SITES] = {0.7, 0.25, 0.045, 0.005}, hold_ns[SITES] = {20e3, 100e3, 1e6, 10e6};

/* Of one site: what the events of one thread add up to, and the variance of that. */
struct sum {
    double ns, variance, samples;
};

static struct sum sums[THREADS][SITES];
static __thread struct sum *own_sums;
static _Atomic int stop;

static void keep_release(enum msc_event event, const void *record)
{
    if (event != MSC_EVENT_LOCK_RELEASE || !own_sums)
        return;
    const struct msc_ev_lock_release *release = record;
    double weight = (double)release->weight / MSC_WEIGHT_ONE;
    double ns = (double)(release->charge_ns + release->handoff_ns) * weight;
    for (int site = 0; site < SITES; site++) {
        if (release->lock != (uintptr_t)&mutexes[site])
            continue;
        own_sums[site].ns += ns;
        own_sums[site].variance += ns * ns * (1 - 1 / weight);
        own_sums[site].samples++;
    }
}

static void sleep_ns(double ns)
{
    struct timespec time = {(time_t)(ns / 1e9), (long)fmod(ns, 1e9)};
    nanosleep(&time, NULL);
}

static void *work(void *number)
{
    int thread = *(int *)number;
    unsigned short random[3] = {(unsigned short)thread, (unsigned short)clock_monotonic_ns(), 1};
    prctl(PR_SET_TIMERSLACK, 1);
    own_sums = sums[thread];
    while (!stop) {
        int site = 0;
        for (double left = erand48(random); site < SITES - 1 && left >= shares[site]; site++)
            left -= shares[site];
        msc_mutex_lock(&mutexes[site]);
        sleep_ns(-log(1 - erand48(random)) * hold_ns[site]);
        msc_mutex_unlock(&mutexes[site]);
    }
    return NULL;
}

static double exact_ns(int site)
{
    struct page_lock *entry = lock_contended(own_lock_id(&mutexes[site].msc_id));
    return entry ? (double)(atomic_load(&entry->charge_ns) + atomic_load(&entry->handoff_ns)) : 0;
}

/* In percent of the truth. */
struct errors {
    double total, site, expected, samples, contended_s;
};

static struct errors run(double seconds)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    double exact[SITES], total = 0;
    struct sum found[SITES] = {{0}}, all = {0};
    for (int site = 0; site < SITES; site++)
        msc_mutex_init(&mutexes[site], "site");
    stop = 0;
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        for (int site = 0; site < SITES; site++)
            sums[i][site] = (struct sum){0};
        if (pthread_create(&threads[i], NULL, work, &numbers[i]))
            abort();
    }
    sleep_ns(seconds * 1e9);
    stop = 1;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        for (int site = 0; site < SITES; site++) {
            found[site].ns += sums[i][site].ns;
            all.ns += sums[i][site].ns;
            all.variance += sums[i][site].variance;
            all.samples += sums[i][site].samples;
        }
    }
    int top = 0;
    for (int site = 0; site < SITES; site++) {
        exact[site] = exact_ns(site);
        total += exact[site];
        if (exact[site] > exact[top])
            top = site;
        msc_mutex_destroy(&mutexes[site]);
    }
    return (struct errors){100 * (all.ns / total - 1), 100 * (found[top].ns / exact[top] - 1),
                           100 * sqrt(all.variance) / total, all.samples, total / 1e9};
}

static void print(const char *what, const double *errors, int runs)
{
    static double sizes[RUNS_MAX];
    int within = 0;
    double worst = 0, mean = 0;
    for (int i = 0; i < runs; i++) {
        sizes[i] = fabs(errors[i]);
        within += sizes[i] <= 5;
        worst = fmax(worst, sizes[i]);
        mean += errors[i] / runs;
    }
    printf("  %-6s %+8.2f %8.2f %8.2f %10.0f\n", what, mean, median(sizes, (size_t)runs), worst, 100.0 * within / runs);
}

static void measure(const char *name, enum msc_sampler_mode mode, int runs, double seconds)
{
    static double totals[RUNS_MAX], sites[RUNS_MAX], expected[RUNS_MAX], samples[RUNS_MAX], contended_s[RUNS_MAX];
    config.mutex_mode = mode;
    config.mutex_fraction = 100;
    config.mutex_rate_ns = 10000000;
    config_apply(&config);
    for (int i = 0; i < runs; i++) {
        struct errors errors = run(seconds);
        totals[i] = errors.total;
        sites[i] = errors.site;
        expected[i] = errors.expected;
        samples[i] = errors.samples;
        contended_s[i] = errors.contended_s;
    }
    printf("%s: %d runs of %g s, %.0f s of contended time and %.0f samples each; standard error as estimated %.2f %%\n",
           name, runs, seconds, median(contended_s, (size_t)runs), median(samples, (size_t)runs),
           median(expected, (size_t)runs));
    printf("  %-6s %8s %8s %8s %10s\n", "%", "mean", "median", "worst", "within 5");
    print("total", totals, runs);
    print("site", sites, runs);
}

int main(void)
{
    union msc_gate *gates;
    const char *runs_text = getenv("RUNS"), *seconds_text = getenv("SECONDS");
    int runs = runs_text ? atoi(runs_text) : 30;
    double seconds = seconds_text ? atof(seconds_text) : 1;
    if (runs < 1 || runs > RUNS_MAX || msc_emit_register(keep_release, &gates))
        return EXIT_FAILURE;
    atomic_store(&gates[MSC_EVENT_LOCK_RELEASE].state.on, 1);
    measure("default (n = 100, R = 10 ms)", MSC_SAMPLER_HYBRID, runs, seconds);
    measure("fraction (n = 100)", MSC_SAMPLER_BERNOULLI, runs, seconds);
    return EXIT_SUCCESS;
}
