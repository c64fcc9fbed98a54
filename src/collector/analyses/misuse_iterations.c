/* See misuse_state.h: iterations, and what happens to the map while they are open. */
#include <errno.h>
#include <stdlib.h>

#include "collector/analyses/misuse_state.h"

int misuse_iter_begin(struct sighting *sighting)
{
    const struct event_map_iter *iter = &sighting->event->map_iter;
    struct misuse_map *map = misuse_map_of(sighting);
    if (!map)
        return -ENOMEM;
    if (map->iteration_count == MISUSE_ITERATIONS)
        return 0; /* ends that never came */
    if (!map->iterations && !(map->iterations = calloc(MISUSE_ITERATIONS, sizeof *map->iterations)))
        return -ENOMEM;
    struct misuse_iteration *open = &map->iterations[map->iteration_count++];
    *open = (struct misuse_iteration){.id = iter->iter, .action = iter->action};
    return misuse_operation(sighting, "iterate", &open->operation);
}

int misuse_iter_end(struct sighting *sighting)
{
    struct misuse_map *map = misuse_map_of(sighting);
    for (size_t i = 0; map && i < map->iteration_count; i++)
        if (map->iterations[i].id == sighting->event->map_iter.iter) {
            map->iterations[i] = map->iterations[--map->iteration_count];
            break;
        }
    return map ? 0 : -ENOMEM;
}

/*
 * What the modification does to the iteration. Our maps may be changed between two steps of one: wrong is only what
 * pulls entries from under it. A foreign table makes no such promise. False: nothing.
 */
static bool disturbs(const struct sighting *sighting, const struct misuse_op *op,
                     const struct misuse_iteration *iteration, enum finding_kind *kind)
{
    const struct event *event = sighting->event;
    bool is_own = iteration->operation.tid == op->tid;
    if (op->end_ns <= iteration->operation.begin_ns)
        return false;
    *kind = is_own                           ? FINDING_MUTATE_IN_ITERATION
            : event->kind == EVENT_MAP_CLEAR ? FINDING_CLEAR_UNDER_READERS
                                             : FINDING_ITERATE_WRITE;
    if (is_own)
        return event->map_op.action && event->map_op.action != iteration->action;
    return event->kind == EVENT_MAP_CLEAR || sighting->map->flavor == LIVE_MAP_FOREIGN;
}

int misuse_meets_iterations(struct misuse *misuse, const struct sighting *sighting, const struct misuse_op *op)
{
    const struct misuse_map *map = sighting->map->states[LIVE_MAP_MISUSE];
    int error = 0;
    for (size_t i = 0; !error && op->modifies && i < map->iteration_count; i++) {
        const struct misuse_iteration *iteration = &map->iterations[i];
        enum finding_kind kind;
        if (!disturbs(sighting, op, iteration, &kind))
            continue;
        struct finding_operation told = misuse_told(sighting->map, op);
        error = misuse_tell_both(misuse, sighting->map, kind, MISUSE_IN_ITERATION, &iteration->operation, &told);
    }
    return error;
}
