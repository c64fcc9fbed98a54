/*
 * See key_history.h. Start reading at key_history_apply. The rule itself is lost_key.c.
 *
 * What is alive is held by maps (by object), each with its entries (by key), and actions (by id). Two more
 * tables wait for something and are nearly always empty: `unexplained` removals for an assign whose event
 * comes late, `watched` findings for a miss.
 */
#include "collector/analyses/key_history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/key_text.h"
#include "collector/analyses/lost_key.h"
#include "support/hashmap.h"
#include "support/vec.h"

struct map_key {
    uint64_t pid, address, generation;
};

struct entry_key {
    struct map_key map;
    uint64_t key_id;
};

struct action_key {
    uint64_t pid, id;
};

struct map_state {
    struct map_key key;
    char *name;             /* owned; NULL = not known */
    bool complete;          /* its creation is in the trace */
    bool weak_id;           /* 32 bits or less identify a key */
    struct hashmap entries; /* key_id -> struct entry */
};

/* The last assign of a live key. With the key it fills a cache line: there are as many as keys. */
struct entry {
    uint64_t begin_ns, end_ns, version, seq, scope;
    uint32_t tid;
    stack_id stack;
    char *key; /* owned, printable; NULL = not recorded */
};

struct action {
    struct finding_operation push;
    struct event_object map;
    uint64_t key_id, scope;
    bool handed_over;
    uint32_t run_tid;
};

/* A removal by an action, until it is known who assigned what it removed. */
struct removal {
    struct action action;
    struct finding_operation remove;
    uint64_t seq;
};

struct watch {
    size_t finding; /* index */
    uint64_t seq;   /* of the removal */
};

struct key_history {
    struct stacks *stacks;
    struct findings *findings;
    struct hashmap maps; /* map_key -> struct map_state *, owned */
    struct hashmap actions, unexplained, watched;
    struct map_state *last; /* a cache: most events are about the map of the one before */
};

/* More removals than this do not wait for their assigns: it means that the trace began late. */
enum { UNEXPLAINED_MAX = 65536 };

static const char lost_key_sentence[] =
    "A cleanup that was registered earlier removed an entry that somebody else had assigned since. "
    "Remove by version (msc_map_delete_version_*), or cancel the cleanup when its entry is replaced.";

static struct map_key map_key_of(const struct event *event, const struct event_object *map)
{
    return (struct map_key){.pid = event->pid, .address = map->address, .generation = map->generation};
}

static struct entry_key entry_key_of(const struct event *event)
{
    return (struct entry_key){.map = map_key_of(event, &event->map_op.map), .key_id = event->map_op.key_id};
}

int key_history_create(struct stacks *stacks, struct findings *findings, struct key_history **out)
{
    struct key_history *history = calloc(1, sizeof *history);
    if (!history)
        return -ENOMEM;
    history->stacks = stacks;
    history->findings = findings;
    hashmap_init(&history->maps, sizeof(struct map_key), sizeof(struct map_state *));
    hashmap_init(&history->actions, sizeof(struct action_key), sizeof(struct action));
    hashmap_init(&history->unexplained, sizeof(struct entry_key), sizeof(struct removal));
    hashmap_init(&history->watched, sizeof(struct entry_key), sizeof(struct watch));
    *out = history;
    return 0;
}

static void destroy_map(struct map_state *map)
{
    const void *key;
    void *entry;
    for (size_t at = 0; hashmap_next(&map->entries, &at, &key, &entry);)
        free(((struct entry *)entry)->key);
    hashmap_fini(&map->entries);
    free(map->name);
    free(map);
}

void key_history_destroy(struct key_history *history)
{
    if (!history)
        return;
    const void *key;
    void *map;
    for (size_t at = 0; hashmap_next(&history->maps, &at, &key, &map);)
        destroy_map(*(struct map_state **)map);
    hashmap_fini(&history->maps);
    hashmap_fini(&history->actions);
    hashmap_fini(&history->unexplained);
    hashmap_fini(&history->watched);
    free(history);
}

static bool is_map(const struct map_state *map, const struct map_key *key)
{
    return map && map->key.address == key->address && map->key.generation == key->generation &&
           map->key.pid == key->pid;
}

/* NULL = nothing is known of it. */
static struct map_state *find_map(struct key_history *history, const struct map_key *key)
{
    if (is_map(history->last, key))
        return history->last;
    struct map_state **map = hashmap_find(&history->maps, key);
    if (!map)
        return NULL;
    history->last = *map;
    return *map;
}

static struct map_state *create_map(struct key_history *history, const struct map_key *key)
{
    struct map_state *map = calloc(1, sizeof *map);
    struct map_state **place = map ? hashmap_put(&history->maps, key, NULL) : NULL;
    if (!place) {
        free(map);
        return NULL;
    }
    map->key = *key;
    hashmap_init(&map->entries, sizeof(uint64_t), sizeof(struct entry));
    return *place = map;
}

/* NULL when memory is out. */
static struct map_state *get_map(struct key_history *history, const struct map_key *key)
{
    struct map_state *map = find_map(history, key);
    return map ? map : create_map(history, key);
}

static struct entry *find_entry(const struct map_state *map, uint64_t key_id)
{
    return map ? hashmap_find(&map->entries, &key_id) : NULL;
}

static int operation_of(struct key_history *history, const struct event *event, const char *verb,
                        struct finding_operation *out)
{
    const struct event_map_op *op = &event->map_op;
    *out = (struct finding_operation){.verb = verb,
                                      .pid = event->pid,
                                      .tid = event->tid,
                                      .begin_ns = op->begin_ns,
                                      .end_ns = op->end_ns,
                                      .version = op->version};
    return stacks_intern(history->stacks, event->pid, event->stack.pcs, event->stack.count, event->time_ns,
                         &out->stack);
}

static void forget_entry(struct map_state *map, uint64_t key_id)
{
    struct entry entry;
    if (hashmap_take(&map->entries, &key_id, &entry))
        free(entry.key);
}

/* After a clear: the keys that were there are not live. */
static int forget_entries(struct map_state *map, uint64_t before_seq)
{
    uint64_t *gone = NULL;
    size_t count = 0, capacity = 0;
    const void *key;
    void *value;
    int error = 0;
    for (size_t at = 0; !error && hashmap_next(&map->entries, &at, &key, &value);) {
        if (((struct entry *)value)->seq > before_seq)
            continue;
        error = VEC_RESERVE(gone, count, capacity, 1);
        if (!error)
            gone[count++] = *(const uint64_t *)key;
    }
    for (size_t i = 0; i < count; i++)
        forget_entry(map, gone[i]);
    free(gone);
    return error;
}

static int apply_map_alloc(struct key_history *history, const struct event *event)
{
    const struct event_map_life *life = &event->map_life;
    struct map_key key = map_key_of(event, &life->map);
    struct map_state *map = get_map(history, &key);
    char *name = strndup(life->name.length ? life->name.data : "", life->name.length);
    if (!map || !name) {
        free(name);
        return -ENOMEM;
    }
    free(map->name);
    map->name = name;
    map->complete = map->complete || event->kind == EVENT_MAP_ALLOC;
    map->weak_id = life->flags & 1;
    return 0;
}

static void apply_map_free(struct key_history *history, const struct event *event)
{
    struct map_key key = map_key_of(event, &event->map_life.map);
    struct map_state *map = find_map(history, &key);
    if (!map)
        return;
    history->last = NULL;
    hashmap_remove(&history->maps, &key);
    destroy_map(map);
}

static int apply_map_clear(struct key_history *history, const struct event *event)
{
    struct map_key key = map_key_of(event, &event->map_op.map);
    struct map_state *map = find_map(history, &key);
    return map ? forget_entries(map, event->map_op.seq) : 0;
}

static struct finding_operation assign_operation(uint32_t pid, const struct entry *entry)
{
    return (struct finding_operation){.verb = "assign",
                                      .pid = pid,
                                      .tid = entry->tid,
                                      .begin_ns = entry->begin_ns,
                                      .end_ns = entry->end_ns,
                                      .version = entry->version,
                                      .stack = entry->stack};
}

/* Adds the finding, and watches the key for a miss. `entry` may be NULL: the assign is not in the trace. */
static int add_lost_key(struct key_history *history, const struct entry_key *key, const struct removal *removal,
                        const struct entry *entry)
{
    const struct map_state *map = find_map(history, &key->map);
    struct finding finding = {
        .kind = FINDING_LOST_KEY,
        .severity = FINDING_SUSPECTED,
        .pid = (uint32_t)key->map.pid,
        .map = {.address = key->map.address, .generation = key->map.generation},
        .map_name = strdup(map && map->name ? map->name : ""),
        .key_id = key->key_id,
        .key = entry && entry->key ? strdup(entry->key) : NULL,
        .sentence = lost_key_sentence,
    };
    finding.operations[finding.operation_count++] = removal->action.push;
    if (entry)
        finding.operations[finding.operation_count++] = assign_operation(finding.pid, entry);
    finding.operations[finding.operation_count++] = removal->remove;

    struct watch *watch = hashmap_put(&history->watched, key, NULL);
    if (!finding.map_name || !watch) {
        free(finding.map_name);
        free(finding.key);
        return -ENOMEM;
    }
    size_t before = history->findings->count;
    int error = findings_add(history->findings, &finding);
    if (error || history->findings->count == before)
        hashmap_remove(&history->watched, key);
    else
        *watch = (struct watch){.finding = before, .seq = removal->seq};
    return error;
}

static struct lost_key_action rule_action(const struct action *action, const struct entry_key *key)
{
    return (struct lost_key_action){
        .scope = action->scope,
        .tid = action->push.tid,
        .time_ns = action->push.end_ns,
        .bound = action->map.address == key->map.address && action->map.generation == key->map.generation &&
                 action->key_id == key->key_id,
        .version = action->push.version,
        .handed_over = action->handed_over,
        .run_tid = action->run_tid,
    };
}

/* Whether the action lost a key when it removed the entry. */
static bool is_lost(const struct entry_key *key, const struct action *action, const struct entry *entry)
{
    struct lost_key_action by = rule_action(action, key);
    struct lost_key_assign assign = {.scope = entry->scope, .tid = entry->tid, .time_ns = entry->end_ns};
    return lost_key_by_action(&by, entry->version, &assign);
}

static int judge_without_assign(struct key_history *history, const struct entry_key *key, const struct removal *removal)
{
    struct lost_key_action action = rule_action(&removal->action, key);
    if (!lost_key_without_assign(&action, removal->remove.version))
        return 0;
    return add_lost_key(history, key, removal, NULL);
}

static int entry_of(struct key_history *history, const struct event *event, struct entry *out)
{
    const struct event_map_op *op = &event->map_op;
    *out = (struct entry){.begin_ns = op->begin_ns,
                          .end_ns = op->end_ns,
                          .version = op->version,
                          .seq = op->seq,
                          .scope = op->scope,
                          .tid = event->tid};
    int error =
        stacks_intern(history->stacks, event->pid, event->stack.pcs, event->stack.count, event->time_ns, &out->stack);
    if (!error && op->key.length)
        error = (out->key = key_text(op->key)) ? 0 : -ENOMEM;
    return error;
}

/* Takes `fresh`, also on failure. */
static int put_entry(struct key_history *history, const struct entry_key *key, const struct entry *fresh)
{
    struct map_state *map = get_map(history, &key->map);
    struct entry *entry = map ? hashmap_put(&map->entries, &key->key_id, NULL) : NULL;
    if (!entry || entry->seq > fresh->seq) {
        free(fresh->key);
        return entry ? 0 : -ENOMEM;
    }
    free(entry->key);
    *entry = *fresh;
    return 0;
}

/* It came late: the entry is gone already. */
static int explain(struct key_history *history, const struct entry_key *key, const struct removal *removal,
                   const struct entry *entry)
{
    if (entry->version != removal->remove.version)
        return 0;
    int error = is_lost(key, &removal->action, entry) ? add_lost_key(history, key, removal, entry) : 0;
    hashmap_remove(&history->unexplained, key);
    return error;
}

static int apply_assign(struct key_history *history, const struct event *event)
{
    struct entry_key key = entry_key_of(event);
    struct entry fresh;
    int error = entry_of(history, event, &fresh);
    if (error)
        return error;
    const struct removal *removal = hashmap_find(&history->unexplained, &key);
    if (removal && fresh.seq < removal->seq) {
        error = explain(history, &key, removal, &fresh);
        free(fresh.key);
        return error;
    }
    const struct watch *watch = hashmap_find(&history->watched, &key);
    if (watch && fresh.seq > watch->seq)
        hashmap_remove(&history->watched, &key);
    return put_entry(history, &key, &fresh);
}

static void note_miss(struct key_history *history, const struct event *event, const struct entry_key *key)
{
    const struct watch *watch = hashmap_find(&history->watched, key);
    if (!watch || event->map_op.seq < watch->seq)
        return;
    struct finding *finding = &history->findings->items[watch->finding];
    const struct map_state *map = find_map(history, &key->map);
    finding->misses++;
    if (map && map->complete && !map->weak_id && finding->operation_count == 3)
        finding->severity = FINDING_CERTAIN;
}

/* Keeps the removal until the assign of what it removed comes. */
static int wait_for_assign(struct key_history *history, const struct entry_key *key, const struct removal *removal)
{
    if (history->unexplained.count >= UNEXPLAINED_MAX)
        return judge_without_assign(history, key, removal);
    struct removal *waiting = hashmap_put(&history->unexplained, key, NULL);
    if (!waiting)
        return -ENOMEM;
    *waiting = *removal;
    return 0;
}

/* `entry` is what is known under the key, or NULL. */
static int remove_by_action(struct key_history *history, const struct event *event, const struct entry_key *key,
                            const struct action *action, const struct entry *entry)
{
    bool is_known = entry && entry->version == event->map_op.version;
    if (is_known && !is_lost(key, action, entry))
        return 0;
    struct removal removal = {.action = *action, .seq = event->map_op.seq};
    int error = operation_of(history, event, "delete", &removal.remove);
    if (error)
        return error;
    removal.remove.fn = action->push.fn;
    return is_known ? add_lost_key(history, key, &removal, entry) : wait_for_assign(history, key, &removal);
}

static const struct action *action_of(const struct key_history *history, const struct event *event)
{
    struct action_key key = {.pid = event->pid, .id = event->map_op.action};
    return key.id ? hashmap_find(&history->actions, &key) : NULL;
}

static int apply_delete(struct key_history *history, const struct event *event)
{
    const struct event_map_op *op = &event->map_op;
    struct entry_key key = entry_key_of(event);
    if (!op->found) {
        if (op->version == 0) /* else it is there, and was spared: msc_map_delete_version_* */
            note_miss(history, event, &key);
        return 0;
    }
    struct map_state *map = find_map(history, &key.map);
    const struct entry *entry = find_entry(map, key.key_id);
    const struct action *action = action_of(history, event);
    int error = action ? remove_by_action(history, event, &key, action, entry) : 0;
    if (entry && entry->seq < op->seq)
        forget_entry(map, key.key_id);
    return error;
}

static int apply_push(struct key_history *history, const struct event *event)
{
    const struct event_defer *defer = &event->defer;
    struct action_key key = {.pid = event->pid, .id = defer->action};
    struct action *action = hashmap_put(&history->actions, &key, NULL);
    if (!action)
        return -ENOMEM;
    *action = (struct action){.map = defer->map, .key_id = defer->key_id, .scope = defer->scope};
    action->push = (struct finding_operation){.verb = "register cleanup",
                                              .pid = event->pid,
                                              .tid = event->tid,
                                              .begin_ns = event->time_ns,
                                              .end_ns = event->time_ns,
                                              .version = defer->version,
                                              .fn = defer->fn};
    return stacks_intern(history->stacks, event->pid, event->stack.pcs, event->stack.count, event->time_ns,
                         &action->push.stack);
}

static void apply_run_begin(struct key_history *history, const struct event *event)
{
    struct action_key key = {.pid = event->pid, .id = event->defer.action};
    struct action *action = hashmap_find(&history->actions, &key);
    if (!action)
        return;
    action->handed_over = event->defer.handed_over;
    action->run_tid = event->tid;
}

static void apply_run_end(struct key_history *history, const struct event *event)
{
    struct action_key key = {.pid = event->pid, .id = event->defer.action};
    hashmap_remove(&history->actions, &key);
}

int key_history_apply(struct key_history *history, const struct event *event)
{
    switch (event->kind) {
    case EVENT_MAP_ALLOC:
    case EVENT_MAP_INVENTORY:
        return apply_map_alloc(history, event);
    case EVENT_MAP_FREE:
        apply_map_free(history, event);
        return 0;
    case EVENT_MAP_ASSIGN:
        return apply_assign(history, event);
    case EVENT_MAP_DELETE:
        return apply_delete(history, event);
    case EVENT_MAP_CLEAR:
        return apply_map_clear(history, event);
    case EVENT_MAP_ACCESS:
        if (!event->map_op.found) {
            struct entry_key key = entry_key_of(event);
            note_miss(history, event, &key);
        }
        return 0;
    case EVENT_DEFER_PUSH:
        return apply_push(history, event);
    case EVENT_DEFER_RUN_BEGIN:
        apply_run_begin(history, event);
        return 0;
    case EVENT_DEFER_RUN_END:
        apply_run_end(history, event);
        return 0;
    default:
        return 0;
    }
}

int key_history_finish(struct key_history *history, const struct losses *losses)
{
    const void *key;
    void *value;
    int error = 0;
    for (size_t at = 0; !error && hashmap_next(&history->unexplained, &at, &key, &value);)
        error = judge_without_assign(history, key, value);
    bool complete = !losses_hide_events(losses);
    for (size_t i = 0; !complete && i < history->findings->count; i++)
        if (history->findings->items[i].kind == FINDING_LOST_KEY)
            history->findings->items[i].severity = FINDING_SUSPECTED;
    return error;
}
