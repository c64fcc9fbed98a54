/*
 * One recording: its folder, its daemon, its session and its capture.json, opened and closed as one; whatever
 * it is that is recorded. session.c records a program that it starts, attach.c one that runs already.
 *
 *     struct recorder recorder = {.options = options};
 *     signals_open(&recorder.signals, diag);                   // and the environment
 *     error = recorder_prepare(&recorder, diag);               // room, folder
 *     error = place_enter(&recorder.place, diag);              // or recorder_abandon
 *     error = recorder_open(&recorder, 0, diag);               // from here on it records
 *     while (...) {
 *         poll(waits, recorder_wait(&recorder, waits), recorder_patience_ms(&recorder));
 *         recorder_hear(&recorder);                            // the daemon's end, the size of the trace
 *         if (limits_reached(&recorder.limits, now_ns)) ...
 *     }
 *     recorder_close(&recorder, CAPTURE_BY_PROGRAM, result);
 *
 * For a single-threaded process, one at a time.
 */
#ifndef COLLECTOR_SESSION_RECORDER_H
#define COLLECTOR_SESSION_RECORDER_H

#include <poll.h>
#include <stdbool.h>

#include "collector/session/capture.h"
#include "collector/session/control.h"
#include "collector/session/environment.h"
#include "collector/session/keeper.h"
#include "collector/session/limits.h"
#include "collector/session/output.h"
#include "collector/session/place.h"
#include "collector/session/session.h"
#include "collector/session/signals.h"

struct recorder {
    const struct session_options *options;
    struct signals signals;
    struct output output;
    struct environment environment; /* of the program */
    struct place place;
    struct control control;
    struct keeper keeper;
    struct limits limits;
    struct capture capture;
    char lttng_version[CONTROL_VERSION_SIZE];
    bool is_open, daemon_is_lost;
};

void recorder_warn(const struct recorder *recorder, const char *format, ...) DIAG_PRINTF(2, 3);

/* Looks whether there is room for buffers, and takes the folder. On failure nothing is left. */
int recorder_prepare(struct recorder *recorder, struct diag *diag);

/* Gives back what recorder_prepare took. */
void recorder_abandon(struct recorder *recorder);

/*
 * In the place that the caller has chosen: daemon, session, capture.json. `vpid` = the one process to be
 * recorded, which must register with the daemon; 0 = all. `argv` is the program's, for capture.json. On failure
 * nothing is left, not the place and the folder either.
 */
int recorder_open(struct recorder *recorder, pid_t vpid, char *const *argv, struct diag *diag);

/* What to wait for with poll while it is open, and afterwards: its signals come first. The number of entries. */
nfds_t recorder_wait(const struct recorder *recorder, struct pollfd waits[2]);

/* How long until recorder_hear has something to do, in ms; -1 = for ever. */
int recorder_patience_ms(const struct recorder *recorder);

/* Takes what the keeper says, and looks at the size of the trace when that is due. Never blocks. */
void recorder_hear(struct recorder *recorder);

/* Ends it, each step with a deadline: what is on disk by then stays. `ended_by`, and the program's end, if it is
 * known, are in `capture`. */
void recorder_close(struct recorder *recorder, enum capture_end ended_by, struct session_result *result);

/* Instead of recorder_close, for a program that never began: nothing is left. */
void recorder_discard(struct recorder *recorder);

#endif
