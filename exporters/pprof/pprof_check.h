/*
 * Any pprof file against the rules of all that read such files: what `go tool pprof` refuses, what Pyroscope
 * and Parca reject or drop, what makes Grafana Alloy compute wrong deltas. Our own profiles are held to the same
 * before they are written (profile_validate); this is for those of others, and for bytes on disk.
 *
 *     struct pprof_verdict verdict;
 *     int error = pprof_check(bytes, size, PPROF_FOR_ALL, &verdict, diag);
 *     for (size_t i = 0; !error && i < verdict.breach_count; i++)
 *         printf("%s: %s\n", verdict.breaches[i].where, verdict.breaches[i].rule->what);
 *
 * Nothing in the bytes is trusted. Memory: PPROF_CHECK_MEMORY at the most, however they unpack. Thread-safe.
 */
#ifndef EXPORTERS_PPROF_PPROF_CHECK_H
#define EXPORTERS_PPROF_PPROF_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "support/diag.h"

/* Who reads pprof files, as a set. */
enum pprof_consumer {
    PPROF_FOR_GO = 1, /* go tool pprof */
    PPROF_FOR_PYROSCOPE = 2,
    PPROF_FOR_PARCA = 4,
    PPROF_FOR_ALLOY = 8, /* its delta profiles */
    PPROF_FOR_ALL = 15
};

struct pprof_rule {
    const char *name; /* "negative-value" */
    unsigned consumers;
    const char *what; /* is wrong: "a value is negative" */
    const char *why;  /* it matters, and what to do */
};

enum { PPROF_RULES_MAX = 40, PPROF_CHECK_MEMORY = 1 << 30 };

/* All that a profile has against one rule. */
struct pprof_breach {
    const struct pprof_rule *rule;
    char where[40]; /* the first: "sample 12"; tables count from 1, as their ids do, and strings from 0 */
    uint64_t count;
};

struct pprof_verdict {
    struct pprof_breach breaches[PPROF_RULES_MAX]; /* in the order of the rules */
    size_t breach_count;
    size_t samples, locations, functions, mappings, strings;
    char types[160]; /* "contentions/count delay/nanoseconds", cut if longer; only printable ASCII */
};

/* 0, whatever the verdict; -EINVAL: the bytes are no profile, -ENOMEM: it is too large to be looked at. */
int pprof_check(const void *bytes, size_t size, unsigned consumers, struct pprof_verdict *out, struct diag *diag);

#endif
