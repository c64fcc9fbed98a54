/*
 * What the doctor found: a list of lines, each with its verdict and, if something is wrong, how to mend it.
 * Plain data; nothing is printed here.
 *
 *     checkup->subject = "/dev/shm";
 *     checkup_problem(checkup, "%s free, %s needed", free, needed);
 *     checkup_mend(checkup, "mount -o remount,size=1G /dev/shm");
 */
#ifndef COLLECTOR_DOCTOR_CHECKUP_H
#define COLLECTOR_DOCTOR_CHECKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "support/diag.h"

enum verdict {
    VERDICT_OK,
    VERDICT_NOTE,    /* recording works, but something about it should be known */
    VERDICT_PROBLEM, /* recording would fail, or record nothing that can be used */
};

struct checkup_line {
    enum verdict verdict;
    const char *subject; /* borrowed */
    char *found, *mend;  /* owned; mend NULL = there is nothing to do about it */
};

struct checkup {
    const char *subject; /* of the lines to come; borrowed as long as the checkup lives */
    struct checkup_line *lines;
    size_t count, capacity;
    bool is_short; /* memory was out: a line is missing */
};

void checkup_init(struct checkup *checkup);
void checkup_fini(struct checkup *checkup);

/* Each adds a line. Where memory is out, is_short says so. */
void checkup_ok(struct checkup *checkup, const char *format, ...) DIAG_PRINTF(2, 3);
void checkup_note(struct checkup *checkup, const char *format, ...) DIAG_PRINTF(2, 3);
void checkup_problem(struct checkup *checkup, const char *format, ...) DIAG_PRINTF(2, 3);
void checkup_add(struct checkup *checkup, enum verdict verdict, const char *format, ...) DIAG_PRINTF(3, 4);

/* How to mend what the last line found: once a line. */
void checkup_mend(struct checkup *checkup, const char *format, ...) DIAG_PRINTF(2, 3);

size_t checkup_count(const struct checkup *checkup, enum verdict verdict);

#endif
