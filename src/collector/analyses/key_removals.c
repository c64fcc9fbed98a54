/*
 * See key_history_state.h: cleanups from their registration to their end, what they remove, and whether that was
 * theirs. Start reading at key_removed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/key_history_state.h"
#include "collector/analyses/lost_key.h"

/* More removals than this do not wait for their assigns: it means that the trace began late. */
enum { UNEXPLAINED_MAX = 65536 };

static const char lost_key_sentence[] =
    "A cleanup that was registered earlier removed an entry that somebody else had assigned since. "
    "Remove by version (msc_map_delete_version_*), or cancel the cleanup when its entry is replaced.";

/* ---- the finding ---- */

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

static struct finding_operation push_operation(uint32_t pid, const struct action *action)
{
    return (struct finding_operation){.verb = "register cleanup",
                                      .pid = pid,
                                      .tid = action->push_tid,
                                      .begin_ns = action->push_ns,
                                      .end_ns = action->push_ns,
                                      .version = action->version,
                                      .fn = action->fn,
                                      .stack = action->stack};
}

/* Adds it, and watches the key for a miss. Takes `finding`, also on failure. */
static int watch_finding(struct key_history *history, const struct entry_key *key, struct finding *finding,
                         uint64_t removed_seq)
{
    struct watch *watch = hashmap_put(&history->watched, key, NULL);
    if (!watch) {
        finding_fini(finding);
        return -ENOMEM;
    }
    size_t before = history->findings->count;
    int error = findings_add(history->findings, finding);
    if (error || history->findings->count == before)
        hashmap_remove(&history->watched, key);
    else
        *watch = (struct watch){.finding = before, .seq = removed_seq};
    return error;
}

/* `entry` may be NULL: the assign is not in the trace. */
static int add_lost_key(struct key_history *history, const struct entry_key *key, const struct removal *removal,
                        const struct entry *entry)
{
    struct finding finding;
    int error = live_map_finding(live_maps_find(history->maps, &key->map), &finding);
    if (error)
        return error;
    finding.kind = FINDING_LOST_KEY;
    finding.severity = FINDING_SUSPECTED;
    finding.pid = (uint32_t)key->map.pid;
    finding.map = (struct event_object){.address = key->map.address, .generation = key->map.generation};
    finding.key_id = key->key_id;
    finding.key = entry && entry->key ? strdup(entry->key) : NULL;
    finding.sentence = lost_key_sentence;
    finding.operations[finding.operation_count++] = push_operation(finding.pid, &removal->action);
    if (entry)
        finding.operations[finding.operation_count++] = assign_operation(finding.pid, entry);
    finding.operations[finding.operation_count++] = removal->remove;
    return watch_finding(history, key, &finding, removal->seq);
}

void key_missed(struct key_history *history, const struct sighting *sighting)
{
    struct entry_key key = entry_key_of(sighting);
    const struct watch *watch = hashmap_find(&history->watched, &key);
    if (!watch || sighting->event->map_op.seq < watch->seq)
        return;
    struct finding *finding = &history->findings->items[watch->finding];
    finding->misses++;
    if (sighting->map->is_complete && !sighting->map->has_weak_ids && finding->operation_count == 3)
        finding->severity = FINDING_CERTAIN;
}

/* ---- removals ---- */

static struct lost_key_action rule_action(const struct action *action, const struct entry_key *key)
{
    return (struct lost_key_action){
        .scope = action->scope,
        .tid = action->push_tid,
        .time_ns = action->push_ns,
        .bound = action->map.address == key->map.address && action->map.generation == key->map.generation &&
                 action->key_id == key->key_id,
        .version = action->version,
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

int key_assigned(struct key_history *history, const struct sighting *sighting, const struct entry *entry, bool *late)
{
    struct entry_key key = entry_key_of(sighting);
    const struct removal *removal = hashmap_find(&history->unexplained, &key);
    *late = removal && entry->seq < removal->seq;
    if (*late)
        return explain(history, &key, removal, entry);
    const struct watch *watch = hashmap_find(&history->watched, &key);
    if (watch && entry->seq > watch->seq)
        hashmap_remove(&history->watched, &key);
    return 0;
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

static int removal_of(struct sighting *sighting, const struct action *action, struct removal *out)
{
    const struct event *event = sighting->event;
    const struct event_map_op *op = &event->map_op;
    *out = (struct removal){.action = *action, .seq = op->seq};
    out->remove = (struct finding_operation){.verb = "delete",
                                             .pid = event->pid,
                                             .tid = event->tid,
                                             .begin_ns = op->begin_ns,
                                             .end_ns = op->end_ns,
                                             .version = op->version,
                                             .fn = action->fn};
    return sighting_stack(sighting, &out->remove.stack);
}

int key_removed(struct key_history *history, struct sighting *sighting, const struct action *action,
                const struct entry *entry)
{
    struct entry_key key = entry_key_of(sighting);
    struct removal removal;
    bool is_known = entry && entry->version == sighting->event->map_op.version;
    if (is_known && !is_lost(&key, action, entry))
        return 0;
    int error = removal_of(sighting, action, &removal);
    if (error)
        return error;
    return is_known ? add_lost_key(history, &key, &removal, entry) : wait_for_assign(history, &key, &removal);
}

int key_removals_finish(struct key_history *history)
{
    const void *key;
    void *value;
    int error = 0;
    for (size_t at = 0; !error && hashmap_next(&history->unexplained, &at, &key, &value);)
        error = judge_without_assign(history, key, value);
    return error;
}

/* ---- actions ---- */

const struct action *key_action_of(const struct key_history *history, const struct event *event)
{
    struct action_key key = {.pid = event->pid, .id = event->map_op.action};
    return key.id ? hashmap_find(&history->actions, &key) : NULL;
}

int key_action_push(struct key_history *history, struct sighting *sighting)
{
    const struct event *event = sighting->event;
    const struct event_defer *defer = &event->defer;
    struct action_key key = {.pid = event->pid, .id = defer->action};
    struct action *action = hashmap_put(&history->actions, &key, NULL);
    if (!action)
        return -ENOMEM;
    *action = (struct action){.push_ns = event->time_ns,
                              .scope = defer->scope,
                              .fn = defer->fn,
                              .map = defer->map,
                              .key_id = defer->key_id,
                              .version = defer->version,
                              .push_tid = event->tid};
    return sighting_stack(sighting, &action->stack);
}

void key_action_run_begin(struct key_history *history, const struct event *event)
{
    struct action_key key = {.pid = event->pid, .id = event->defer.action};
    struct action *action = hashmap_find(&history->actions, &key);
    if (!action)
        return;
    action->handed_over = event->defer.handed_over;
    action->run_tid = event->tid;
}

void key_action_run_end(struct key_history *history, const struct event *event)
{
    struct action_key key = {.pid = event->pid, .id = event->defer.action};
    hashmap_remove(&history->actions, &key);
}
