/*
 * capture.json: how a trace was recorded, beside it. Written when the recording begins, without an end,
 * and again when it ends; each time whole or not at all. An unknown number is null.
 *
 *     {"mapscope": "0.1.0", "lttng": "2.13.9", "state": "complete",
 *      "command": "./server", "arguments": null, "pid": 4711, "daemon": "own namespace",
 *      "settings": {"ring_bytes": 1048576, "MAPSCOPE_MUTEX_FRACTION": 1},
 *      "pages": "pages",
 *      "begin": {"epoch_ns": 1, "monotonic_ns": 1}, "end": {"epoch_ns": 2, "monotonic_ns": 2},
 *      "ended_by": "program", "exit": {"status": 0, "signal": null},
 *      "counts": {"processes": 2, "bytes": 53248},
 *      "losses": {"discarded_events": 0, "lost_packets": 0,
 *                 "without_buffers": {"count": 0, "first": []},
 *                 "without_metadata": {"count": 1, "first": ["server-4711-20260101-120000"]}}}
 *
 * `state` is "recording" (or the recorder was killed), "complete", or "cut" when the tracer did not say
 * that everything is written. `ended_by` is what ended the recording: "program", "duration", "size",
 * "signal" (to us) or "daemon" (its end); `exit` is null if the program went on. Of the processes without buffers
 * nothing was recorded; those without metadata have none, or a cut one. The first eight of each are named, by their
 * folders. Arguments may be private: they are recorded only together with keys.
 */
#ifndef COLLECTOR_SESSION_CAPTURE_H
#define COLLECTOR_SESSION_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/session/environment.h"
#include "collector/session/survey.h"
#include "support/diag.h"

#define CAPTURE_NAME "capture.json"

enum capture_state { CAPTURE_RECORDING, CAPTURE_COMPLETE, CAPTURE_CUT };
enum capture_end { CAPTURE_BY_PROGRAM, CAPTURE_BY_DURATION, CAPTURE_BY_SIZE, CAPTURE_BY_SIGNAL, CAPTURE_BY_DAEMON };

struct capture_time {
    uint64_t epoch_ns, monotonic_ns; /* 0 = not yet */
};

/* Plain data, all borrowed. */
struct capture {
    const char *version, *lttng_version, *place;
    enum capture_state state;
    char *const *argv;
    bool with_arguments;
    long pid; /* 0 = not yet */
    uint64_t ring_bytes;
    const struct environment *environment; /* of the program: its MAPSCOPE_* are the settings, but not the seed */
    struct capture_time begin, end;
    enum capture_end ended_by; /* once `end` is there */
    bool has_exit;             /* `wait_status` is known */
    int wait_status;
    const struct survey *survey; /* NULL = not known */
};

struct capture_time capture_now(void);

int capture_write(const char *path, const struct capture *capture, struct diag *diag);

/* Whether the file was written by capture_write (of any version). */
bool capture_is_ours(const char *path);

#endif
