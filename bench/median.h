/* The middle of repeated measurements: what a benchmark quotes. */
#ifndef BENCH_MEDIAN_H
#define BENCH_MEDIAN_H

#include <stdlib.h>

static inline int median_by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Of an odd `count` of values, which it sorts. */
static inline double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, median_by_value);
    return values[count / 2];
}

#endif
