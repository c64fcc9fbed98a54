/* See misuse.h. Start reading at misuse_apply. */
#include "collector/analyses/misuse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/misuse_state.h"

/* docs/events.md, Values */
enum { FLAVOR_MAP = 0, FLAVOR_FOREIGN = 16 };
enum { FAULT_CONCURRENT_WRITE = 1, FAULT_READ_WRITE, FAULT_ITERATE_WRITE, FAULT_NIL_MAP, FAULT_UNHASHABLE };

int misuse_create(struct stacks *stacks, struct findings *findings, struct misuse **out)
{
    struct misuse *misuse = calloc(1, sizeof *misuse);
    if (!misuse)
        return -ENOMEM;
    misuse->stacks = stacks;
    misuse->findings = findings;
    hashmap_init(&misuse->maps, sizeof(struct misuse_map_key), sizeof(struct misuse_map *));
    hashmap_init(&misuse->told, sizeof(struct misuse_told), sizeof(size_t));
    *out = misuse;
    return 0;
}

static void destroy_map(struct misuse_map *map)
{
    for (size_t i = 0; i < map->pending_count; i++)
        free(map->pending[i].finding.map_name);
    free(map->pending);
    free(map->iterations);
    free(map->name);
    free(map);
}

void misuse_destroy(struct misuse *misuse)
{
    if (!misuse)
        return;
    const void *key;
    void *map;
    for (size_t at = 0; hashmap_next(&misuse->maps, &at, &key, &map);)
        destroy_map(*(struct misuse_map **)map);
    hashmap_fini(&misuse->maps);
    hashmap_fini(&misuse->told);
    free(misuse);
}

/* ---- maps ---- */

static struct misuse_map *find_map(struct misuse *misuse, const struct misuse_map_key *key)
{
    struct misuse_map *last = misuse->last;
    if (last && last->key.address == key->address && last->key.generation == key->generation &&
        last->key.pid == key->pid)
        return last;
    struct misuse_map **slot = hashmap_find(&misuse->maps, key);
    return slot ? misuse->last = *slot : NULL;
}

/* Of whose creation nothing is known, it is watched: most maps are of the plain flavour. NULL: memory is out. */
static struct misuse_map *get_map(struct misuse *misuse, uint32_t pid, const struct event_object *object)
{
    struct misuse_map_key key = {.pid = pid, .address = object->address, .generation = object->generation};
    struct misuse_map *map = find_map(misuse, &key);
    if (map)
        return map;
    map = calloc(1, sizeof *map);
    struct misuse_map **slot = map ? hashmap_put(&misuse->maps, &key, NULL) : NULL;
    if (!slot) {
        free(map);
        return NULL;
    }
    map->key = key;
    return misuse->last = *slot = map;
}

static int apply_alloc(struct misuse *misuse, const struct event *event)
{
    const struct event_map_life *life = &event->map_life;
    struct misuse_map *map = get_map(misuse, event->pid, &life->map);
    char *name = strndup(life->name.length ? life->name.data : "", life->name.length);
    if (!map || !name) {
        free(name);
        return -ENOMEM;
    }
    free(map->name);
    map->name = name;
    map->is_foreign = life->flavor == FLAVOR_FOREIGN;
    map->synchronises = life->flavor != FLAVOR_MAP && life->flavor != FLAVOR_FOREIGN;
    return 0;
}

/* The other operation, which is still without its stack, is the fault's call site alone. */
static int tell_pending(struct misuse *misuse, struct misuse_map *map, size_t index)
{
    struct finding finding = map->pending[index].finding;
    map->pending[index] = map->pending[--map->pending_count];
    return misuse_tell(misuse, &finding);
}

static int tell_all_pending(struct misuse *misuse, struct misuse_map *map)
{
    int error = 0;
    while (!error && map->pending_count)
        error = tell_pending(misuse, map, 0);
    return error;
}

static int apply_free(struct misuse *misuse, const struct event *event)
{
    const struct event_object *object = &event->map_life.map;
    struct misuse_map_key key = {.pid = event->pid, .address = object->address, .generation = object->generation};
    struct misuse_map *map = find_map(misuse, &key);
    if (!map)
        return 0;
    int error = tell_all_pending(misuse, map);
    misuse->last = NULL;
    hashmap_remove(&misuse->maps, &key);
    destroy_map(map);
    return error;
}

/* ---- operations that meet ---- */

static int operation_of(struct misuse *misuse, const struct event *event, const char *verb,
                        struct finding_operation *out)
{
    *out = (struct finding_operation){
        .verb = verb, .pid = event->pid, .tid = event->tid, .begin_ns = event->time_ns, .end_ns = event->time_ns};
    return stacks_intern(misuse->stacks, event->pid, event->stack.pcs, event->stack.count, event->time_ns, &out->stack);
}

static const char *verb_of(enum event_kind kind)
{
    switch (kind) {
    case EVENT_MAP_ASSIGN:
        return "assign";
    case EVENT_MAP_DELETE:
        return "delete";
    case EVENT_MAP_CLEAR:
        return "clear";
    default:
        return "access";
    }
}

static int op_of(struct misuse *misuse, const struct event *event, struct misuse_op *out)
{
    const struct event_map_op *op = &event->map_op;
    *out = (struct misuse_op){.seq = op->seq};
    out->writes = event->kind != EVENT_MAP_ACCESS;
    out->modifies = out->writes && (event->kind != EVENT_MAP_DELETE || op->found);
    int error = operation_of(misuse, event, verb_of(event->kind), &out->operation);
    out->operation.begin_ns = op->begin_ns;
    out->operation.end_ns = op->end_ns;
    return error;
}

static bool overlap(const struct finding_operation *a, const struct finding_operation *b)
{
    return a->tid != b->tid && a->begin_ns < b->end_ns && b->begin_ns < a->end_ns;
}

static int tell_both(struct misuse *misuse, const struct misuse_map *map, enum finding_kind kind,
                     enum misuse_proof proof, const struct finding_operation *one,
                     const struct finding_operation *other)
{
    enum finding_severity severity = proof == MISUSE_IN_ITERATION ? FINDING_SUSPECTED : FINDING_CERTAIN;
    struct finding finding = misuse_finding(map, kind, proof, severity);
    bool in_order = one->begin_ns <= other->begin_ns;
    finding.operations[0] = in_order ? *one : *other;
    finding.operations[1] = in_order ? *other : *one;
    finding.operation_count = 2;
    return misuse_tell(misuse, &finding);
}

static int compare(struct misuse *misuse, const struct misuse_map *map, const struct misuse_op *op,
                   const struct misuse_op *other)
{
    bool both_write = op->writes && other->writes;
    enum finding_kind kind = both_write ? FINDING_CONCURRENT_WRITES : FINDING_READ_WRITE;
    if (op->modifies && other->modifies && op->seq == other->seq && op->operation.tid != other->operation.tid)
        return tell_both(misuse, map, kind, MISUSE_SHARED_SEQ, &other->operation, &op->operation);
    if ((op->writes || other->writes) && overlap(&op->operation, &other->operation))
        return tell_both(misuse, map, kind, MISUSE_OVERLAP, &other->operation, &op->operation);
    return 0;
}

/* Under the caller's lock an operation begins after all that were ever seen: then there is nothing to compare. */
static bool is_in_turn(const struct misuse_map *map, const struct misuse_op *op)
{
    uint64_t others_end_ns = op->writes ? map->last_op_ns : map->last_write_ns;
    return op->operation.begin_ns >= others_end_ns && (!op->modifies || op->seq > map->last_seq);
}

static int compare_with_recent(struct misuse *misuse, const struct misuse_map *map, const struct misuse_op *op)
{
    uint32_t count = map->recent_count < MISUSE_RECENT ? map->recent_count : MISUSE_RECENT;
    int error = 0;
    for (uint32_t i = 0; !error && i < count; i++)
        error = compare(misuse, map, op, &map->recent[i]);
    return error;
}

static void remember(struct misuse_map *map, const struct misuse_op *op)
{
    map->recent[map->recent_count++ % MISUSE_RECENT] = *op;
    if (op->operation.end_ns > map->last_op_ns)
        map->last_op_ns = op->operation.end_ns;
    if (op->writes && op->operation.end_ns > map->last_write_ns)
        map->last_write_ns = op->operation.end_ns;
    if (op->modifies && op->seq > map->last_seq)
        map->last_seq = op->seq;
}

/* ---- faults ---- */

/* The writer that a fault ran into comes out: now its stack is known. */
static int resolve_pending(struct misuse *misuse, struct misuse_map *map, const struct misuse_op *op)
{
    int error = 0;
    for (size_t i = map->pending_count; !error && i-- > 0;) {
        struct misuse_pending *pending = &map->pending[i];
        if (pending->other_tid != op->operation.tid)
            continue;
        if (op->writes && op->operation.begin_ns <= pending->time_ns)
            pending->finding.operations[0] = op->operation;
        error = tell_pending(misuse, map, i);
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

static int wait_for_other(struct misuse *misuse, struct misuse_map *map, const struct event *event,
                          const struct finding *finding)
{
    int error = 0;
    if (map->pending_count == MISUSE_PENDING)
        error = tell_pending(misuse, map, 0);
    if (!error && !map->pending)
        error = (map->pending = calloc(MISUSE_PENDING, sizeof *map->pending)) ? 0 : -ENOMEM;
    if (error) {
        free(finding->map_name);
        return error;
    }
    map->pending[map->pending_count++] = (struct misuse_pending){
        .finding = *finding, .time_ns = event->time_ns, .other_tid = event->map_fault.other_tid};
    return 0;
}

static int apply_fault(struct misuse *misuse, const struct event *event)
{
    const struct event_map_fault *fault = &event->map_fault;
    struct finding_operation own, other = {0};
    struct misuse_map *map = NULL;
    if (fault->map.address && !(map = get_map(misuse, event->pid, &fault->map)))
        return -ENOMEM;
    int error = operation_of(misuse, event, verb_of_fault(fault->kind), &own);
    if (!error && fault->other_tid)
        error = other_operation(misuse, event, &other);
    if (error)
        return error;
    struct finding finding = misuse_finding(map, kind_of_fault(fault->kind), MISUSE_REFUSED, FINDING_CERTAIN);
    finding.pid = event->pid;
    finding.key_id = fault->key_id;
    if (fault->other_tid)
        finding.operations[finding.operation_count++] = other;
    finding.operations[finding.operation_count++] = own;
    if (map && fault->other_tid && fault->other_tid != event->tid && finding.map_name)
        return wait_for_other(misuse, map, event, &finding);
    return misuse_tell(misuse, &finding);
}

/* ---- iterations ---- */

static int apply_iter_begin(struct misuse *misuse, const struct event *event)
{
    const struct event_map_iter *iter = &event->map_iter;
    struct misuse_map *map = get_map(misuse, event->pid, &iter->map);
    if (!map)
        return -ENOMEM;
    if (map->iteration_count == MISUSE_ITERATIONS)
        return 0; /* ends that never came */
    if (!map->iterations && !(map->iterations = calloc(MISUSE_ITERATIONS, sizeof *map->iterations)))
        return -ENOMEM;
    struct misuse_iteration *open = &map->iterations[map->iteration_count++];
    *open = (struct misuse_iteration){.id = iter->iter, .action = iter->action};
    return operation_of(misuse, event, "iterate", &open->operation);
}

static int apply_iter_end(struct misuse *misuse, const struct event *event)
{
    struct misuse_map *map = get_map(misuse, event->pid, &event->map_iter.map);
    for (size_t i = 0; map && i < map->iteration_count; i++)
        if (map->iterations[i].id == event->map_iter.iter) {
            map->iterations[i] = map->iterations[--map->iteration_count];
            break;
        }
    return map ? 0 : -ENOMEM;
}

/*
 * Our maps may be changed between two steps of an iteration: wrong is only what pulls entries from under it.
 * A foreign table makes no such promise.
 */
static int compare_with_iteration(struct misuse *misuse, const struct misuse_map *map, const struct event *event,
                                  const struct misuse_op *op, const struct misuse_iteration *iteration)
{
    uint64_t action = event->map_op.action;
    bool is_own = iteration->operation.tid == op->operation.tid;
    if (op->operation.end_ns <= iteration->operation.begin_ns)
        return 0;
    if (is_own && action && action != iteration->action)
        return tell_both(misuse, map, FINDING_MUTATE_IN_ITERATION, MISUSE_IN_ITERATION, &iteration->operation,
                         &op->operation);
    if (!is_own && event->kind == EVENT_MAP_CLEAR)
        return tell_both(misuse, map, FINDING_CLEAR_UNDER_READERS, MISUSE_IN_ITERATION, &iteration->operation,
                         &op->operation);
    if (!is_own && map->is_foreign)
        return tell_both(misuse, map, FINDING_ITERATE_WRITE, MISUSE_IN_ITERATION, &iteration->operation,
                         &op->operation);
    return 0;
}

static int compare_with_iterations(struct misuse *misuse, const struct misuse_map *map, const struct event *event,
                                   const struct misuse_op *op)
{
    int error = 0;
    for (size_t i = 0; !error && op->modifies && i < map->iteration_count; i++)
        error = compare_with_iteration(misuse, map, event, op, &map->iterations[i]);
    return error;
}

static int apply_op(struct misuse *misuse, const struct event *event)
{
    struct misuse_op op;
    struct misuse_map *map = get_map(misuse, event->pid, &event->map_op.map);
    if (!map)
        return -ENOMEM;
    if (map->synchronises)
        return 0;
    int error = op_of(misuse, event, &op);
    if (!error && map->pending_count)
        error = resolve_pending(misuse, map, &op);
    if (!error && !is_in_turn(map, &op))
        error = compare_with_recent(misuse, map, &op);
    if (!error)
        error = compare_with_iterations(misuse, map, event, &op);
    remember(map, &op);
    return error;
}

int misuse_apply(struct misuse *misuse, const struct event *event)
{
    switch (event->kind) {
    case EVENT_MAP_ALLOC:
    case EVENT_MAP_INVENTORY:
        return apply_alloc(misuse, event);
    case EVENT_MAP_FREE:
        return apply_free(misuse, event);
    case EVENT_MAP_ASSIGN:
    case EVENT_MAP_ACCESS:
    case EVENT_MAP_DELETE:
    case EVENT_MAP_CLEAR:
        return apply_op(misuse, event);
    case EVENT_MAP_ITER_BEGIN:
        return apply_iter_begin(misuse, event);
    case EVENT_MAP_ITER_END:
        return apply_iter_end(misuse, event);
    case EVENT_MAP_FAULT:
        return apply_fault(misuse, event);
    default:
        return 0;
    }
}

int misuse_finish(struct misuse *misuse)
{
    const void *key;
    void *map;
    int error = 0;
    for (size_t at = 0; !error && hashmap_next(&misuse->maps, &at, &key, &map);)
        error = tell_all_pending(misuse, *(struct misuse_map **)map);
    return error;
}
