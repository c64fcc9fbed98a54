/*
 * The facts of a slice or an instant, gathered while it is drawn. What says nothing (0, false, NULL) is left out.
 *
 *     struct timeline_args args;
 *     timeline_args_init(&args);
 *     timeline_arg(&args, TIMELINE_ARG_VERSION, op->version);
 *     timeline_arg_text(&args, TIMELINE_ARG_SITE, site);
 *
 * A key is a number that stands for its text and for the kind of its value: a fact takes nine bytes, and a slice has
 * three or so. Inline, and cleared by its count alone. Not thread-safe.
 */
#ifndef MODEL_TIMELINE_ARGS_H
#define MODEL_TIMELINE_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* TEXT: NUL-terminated, any bytes. TRUE: has no value. */
enum timeline_arg_kind { TIMELINE_KIND_INT, TIMELINE_KIND_HEX, TIMELINE_KIND_TRUE, TIMELINE_KIND_TEXT };

/* X(name, kind, text): plain ASCII of at most TIMELINE_KEY_BYTES_MAX. */
#define TIMELINE_KEYS(X)                                                                                               \
    X(BY, TEXT, "by")                                                                                                  \
    X(BYTES, INT, "bytes")                                                                                             \
    X(CERTAINTY, TEXT, "certainty")                                                                                    \
    X(CHARGE_NS, INT, "charge_ns")                                                                                     \
    X(COND, HEX, "cond")                                                                                               \
    X(COUNT, INT, "count")                                                                                             \
    X(CUT_NS, INT, "cut_ns")                                                                                           \
    X(DEADLOCK, TRUE, "deadlock")                                                                                      \
    X(DEFERS, TEXT, "defers")                                                                                          \
    X(DIRTY_LEN, INT, "dirty_len")                                                                                     \
    X(ENDED_BY, TEXT, "ended by")                                                                                      \
    X(EVAC_NS, INT, "evac_ns")                                                                                         \
    X(FIGURES, TEXT, "figures")                                                                                        \
    X(GREW, TRUE, "grew")                                                                                              \
    X(HANDOFF_NS, INT, "handoff_ns")                                                                                   \
    X(HOLD_NS, INT, "hold_ns")                                                                                         \
    X(HOLD_SEQ, INT, "hold_seq")                                                                                       \
    X(ID, INT, "id")                                                                                                   \
    X(INSERTED, TRUE, "inserted")                                                                                      \
    X(KEY, TEXT, "key")                                                                                                \
    X(KEY_ID, HEX, "key_id")                                                                                           \
    X(MADE_OTHERS_WAIT, TEXT, "made others wait")                                                                      \
    X(MAP, HEX, "map")                                                                                                 \
    X(MAP_NAME, TEXT, "map")                                                                                           \
    X(MISSED, TRUE, "missed")                                                                                          \
    X(MISSES, INT, "misses")                                                                                           \
    X(MOVED, INT, "moved")                                                                                             \
    X(MUTATED, TRUE, "mutated")                                                                                        \
    X(NEVER_RUN, TRUE, "never_run")                                                                                    \
    X(NEW_B, INT, "new_B")                                                                                             \
    X(OLD_B, INT, "old_B")                                                                                             \
    X(ONE, TEXT, "one")                                                                                                \
    X(ONE_THREAD, INT, "one_thread")                                                                                   \
    X(OTHER, TEXT, "other")                                                                                            \
    X(OTHER_THREAD, INT, "other_thread")                                                                               \
    X(OWNER, TEXT, "owner")                                                                                            \
    X(PENDING_BYTES, INT, "pending_bytes")                                                                             \
    X(PUSHED_BY, TEXT, "pushed_by")                                                                                    \
    X(PUSHED_IN, TEXT, "pushed_in")                                                                                    \
    X(READER, INT, "reader")                                                                                           \
    X(RESULT, TEXT, "result")                                                                                          \
    X(SEQ, INT, "seq")                                                                                                 \
    X(SITE, TEXT, "site")                                                                                              \
    X(STALE, TRUE, "stale")                                                                                            \
    X(STEPS, INT, "steps")                                                                                             \
    X(TIMES, INT, "times")                                                                                             \
    X(TRUNCATED, TRUE, "truncated")                                                                                    \
    X(UNFINISHED, TRUE, "unfinished")                                                                                  \
    X(VERSION, INT, "version")                                                                                         \
    X(VERSION_AT_PUSH, INT, "version_at_push")                                                                         \
    X(VISITED, INT, "visited")                                                                                         \
    X(WAITED_NS, INT, "waited_ns")                                                                                     \
    X(WAITERS, INT, "waiters")                                                                                         \
    X(WHAT, TEXT, "what")                                                                                              \
    X(WOKEN, INT, "woken")

enum timeline_key {
#define TIMELINE_KEY(name, kind, text) TIMELINE_ARG_##name,
    TIMELINE_KEYS(TIMELINE_KEY)
#undef TIMELINE_KEY
        TIMELINE_KEY_COUNT
};

enum { TIMELINE_KEY_BYTES_MAX = 23, TIMELINE_ARGS_MAX = 16 };

struct timeline_key_form {
    enum timeline_arg_kind kind;
    char text[TIMELINE_KEY_BYTES_MAX + 1];
};

extern const struct timeline_key_form timeline_key_forms[TIMELINE_KEY_COUNT];

union timeline_value {
    uint64_t number;
    const char *text;
};

struct timeline_args {
    uint8_t keys[TIMELINE_ARGS_MAX]; /* enum timeline_key */
    union timeline_value values[TIMELINE_ARGS_MAX];
    size_t count;
};

static inline void timeline_args_init(struct timeline_args *args)
{
    args->count = 0;
}

/* `number`: 1 for a key without a value. At most TIMELINE_ARGS_MAX calls for one thing, with those that say nothing. */
static inline void timeline_arg(struct timeline_args *args, enum timeline_key key, uint64_t number)
{
    args->keys[args->count] = (uint8_t)key;
    args->values[args->count].number = number;
    args->count += number != 0;
}

static inline void timeline_arg_text(struct timeline_args *args, enum timeline_key key, const char *text)
{
    args->keys[args->count] = (uint8_t)key;
    args->values[args->count].text = text;
    args->count += text != NULL;
}

/* The same as one reads them. Borrowed; zeroed = none. */
struct timeline_facts {
    const uint8_t *keys;
    const union timeline_value *values;
    size_t count;
};

static inline struct timeline_facts timeline_args_facts(const struct timeline_args *args)
{
    return (struct timeline_facts){.keys = args->keys, .values = args->values, .count = args->count};
}

static inline bool timeline_is_text(uint8_t key)
{
    return timeline_key_forms[key].kind == TIMELINE_KIND_TEXT;
}

#endif
