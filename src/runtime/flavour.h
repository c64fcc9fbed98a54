/*
 * What the concurrent maps have in common: identity, keys, what a verb does to an entry, events.
 *
 * Every verb about one key is a struct flavour_op that the flavour carries out: it finds the entry, asks
 * flavour_decide what is to be done to it, and does that in its own way, under a lock or by compare-and-swap:
 *
 *     msc_syncmap_swap ── op {STORE, value, out} ── run ─┬─ syncmap_apply: find, decide, write
 *                                                        └─ traced: flavour_run_traced(op, syncmap_apply), emits
 *
 * The event is emitted after apply returned: with no lock held. `event` of the op is where apply leaves what
 * only it knows (times, seq, version); it is NULL while nobody traces this key.
 *
 * Guarded like the map that it is part of. Allocates with memory.h.
 */
#ifndef MSC_RUNTIME_FLAVOUR_H
#define MSC_RUNTIME_FLAVOUR_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "mapscope/verbs.h"
#include "runtime/emit.h"
#include "runtime/event.h"
#include "runtime/map_core.h"

struct flavour;

/* How many entries the map has now: takes the flavour's locks. */
typedef uint64_t flavour_entries_fn(struct flavour *flavour);

/* The first member of every flavour; constant after creation. */
struct flavour {
    uint64_t generation; /* object.h */
    enum msc_map_flavor flavor;
    enum msc_key_kind kind; /* BYTES for borrowed ones, too: they are copied */
    bool has_word_keys;     /* 64-bit numbers or pointers, all of them hashable: the verbs' short path */
    uint32_t latches;       /* among which threads spread (latch.h) */
    size_t value_size;
    size_t hint;
    struct msc_map_type type;  /* what may be set: key_size, hash, equal, hashable, identity, equal_values */
    struct msc_hash_seed seed; /* of the flavour's own hash */
    void *block;               /* what was allocated; the name is at its end */
    const char *name;
    flavour_entries_fn *entries;
    uintptr_t site; /* where it was created: a return address */
    uint32_t told;  /* audience that knows of it (emit.h); atomic, the only one that changes */
};

enum flavour_verb {
    VERB_LOAD,
    VERB_STORE,
    VERB_LOAD_OR_STORE,
    VERB_DELETE,
    VERB_COMPARE_AND_SWAP,
    VERB_COMPARE_AND_DELETE,
    VERB_STORE_VERSION,
    VERB_DELETE_VERSION,
};

enum flavour_effect { EFFECT_NONE, EFFECT_WRITE, EFFECT_ERASE };

struct flavour_op {
    enum flavour_verb verb;
    struct map_key key;
    const void *value;         /* NULL = all zero */
    const void *expected;      /* VERB_COMPARE_* */
    uint64_t expected_version; /* VERB_*_VERSION */
    void *out;                 /* where the value that was there goes; NULL = nowhere */
    bool wants_version;        /* of a VERB_LOAD; it may be left out otherwise */

    /* What came of it. */
    enum flavour_effect effect;
    bool was_there;
    uint64_t version;  /* of the entry that was there; 0 = none */
    const void *found; /* the value that was there; NULL = none. Borrowed: valid as long as apply says */
    struct msc_ev_map_assign *event;
};

typedef int flavour_apply_fn(struct flavour *flavour, struct flavour_op *op);

/* ---- life ---- */

/* Allocates an object of `size` bytes that begins with its struct flavour; zeroed, on a cache line of its own. */
int flavour_create(size_t size, enum msc_map_flavor flavor, flavour_entries_fn *entries,
                   const struct msc_map_options *options, struct flavour **out);
void flavour_destroy(struct flavour *flavour);

/* The same for an array of whole cache lines: *block is to be released. NULL when memory is out. */
void *flavour_allocate_lines(size_t size, void **block);

/* ---- keys and values ---- */

/*
 * 0 with the caller's key in *out, which was all zero, or -EINVAL: the map does not take it. Written field by field:
 * a struct that is copied right after its fields were written stalls the processor.
 */
static inline int flavour_key(const struct flavour *flavour, const void *key, struct map_key *out)
{
    if (MSC_UNLIKELY(!key))
        return -EINVAL;
    const struct msc_bytes *bytes = key;
    out->kind = flavour->kind;
    switch (flavour->kind) {
    case MSC_KEY_U64:
        out->number = *(const uint64_t *)key;
        break;
    case MSC_KEY_U32:
        out->number = *(const uint32_t *)key;
        break;
    case MSC_KEY_POINTER:
        out->number = (uint64_t)(uintptr_t) * (const void *const *)key;
        break;
    case MSC_KEY_CUSTOM:
        out->bytes = key;
        out->length = flavour->type.key_size;
        break;
    default:
        out->bytes = bytes->data;
        out->length = bytes->length;
        if (!bytes->data && bytes->length)
            return -EINVAL;
    }
    if (MSC_UNLIKELY(flavour->type.hashable != NULL) && !flavour->type.hashable(key))
        return -EINVAL;
    return 0;
}

static inline uint64_t flavour_hash(const struct flavour *flavour, const struct map_key *key)
{
    switch (key->kind) {
    case MSC_KEY_U64:
    case MSC_KEY_POINTER:
        return msc_hash_u64(key->number, flavour->seed);
    case MSC_KEY_U32:
        return msc_hash_u32((uint32_t)key->number, flavour->seed);
    case MSC_KEY_CUSTOM:
        return flavour->type.hash(key->bytes, flavour->seed);
    default:
        return msc_hash_bytes(key->bytes, key->length, flavour->seed);
    }
}

/* Flavours with entries of their own store a key as a number (of bytes: how many) and its bytes, 16-aligned. */
static inline bool flavour_key_has_bytes(enum msc_key_kind kind)
{
    return kind == MSC_KEY_BYTES || kind == MSC_KEY_CUSTOM;
}

static inline size_t flavour_key_bytes(const struct map_key *key)
{
    return flavour_key_has_bytes(key->kind) ? key->length : 0;
}

static inline uint64_t flavour_key_number(const struct map_key *key)
{
    return flavour_key_has_bytes(key->kind) ? key->length : key->number;
}

static inline bool flavour_key_is(const struct flavour *flavour, const struct map_key *key, uint64_t number,
                                  const void *bytes)
{
    if (key->kind == MSC_KEY_CUSTOM)
        return flavour->type.equal(key->bytes, bytes);
    if (key->kind == MSC_KEY_BYTES)
        return number == key->length && (number == 0 || memcmp(bytes, key->bytes, key->length) == 0);
    return number == key->number;
}

/* A stored key as the verbs take it: what the kind says, in the caller's memory. */
union flavour_key_view {
    uint64_t number;
    uint32_t small;
    const void *pointer;
    struct msc_bytes bytes;
};

static inline const void *flavour_show_key(enum msc_key_kind kind, uint64_t number, const void *bytes,
                                           union flavour_key_view *view)
{
    switch (kind) {
    case MSC_KEY_U64:
        view->number = number;
        return view;
    case MSC_KEY_U32:
        view->small = (uint32_t)number;
        return view;
    case MSC_KEY_POINTER:
        view->pointer = (const void *)(uintptr_t)number; /* NOLINT: it was one */
        return view;
    case MSC_KEY_CUSTOM:
        return bytes;
    default:
        view->bytes = (struct msc_bytes){bytes, number};
        return view;
    }
}

static inline void flavour_copy_value(const struct flavour *flavour, void *to, const void *from)
{
    if (__builtin_expect(flavour->value_size == sizeof(uint64_t) && from, 1))
        memcpy(to, from, sizeof(uint64_t));
    else if (from)
        memcpy(to, from, flavour->value_size);
    else
        memset(to, 0, flavour->value_size);
}

/* Gives the caller the value that was there. */
static inline void flavour_hand_out(const struct flavour *flavour, const struct flavour_op *op, const void *value)
{
    if (op->out && value)
        flavour_copy_value(flavour, op->out, value);
}

/* ---- what a verb does ---- */

static inline bool flavour_equal(const struct flavour *flavour, const void *value, const void *other)
{
    if (flavour->type.equal_values)
        return flavour->type.equal_values(value, other);
    return memcmp(value, other, flavour->value_size) == 0;
}

/* 0 or why not, for an entry with this value (NULL = there is none) and version. Sets effect, was_there, version. */
static inline int flavour_decide(const struct flavour *flavour, struct flavour_op *op, const void *value,
                                 uint64_t version)
{
    op->found = value;
    op->was_there = value != NULL;
    op->version = value ? version : 0;
    op->effect = EFFECT_NONE;
    bool erases = op->verb == VERB_DELETE || op->verb == VERB_COMPARE_AND_DELETE || op->verb == VERB_DELETE_VERSION;
    switch (op->verb) {
    case VERB_LOAD:
        return value ? 0 : -ENOENT;
    case VERB_LOAD_OR_STORE:
        op->effect = value ? EFFECT_NONE : EFFECT_WRITE;
        return 0;
    case VERB_STORE:
        break;
    case VERB_DELETE:
        if (!value)
            return -ENOENT;
        break;
    case VERB_COMPARE_AND_SWAP:
    case VERB_COMPARE_AND_DELETE:
        if (!value)
            return -ENOENT;
        if (!flavour_equal(flavour, value, op->expected))
            return -ESTALE;
        break;
    case VERB_DELETE_VERSION:
        if (!value)
            return -ENOENT;
        /* fall through */
    case VERB_STORE_VERSION:
        if (op->version != op->expected_version)
            return -ESTALE;
        break;
    }
    op->effect = erases ? EFFECT_ERASE : EFFECT_WRITE;
    return 0;
}

/* ---- events ---- */

/* Around what apply does to the entry. `seq`: of the modification, or of the last one before a look-up. */
static inline void flavour_begin(const struct flavour_op *op)
{
    if (__builtin_expect(op->event != NULL, 0))
        op->event->begin_ns = clock_now_ns();
}

static inline void flavour_end(const struct flavour_op *op, uint64_t seq)
{
    if (__builtin_expect(op->event == NULL, 1))
        return;
    op->event->end_ns = clock_now_ns();
    op->event->seq = op->event->version = seq;
}

/* Does anybody listen to what may come of the verb? */
static inline bool flavour_traced(enum flavour_verb verb)
{
    switch (verb) {
    case VERB_LOAD:
        return msc_gate_on(MSC_EVENT_MAP_ACCESS);
    case VERB_STORE:
        return msc_gate_on(MSC_EVENT_MAP_ASSIGN);
    case VERB_LOAD_OR_STORE:
    case VERB_COMPARE_AND_SWAP:
    case VERB_STORE_VERSION:
        return msc_gate_on(MSC_EVENT_MAP_ASSIGN) || msc_gate_on(MSC_EVENT_MAP_ACCESS);
    default:
        return msc_gate_on(MSC_EVENT_MAP_DELETE);
    }
}

#define FLAVOUR_COLD __attribute__((cold, noinline))

/* Identity of the key in every event. */
uint64_t flavour_key_id(const struct flavour *flavour, const struct map_key *key);

/* Applies the op and emits what came of it, if its key is sampled. */
FLAVOUR_COLD int flavour_run_traced(struct flavour *flavour, struct flavour_op *op, flavour_apply_fn *apply,
                                    const void *frame);

/* The map is complete: notes that the program made it at `pc`, and emits map_alloc. Before anybody else has it. */
void flavour_born(struct flavour *flavour, const void *pc, const void *frame);

FLAVOUR_COLD void flavour_trace_free(struct flavour *flavour, const void *frame);

/* map_clear, with what `event` has of times, seq and count. */
FLAVOUR_COLD void flavour_trace_clear(const struct flavour *flavour, struct msc_ev_map_op *event, const void *frame);

/* An iteration; `count` and `seq` are the map's at that moment. Silent unless its events are on. */
struct flavour_iter {
    uint64_t id, seq, visited;
};
void flavour_iter_begin(struct flavour *flavour, struct flavour_iter *iter, uint64_t count, uint64_t seq,
                        const void *frame);
void flavour_iter_end(const struct flavour *flavour, const struct flavour_iter *iter, uint64_t count, uint64_t seq,
                      const void *frame);

#endif
