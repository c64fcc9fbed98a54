/*
 * The locks of processes as they stand, for people: read from their shared pages, named, hottest first.
 *
 *     struct lock_table table;
 *     int error = lock_table_read("out", &table, diag);      // or "4711"
 *     for (size_t i = 0; i < table.count; i++)
 *         printf("%s\n", table.rows[i].title);
 *     lock_table_fini(&table);
 *
 * A process that runs is asked for what it has mapped and how its threads are called (/proc); of one that is gone
 * the recording knows. Not thread-safe.
 */
#ifndef COLLECTOR_LOCK_TABLE_H
#define COLLECTOR_LOCK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/diag.h"

struct lock_table_row {
    char *title; /* owned; any bytes */
    uint32_t pid, kind;
    bool process_has_ended;
    char process[17], holder[17]; /* "" = unknown; any bytes */
    uint32_t holder_tid;          /* while others wait; 0 = free, or not known */
    size_t waiters;
    uint64_t longest_ns;  /* wait, that ended or not */
    uint64_t contentions; /* ended, and under way */
    uint64_t wait_ns;     /* of both */
};

struct lock_table {
    struct lock_table_row *rows; /* by waiters, then by time waited; those that were ever contended */
    size_t count, capacity;
    size_t processes, running; /* whose pages were read; of these alive */
    size_t locks;              /* all that are known, contended or not */
    uint64_t lost_waits;       /* that found no place in a page */
    uint64_t evicted;          /* locks that lost theirs to others: their totals are in the trace */
};

/*
 * `target` is a process if it is all digits, else a recording. 0; -ENODATA: it has no page; -ESRCH; what reading
 * says; -ENOMEM. The cause is in `diag`.
 */
int lock_table_read(const char *target, struct lock_table *out, struct diag *diag);
void lock_table_fini(struct lock_table *table); /* legal on a zeroed one */

#endif
