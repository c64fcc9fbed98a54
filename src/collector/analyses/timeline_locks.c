/*
 * See timeline_parts.h: waits on the waiter's row; holds and how many wait for them on the lock's group.
 *
 *     lock table      |== phone holds ==|              a contended hold, from its first waiter to its release
 *     phone's row                       `-.            the flow, if the trace has both
 *     visitor's row   |== wait table =====[==]         released at [, by phone; running again at ]
 *
 * The flow does not end at the wait itself, which may have begun before the hold: a flow does not go back in time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/timeline_parts.h"

enum { NS_A_MS = 1000000 };

/* docs/events.md, lock_wait.result: 0 = acquired. */
static const char *const wait_results[] = {NULL, "timeout", "error", "cancelled", "owner died"};

void timeline_lock_destroy(struct timeline_lock *lock)
{
    free(lock->waiting.changes);
    timeline_group_fini(&lock->group);
    free(lock);
}

static int create_lock(struct timeline_builder *timeline, const struct timeline_object_key *key, struct event_text name,
                       struct timeline_lock **out)
{
    struct timeline_lock *lock = calloc(1, sizeof *lock);
    const char *const *title = name.length ? NULL : hashmap_find(&timeline->lock_titles, key);
    if (!lock)
        return -ENOMEM;
    if (title)
        name = (struct event_text){*title, (uint32_t)strlen(*title)};
    lock->wait_name = timeline_lasting_title(timeline, "wait", name, key->address);
    lock->release_name = timeline_lasting_title(timeline, "release", name, key->address);
    int error = lock->wait_name && lock->release_name
                    ? timeline_group_init(timeline, TIMELINE_GROUP_LOCK, key, name, &lock->group)
                    : -ENOMEM;
    struct timeline_lock **slot = error ? NULL : hashmap_put(&timeline->locks, key, NULL);
    if (!slot) {
        timeline_lock_destroy(lock);
        return -ENOMEM;
    }
    *slot = *out = lock;
    return 0;
}

int timeline_lock_titles_init(struct timeline_builder *timeline)
{
    const struct contention_view *view = timeline->options.contention;
    for (size_t i = 0; view && i < view->lock_count; i++) {
        const struct contention_lock *lock = &view->locks[i];
        struct timeline_object_key key = timeline_object_key(lock->pid, &lock->object);
        const char **title = lock->title ? hashmap_put(&timeline->lock_titles, &key, NULL) : NULL;
        if (lock->title && !title)
            return -ENOMEM;
        if (title)
            *title = lock->title;
    }
    return 0;
}

int timeline_lock_get(struct timeline_builder *timeline, uint32_t pid, const struct event_object *object,
                      struct event_text name, struct timeline_lock **out)
{
    struct timeline_object_key key = timeline_object_key(pid, object);
    struct timeline_lock **slot = hashmap_find(&timeline->locks, &key);
    if (!slot)
        return create_lock(timeline, &key, name, out);
    *out = *slot;
    return 0;
}

/*
 * Where its thread did it, a moment: from its first waiter on the hold would cross what the thread did meanwhile, since
 * that one came when he liked.
 */
static int mark_release(struct timeline_builder *timeline, const struct timeline_lock *lock,
                        const struct timeline_release *release, const struct timeline_args *args)
{
    return timeline_put_instant(timeline, &release->by->row, release->span.end_ns, lock->release_name, "lock", args);
}

static int put_hold(struct timeline_builder *timeline, const struct timeline_lock *lock,
                    const struct timeline_release *release, uint64_t flow_id)
{
    char name[TIMELINE_LABEL_BYTES], delay[TIMELINE_LABEL_BYTES];
    snprintf(name, sizeof name, "%s holds", release->by->label);
    snprintf(delay, sizeof delay, "%.3f ms", (double)release->charge_ns / NS_A_MS);
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg(&args, TIMELINE_ARG_WAITERS, release->waiters);
    timeline_arg_text(&args, TIMELINE_ARG_MADE_OTHERS_WAIT, release->charge_ns ? delay : NULL);
    timeline_arg(&args, TIMELINE_ARG_CHARGE_NS, release->charge_ns);
    timeline_arg(&args, TIMELINE_ARG_HANDOFF_NS, release->handoff_ns);
    timeline_arg(&args, TIMELINE_ARG_HOLD_SEQ, release->hold_seq);
    timeline_arg_text(&args, TIMELINE_ARG_SITE, release->site);
    struct timeline_slice slice = {
        .name = name, .category = "lock", .flow_id = flow_id, .flow = flow_id ? TIMELINE_FLOW_OUT : TIMELINE_FLOW_NONE};
    int error = mark_release(timeline, lock, release, &args);
    return error ? error : timeline_put_slice(timeline, release->row, &release->span, &args, &slice);
}

/* Nobody is known to have been let in by it. */
static int put_alone(struct timeline_builder *timeline, const struct timeline_lock *lock,
                     struct timeline_release *release)
{
    bool was_there = release->is_there;
    release->is_there = false;
    return was_there ? put_hold(timeline, lock, release, 0) : 0;
}

static int hold_back(struct timeline_builder *timeline, struct timeline_lock *lock,
                     const struct timeline_release *release)
{
    struct timeline_release *place = &lock->releases[release->hold_seq % TIMELINE_RELEASES];
    int error = put_alone(timeline, lock, place);
    *place = *release;
    return error || release->waiters ? error : put_alone(timeline, lock, place);
}

/* The end of the wait, from the release that let it in: a slice within it, where the flow arrives. */
static int put_handed_on(struct timeline_builder *timeline, const struct event *event, struct timeline_lock *lock,
                         struct timeline_thread *thread, const struct timeline_span *wait)
{
    struct timeline_release *release = &lock->releases[(event->lock_wait.hold_seq - 1) % TIMELINE_RELEASES];
    struct timeline_span span;
    if (!event->lock_wait.hold_seq || !release->is_there || release->hold_seq != event->lock_wait.hold_seq - 1 ||
        release->release_ns <= wait->begin_ns || release->release_ns >= wait->end_ns)
        return 0;
    int error = timeline_fit(timeline, &thread->row, release->release_ns, wait->end_ns, &span);
    if (error || span.begin_ns < release->span.begin_ns || span.begin_ns == span.end_ns)
        return error;
    uint64_t flow_id = timeline->next_flow++;
    release->is_there = false;
    error = put_hold(timeline, lock, release, flow_id);
    if (error)
        return error;
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg_text(&args, TIMELINE_ARG_BY, release->by->who);
    struct timeline_slice slice = {
        .name = "handed on", .category = "lock", .flow_id = flow_id, .flow = TIMELINE_FLOW_IN};
    return timeline_put_slice(timeline, &thread->row, &span, &args, &slice);
}

static int wait_event(struct timeline_builder *timeline, const struct event *event)
{
    const struct event_lock_wait *wait = &event->lock_wait;
    struct timeline_lock *lock;
    struct timeline_thread *thread;
    struct timeline_span span;
    struct timeline_thread *owner = NULL;
    uint64_t end_ns = timeline_end_ns(wait->begin_ns, wait->wait_ns);
    int error = timeline_lock_get(timeline, event->pid, &wait->lock, wait->name, &lock);
    if (!error)
        error = timeline_thread_get(timeline, event->pid, event->tid, &thread);
    if (!error && wait->owner_tid)
        error = timeline_thread_get(timeline, event->pid, wait->owner_tid, &owner);
    if (!error)
        error = timeline_waiting_add(timeline, lock, wait->begin_ns, end_ns, wait->weight);
    if (!error)
        error = timeline_fit(timeline, &thread->row, wait->begin_ns, end_ns, &span);
    if (error)
        return error;
    uint64_t flow_id = 0;
    const char *site;
    if (wait->kind == CONTENTION_COND)
        error = timeline_signal_flow(timeline, event, span.begin_ns, &flow_id);
    if (!error)
        error = timeline_lock_site(timeline, event, &site);
    if (error)
        return error;
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg_text(&args, TIMELINE_ARG_OWNER, owner ? owner->who : NULL);
    if (wait->result < sizeof wait_results / sizeof *wait_results)
        timeline_arg_text(&args, TIMELINE_ARG_RESULT, wait_results[wait->result]);
    timeline_arg_text(&args, TIMELINE_ARG_SITE, site);
    struct timeline_slice slice = {.name = lock->wait_name,
                                   .category = "lock",
                                   .is_lasting = true,
                                   .flow_id = flow_id,
                                   .flow = flow_id ? TIMELINE_FLOW_IN : TIMELINE_FLOW_NONE};
    error = timeline_put_slice(timeline, &thread->row, &span, &args, &slice);
    return error ? error : put_handed_on(timeline, event, lock, thread, &span);
}

/* A lock that is held exclusively has one row: its holds do not overlap. */
int timeline_hold_row(struct timeline_builder *timeline, struct timeline_lock *lock, uint32_t mode, uint32_t tid,
                      struct timeline_row **out)
{
    return timeline_group_row(timeline, &lock->group, TIMELINE_HOLDS, mode == CONTENTION_EXCLUSIVE ? 0 : tid, out);
}

/*
 * From the first waiter to the release. Where nobody came to wait while the lock was held, those that wait
 * were handed on from the hold before: that hold has no length, and is not drawn.
 */
static int release_event(struct timeline_builder *timeline, const struct event *event)
{
    const struct event_lock_release *release = &event->lock_release;
    uint64_t contended_ns = release->contended_ns < release->release_ns ? release->contended_ns : release->release_ns;
    struct timeline_lock *lock;
    struct timeline_thread *thread;
    struct timeline_row *row;
    struct timeline_span span;
    const char *site;
    int error = timeline_lock_get(timeline, event->pid, &release->lock, release->name, &lock);
    if (error || !contended_ns)
        return error;
    error = timeline_thread_get(timeline, event->pid, event->tid, &thread);
    if (!error)
        error = timeline_hold_row(timeline, lock, release->mode, event->tid, &row);
    if (!error)
        error = timeline_fit(timeline, row, release->release_ns - contended_ns, release->release_ns, &span);
    if (error || span.begin_ns == span.end_ns)
        return error;
    error = timeline_lock_site(timeline, event, &site);
    if (error)
        return error;
    return hold_back(timeline, lock,
                     &(struct timeline_release){.is_there = true,
                                                .hold_seq = release->hold_seq,
                                                .release_ns = release->release_ns,
                                                .charge_ns = release->charge_ns,
                                                .handoff_ns = release->handoff_ns,
                                                .waiters = release->waiters,
                                                .row = row,
                                                .by = thread,
                                                .span = span,
                                                .site = site});
}

/* From the acquisition to the release, around what of it was contended. */
static int hold_event(struct timeline_builder *timeline, const struct event *event)
{
    const struct event_lock_hold *hold = &event->lock_hold;
    struct timeline_lock *lock;
    struct timeline_thread *thread;
    struct timeline_row *row;
    struct timeline_span span;
    const char *site;
    int error = timeline_lock_get(timeline, event->pid, &hold->lock, hold->name, &lock);
    if (!error)
        error = timeline_thread_get(timeline, event->pid, event->tid, &thread);
    if (!error)
        error = timeline_hold_row(timeline, lock, hold->mode, event->tid, &row);
    if (!error)
        error = timeline_fit(timeline, row, hold->begin_ns, timeline_end_ns(hold->begin_ns, hold->hold_ns), &span);
    if (!error)
        error = timeline_lock_site(timeline, event, &site);
    if (error)
        return error;
    char name[TIMELINE_LABEL_BYTES];
    snprintf(name, sizeof name, "held by %s", thread->label);
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg(&args, TIMELINE_ARG_HOLD_NS, hold->hold_ns);
    timeline_arg_text(&args, TIMELINE_ARG_SITE, site);
    struct timeline_slice slice = {.name = name, .category = "lock"};
    return timeline_put_slice(timeline, row, &span, &args, &slice);
}

int timeline_lock_event(struct timeline_builder *timeline, const struct event *event)
{
    if (event->kind == EVENT_LOCK_HOLD)
        return hold_event(timeline, event);
    return event->kind == EVENT_LOCK_WAIT ? wait_event(timeline, event) : release_event(timeline, event);
}

int timeline_locks_finish(struct timeline_builder *timeline)
{
    const void *key;
    void *value;
    int error = 0;
    for (size_t at = 0; !error && hashmap_next(&timeline->locks, &at, &key, &value);) {
        struct timeline_lock *lock = *(struct timeline_lock **)value;
        error = timeline_waiting_finish(timeline, lock);
        for (size_t i = 0; i < TIMELINE_RELEASES && !error; i++)
            error = put_alone(timeline, lock, &lock->releases[i]);
        if (!error)
            error = timeline_name_group(timeline, &lock->group);
    }
    return error;
}
