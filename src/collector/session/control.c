/* See control.h. The functions named call_* run in a child process (bounded.h). */
#include "collector/session/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <lttng/lttng.h>

#include "collector/session/bounded.h"
#include "collector/session/deadline.h"

enum {
    FIND_MS = 5000,
    LOOK_MS = 500,
    BEGIN_MS = 5000,
    STOP_MS = 5000,
    PENDING_MS = 5000,
    DESTROY_MS = 1000,
    VERSION_MS = 1000
};

static const struct timespec poll_interval = {.tv_nsec = 5 * 1000 * 1000};

void control_init(struct control *control, const char *home, const char *trace, struct buffers events)
{
    unsigned random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
        random = (unsigned)time(NULL);
    *control = (struct control){.home = home, .trace = trace, .events = events};
    snprintf(control->stem, sizeof control->stem, "mapscope-%ld-%08x", (long)getpid(), random);
}

struct session_name {
    char text[CONTROL_NAME_SIZE + 16];
};

static struct session_name name_of(const struct control *control)
{
    struct session_name name;
    snprintf(name.text, sizeof name.text, "%s-%u", control->stem, control->attempt + 1);
    return name;
}

/* Leads liblttng-ctl to the daemon: it looks at the environment in each call. */
static void find_daemon(const struct control *control)
{
    if (control->home)
        setenv("LTTNG_HOME", control->home, 1);
    else
        unsetenv("LTTNG_HOME");
}

/* `code` as liblttng-ctl returns it: a negative lttng_error_code is a failure. */
static int failed(struct diag *diag, int code, const char *what)
{
    return code >= 0 ? 0 : diag_set(diag, -EIO, "cannot %s: %s", what, lttng_strerror(code));
}

static struct lttng_domain user_space(void)
{
    return (struct lttng_domain){.type = LTTNG_DOMAIN_UST, .buf_type = LTTNG_BUFFER_PER_PID};
}

static int create_session(const struct control *control, struct diag *diag)
{
    struct lttng_session_descriptor *session =
        lttng_session_descriptor_local_create(name_of(control).text, control->trace);
    if (!session)
        return diag_set(diag, -EINVAL, "LTTng refuses the path %s", control->trace);
    int code = (int)lttng_create_session_ext(session);
    lttng_session_descriptor_destroy(session);
    return code == LTTNG_OK ? 0 : failed(diag, -code, "create a session");
}

static int enable_channel(struct lttng_handle *handle, const char *name, struct buffers buffers, struct diag *diag)
{
    struct lttng_channel *channel = lttng_channel_create(&handle->domain);
    if (!channel)
        return diag_errno(diag, ENOMEM, "cannot create a channel");
    snprintf(channel->name, sizeof channel->name, "%s", name);
    channel->attr.overwrite = 0;
    channel->attr.subbuf_size = buffers.bytes;
    channel->attr.num_subbuf = buffers.count;
    int code = lttng_enable_channel(handle, channel);
    lttng_channel_destroy(channel);
    return failed(diag, code, "create a channel");
}

static int add_context(struct lttng_handle *handle, enum lttng_event_context_type type, const char *channel,
                       struct diag *diag)
{
    struct lttng_event_context context = {.ctx = type};
    return failed(diag, lttng_add_context(handle, &context, NULL, channel), "add a context");
}

static int enable_events(struct lttng_handle *handle, const char *pattern, const char *channel, struct diag *diag)
{
    struct lttng_event *event = lttng_event_create();
    if (!event)
        return diag_errno(diag, ENOMEM, "cannot enable the events %s", pattern);
    snprintf(event->name, sizeof event->name, "%s", pattern);
    event->type = LTTNG_EVENT_TRACEPOINT;
    event->loglevel_type = LTTNG_EVENT_LOGLEVEL_ALL;
    event->loglevel = -1;
    int code = lttng_enable_event_with_exclusions(handle, event, channel, NULL, 0, NULL);
    lttng_event_destroy(event);
    return failed(diag, code, "enable events");
}

static int set_up_channels(const struct control *control, struct lttng_handle *handle, struct diag *diag)
{
    static const struct {
        const char *channel, *pattern;
    } events[] = {{"meta", "lttng_ust_statedump:*"}, {"meta", "lttng_ust_lib:*"}, {"ev", "mapscope:*"}};
    int error = enable_channel(handle, "meta", BUFFERS_META, diag);
    if (!error)
        error = enable_channel(handle, "ev", control->events, diag);
    for (size_t i = 0; !error && i < sizeof events / sizeof events[0]; i++)
        error = enable_events(handle, events[i].pattern, events[i].channel, diag);
    static const char *const channels[] = {"meta", "ev"};
    for (size_t i = 0; !error && i < sizeof channels / sizeof channels[0]; i++) {
        error = add_context(handle, LTTNG_EVENT_CONTEXT_VPID, channels[i], diag);
        if (!error)
            error = add_context(handle, LTTNG_EVENT_CONTEXT_VTID, channels[i], diag);
    }
    return error;
}

/* 1 if the process has our tracepoints, 0 if the daemon knows of none (yet). */
static int has_tracepoints(struct lttng_handle *handle, pid_t vpid)
{
    struct lttng_event *events = NULL;
    int count = lttng_list_tracepoints(handle, &events), found = 0;
    for (int i = 0; i < count && !found; i++)
        found = events[i].pid == vpid && strncmp(events[i].name, "mapscope:", strlen("mapscope:")) == 0;
    free(events);
    return found;
}

static int call_find(const void *arg, void *reply, struct diag *diag)
{
    (void)reply;
    const struct control *control = arg;
    find_daemon(control);
    struct lttng_domain domain = user_space();
    struct lttng_handle *handle = lttng_create_handle(NULL, &domain);
    if (!handle)
        return diag_errno(diag, ENOMEM, "cannot list tracepoints");
    uint64_t end_ns = deadline_after_ms(LOOK_MS);
    int found;
    while (!(found = has_tracepoints(handle, control->vpid)) && deadline_left_ms(end_ns))
        nanosleep(&poll_interval, NULL);
    lttng_destroy_handle(handle);
    return found ? 0 : diag_set(diag, -ESRCH, "it has not registered with the session daemon");
}

/* Nothing but the one process, from the first event on. */
static int track(const struct control *control, struct diag *diag)
{
    struct lttng_process_attr_tracker_handle *tracker;
    enum lttng_error_code code = lttng_session_get_tracker_handle(name_of(control).text, LTTNG_DOMAIN_UST,
                                                                  LTTNG_PROCESS_ATTR_VIRTUAL_PROCESS_ID, &tracker);
    if (code != LTTNG_OK)
        return failed(diag, -(int)code, "choose the process");
    int status = lttng_process_attr_tracker_handle_set_tracking_policy(tracker, LTTNG_TRACKING_POLICY_INCLUDE_SET);
    if (status == LTTNG_PROCESS_ATTR_TRACKER_HANDLE_STATUS_OK)
        status = lttng_process_attr_virtual_process_id_tracker_handle_add_pid(tracker, control->vpid);
    lttng_process_attr_tracker_handle_destroy(tracker);
    return status == LTTNG_PROCESS_ATTR_TRACKER_HANDLE_STATUS_OK
               ? 0
               : diag_set(diag, -EIO, "cannot choose the process: the session daemon refuses (%d)", status);
}

/* LTTng 2.13 has no error of its own for a process whose buffers the consumer could not open. */
static int start(const struct control *control, struct diag *diag)
{
    int code = lttng_start_tracing(name_of(control).text);
    if (code == -LTTNG_ERR_UNK)
        return diag_set(diag, -EAGAIN, "LTTng could not open the buffers of a process");
    return failed(diag, code, "start recording");
}

static int call_begin(const void *arg, void *reply, struct diag *diag)
{
    (void)reply;
    const struct control *control = arg;
    find_daemon(control);
    int error = create_session(control, diag);
    if (error)
        return error;
    struct lttng_domain domain = user_space();
    struct lttng_handle *handle = lttng_create_handle(name_of(control).text, &domain);
    if (!handle)
        return diag_errno(diag, ENOMEM, "cannot create a session");
    error = control->vpid ? track(control, diag) : 0;
    if (!error)
        error = set_up_channels(control, handle, diag);
    lttng_destroy_handle(handle);
    return error ? error : start(control, diag);
}

static int call_stop(const void *arg, void *reply, struct diag *diag)
{
    (void)reply;
    const struct control *control = arg;
    find_daemon(control);
    if (control->vpid) /* it goes on, and has said no totals: its locks, once more */
        lttng_regenerate_statedump(name_of(control).text);
    return failed(diag, lttng_stop_tracing_no_wait(name_of(control).text), "stop recording");
}

static int call_wait(const void *arg, void *reply, struct diag *diag)
{
    (void)reply;
    const struct control *control = arg;
    find_daemon(control);
    int pending;
    while ((pending = lttng_data_pending(name_of(control).text)) > 0)
        nanosleep(&poll_interval, NULL);
    return failed(diag, pending, "write the rest of the trace");
}

static int call_destroy(const void *arg, void *reply, struct diag *diag)
{
    (void)reply;
    (void)diag;
    struct control control = *(const struct control *)arg;
    find_daemon(&control);
    for (control.attempt = 0; control.attempt < CONTROL_ATTEMPTS; control.attempt++)
        lttng_destroy_session_no_wait(name_of(&control).text);
    return 0;
}

static int call_version(const void *arg, void *reply, struct diag *diag)
{
    (void)arg, (void)diag;
    FILE *output = popen("lttng-sessiond --version 2>/dev/null", "r");
    char *version = reply;
    if (!output || !fgets(version, CONTROL_VERSION_SIZE, output))
        return -ENOENT;
    version[strcspn(version, "\n")] = '\0';
    return 0;
}

int control_find(const struct control *control, struct diag *diag)
{
    return bounded_run(call_find, control, NULL, 0, FIND_MS, diag);
}

int control_begin(const struct control *control, struct diag *diag)
{
    int error = bounded_run_patiently(call_begin, control, NULL, 0, BEGIN_MS, control->patience, diag);
    return error ? diag_wrap(diag, error, "cannot set up the recording in the session daemon") : 0;
}

bool control_next_attempt(struct control *control)
{
    control_destroy(control);
    return ++control->attempt < CONTROL_ATTEMPTS;
}

int control_end(const struct control *control, struct diag *diag)
{
    int error = bounded_run_patiently(call_stop, control, NULL, 0, STOP_MS, control->patience, diag);
    if (error)
        return diag_wrap(diag, error, "cannot stop the recording");
    error = bounded_run_patiently(call_wait, control, NULL, 0, PENDING_MS, control->patience, diag);
    return error ? diag_wrap(diag, error, "cannot wait for the end of the trace") : 0;
}

void control_destroy(const struct control *control)
{
    bounded_run(call_destroy, control, NULL, 0, DESTROY_MS, NULL);
}

void control_version(char version[CONTROL_VERSION_SIZE])
{
    version[0] = '\0';
    bounded_run(call_version, NULL, version, CONTROL_VERSION_SIZE, VERSION_MS, NULL);
}
