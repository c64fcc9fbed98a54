/* See misuse.h. Start reading at misuse_apply; this is about operations that meet. */
#include "collector/analyses/misuse.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/analyses/misuse_state.h"

static void release_map(void *state)
{
    struct misuse_map *map = state;
    for (size_t i = 0; i < map->pending_count; i++)
        finding_fini(&map->pending[i].finding);
    free(map->pending);
    free(map->iterations);
    free(map);
}

int misuse_create(struct live_maps *maps, struct stacks *stacks, struct findings *findings, struct misuse **out)
{
    struct misuse *misuse = calloc(1, sizeof *misuse);
    if (!misuse)
        return -ENOMEM;
    misuse->maps = maps;
    misuse->stacks = stacks;
    repeats_init(&misuse->repeats, findings, REPEATS_BY_MAP);
    live_maps_own(maps, LIVE_MAP_MISUSE, release_map);
    *out = misuse;
    return 0;
}

void misuse_destroy(struct misuse *misuse)
{
    if (!misuse)
        return;
    repeats_fini(&misuse->repeats);
    free(misuse);
}

/* Of a map of whose creation nothing is known it is not: most are of the plain flavour. */
static bool synchronises(const struct live_map *map)
{
    return map->flavor != LIVE_MAP_PLAIN && map->flavor != LIVE_MAP_FOREIGN;
}

static int op_of(struct sighting *sighting, struct misuse_op *out)
{
    const struct event *event = sighting->event;
    const struct event_map_op *op = &event->map_op;
    *out = (struct misuse_op){
        .begin_ns = op->begin_ns, .end_ns = op->end_ns, .seq = op->seq, .tid = event->tid, .kind = event->kind};
    out->writes = event->kind != EVENT_MAP_ACCESS;
    out->modifies = out->writes && (event->kind != EVENT_MAP_DELETE || op->found);
    return sighting_stack(sighting, &out->stack);
}

static bool overlap(const struct misuse_op *a, const struct misuse_op *b)
{
    return a->tid != b->tid && a->begin_ns < b->end_ns && b->begin_ns < a->end_ns;
}

static int tell(struct misuse *misuse, const struct live_map *map, enum misuse_proof proof, const struct misuse_op *one,
                const struct misuse_op *other)
{
    bool both_write = one->writes && other->writes;
    struct finding_operation operations[] = {misuse_told(map, one), misuse_told(map, other)};
    return misuse_tell_both(misuse, map, both_write ? FINDING_CONCURRENT_WRITES : FINDING_READ_WRITE, proof,
                            &operations[0], &operations[1]);
}

static int compare(struct misuse *misuse, const struct live_map *map, const struct misuse_op *op,
                   const struct misuse_op *other)
{
    if (op->modifies && other->modifies && op->seq == other->seq && op->tid != other->tid)
        return tell(misuse, map, MISUSE_SHARED_SEQ, other, op);
    if ((op->writes || other->writes) && overlap(op, other))
        return tell(misuse, map, MISUSE_OVERLAP, other, op);
    return 0;
}

/* Under the caller's lock an operation begins after all that were ever seen: then there is nothing to compare. */
static bool is_in_turn(const struct misuse_map *map, const struct misuse_op *op)
{
    uint64_t others_end_ns = op->writes ? map->last_op_ns : map->last_write_ns;
    return op->begin_ns >= others_end_ns && (!op->modifies || op->seq > map->last_seq);
}

static int compare_with_recent(struct misuse *misuse, const struct live_map *live, const struct misuse_op *op)
{
    const struct misuse_map *map = live->states[LIVE_MAP_MISUSE];
    uint32_t count = map->recent_count < MISUSE_RECENT ? map->recent_count : MISUSE_RECENT;
    int error = 0;
    for (uint32_t i = 0; !error && i < count; i++)
        error = compare(misuse, live, op, &map->recent[i]);
    return error;
}

static void remember(struct misuse_map *map, const struct misuse_op *op)
{
    map->recent[map->recent_count++ % MISUSE_RECENT] = *op;
    if (op->end_ns > map->last_op_ns)
        map->last_op_ns = op->end_ns;
    if (op->writes && op->end_ns > map->last_write_ns)
        map->last_write_ns = op->end_ns;
    if (op->modifies && op->seq > map->last_seq)
        map->last_seq = op->seq;
}

static int apply_op(struct misuse *misuse, struct sighting *sighting)
{
    struct misuse_op op;
    if (synchronises(sighting->map))
        return 0;
    struct misuse_map *map = misuse_map_of(sighting);
    int error = map ? op_of(sighting, &op) : -ENOMEM;
    if (!error && map->pending_count)
        error = misuse_resolve_faults(misuse, sighting->map, &op);
    if (!error && !is_in_turn(map, &op))
        error = compare_with_recent(misuse, sighting->map, &op);
    if (!error && map->iteration_count)
        error = misuse_meets_iterations(misuse, sighting, &op);
    if (!error)
        remember(map, &op);
    return error;
}

static int apply_free(struct misuse *misuse, const struct sighting *sighting)
{
    struct misuse_map *map = sighting->map ? sighting->map->states[LIVE_MAP_MISUSE] : NULL;
    return map ? misuse_tell_faults(misuse, map) : 0;
}

int misuse_apply(struct misuse *misuse, struct sighting *sighting)
{
    switch (sighting->event->kind) {
    case EVENT_MAP_FREE:
        return apply_free(misuse, sighting);
    case EVENT_MAP_ASSIGN:
    case EVENT_MAP_ACCESS:
    case EVENT_MAP_DELETE:
    case EVENT_MAP_CLEAR:
        return apply_op(misuse, sighting);
    case EVENT_MAP_ITER_BEGIN:
        return misuse_iter_begin(sighting);
    case EVENT_MAP_ITER_END:
        return misuse_iter_end(sighting);
    case EVENT_MAP_FAULT:
        return misuse_fault(misuse, sighting);
    default:
        return 0;
    }
}

int misuse_finish(struct misuse *misuse)
{
    const struct live_map *map;
    int error = 0;
    for (size_t at = 0; !error && (map = live_maps_next(misuse->maps, &at));)
        if (map->states[LIVE_MAP_MISUSE])
            error = misuse_tell_faults(misuse, map->states[LIVE_MAP_MISUSE]);
    return error;
}
