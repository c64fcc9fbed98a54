/*
 * Findings of one fault, told as one: the same operations from the same places in the source, on a map of the same name
 * and on whatever key. Sixty-four workers of a program make one fault, not each their own. Internal to the report.
 */
#ifndef EXPORTERS_REPORT_FAULTS_H
#define EXPORTERS_REPORT_FAULTS_H

#include "exporters/exporter.h"

struct fault {
    const struct finding *example; /* the first of those that are most certain; borrowed */
    uint64_t times, misses;
    size_t processes; /* in which it was found */
};

struct faults {
    struct fault *items; /* owned; in the order of their first findings */
    size_t count, capacity;
};

/* 0 or -ENOMEM; then faults_fini. */
int faults_collect(const struct export_input *input, struct faults *out);
void faults_fini(struct faults *faults);

#endif
