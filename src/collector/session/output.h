/*
 * The folder that a recording goes to: ours alone while it lasts, and never a place where something of
 * somebody else's is lost.
 *
 *     DIR/trace          what the tracer writes
 *     DIR/pages          the shared pages of the processes (pages.h)
 *     DIR/capture.json   how it was recorded; what marks the folder as ours
 */
#ifndef COLLECTOR_SESSION_OUTPUT_H
#define COLLECTOR_SESSION_OUTPUT_H

#include <stdbool.h>

#include "support/diag.h"

struct output {
    char *folder, *trace, *pages, *capture; /* absolute, owned */
    int fd;                                 /* of the folder; holds its lock; close-on-exec */
    bool is_new;                            /* we created it */
};

/*
 * Creates `folder` (0700), or takes one that is empty or holds an earlier recording, whose trace, pages and
 * capture.json are removed; locks it. Errors: -ENOTEMPTY for a folder with something else in it, -EBUSY
 * while another recording goes there, and those of mkdir and open.
 */
int output_open(struct output *output, const char *folder, struct diag *diag);

/* Unlocks. The content stays. */
void output_close(struct output *output);

/* Instead of output_close, for a recording that never began: takes away what we made. */
void output_discard(struct output *output);

#endif
