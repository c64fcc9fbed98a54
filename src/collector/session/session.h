/*
 * Records a program: mapscope record without its command line.
 *
 *     struct session_options options = {.folder = "out", .argv = argv, .ring_bytes = BUFFERS_RING_DEFAULT, ...};
 *     struct session_result result;
 *     int error = session_record(&options, &result, diag);
 *     if (error)
 *         ...                               // error: the program never ran, and the folder is as it was
 *     return result.exit_status;            // the program's, or why it never ran
 *
 * One recording a process: for a single-threaded caller, whose signals, and if it is root whose mount
 * namespace, change. Start reading at session_record in session.c (or session_attach in attach.c), then
 * recorder.h; each of the other files here is one part of it.
 */
#ifndef COLLECTOR_SESSION_SESSION_H
#define COLLECTOR_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/session/buffers.h"
#include "collector/session/survey.h"
#include "support/diag.h"

/* Exit statuses of our own; others are the program's, or 128 + the signal that ended it or us. */
enum { SESSION_FAILED = 125, SESSION_CANNOT_EXECUTE = 126, SESSION_NOT_FOUND = 127, SESSION_NOT_ATTACHED = 1 };

/* An environment variable of the runtime (src/runtime/config.h). */
struct session_setting {
    const char *name;
    uint64_t value;
};

struct session_options {
    const char *folder;
    char *const *argv; /* of the program; NULL behind the last. NULL for session_attach */
    const struct session_setting *settings;
    size_t settings_count;
    uint64_t ring_bytes;                        /* buffer a CPU and process, rounded up to a power of two */
    bool with_arguments;                        /* put the program's arguments into capture.json */
    bool own_locks_only;                        /* leave the program's pthread locks alone */
    bool keep_going;                            /* if it cannot be recorded, run the program without */
    uint64_t duration_ns;                       /* end the recording then; 0 = with the program */
    uint64_t max_bytes;                         /* or when the trace is so large; 0 = however large */
    const char *version;                        /* of mapscope */
    void (*warn)(void *self, const char *text); /* may be NULL */
    void (*be_patient)(void *self);             /* the session daemon has taken a second; may be NULL */
    void *self;
};

struct session_result {
    int exit_status;
    bool was_recorded; /* false: ran without, because of keep_going */
    bool is_complete;  /* everything that was recorded is on disk */
    bool is_surveyed;  /* `trace` is known */
    struct survey trace;
};

/*
 * 0 when the program has run and ended; else a negative errno, with the cause in `diag`. A limit of the options
 * ends the recording alone: it is complete then, the program goes on, and its end is waited for.
 */
int session_record(const struct session_options *options, struct session_result *result, struct diag *diag);

/*
 * Records the process `pid`, which runs already and has libmapscope-lttng loaded, until it ends, a limit is
 * reached, or a signal comes (^C). 0 with exit status 0, or 1 if the end of the trace may be missing; or a negative
 * errno with exit status 1, and nothing was recorded. The process itself is never touched.
 */
int session_attach(const struct session_options *options, pid_t pid, struct session_result *result, struct diag *diag);

#endif
