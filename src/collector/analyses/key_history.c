/* See key_history.h. Start reading at key_history_apply: the live entries of each map, by key. */
#include "collector/analyses/key_history.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/analyses/key_history_state.h"
#include "collector/analyses/key_text.h"
#include "support/vec.h"

static void release_entries(void *state)
{
    struct hashmap *entries = state;
    const void *key;
    void *entry;
    for (size_t at = 0; hashmap_next(entries, &at, &key, &entry);)
        free(((struct entry *)entry)->key);
    hashmap_fini(entries);
    free(entries);
}

int key_history_create(struct live_maps *maps, struct findings *findings, struct key_history **out)
{
    struct key_history *history = calloc(1, sizeof *history);
    if (!history)
        return -ENOMEM;
    history->maps = maps;
    history->findings = findings;
    hashmap_init(&history->actions, sizeof(struct action_key), sizeof(struct action));
    hashmap_init(&history->unexplained, sizeof(struct entry_key), sizeof(struct removal));
    hashmap_init(&history->watched, sizeof(struct entry_key), sizeof(struct watch));
    live_maps_own(maps, LIVE_MAP_HISTORY, release_entries);
    *out = history;
    return 0;
}

void key_history_destroy(struct key_history *history)
{
    if (!history)
        return;
    hashmap_fini(&history->actions);
    hashmap_fini(&history->unexplained);
    hashmap_fini(&history->watched);
    free(history);
}

/* ---- entries ---- */

/* NULL = it has none that are known. */
static struct hashmap *entries_of(const struct live_map *map)
{
    return map->states[LIVE_MAP_HISTORY];
}

/* NULL when memory is out. */
static struct hashmap *make_entries(struct live_map *map)
{
    struct hashmap *entries = malloc(sizeof *entries);
    if (entries)
        hashmap_init(entries, sizeof(uint64_t), sizeof(struct entry));
    return map->states[LIVE_MAP_HISTORY] = entries;
}

static void forget_entry(struct hashmap *entries, uint64_t key_id)
{
    struct entry entry;
    if (hashmap_take(entries, &key_id, &entry))
        free(entry.key);
}

/* After a clear: the keys that were there are not live. */
static int forget_entries(struct hashmap *entries, uint64_t before_seq)
{
    uint64_t *gone = NULL;
    size_t count = 0, capacity = 0;
    const void *key;
    void *value;
    int error = 0;
    for (size_t at = 0; !error && hashmap_next(entries, &at, &key, &value);) {
        if (((struct entry *)value)->seq > before_seq)
            continue;
        error = VEC_RESERVE(gone, count, capacity, 1);
        if (!error)
            gone[count++] = *(const uint64_t *)key;
    }
    for (size_t i = 0; i < count; i++)
        forget_entry(entries, gone[i]);
    free(gone);
    return error;
}

static int entry_of(struct sighting *sighting, struct entry *out)
{
    const struct event *event = sighting->event;
    const struct event_map_op *op = &event->map_op;
    *out = (struct entry){.begin_ns = op->begin_ns,
                          .end_ns = op->end_ns,
                          .version = op->version,
                          .seq = op->seq,
                          .scope = op->scope,
                          .tid = event->tid};
    int error = sighting_stack(sighting, &out->stack);
    if (!error && op->key.length)
        error = (out->key = key_text(op->key)) ? 0 : -ENOMEM;
    return error;
}

/* Takes `fresh`, also on failure. */
static int put_entry(struct live_map *map, uint64_t key_id, const struct entry *fresh)
{
    struct hashmap *entries = entries_of(map);
    if (!entries)
        entries = make_entries(map);
    struct entry *entry = entries ? hashmap_put(entries, &key_id, NULL) : NULL;
    if (!entry || entry->seq > fresh->seq) {
        free(fresh->key);
        return entry ? 0 : -ENOMEM;
    }
    if (entry->key)
        free(entry->key);
    *entry = *fresh;
    return 0;
}

static int apply_assign(struct key_history *history, struct sighting *sighting)
{
    struct entry fresh;
    bool late = false;
    int error = entry_of(sighting, &fresh);
    if (!error && key_history_waits(history))
        error = key_assigned(history, sighting, &fresh, &late);
    if (!error && !late)
        return put_entry(sighting->map, sighting->event->map_op.key_id, &fresh);
    free(fresh.key);
    return error;
}

static void apply_miss(struct key_history *history, const struct sighting *sighting)
{
    if (key_history_waits(history))
        key_missed(history, sighting);
}

static int apply_delete(struct key_history *history, struct sighting *sighting)
{
    const struct event_map_op *op = &sighting->event->map_op;
    if (!op->found) {
        if (op->version == 0) /* else it is there, and was spared: msc_map_delete_version_* */
            apply_miss(history, sighting);
        return 0;
    }
    struct hashmap *entries = entries_of(sighting->map);
    const struct entry *entry = entries ? hashmap_find(entries, &op->key_id) : NULL;
    const struct action *action = key_action_of(history, sighting->event);
    int error = action ? key_removed(history, sighting, action, entry) : 0;
    if (entry && entry->seq < op->seq)
        forget_entry(entries, op->key_id);
    return error;
}

static int apply_clear(const struct sighting *sighting)
{
    struct hashmap *entries = entries_of(sighting->map);
    return entries ? forget_entries(entries, sighting->event->map_op.seq) : 0;
}

int key_history_apply(struct key_history *history, struct sighting *sighting)
{
    switch (sighting->event->kind) {
    case EVENT_MAP_ASSIGN:
        return apply_assign(history, sighting);
    case EVENT_MAP_DELETE:
        return apply_delete(history, sighting);
    case EVENT_MAP_CLEAR:
        return apply_clear(sighting);
    case EVENT_MAP_ACCESS:
        if (!sighting->event->map_op.found)
            apply_miss(history, sighting);
        return 0;
    case EVENT_DEFER_PUSH:
        return key_action_push(history, sighting);
    case EVENT_DEFER_RUN_BEGIN:
        key_action_run_begin(history, sighting->event);
        return 0;
    case EVENT_DEFER_RUN_END:
        key_action_run_end(history, sighting->event);
        return 0;
    default:
        return 0;
    }
}

int key_history_finish(struct key_history *history, const struct losses *losses)
{
    int error = key_removals_finish(history);
    bool complete = !losses_hide_events(losses);
    for (size_t i = 0; !complete && i < history->findings->count; i++)
        if (history->findings->items[i].kind == FINDING_LOST_KEY)
            history->findings->items[i].severity = FINDING_SUSPECTED;
    return error;
}
