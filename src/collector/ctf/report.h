/* Where damage is named: the caller's `warn`, or nowhere. */
#ifndef COLLECTOR_CTF_REPORT_H
#define COLLECTOR_CTF_REPORT_H

#include "support/diag.h"

struct ctf_report {
    void (*warn)(void *self, const char *text); /* NULL = silent */
    void *self;
};

void ctf_warn(const struct ctf_report *report, const char *format, ...) DIAG_PRINTF(2, 3);

#endif
