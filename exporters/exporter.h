/*
 * The seam of all exporters that write from a finished model: model in, bytes out, an error back. (The
 * timeline is a stream instead: model/timeline.h.)
 *
 *     struct outfile file;
 *     int error = outfile_open(&file, path, diag);
 *     if (error)
 *         return error;
 *     error = exporter_report.write(&input, &file.out, diag);
 *     if (error) {
 *         outfile_abort(&file);
 *         return error;
 *     }
 *     return outfile_commit(&file, diag);
 */
#ifndef EXPORTERS_EXPORTER_H
#define EXPORTERS_EXPORTER_H

#include "model/contention.h"
#include "model/findings.h"
#include "model/lock_snapshot.h"
#include "model/losses.h"
#include "model/process.h"
#include "model/stacks.h"
#include "model/symbols.h"
#include "support/diag.h"
#include "support/outbuf.h"

/* Everything borrowed for the call, nothing NULL but `warn`. */
struct export_input {
    const char *source;        /* the trace, as the user named it */
    uint64_t begin_ns, end_ns; /* trace clock: first and last event; equal for an empty trace */
    int64_t end_epoch_ns;      /* of end_ns */
    uint64_t own_events;       /* events of provider mapscope */
    const struct losses *losses;
    const struct process_table *processes;
    const struct stacks *stacks;
    const struct symbols *symbols;
    const struct contention_view *contention;
    const struct findings *findings;
    const struct lock_snapshots *snapshots;     /* what had not ended */
    void (*warn)(void *self, const char *text); /* what the user should know besides; may be NULL */
    void *self;
};

struct exporter {
    const char *name;      /* "pprof-mutex": of the command line's option */
    const char *file_name; /* where it goes in an output folder */
    /* 0 or a negative errno with the cause in `diag`. Does not flush `out`; stops at its first error. */
    int (*write)(const struct export_input *input, struct outbuf *out, struct diag *diag);
};

extern const struct exporter exporter_pprof_mutex; /* pprof/exporters.c */
extern const struct exporter exporter_pprof_block;
extern const struct exporter exporter_pprof_hold;
extern const struct exporter exporter_report; /* report/report.c */

#endif
