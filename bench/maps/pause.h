/*
 * The longest inserts of a table that grows: thread CPU time of each one, as a histogram. C and C++.
 *
 *     pause_run("name", new_table(), insert);
 */
#ifndef BENCH_MAPS_PAUSE_H
#define BENCH_MAPS_PAUSE_H

#include "peer.h"

enum { PAUSE_BUCKETS = 40 };

typedef void pause_insert_fn(void *table, uint64_t key, uint64_t value);

static int pause_by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Prints the share of inserts below 1, 2, 4, ... us, then p99.999 and the longest, in us, less what the clock takes. */
static void pause_run(const char *name, void *table, pause_insert_fn *insert, size_t count)
{
    uint64_t state = 1, histogram[PAUSE_BUCKETS] = {0};
    double *us = (double *)malloc(count * sizeof *us);
    if (!us)
        exit(1);
    double last = peer_cpu_ns();
    for (size_t i = 0; i < count; i++) {
        insert(table, peer_random(&state), i);
        double now = peer_cpu_ns();
        us[i] = (now - last) / 1e3;
        last = now;
    }
    for (size_t i = 0; i < count; i++) {
        int bucket = 0;
        while (us[i] >= (double)(UINT64_C(1) << bucket))
            bucket++;
        histogram[bucket]++;
    }
    qsort(us, count, sizeof *us, pause_by_value);
    printf("%-10s p50 %.2f  p99.999 %.1f  longest %.1f us\n", name, us[count / 2], us[count - 1 - count / 100000],
           us[count - 1]);
    for (int bucket = 0; bucket < PAUSE_BUCKETS; bucket++)
        if (histogram[bucket])
            printf("    < %8llu us %10llu\n", 1ULL << bucket, (unsigned long long)histogram[bucket]);
}

#endif
