/*
 * See timeline.h: what had not ended with the events, as the shared page of a process tells it. A thread that
 * waits still, and the hold that it waits for, last to the end:
 *
 *     lock table      |== phone holds, still ==>
 *     visitor's row      |== wait table =======>     [still waiting]; deadlock if phone waits for visitor too
 */
#include <stdio.h>
#include <string.h>

#include "collector/analyses/timeline_parts.h"

static struct event_text name_of(const struct lock_snapshot_lock *lock)
{
    return (struct event_text){lock->name, (uint32_t)strnlen(lock->name, sizeof lock->name)};
}

static bool is_in_circle(const struct lock_snapshot *snapshot, size_t wait)
{
    size_t cycle[64];
    return lock_snapshot_cycle(snapshot, wait, cycle, sizeof cycle / sizeof *cycle) > 0;
}

static int find_site(struct timeline_builder *timeline, uint32_t pid, const struct lock_snapshot_wait *wait,
                     const char **out)
{
    struct event event = {.pid = pid, .time_ns = wait->begin_ns, .stack = {.pcs = wait->pcs, .count = wait->pc_count}};
    return timeline_lock_site(timeline, &event, out);
}

static int put_wait(struct timeline_builder *timeline, const struct lock_snapshot *snapshot, size_t index,
                    struct timeline_lock *lock)
{
    const struct lock_snapshot_wait *wait = &snapshot->waits[index];
    bool is_over = wait->state == LOCK_WAIT_ENDED;
    uint64_t end_ns = is_over ? timeline_end_ns(wait->begin_ns, wait->wait_ns) : timeline->now_ns;
    struct timeline_thread *thread;
    struct timeline_span span;
    struct timeline_thread *owner = NULL;
    const char *site;
    int error = timeline_thread_get(timeline, snapshot->pid, wait->tid, &thread);
    if (!error && wait->owner_tid)
        error = timeline_thread_get(timeline, snapshot->pid, wait->owner_tid, &owner);
    if (!error)
        error = timeline_waiting_add(timeline, lock, wait->begin_ns, end_ns, EVENT_WEIGHT_ONE);
    if (!error)
        error = timeline_fit(timeline, &thread->row, wait->begin_ns, end_ns, &span);
    if (!error)
        error = find_site(timeline, snapshot->pid, wait, &site);
    if (error)
        return error;
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg_text(&args, TIMELINE_ARG_OWNER, owner ? owner->who : NULL);
    timeline_arg_text(&args, TIMELINE_ARG_RESULT, is_over ? NULL : "still waiting");
    timeline_arg(&args, TIMELINE_ARG_DEADLOCK, is_in_circle(snapshot, index));
    timeline_arg_text(&args, TIMELINE_ARG_SITE, site);
    struct timeline_slice slice = {.name = lock->wait_name, .category = "lock", .is_lasting = true};
    return timeline_put_slice(timeline, &thread->row, &span, &args, &slice);
}

/* From the first of those that wait for it. */
static int put_hold(struct timeline_builder *timeline, uint32_t pid, const struct lock_snapshot_lock *held,
                    struct timeline_lock *lock)
{
    char name[TIMELINE_LABEL_BYTES + sizeof " holds, still"];
    struct timeline_thread *by;
    struct timeline_row *row;
    struct timeline_span span;
    if (!held->holder_tid || held->is_free || !held->waiters || !held->since_ns)
        return 0;
    int error = timeline_thread_get(timeline, pid, held->holder_tid, &by);
    if (!error)
        error = timeline_hold_row(timeline, lock, held->mode, held->holder_tid, &row);
    if (!error)
        error = timeline_fit(timeline, row, held->since_ns, timeline->now_ns, &span);
    if (error)
        return error;
    snprintf(name, sizeof name, "%s holds, still", by->label);
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg(&args, TIMELINE_ARG_WAITERS, held->waiters);
    timeline_arg(&args, TIMELINE_ARG_CHARGE_NS, held->owed_ns);
    struct timeline_slice slice = {.name = name, .category = "lock"};
    return timeline_put_slice(timeline, row, &span, &args, &slice);
}

static int put_lock(struct timeline_builder *timeline, const struct lock_snapshot *snapshot, size_t index)
{
    const struct lock_snapshot_lock *known = &snapshot->locks[index];
    struct timeline_lock *lock = NULL;
    int error = 0;
    for (size_t i = 0; i < snapshot->wait_count && !error; i++) {
        const struct lock_snapshot_wait *wait = &snapshot->waits[i];
        if (wait->lock != index || wait->state == LOCK_WAIT_SIGNAL || wait->begin_ns > timeline->now_ns)
            continue;
        if (!lock)
            error = timeline_lock_get(timeline, snapshot->pid, &known->object, name_of(known), &lock);
        if (!error)
            error = put_wait(timeline, snapshot, i, lock);
    }
    return error || !lock ? error : put_hold(timeline, snapshot->pid, known, lock);
}

int timeline_apply_snapshot(struct timeline_builder *timeline, const struct lock_snapshot *snapshot, uint64_t end_ns)
{
    int error = 0;
    if (end_ns > timeline->now_ns)
        timeline->now_ns = end_ns;
    for (size_t i = 0; i < snapshot->lock_count && !error; i++)
        error = put_lock(timeline, snapshot, i);
    return error;
}
