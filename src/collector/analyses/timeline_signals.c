/*
 * See timeline_parts.h: signals of condition variables on the signaller's row, and whom they woke.
 *
 *     signaller's row    [signal table]               from when the woken want the mutex to when the signal is told
 *     waiter's row        `->|== wait table ==|       if somebody held it up: a wait that begins with the signal
 *
 * The wait is told later: signals are held back until then, the last few of each mutex. A broadcast has one flow to
 * all of its waits.
 */
#include <errno.h>
#include <string.h>

#include "collector/analyses/timeline_parts.h"

static int put(struct timeline_builder *timeline, const char *name, struct timeline_signal *signal)
{
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg(&args, TIMELINE_ARG_WOKEN, signal->woken);
    timeline_arg(&args, TIMELINE_ARG_COND, signal->cond);
    timeline_arg_text(&args, TIMELINE_ARG_SITE, signal->site);
    struct timeline_slice slice = {.name = name,
                                   .category = "lock",
                                   .is_lasting = true,
                                   .flow_id = signal->flow_id,
                                   .flow = signal->flow_id ? TIMELINE_FLOW_OUT : TIMELINE_FLOW_NONE};
    signal->is_drawn = true;
    return timeline_put_slice(timeline, signal->row, &signal->span, &args, &slice);
}

static int put_alone(struct timeline_builder *timeline, const char *name, struct timeline_signal *signal)
{
    return signal->row && !signal->is_drawn ? put(timeline, name, signal) : 0;
}

/* Those of the mutex with that key. */
static int get(struct timeline_builder *timeline, const struct timeline_object_key *key, struct timeline_signals **out)
{
    bool is_new;
    struct timeline_signals *signals = hashmap_put(&timeline->signals, key, &is_new);
    if (!signals)
        return -ENOMEM;
    const char *const *title = is_new ? hashmap_find(&timeline->lock_titles, key) : NULL;
    struct event_text name = title ? (struct event_text){*title, (uint32_t)strlen(*title)} : (struct event_text){0};
    if (is_new)
        signals->name = timeline_lasting_title(timeline, "signal", name, key->address);
    *out = signals;
    return signals->name ? 0 : -ENOMEM;
}

int timeline_signal_event(struct timeline_builder *timeline, const struct event *event)
{
    const struct event_cond_signal *told = &event->cond_signal;
    struct timeline_object_key key = timeline_object_key(event->pid, &told->lock);
    struct timeline_signals *signals;
    struct timeline_thread *thread;
    struct timeline_span span;
    const char *site;
    int error = timeline_thread_get(timeline, event->pid, event->tid, &thread);
    if (!error)
        error = timeline_fit(timeline, &thread->row, told->begin_ns, event->time_ns, &span);
    if (!error)
        error = get(timeline, &key, &signals);
    if (!error)
        error = timeline_lock_site(timeline, event, &site);
    if (error)
        return error;
    struct timeline_signal *place = &signals->last[signals->count++ % TIMELINE_SIGNALS];
    error = put_alone(timeline, signals->name, place);
    *place = (struct timeline_signal){.row = &thread->row,
                                      .span = span,
                                      .begin_ns = told->begin_ns,
                                      .end_ns = event->time_ns,
                                      .cond = told->cond,
                                      .woken = told->woken,
                                      .site = site};
    return error;
}

/* A broadcast lets one after the other want the mutex. */
static bool has_woken(const struct timeline_signal *signal, uint64_t begin_ns)
{
    return signal->row && (begin_ns == signal->begin_ns ||
                           (signal->woken > 1 && begin_ns > signal->begin_ns && begin_ns <= signal->end_ns));
}

int timeline_signal_flow(struct timeline_builder *timeline, const struct event *wait, uint64_t drawn_from_ns,
                         uint64_t *flow_id)
{
    struct timeline_object_key key = timeline_object_key(wait->pid, &wait->lock_wait.lock);
    struct timeline_signals *signals = hashmap_find(&timeline->signals, &key);
    *flow_id = 0;
    for (uint32_t i = 0; signals && i < TIMELINE_SIGNALS; i++) {
        struct timeline_signal *signal = &signals->last[i];
        if (!has_woken(signal, wait->lock_wait.begin_ns) || drawn_from_ns < signal->span.begin_ns)
            continue;
        if (signal->flow_id == 0)
            signal->flow_id = timeline->next_flow++;
        *flow_id = signal->flow_id;
        return put_alone(timeline, signals->name, signal);
    }
    return 0;
}

int timeline_signals_finish(struct timeline_builder *timeline)
{
    const void *key;
    void *value;
    int error = 0;
    for (size_t at = 0; !error && hashmap_next(&timeline->signals, &at, &key, &value);) {
        struct timeline_signals *signals = value;
        for (uint32_t i = 0; i < TIMELINE_SIGNALS && !error; i++)
            error = put_alone(timeline, signals->name, &signals->last[i]);
    }
    return error;
}
