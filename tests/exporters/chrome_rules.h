/*
 * The rules under which Perfetto imports a Chrome trace JSON file without one error and without a silent
 * loss, applied to a finished file. It shares no code with the exporter.
 *
 *  - strict JSON in UTF-8, no surrogate escapes, integers within 64 bits with a sign; first key traceEvents;
 *  - events are X, i, C or M; pid in uint32, tid in uint32 and not 0; ts and dur in microseconds with three
 *    decimals, not negative; X and i have a name, C a number, M what its name asks for;
 *  - slices of one (pid, tid) nest, at most 512 deep;
 *  - a bind_id is 2^32 or above, with one flow_out, at least one flow_in, out not later than in;
 *  - every process and every row that is used has a name.
 */
#ifndef TESTS_CHROME_RULES_H
#define TESTS_CHROME_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "support/diag.h"

struct chrome_counts {
    uint64_t slices, instants, counters, labels; /* X, i, C, M */
    uint64_t flows;                              /* flow_out */
};

/* 0; -EINVAL: `diag` names the first broken rule and where; -ENOMEM. */
int chrome_rules_check(const char *bytes, size_t size, struct diag *diag, struct chrome_counts *counts);

#endif
