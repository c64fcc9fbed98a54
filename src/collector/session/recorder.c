/* See recorder.h. */
#include "collector/session/recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "collector/session/deadline.h"
#include "collector/session/keeper_process.h"
#include "collector/session/pages.h"
#include "collector/session/tree.h"

/* Below that many processes' worth of buffers we say that it may be too little. */
enum { ROOMY_PROCESSES = 8 };

/*
 * A program notices a daemon that begins at once, but one that has seen a daemon before sleeps for 5 s first
 * (liblttng-ust: "after a sequence of failure / wait / failure").
 */
enum { REGISTER_MS = 4000, REGISTER_AGAIN_MS = 7000 };

/* With less than that the next packet did not fit, if there was one. */
enum { FULL_DISK_BYTES = 65536 };

/* The buffers of a process are there when its session has begun, but on a machine that is too busy. */
enum { BUFFERS_MS = 2000, BUFFERS_LOOK_MS = 10 };

void recorder_warn(const struct recorder *recorder, const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        return;
    if (recorder->options->warn)
        recorder->options->warn(recorder->options->self, text);
    free(text);
}

/* ---- begin ---- */

static int check_room(const struct recorder *recorder, struct diag *diag)
{
    uint64_t processes;
    int error = buffers_check("/dev/shm", buffers_of_ring(recorder->options->ring_bytes), &processes, diag);
    if (!error && processes < ROOMY_PROCESSES && recorder->options->argv)
        recorder_warn(recorder,
                      "/dev/shm has room for the buffers of %" PRIu64
                      " processes only: make it larger, or take a smaller --buffer, if the program starts more",
                      processes);
    return error;
}

int recorder_prepare(struct recorder *recorder, struct diag *diag)
{
    int error = check_room(recorder, diag);
    return error ? error : output_open(&recorder->output, recorder->options->folder, diag);
}

void recorder_abandon(struct recorder *recorder)
{
    output_discard(&recorder->output);
}

static int write_capture(struct recorder *recorder, struct diag *diag)
{
    return capture_write(recorder->output.capture, &recorder->capture, diag);
}

static void describe(struct recorder *recorder, char *const *argv)
{
    long pid = recorder->capture.pid;
    control_version(recorder->lttng_version);
    recorder->capture = (struct capture){
        .version = recorder->options->version,
        .lttng_version = recorder->lttng_version,
        .place = place_name(&recorder->place),
        .argv = argv,
        .pid = pid,
        .with_arguments = recorder->options->with_arguments,
        .ring_bytes = recorder->control.events.bytes * recorder->control.events.count,
        .environment = &recorder->environment,
        .begin = capture_now(),
    };
}

/* Waits for the one program to register; ^C ends that. */
static int find_program(const struct recorder *recorder, struct diag *diag)
{
    bool may_come_again = recorder->place.kind != PLACE_SHARED || recorder->control.attempt;
    uint64_t end_ns = deadline_after_ms(may_come_again ? REGISTER_AGAIN_MS : REGISTER_MS);
    int error;
    while ((error = control_find(&recorder->control, diag)) == -ESRCH && deadline_left_ms(end_ns)) {
        diag_clear(diag);
        if (signals_read_end(&recorder->signals))
            return diag_set(diag, -EINTR, "interrupted");
    }
    return error;
}

/* Whether there are any, or will be within 2 s; ^C ends that. */
static int find_buffers(const struct recorder *recorder, struct diag *diag)
{
    uint64_t end_ns = deadline_after_ms(BUFFERS_MS);
    struct pollfd wait = {.fd = recorder->signals.fd, .events = POLLIN};
    struct survey survey;
    for (;;) {
        survey_trace(recorder->output.fd, "trace", &survey);
        if (survey.processes)
            return 0;
        if (!deadline_left_ms(end_ns))
            return diag_set(diag, -EAGAIN, "LTTng opened no buffers for the process");
        poll(&wait, 1, BUFFERS_LOOK_MS);
        if (signals_read_end(&recorder->signals))
            return diag_set(diag, -EINTR, "interrupted");
    }
}

static int begin_once(const struct recorder *recorder, struct diag *diag)
{
    int error = find_program(recorder, diag);
    if (!error)
        error = control_begin(&recorder->control, diag);
    return error ? error : find_buffers(recorder, diag);
}

/* LTTng does not say so when it could not open the buffers of a process, and then never records it in that session. */
static int begin_with_buffers(struct recorder *recorder, struct diag *diag)
{
    int error;
    while ((error = begin_once(recorder, diag)) == -EAGAIN && control_next_attempt(&recorder->control)) {
        tree_remove(recorder->output.fd, "trace");
        recorder_warn(recorder, "%s: trying again", diag_text(diag));
        diag_clear(diag);
    }
    return error == -EAGAIN
               ? diag_wrap(diag, error, "%d attempts, on a machine that is perhaps too busy", CONTROL_ATTEMPTS)
               : error;
}

/* With a daemon: the session in it, and the file that says so. */
static int begin(struct recorder *recorder, char *const *argv, struct diag *diag)
{
    int error = recorder->control.vpid ? begin_with_buffers(recorder, diag) : control_begin(&recorder->control, diag);
    if (error && recorder->place.kind == PLACE_SHARED && !recorder->control.vpid)
        diag_wrap(diag, error,
                  "root's session daemon is used (group tracing), and it fails: restart it, or leave the group");
    if (!error) {
        describe(recorder, argv);
        error = write_capture(recorder, diag);
    }
    return error;
}

static void leave(struct recorder *recorder)
{
    keeper_stop(&recorder->keeper, &recorder->place);
    place_fini(&recorder->place);
}

int recorder_open(struct recorder *recorder, pid_t vpid, char *const *argv, struct diag *diag)
{
    const struct session_options *options = recorder->options;
    control_init(&recorder->control, recorder->place.home, recorder->output.trace,
                 buffers_of_ring(options->ring_bytes));
    recorder->control.vpid = vpid;
    recorder->control.patience = (struct bounded_patience){options->be_patient, options->self};
    int error = keeper_start(&recorder->keeper, &recorder->place, &recorder->control, diag);
    if (error) {
        place_leave(&recorder->place);
        place_fini(&recorder->place);
    } else if ((error = begin(recorder, argv, diag)) != 0) {
        leave(recorder);
    }
    if (error) {
        recorder_abandon(recorder);
        return error;
    }
    limits_begin(&recorder->limits, options->duration_ns, options->max_bytes, deadline_now_ns());
    recorder->is_open = true;
    return 0;
}

void recorder_discard(struct recorder *recorder)
{
    leave(recorder);
    recorder_abandon(recorder);
    recorder->is_open = false;
}

/* ---- while it records ---- */

nfds_t recorder_wait(const struct recorder *recorder, struct pollfd waits[2])
{
    waits[0] = (struct pollfd){.fd = recorder->signals.fd, .events = POLLIN};
    waits[1] = (struct pollfd){.fd = recorder->keeper.fd, .events = POLLIN};
    return recorder->is_open && !recorder->daemon_is_lost ? 2 : 1;
}

int recorder_patience_ms(const struct recorder *recorder)
{
    uint64_t due_ns = limits_due_ns(&recorder->limits);
    return recorder->is_open && due_ns != UINT64_MAX ? deadline_left_ms(due_ns) : -1;
}

/* The keeper has something to say: once, and never good news. */
static void hear_keeper(struct recorder *recorder)
{
    struct keeper_message message;
    ssize_t got = recv(recorder->keeper.fd, &message, sizeof message, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got == (ssize_t)sizeof message)
        recorder_warn(recorder, "the rest is not recorded: %.*s", (int)sizeof message.text, message.text);
    else
        recorder_warn(recorder, "the rest is not recorded: the process that keeps the session daemon was killed");
    recorder->daemon_is_lost = true;
}

void recorder_hear(struct recorder *recorder)
{
    if (!recorder->is_open)
        return;
    if (!recorder->daemon_is_lost)
        hear_keeper(recorder);
    if (limits_wants_size(&recorder->limits, deadline_now_ns())) {
        struct survey survey;
        survey_trace(recorder->output.fd, "trace", &survey); /* a folder that comes or goes meanwhile is no matter */
        limits_note_size(&recorder->limits, survey.bytes, deadline_now_ns());
    }
}

/* ---- end ---- */

/* Whether everything that was recorded is on disk. */
static bool end_recording(const struct recorder *recorder)
{
    if (recorder->daemon_is_lost)
        return false;
    struct diag diag;
    diag_init(&diag);
    int error = control_end(&recorder->control, &diag);
    if (error)
        recorder_warn(recorder, "%s", diag_text(&diag));
    diag_fini(&diag);
    return !error;
}

/* LTTng drops what it cannot write, and says nothing. Shared pages still take room that they will give back. */
static bool had_room(const struct recorder *recorder)
{
    struct statvfs status;
    if (fstatvfs(recorder->output.fd, &status))
        return true;
    uint64_t blocks = geteuid() ? status.f_bavail : status.f_bfree;
    if (blocks * status.f_frsize >= FULL_DISK_BYTES)
        return true;
    recorder_warn(recorder, "the disk of %s is full: what did not fit is lost (--max-size ends a recording before)",
                  recorder->output.folder);
    return false;
}

static void write_end(struct recorder *recorder, const struct session_result *result)
{
    struct diag diag;
    diag_init(&diag);
    recorder->capture.state = result->is_complete ? CAPTURE_COMPLETE : CAPTURE_CUT;
    recorder->capture.survey = result->is_surveyed ? &result->trace : NULL;
    if (write_capture(recorder, &diag))
        recorder_warn(recorder, "%s", diag_text(&diag));
    diag_fini(&diag);
}

void recorder_close(struct recorder *recorder, enum capture_end ended_by, struct session_result *result)
{
    recorder->capture.end = capture_now();
    recorder->capture.ended_by = recorder->daemon_is_lost ? CAPTURE_BY_DAEMON : ended_by;
    result->was_recorded = true;
    result->is_complete = end_recording(recorder);
    result->is_complete &= had_room(recorder);
    int error = survey_trace(recorder->output.fd, "trace", &result->trace);
    if (error)
        recorder_warn(recorder, "cannot read the trace in %s: %s", recorder->output.folder, strerror(-error));
    result->is_surveyed = !error;
    pages_settle(recorder->output.fd, recorder->capture.end.monotonic_ns);
    write_end(recorder, result);
    leave(recorder);
    output_close(&recorder->output);
    recorder->is_open = false;
}
