/*
 * The inside of msc_map: its state, its keys, and the look-up that every operation starts with.
 *
 * Who does what: map_table the memory, map_entry and map_write entries, map_grow growth and evacuation, map_whole what
 * concerns all entries at once, map_iter iteration, map_trace events, map.c and map_instances.c the public
 * functions on top. What look-ups need is public, since programs inline it: mapscope/map_inline.h. Start reading
 * at struct msc_map.
 *
 * Where an entry is, while a map grows:
 *
 *     old   [ 0 | 1 | 2 | 3 ]              bucket 2 evacuated: its entries are in 2 (X) and 6 (Y) of table;
 *     table [ 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 ]   the others' entries are still in old. Both are never live.
 *
 * So an entry's home (msc_map_home) is the old bucket until that is evacuated; until then a bucket of `table` is
 * not even made empty. Evacuation needs memory only if a chain has overflow buckets; when there is none it waits,
 * and operations go on in the old bucket. Old buckets may already be given back once they are evacuated; that
 * they are is in their tophash bytes.
 */
#ifndef MSC_RUNTIME_MAP_CORE_H
#define MSC_RUNTIME_MAP_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/hash.h"
#include "mapscope/fault.h"
#include "mapscope/map.h"
#include "mapscope/map_inline.h"
#include "runtime/map_table.h"
#include "runtime/thread.h"

/* A key of the caller. Functions that get a constant kind are compiled for it alone. */
struct map_key {
    enum msc_key_kind kind; /* BYTES for borrowed ones, too */
    uint64_t number;        /* U64, U32, POINTER */
    const void *bytes;      /* BYTES, CUSTOM */
    size_t length;          /* of them */
};

/* What a slot holds of a byte string. */
struct map_string {
    const void *bytes; /* MSC_KEY_BYTES: those of a map_text, owned */
    size_t length;
};

/* Key bytes of an entry. `next` is used only once the entry is gone, in the limbo. */
struct map_text {
    struct map_text *next;
    size_t length;
    unsigned char bytes[];
};

/* Work of evacuation since the map was made. */
struct map_evacuation {
    uint64_t moved; /* entries */
    uint64_t steps; /* buckets */
    uint64_t timed; /* of the steps, those that were timed: while their events are on, of kept writes and some others */
    uint64_t ns;    /* that these took */
};

/* As whom a map appears in a trace: itself, or the object of which it is a part. */
struct map_identity {
    const void *object;
    uint64_t generation; /* object.h */
    uint32_t flavor;     /* enum msc_map_flavor */
    uint32_t seq_shift;  /* a seq goes out as seq << seq_shift | seq_low */
    uint64_t seq_low;
};

struct msc_map {
    struct msc_map_head head;    /* first: what programs inline. Shows table and old: map_show_tables */
    struct msc_map_table *table; /* NULL until the first entry, unless a hint asked for more than 8 */
    struct msc_map_table *old;   /* being evacuated; NULL = not growing */
    size_t count;
    struct msc_map_layout layout;
    enum msc_key_kind kind;
    bool same_size;              /* the growth does not double */
    uint64_t hash0;              /* seed; another one whenever the map becomes empty: map_set_seed */
    uint64_t seq;                /* mutations so far */
    uint64_t nevacuate;          /* old buckets below this one are evacuated */
    uint64_t noverflow;          /* overflow buckets linked into `table`; exact, Go samples from B = 16 on */
    struct msc_map_table *trash; /* no longer read: freed a step a write */
    struct map_evacuation evacuation;
    struct map_evacuation before_growth; /* as it was when the growth began */
    bool is_described;                   /* inside a write that is kept */
    uint64_t clears;
    size_t hint;
    struct msc_map_type type;
    struct msc_allocator allocator; /* allocate NULL = runtime/memory.h */
    struct msc_fault_response on_fault;
    bool has_on_fault; /* else as all maps */
    struct map_identity identity;
    uintptr_t site; /* where it was created: a return address; 0 = as part of another object */
    uint32_t told;  /* audience that knows of it (emit.h); atomic */
    _Atomic uint32_t handles;
    /* Readers draw from it and open iterations: atomic, relaxed but for the last end (map_iter.c). */
    _Atomic uint32_t iterations;
    _Atomic uint64_t random;
    /* What an open iteration may still read; freed by the last end. */
    _Atomic(struct msc_map_table *) limbo_tables;
    _Atomic(struct map_text *) limbo_texts;
    size_t name_size; /* with its NUL */
    char name[];
};

/* ---- keys ---- */

static inline struct map_key map_key_number(enum msc_key_kind kind, uint64_t number)
{
    return (struct map_key){.kind = kind, .number = number};
}

static inline struct map_key map_key_u64(uint64_t number)
{
    return map_key_number(MSC_KEY_U64, number);
}

static inline struct map_key map_key_u32(uint32_t number)
{
    return map_key_number(MSC_KEY_U32, number);
}

static inline struct map_key map_key_pointer(const void *pointer)
{
    return map_key_number(MSC_KEY_POINTER, (uint64_t)(uintptr_t)pointer);
}

static inline struct map_key map_key_bytes(const void *bytes, size_t length)
{
    return (struct map_key){.kind = MSC_KEY_BYTES, .bytes = bytes, .length = length};
}

/* `key` points to a key of the map's kind. */
static inline struct map_key map_key_custom(const struct msc_map *map, const void *key)
{
    return (struct map_key){.kind = MSC_KEY_CUSTOM, .bytes = key, .length = map->layout.key_size};
}

/* What a generic function's `key` points to. */
static inline struct map_key map_key_generic(const struct msc_map *map, const void *key)
{
    switch (map->kind) {
    case MSC_KEY_U64:
        return map_key_u64(*(const uint64_t *)key);
    case MSC_KEY_U32:
        return map_key_u32(*(const uint32_t *)key);
    case MSC_KEY_POINTER:
        return map_key_pointer(*(const void *const *)key);
    case MSC_KEY_CUSTOM:
        return map_key_custom(map, key);
    default:
        return map_key_bytes(((const struct msc_bytes *)key)->data, ((const struct msc_bytes *)key)->length);
    }
}

/* Whether the map can have this key: it is of the map's kind, its bytes are there, and its type likes it. */
static inline bool map_takes(const struct msc_map *map, const struct map_key *key)
{
    if (key->kind == MSC_KEY_BYTES) {
        if ((map->kind != MSC_KEY_BYTES && map->kind != MSC_KEY_BYTES_BORROWED) || (!key->bytes && key->length))
            return false;
    } else if (map->kind != key->kind) {
        return false;
    }
    if (MSC_LIKELY(!map->type.hashable))
        return true;
    struct msc_bytes bytes = {key->bytes, key->length};
    uint32_t small = (uint32_t)key->number;
    return map->type.hashable(key->kind == MSC_KEY_CUSTOM  ? key->bytes
                              : key->kind == MSC_KEY_BYTES ? (const void *)&bytes
                              : key->kind == MSC_KEY_U32   ? (const void *)&small
                                                           : (const void *)&key->number);
}

static inline uint64_t map_hash(const struct msc_map *map, const struct map_key *key)
{
    switch (key->kind) {
    case MSC_KEY_U64:
    case MSC_KEY_U32:
    case MSC_KEY_POINTER:
        return msc_hash_bucket(key->number, map->head.seed);
    case MSC_KEY_CUSTOM:
        return map->type.hash(key->bytes, map->head.seed);
    default:
        return msc_hash_bytes(key->bytes, key->length, map->head.seed);
    }
}

/* The key of an entry; its bytes are borrowed from it. */
static inline struct map_key map_slot_key(const struct msc_map *map, struct map_slot slot)
{
    const void *stored = map_slot_key_at(slot, &map->layout);
    const struct map_string *string = stored;
    switch (map->kind) {
    case MSC_KEY_U64:
    case MSC_KEY_POINTER:
        return map_key_number(map->kind, *(const uint64_t *)stored);
    case MSC_KEY_U32:
        return map_key_u32(*(const uint32_t *)stored);
    case MSC_KEY_CUSTOM:
        return map_key_custom(map, stored);
    default:
        return map_key_bytes(string->bytes, string->length);
    }
}

static inline bool map_key_is(const struct msc_map *map, const struct map_key *key, const void *stored)
{
    const struct map_string *string = stored;
    switch (key->kind) {
    case MSC_KEY_U64:
    case MSC_KEY_POINTER:
        return *(const uint64_t *)stored == key->number;
    case MSC_KEY_U32:
        return *(const uint32_t *)stored == key->number;
    case MSC_KEY_CUSTOM:
        return map->type.equal(key->bytes, stored);
    default:
        return string->length == key->length &&
               (key->length == 0 || memcmp(string->bytes, key->bytes, key->length) == 0);
    }
}

/* ---- entries ---- */

static inline bool map_slot_is_there(struct map_slot slot)
{
    return slot.link.bucket != NULL;
}

static inline uint64_t map_slot_version(struct map_slot slot)
{
    return map_slot_is_there(slot) ? map_version_get(slot) : 0;
}

static inline void *map_slot_value(const struct msc_map *map, struct map_slot slot)
{
    return map_slot_is_there(slot) ? map_slot_value_at(slot, &map->layout) : NULL;
}

/* Where the chain begins in which the hash's entries are. */
static inline struct msc_map_link map_home(const struct msc_map *map, uint64_t hash)
{
    const struct msc_map_view *view = msc_map_home(&map->head, hash);
    return msc_map_link_of(view, hash & view->mask, map->layout.pairs_size);
}

/* As msc_map_seek, for a key of any kind. Any number of readers. */
MSC_INLINE struct map_slot map_find(const struct msc_map *map, const struct map_key *key, uint64_t hash)
{
    struct map_slot slot = {.link = map_home(map, hash)};
    msc_map_tops wanted = msc_map_tops_all(msc_map_tophash(hash));
    do {
        msc_map_tops tops = msc_map_tops_load(slot.link.tops);
        for (msc_map_matches found = msc_map_tops_match(tops, wanted); msc_map_any(found); found &= found - 1) {
            slot.index = msc_map_first(found);
            if (MSC_LIKELY(map_key_is(map, key, map_slot_key_at(slot, &map->layout))))
                return slot;
        }
        if (MSC_LIKELY(msc_map_any(msc_map_tops_match(tops, msc_map_tops_all(MSC_MAP_EMPTY_REST)))))
            break;
    } while (msc_map_link_next(&slot.link));
    return (struct map_slot){0};
}

/* Whether the entries of this hash, or of the old bucket of this number, are still there. */
static inline bool map_is_in_old(const struct msc_map *map, uint64_t hash)
{
    return map->old && !map_table_is_evacuated(map->old, hash & map->old->view.mask);
}

/* The table in which the hash's entries are. There must be one. */
static inline struct msc_map_table *map_table_of(const struct msc_map *map, uint64_t hash)
{
    return map_is_in_old(map, hash) ? map->old : map->table;
}

/* For the sizes that most keys and values have, without a call. */
static inline void map_copy(void *to, const void *from, size_t size)
{
    if (size == sizeof(uint64_t))
        memcpy(to, from, sizeof(uint64_t));
    else if (size == 2 * sizeof(uint64_t))
        memcpy(to, from, 2 * sizeof(uint64_t));
    else
        memcpy(to, from, size);
}

/* ---- map.c ---- */

/* As msc_map_create; with an identity (copied), as part of another object: no map_alloc and map_free then. */
int map_create_as(const struct msc_map_options *options, const struct map_identity *identity, struct msc_map **out);

/* Sets hash0. The map must be empty. */
void map_set_seed(struct msc_map *map, uint64_t hash0);

/* A number drawn from the map's own sequence. Any reader. */
uint64_t map_random(struct msc_map *map);

/* ---- map_ops.c ---- */

/* Misuse: reports it and returns its error. `map` and `key` may be NULL; `other_tid` 0 = nobody. */
__attribute__((cold, noinline)) int map_refuse(const struct msc_map *map, enum msc_fault_kind kind,
                                               const struct map_key *key, uint32_t other_tid, const void *frame);

/* ---- map_write.c: all for the writer ---- */

/* Sets the entry's value (NULL = zero) and makes its version the new seq. 0 or -ENOMEM. */
int map_put(struct msc_map *map, const struct map_key *key, uint64_t hash, const void *value);

/* As `version` of map_erase: whatever the entry has. */
#define MAP_ANY_VERSION UINT64_MAX

/*
 * 0, -ENOENT, or -ESTALE: the entry has another version. *seen = the version that it has or had, 0 = no entry; NULL =
 * do not read it: it is a cache line of its own.
 */
int map_erase(struct msc_map *map, const struct map_key *key, uint64_t hash, uint64_t version, uint64_t *seen);

void map_erase_all(struct msc_map *map);

/* Destroys every key and value, for map_erase_all and destroy. */
void map_drop_entries(struct msc_map *map);

/* Frees the bytes of a key that clone made and no slot took. */
void map_free_text(struct msc_map *map, const void *bytes);

/* Own bytes of a MSC_KEY_BYTES key, or NULL. */
const void *map_copy_text(struct msc_map *map, const struct map_key *key);

/*
 * A free slot at the end of the hash's chain in `table`; none = memory is out. *noverflow rises with an overflow
 * bucket. Once it is filled, map_occupy.
 */
struct map_slot map_append(struct msc_map *map, struct msc_map_table *table, uint64_t hash, uint64_t *noverflow);

/* The slot has an entry now. */
static inline void map_occupy(struct map_slot slot, uint64_t hash)
{
    slot.link.tops[slot.index] = (uint8_t)msc_map_tophash(hash);
}

/* ---- map_grow.c: all for the writer ---- */

/* Entries for which 2^B buckets are enough: 8 for one, and 6.5 a bucket. */
static inline uint64_t map_capacity(uint32_t B)
{
    return B == 0 ? MSC_MAP_SLOTS : UINT64_C(13) << (B - 1);
}

/*
 * As many overflow buckets as buckets: the map is sparse, or it would have doubled. Go asks for
 * noverflow >= 2^min(B, 15), where its counter counts one in 2^(B-15) from B = 16 on: the same.
 */
static inline bool map_has_too_many_overflow(const struct msc_map *map)
{
    return map->noverflow > map->table->view.mask;
}

/* Whether one more entry is a reason to grow. */
static inline bool map_asks_to_grow(const struct msc_map *map)
{
    return !map->old && (map->count >= map_capacity(map->table->B) || map_has_too_many_overflow(map));
}

/* The smallest B that has room for `count` entries. */
uint32_t map_room_for(uint64_t count);

/* Makes head show what table and old are. */
void map_show_tables(struct msc_map *map);

/* Starts growing. False when memory is out. To be called if map_asks_to_grow. */
bool map_grow_begin(struct msc_map *map);

/* Evacuates the bucket that `hash` will use and one more, or frees a piece of what is no longer read. */
void map_grow_step(struct msc_map *map, uint64_t hash);

static inline void map_grow_work(struct msc_map *map, uint64_t hash)
{
    if (MSC_UNLIKELY(map->old || map->trash))
        map_grow_step(map, hash);
}

/* Evacuates all that is left. False when memory is out: then it goes on as before. */
bool map_grow_complete(struct msc_map *map);

/* Ends the growth: lets the old table go. There must be one. */
void map_grow_finish(struct msc_map *map);

/* ---- map_whole.c ---- */

/* The entries one by one, in no order; the map must stay as it is meanwhile. */
struct map_walk {
    const struct msc_map *map;
    const struct msc_map_table *table; /* NULL = over */
    uint64_t number;                   /* of the next bucket */
    struct map_slot slot;              /* the next one to look at */
};

struct map_walk map_walk_begin(const struct msc_map *map);

/* False when there are no more. */
bool map_walk_next(struct map_walk *walk, struct map_slot *slot);

/* Moves all entries into a table of 2^B buckets, now. 0, or -ENOMEM with the map as it was. */
int map_rebuild(struct msc_map *map, uint32_t B);

/* ---- map_iter.c ---- */

/* As msc_map_iter_begin, next and end, without guard and events. */
void map_iter_start(struct msc_map *map, struct msc_map_iter *iter);
bool map_iter_step(struct msc_map_iter *iter);
void map_iter_stop(struct msc_map_iter *iter);

/* Pairs with the acquire-release in map_iter_stop; the caller's own order does the rest. */
static inline bool map_is_iterated(const struct msc_map *map)
{
    return atomic_load_explicit(&map->iterations, memory_order_acquire) != 0;
}

/* Frees a table or a key's bytes now (a large table step by step), or once no open iteration can read it any more. */
void map_retire_table(struct msc_map *map, struct msc_map_table *table);
void map_retire_text(struct msc_map *map, const void *bytes);
void map_free_limbo(struct msc_map *map);

/* Makes open iterations forget a key that is about to be destroyed: evacuated slots still hold its bytes. */
void map_forget_key(struct msc_map *map, const void *stored, uint64_t hash);

#endif
