/*
 * What the parts of the key histories share: the live entries of each map (key_history.c), cleanups and what they
 * remove (key_removals.c). The rule for a lost key itself is lost_key.c. Private to these files.
 *
 * Two tables wait for something and are nearly always empty: `unexplained` removals for an assign whose event comes
 * late, `watched` findings for a miss.
 */
#ifndef COLLECTOR_KEY_HISTORY_STATE_H
#define COLLECTOR_KEY_HISTORY_STATE_H

#include "collector/analyses/key_history.h"
#include "support/hashmap.h"

struct entry_key {
    struct live_map_key map;
    uint64_t key_id;
};

struct action_key {
    uint64_t pid, id;
};

/* The last assign of a live key. With the key it fills a cache line: there are as many as keys. */
struct entry {
    uint64_t begin_ns, end_ns, version, seq, scope;
    uint32_t tid;
    stack_id stack;
    char *key; /* owned, printable; NULL = not recorded */
};

/* A cleanup that has not ended. */
struct action {
    uint64_t push_ns, scope, fn;
    struct event_object map;
    uint64_t key_id, version;
    uint32_t push_tid, run_tid;
    stack_id stack; /* of the push */
    bool handed_over;
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

/* map->states[LIVE_MAP_HISTORY] is a struct hashmap: key_id -> struct entry */
struct key_history {
    struct live_maps *maps;
    struct findings *findings;
    struct hashmap actions;     /* struct action_key -> struct action */
    struct hashmap unexplained; /* struct entry_key -> struct removal */
    struct hashmap watched;     /* struct entry_key -> struct watch */
};

/* Whether a removal waits for its assign, or a finding for a miss: hardly ever. */
static inline bool key_history_waits(const struct key_history *history)
{
    return history->unexplained.count || history->watched.count;
}

static inline struct entry_key entry_key_of(const struct sighting *sighting)
{
    return (struct entry_key){.map = sighting->map->key, .key_id = sighting->event->map_op.key_id};
}

/* ---- key_removals.c: 0 or -ENOMEM ---- */

int key_action_push(struct key_history *history, struct sighting *sighting);
void key_action_run_begin(struct key_history *history, const struct event *event);
void key_action_run_end(struct key_history *history, const struct event *event);

/* The action inside which the operation ran, or NULL. */
const struct action *key_action_of(const struct key_history *history, const struct event *event);

/* An entry was removed by an action. `entry` is what is known under the key, or NULL. */
int key_removed(struct key_history *history, struct sighting *sighting, const struct action *action,
                const struct entry *entry);

/* Where something waits: the assign that an unexplained removal may have waited for. *late: the entry is gone already.
 */
int key_assigned(struct key_history *history, const struct sighting *sighting, const struct entry *entry, bool *late);

/* Where something waits: a look-up, or a removal, that found nothing. */
void key_missed(struct key_history *history, const struct sighting *sighting);

/* Judges the removals that are still unexplained. */
int key_removals_finish(struct key_history *history);

#endif
