/*
 * See session.h: a program that we start. set_up prepares everything that can fail before it begins, in an order
 * in which whatever fails takes back what was there before; watch waits for its end, and ends the recording when
 * a limit is reached before.
 */
#include "collector/session/session.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "collector/session/command.h"
#include "collector/session/daemon.h"
#include "collector/session/deadline.h"
#include "collector/session/pages.h"
#include "collector/session/preload.h"
#include "collector/session/recorder.h"

/* A program that is still there so long after ^C gets a word about it. */
enum { INTERRUPTED_MS = 1000 };

struct session {
    const struct session_options *options;
    char *program; /* path of the executable, owned */
    struct recorder recorder;
    pid_t pid;
    bool patience_asked;
};

/* ---- before the program ---- */

static int set_seed(struct environment *environment)
{
    uint64_t seed;
    char text[32];
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        return -errno;
    snprintf(text, sizeof text, "%" PRIx64, seed);
    return environment_set(environment, "MAPSCOPE_KEY_SEED", text);
}

static int set_settings(const struct session_options *options, struct environment *environment)
{
    int error = 0;
    for (size_t i = 0; !error && i < options->settings_count; i++) {
        char text[32];
        snprintf(text, sizeof text, "%" PRIu64, options->settings[i].value);
        error = environment_set(environment, options->settings[i].name, text);
    }
    return error;
}

/* The program's environment, but for where its daemon is. */
static int set_environment(struct session *session, struct diag *diag)
{
    char *libraries = NULL;
    int error = preload_find(!session->options->own_locks_only, &libraries, diag);
    if (error)
        return error;
    struct environment *environment = &session->recorder.environment;
    error = environment_prepend(environment, "LD_PRELOAD", libraries);
    free(libraries);
    if (!error)
        error = environment_set(environment, "LTTNG_UST_REGISTER_TIMEOUT", "5000");
    if (!error)
        error = set_settings(session->options, environment);
    if (!error)
        error = set_seed(environment);
    return error ? diag_errno(diag, -error, "cannot make the environment of %s", session->options->argv[0]) : 0;
}

/* Where the processes put what no event can carry. */
static int make_pages(struct recorder *recorder, struct diag *diag)
{
    int error = pages_make(recorder->output.fd);
    if (!error)
        error = environment_set(&recorder->environment, "MAPSCOPE_PAGES", recorder->output.pages);
    return error ? diag_errno(diag, -error, "cannot make %s", recorder->output.pages) : 0;
}

/* LTTng registers the programs of a plain user with root's daemon too, and waits for its answer. */
static void warn_of_hung_daemon(const struct recorder *recorder)
{
    if (recorder->place.kind != PLACE_HOME)
        return;
    struct daemon_probe root = daemon_look(DAEMON_ROOT_FOLDER, false);
    if (root.state == DAEMON_HUNG)
        recorder_warn(recorder,
                      "root's session daemon (process %ld) does not answer: each program that starts waits 5 s for it "
                      "(mapscope doctor)",
                      (long)root.pid);
}

static int enter_place(struct recorder *recorder, struct diag *diag)
{
    int error = place_enter(&recorder->place, diag);
    if (error)
        return error;
    warn_of_hung_daemon(recorder);
    error = place_set_environment(&recorder->place, &recorder->environment);
    if (!error)
        return 0;
    place_leave(&recorder->place);
    place_fini(&recorder->place);
    return diag_errno(diag, -error, "cannot make the environment of %s", recorder->options->argv[0]);
}

/* Everything but the program. On failure nothing is left of it but the open signals. */
static int set_up(struct session *session, struct diag *diag)
{
    struct recorder *recorder = &session->recorder;
    int error = set_environment(session, diag);
    if (!error)
        error = recorder_prepare(recorder, diag);
    if (error)
        return error;
    error = make_pages(recorder, diag);
    if (!error)
        error = enter_place(recorder, diag);
    if (error) {
        recorder_abandon(recorder);
        return error;
    }
    return recorder_open(recorder, 0, session->options->argv, diag);
}

/* ---- while it runs ---- */

static void hear_signals(struct session *session)
{
    struct signals *signals = &session->recorder.signals;
    struct signalfd_siginfo info;
    while (signals_read(signals, &info)) {
        int number = signals_pass_on(signals, &info, deadline_now_ns());
        if (number)
            kill(session->pid, number); /* our child, not yet waited for */
    }
}

/* A second after ^C the user hears what we wait for. */
static void ask_for_patience(struct session *session)
{
    uint64_t interrupted_ns = session->recorder.signals.interrupted_ns;
    if (!interrupted_ns || session->patience_asked ||
        deadline_left_ms(interrupted_ns + (uint64_t)INTERRUPTED_MS * 1000000))
        return;
    recorder_warn(&session->recorder, "waiting for %s to end; ^C again kills it", session->options->argv[0]);
    session->patience_asked = true;
}

/* How long to wait before there is something to do, in ms; -1 = for ever. */
static int patience_ms(const struct session *session)
{
    int recorder_ms = recorder_patience_ms(&session->recorder);
    uint64_t interrupted_ns = session->recorder.signals.interrupted_ns;
    if (!interrupted_ns || session->patience_asked)
        return recorder_ms;
    int word_ms = deadline_left_ms(interrupted_ns + (uint64_t)INTERRUPTED_MS * 1000000);
    return recorder_ms >= 0 && recorder_ms < word_ms ? recorder_ms : word_ms;
}

/* The program goes on. Its signals wait meanwhile. */
static void end_early(struct session *session, enum limits_reached limit, struct session_result *result)
{
    struct recorder *recorder = &session->recorder;
    recorder_close(recorder, limit == LIMITS_SIZE ? CAPTURE_BY_SIZE : CAPTURE_BY_DURATION, result);
    recorder_warn(recorder, "the recording in %s has ended (%s): waiting for %s to end", session->options->folder,
                  limit == LIMITS_SIZE ? "--max-size" : "--duration", session->options->argv[0]);
}

/* Waits for the end of the program; passes signals on. Its wait status. */
static int watch(struct session *session, struct session_result *result)
{
    struct recorder *recorder = &session->recorder;
    int status;
    while (!command_has_ended(session->pid, &status)) {
        struct pollfd waits[2];
        poll(waits, recorder_wait(recorder, waits), patience_ms(session));
        hear_signals(session);
        ask_for_patience(session);
        recorder_hear(recorder);
        enum limits_reached limit =
            recorder->is_open ? limits_reached(&recorder->limits, deadline_now_ns()) : LIMITS_NONE;
        if (limit != LIMITS_NONE)
            end_early(session, limit, result);
    }
    return status;
}

/* ---- the whole ---- */

static int status_of(int error)
{
    return error == -ENOENT ? SESSION_NOT_FOUND : SESSION_CANNOT_EXECUTE;
}

static int run_recorded(struct session *session, struct session_result *result, struct diag *diag)
{
    int number = signals_read_end(&session->recorder.signals);
    if (number) {
        recorder_discard(&session->recorder);
        result->exit_status = 128 + number;
        return diag_set(diag, -EINTR, "%s before the program began", strsignal(number));
    }
    int error = command_start(session->program, session->options->argv, &session->recorder.environment,
                              &session->recorder.signals, &session->pid, diag);
    if (error) {
        recorder_discard(&session->recorder);
        result->exit_status = status_of(error);
        return error;
    }
    session->recorder.capture.pid = session->pid;
    int status = watch(session, result);
    if (session->recorder.is_open) {
        session->recorder.capture.has_exit = true;
        session->recorder.capture.wait_status = status;
        recorder_close(&session->recorder, CAPTURE_BY_PROGRAM, result);
    }
    result->exit_status = command_exit_status(status);
    return 0;
}

/* With the environment that we have. `diag` says why, and is used up. */
static int run_unrecorded(struct session *session, struct session_result *result, struct diag *diag)
{
    recorder_warn(&session->recorder, "not recorded: %s", diag_text(diag));
    diag_clear(diag);
    environment_fini(&session->recorder.environment);
    int error = environment_init(&session->recorder.environment, environ);
    if (error)
        return diag_errno(diag, -error, "cannot run %s", session->options->argv[0]);
    error = command_start(session->program, session->options->argv, &session->recorder.environment,
                          &session->recorder.signals, &session->pid, diag);
    result->exit_status = error ? status_of(error) : command_exit_status(watch(session, result));
    return error;
}

static int set_up_and_run(struct session *session, struct session_result *result, struct diag *diag)
{
    int error = signals_open(&session->recorder.signals, diag);
    if (error)
        return error;
    error = environment_init(&session->recorder.environment, environ);
    if (error)
        diag_errno(diag, -error, "cannot run %s", session->options->argv[0]);
    else
        error = set_up(session, diag);
    if (!error)
        error = run_recorded(session, result, diag);
    else if (session->options->keep_going)
        error = run_unrecorded(session, result, diag);
    environment_fini(&session->recorder.environment);
    signals_close(&session->recorder.signals);
    return error;
}

int session_record(const struct session_options *options, struct session_result *result, struct diag *diag)
{
    struct session session = {.options = options, .recorder.options = options};
    *result = (struct session_result){.exit_status = SESSION_FAILED};
    int error = command_find(options->argv[0], &session.program, diag);
    if (error) {
        result->exit_status = status_of(error);
        return error;
    }
    error = set_up_and_run(&session, result, diag);
    free(session.program);
    return error;
}
