/* See growth.h. Start reading at growth_apply. */
#include "collector/analyses/growth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/analyses/repeats.h"

enum { FLAVOR_SHARDMAP = 3 }; /* docs/events.md, Values */

static const char burst_sentence[] =
    "The map was filled step by step, and moved its entries into a larger array again and again. Make room before: "
    "msc_map_options.hint, or msc_map_reserve.";
static const char foreign_sentence[] = "The table was filled step by step, and moved its entries into a larger array "
                                       "again and again. Make room before, if "
                                       "it lets you.";
static const char iteration_sentence[] =
    "The map began to grow while it was gone through: the iteration goes on in the old array, whose memory is kept "
    "until it ends. Make room before the iteration, or collect what is to be added and add it after.";

/* map->states[LIVE_MAP_GROWTH] */
struct growth_map {
    struct finding_operation first, last; /* the writes that began to grow it: of the burst, and latest */
    bool awaits_stack;                    /* of `last`: its assign is not told yet */
    uint64_t growths;                     /* of the burst; 0 = there is none */
    uint32_t old_B, new_B;
    uint64_t moved, evac_ns, end_ns;
    uint64_t entries, peak; /* in the map, as far as it is told */
};

struct growth {
    struct live_maps *maps;
    struct repeats repeats;
};

int growth_create(struct live_maps *maps, struct findings *findings, struct growth **out)
{
    struct growth *growth = calloc(1, sizeof *growth);
    if (!growth)
        return -ENOMEM;
    growth->maps = maps;
    repeats_init(&growth->repeats, findings, REPEATS_BY_PLACE);
    live_maps_own(maps, LIVE_MAP_GROWTH, free);
    *out = growth;
    return 0;
}

void growth_destroy(struct growth *growth)
{
    if (!growth)
        return;
    repeats_fini(&growth->repeats);
    free(growth);
}

/* NULL when memory is out. */
static struct growth_map *get_map(struct live_map *map)
{
    if (!map->states[LIVE_MAP_GROWTH])
        map->states[LIVE_MAP_GROWTH] = calloc(1, sizeof(struct growth_map));
    return map->states[LIVE_MAP_GROWTH];
}

static void note_entries(struct growth_map *map, uint64_t entries)
{
    map->entries = entries;
    if (entries > map->peak)
        map->peak = entries;
}

/* ---- bursts ---- */

static char *burst_figures(const struct growth_map *map)
{
    char *text, evacuation[64] = "";
    uint64_t us = (map->end_ns - map->first.begin_ns) / 1000;
    if (map->evac_ns)
        snprintf(evacuation, sizeof evacuation, ", which took %" PRIu64 " us", map->evac_ns / 1000);
    int length = asprintf(&text,
                          "It grew %" PRIu64 " times within %" PRIu64 " us, from 2^%" PRIu32 " to 2^%" PRIu32
                          " buckets, and moved %" PRIu64 " entries%s. It held %" PRIu64
                          " at the most: with room for as many from the start it does not grow at all.",
                          map->growths, us, map->old_B, map->new_B, map->moved, evacuation, map->peak);
    return length < 0 ? NULL : text;
}

static int tell(struct growth *growth, const struct live_map *map, enum finding_kind kind, const char *sentence,
                char *figures, const struct finding_operation *one, const struct finding_operation *other)
{
    struct finding finding;
    int error = figures ? live_map_finding(map, &finding) : -ENOMEM;
    if (error) {
        free(figures);
        return error;
    }
    finding.kind = kind;
    finding.severity = FINDING_CERTAIN;
    finding.sentence = sentence;
    finding.figures = figures;
    finding.operations[0] = *one;
    finding.operations[1] = *other;
    finding.operation_count = 2;
    return repeats_tell(&growth->repeats, &finding);
}

/* The burst is over: tells of it if it was one. */
static int end_burst(struct growth *growth, const struct live_map *live)
{
    struct growth_map *map = live->states[LIVE_MAP_GROWTH];
    bool is_burst = map && map->growths >= GROWTH_BURST && map->moved >= GROWTH_MOVED;
    int error = 0;
    if (is_burst)
        error = tell(growth, live, FINDING_GROWTH_BURST,
                     live->flavor == LIVE_MAP_FOREIGN ? foreign_sentence : burst_sentence, burst_figures(map),
                     &map->first, &map->last);
    if (map)
        map->growths = map->moved = map->evac_ns = 0;
    return error;
}

static int apply_grow(struct growth *growth, struct sighting *sighting)
{
    const struct event *event = sighting->event;
    const struct event_map_grow *grow = &event->map_grow;
    struct growth_map *map = get_map(sighting->map);
    if (!map)
        return -ENOMEM;
    int error = 0;
    if (map->growths && event->time_ns > map->last.begin_ns + GROWTH_GAP_NS)
        error = end_burst(growth, sighting->map);
    note_entries(map, grow->count);
    map->last = (struct finding_operation){
        .verb = "grow", .pid = event->pid, .tid = event->tid, .begin_ns = event->time_ns, .end_ns = event->time_ns};
    map->awaits_stack = true;
    if (grow->same_size || sighting->map->flavor == FLAVOR_SHARDMAP)
        return error;
    if (map->growths++ == 0) {
        map->first = map->last;
        map->old_B = grow->old_B;
    }
    map->new_B = grow->new_B;
    map->end_ns = event->time_ns;
    return error;
}

static void apply_grow_end(const struct sighting *sighting)
{
    const struct event_map_grow_end *end = &sighting->event->map_grow_end;
    struct growth_map *map = sighting->map->states[LIVE_MAP_GROWTH];
    if (!map || !map->growths)
        return;
    map->moved += end->moved;
    map->evac_ns += end->evac_ns;
    map->end_ns = sighting->event->time_ns;
}

/* A growth is told within the assign that began it, whose event comes next and has the stack. */
static int note_stack(struct growth_map *map, struct sighting *sighting)
{
    const struct event_map_op *op = &sighting->event->map_op;
    map->awaits_stack = false;
    if (sighting->event->tid != map->last.tid || op->begin_ns > map->last.begin_ns || op->end_ns < map->last.begin_ns)
        return 0;
    int error = sighting_stack(sighting, &map->last.stack);
    if (map->growths == 1)
        map->first.stack = map->last.stack;
    return error;
}

/* ---- entries ---- */

static void apply_told(const struct sighting *sighting)
{
    const struct event_map_life *life = &sighting->event->map_life;
    struct growth_map *map = sighting->map ? sighting->map->states[LIVE_MAP_GROWTH] : NULL;
    if (map && life->count != EVENT_COUNT_UNKNOWN)
        note_entries(map, life->count);
}

/* Of a sample of the keys nothing is counted. */
static int apply_op(struct sighting *sighting)
{
    const struct event_map_op *op = &sighting->event->map_op;
    struct growth_map *map = sighting->map->states[LIVE_MAP_GROWTH];
    if (!map)
        return 0;
    if (sighting->event->kind == EVENT_MAP_CLEAR)
        map->entries = 0;
    else if (op->rate == 1 && sighting->event->kind == EVENT_MAP_ASSIGN && !op->found)
        note_entries(map, map->entries + 1);
    else if (op->rate == 1 && sighting->event->kind == EVENT_MAP_DELETE && op->found && map->entries)
        map->entries--;
    return map->awaits_stack && sighting->event->kind == EVENT_MAP_ASSIGN ? note_stack(map, sighting) : 0;
}

/* ---- iterations ---- */

static int apply_iter_end(struct growth *growth, struct sighting *sighting)
{
    const struct event *event = sighting->event;
    const struct event_map_iter *iter = &event->map_iter;
    const struct growth_map *map = sighting->map->states[LIVE_MAP_GROWTH];
    if (!iter->grew || !map)
        return 0;
    char *figures;
    struct finding_operation end = {.verb = "iteration ends",
                                    .pid = event->pid,
                                    .tid = event->tid,
                                    .begin_ns = event->time_ns,
                                    .end_ns = event->time_ns};
    int error = sighting_stack(sighting, &end.stack);
    if (error || asprintf(&figures, "It had handed out %" PRIu64 " entries, of %" PRIu64 " that there were at its end.",
                          iter->visited, iter->count) < 0)
        return -ENOMEM;
    return tell(growth, sighting->map, FINDING_GROWTH_IN_ITERATION, iteration_sentence, figures, &map->last, &end);
}

int growth_apply(struct growth *growth, struct sighting *sighting)
{
    switch (sighting->event->kind) {
    case EVENT_MAP_INVENTORY:
        apply_told(sighting);
        return 0;
    case EVENT_MAP_FREE:
        apply_told(sighting);
        return sighting->map ? end_burst(growth, sighting->map) : 0;
    case EVENT_MAP_GROW:
        return apply_grow(growth, sighting);
    case EVENT_MAP_GROW_END:
        apply_grow_end(sighting);
        return 0;
    case EVENT_MAP_ASSIGN:
    case EVENT_MAP_DELETE:
    case EVENT_MAP_CLEAR:
        return apply_op(sighting);
    case EVENT_MAP_ITER_END:
        return apply_iter_end(growth, sighting);
    default:
        return 0;
    }
}

int growth_finish(struct growth *growth)
{
    const struct live_map *map;
    int error = 0;
    for (size_t at = 0; !error && (map = live_maps_next(growth->maps, &at));)
        error = end_burst(growth, map);
    return error;
}
