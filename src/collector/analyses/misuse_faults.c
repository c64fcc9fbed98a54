/*
 * See misuse_state.h: what the map noticed itself. The thread that a fault ran into is still inside: the finding waits
 * for its event, which has its stack.
 */
#include <errno.h>
#include <stdlib.h>

#include "collector/analyses/misuse_state.h"

/* docs/events.md, Values */
enum { FAULT_CONCURRENT_WRITE = 1, FAULT_READ_WRITE, FAULT_ITERATE_WRITE, FAULT_NIL_MAP, FAULT_UNHASHABLE };

/* The other operation, if it is still without its stack, is the fault's call site alone. */
static int tell(struct misuse *misuse, struct misuse_map *map, size_t index)
{
    struct finding finding = map->pending[index].finding;
    map->pending[index] = map->pending[--map->pending_count];
    return repeats_tell(&misuse->repeats, &finding);
}

int misuse_tell_faults(struct misuse *misuse, struct misuse_map *map)
{
    int error = 0;
    while (!error && map->pending_count)
        error = tell(misuse, map, 0);
    return error;
}

int misuse_resolve_faults(struct misuse *misuse, const struct live_map *live, const struct misuse_op *op)
{
    struct misuse_map *map = live->states[LIVE_MAP_MISUSE];
    int error = 0;
    for (size_t i = map->pending_count; !error && i-- > 0;) {
        struct misuse_pending *pending = &map->pending[i];
        if (pending->other_tid != op->tid)
            continue;
        if (op->writes && op->begin_ns <= pending->time_ns)
            pending->finding.operations[0] = misuse_told(live, op);
        error = tell(misuse, map, i);
    }
    return error;
}

static enum finding_kind kind_of_fault(uint32_t kind)
{
    switch (kind) {
    case FAULT_CONCURRENT_WRITE:
        return FINDING_CONCURRENT_WRITES;
    case FAULT_READ_WRITE:
        return FINDING_READ_WRITE;
    case FAULT_ITERATE_WRITE:
        return FINDING_ITERATE_WRITE;
    case FAULT_NIL_MAP:
        return FINDING_NIL_MAP;
    default:
        return FINDING_UNHASHABLE;
    }
}

static const char *verb_of_fault(uint32_t kind)
{
    static const char *const verbs[] = {"misuse",           "write, refused",  "access, refused",
                                        "iterate, refused", "assign, refused", "key, refused"};
    return verbs[kind < sizeof verbs / sizeof *verbs ? kind : 0];
}

/* As much as the fault itself knows of the thread that it ran into. */
static int other_operation(struct misuse *misuse, const struct event *event, struct finding_operation *out)
{
    const struct event_map_fault *fault = &event->map_fault;
    *out = (struct finding_operation){.verb = "write",
                                      .pid = event->pid,
                                      .tid = fault->other_tid,
                                      .begin_ns = event->time_ns,
                                      .end_ns = event->time_ns};
    return stacks_intern(misuse->stacks, event->pid, &fault->other_pc, fault->other_pc != 0, event->time_ns,
                         &out->stack);
}

/* Takes `finding`, also on failure. */
static int wait_for_other(struct misuse *misuse, struct misuse_map *map, const struct event *event,
                          struct finding *finding)
{
    int error = 0;
    if (map->pending_count == MISUSE_PENDING)
        error = tell(misuse, map, 0);
    if (!error && !map->pending)
        error = (map->pending = calloc(MISUSE_PENDING, sizeof *map->pending)) ? 0 : -ENOMEM;
    if (error) {
        finding_fini(finding);
        return error;
    }
    map->pending[map->pending_count++] = (struct misuse_pending){
        .finding = *finding, .time_ns = event->time_ns, .other_tid = event->map_fault.other_tid};
    return 0;
}

int misuse_fault(struct misuse *misuse, struct sighting *sighting)
{
    const struct event *event = sighting->event;
    const struct event_map_fault *fault = &event->map_fault;
    struct finding_operation own, other = {0};
    struct finding finding;
    struct misuse_map *map = sighting->map ? misuse_map_of(sighting) : NULL;
    int error = sighting->map && !map ? -ENOMEM : misuse_operation(sighting, verb_of_fault(fault->kind), &own);
    if (!error && fault->other_tid)
        error = other_operation(misuse, event, &other);
    if (!error)
        error = misuse_finding(sighting->map, kind_of_fault(fault->kind), MISUSE_REFUSED, &finding);
    if (error)
        return error;
    finding.pid = event->pid;
    finding.key_id = fault->key_id;
    if (fault->other_tid)
        finding.operations[finding.operation_count++] = other;
    finding.operations[finding.operation_count++] = own;
    if (map && fault->other_tid && fault->other_tid != event->tid)
        return wait_for_other(misuse, map, event, &finding);
    return repeats_tell(&misuse->repeats, &finding);
}
