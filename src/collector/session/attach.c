/* See session.h: a process that runs already. It is looked at, and its daemon spoken to; it is not touched. */
#include "collector/session/session.h"

#include <poll.h>

#include "collector/session/deadline.h"
#include "collector/session/recorder.h"
#include "collector/session/target.h"

struct attachment {
    struct target target;
    char *argv[2];            /* what is known of its command line */
    struct recorder recorder; /* its environment is the target's, borrowed */
};

static int set_up(struct attachment *attachment, struct diag *diag)
{
    struct recorder *recorder = &attachment->recorder;
    struct target *target = &attachment->target;
    int error = recorder_prepare(recorder, diag);
    if (error)
        return error;
    error = place_join(&recorder->place, target_home(target), diag);
    if (error) {
        recorder_abandon(recorder);
        return error;
    }
    attachment->argv[0] = target->program;
    recorder->environment = target->environment;
    recorder->capture.pid = target->pid;
    error = recorder_open(recorder, target->vpid, attachment->argv, diag);
    return error ? diag_wrap(diag, error, "cannot record process %ld", (long)target->pid) : 0;
}

/* Waits for whatever ends the recording. */
static enum capture_end watch(struct attachment *attachment)
{
    struct recorder *recorder = &attachment->recorder;
    for (;;) {
        struct pollfd waits[3];
        nfds_t count = recorder_wait(recorder, waits);
        waits[count] = (struct pollfd){.fd = attachment->target.fd, .events = POLLIN};
        int ready = poll(waits, count + 1, recorder_patience_ms(recorder));
        recorder_hear(recorder);
        if (signals_read_end(&recorder->signals))
            return CAPTURE_BY_SIGNAL;
        if (recorder->daemon_is_lost)
            return CAPTURE_BY_DAEMON;
        if (ready > 0 && waits[count].revents)
            return CAPTURE_BY_PROGRAM;
        enum limits_reached limit = limits_reached(&recorder->limits, deadline_now_ns());
        if (limit != LIMITS_NONE)
            return limit == LIMITS_SIZE ? CAPTURE_BY_SIZE : CAPTURE_BY_DURATION;
    }
}

static int attach(struct attachment *attachment, struct session_result *result, struct diag *diag)
{
    int error = signals_open(&attachment->recorder.signals, diag);
    if (error)
        return error;
    error = set_up(attachment, diag);
    if (!error) {
        recorder_close(&attachment->recorder, watch(attachment), result);
        result->exit_status = result->is_complete ? 0 : SESSION_NOT_ATTACHED;
    }
    signals_close(&attachment->recorder.signals);
    return error;
}

int session_attach(const struct session_options *options, pid_t pid, struct session_result *result, struct diag *diag)
{
    struct attachment attachment = {.recorder.options = options};
    *result = (struct session_result){.exit_status = SESSION_NOT_ATTACHED};
    int error = target_open(&attachment.target, pid, diag);
    if (error)
        return error;
    error = attach(&attachment, result, diag);
    target_close(&attachment.target);
    return error;
}
