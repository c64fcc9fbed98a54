/*
 * The inside of msc_map: its state, its keys, and the look-up that every operation starts with.
 *
 * Who does what: map_table the memory, map_write entries, map_grow growth and evacuation, map_iter
 * iteration, map_trace events, map.c the public functions on top. Start reading at struct msc_map.
 *
 * Where an entry is, while a map grows:
 *
 *     old   [ 0 | 1 | 2 | 3 ]              bucket 2 evacuated: its entries are in 2 (X) and 6 (Y) of table;
 *     table [ 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 ]   the others' entries are still in old. Both are never live.
 *
 * So an entry's home (map_home) is the old bucket until that is evacuated. Evacuation needs memory only if
 * a chain has overflow buckets; when there is none it waits, and operations go on in the old bucket.
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
#include "runtime/map_table.h"
#include "runtime/thread.h"

#define MAP_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define MAP_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* A key of the caller. Functions that get a constant kind are compiled for it alone. */
struct map_key {
    enum msc_key_kind kind;
    uint64_t number;   /* MSC_KEY_U64 */
    const void *bytes; /* MSC_KEY_BYTES */
    size_t length;
};

/* Key bytes of an entry. `next` is used only once the entry is gone, in the limbo. */
struct map_text {
    struct map_text *next;
    unsigned char bytes[];
};

/* What a slot holds of a MSC_KEY_BYTES key. */
struct map_string {
    struct map_text *text; /* owned */
    size_t length;
};

/* Work of evacuation since the map was made. */
struct map_evacuation {
    uint64_t moved; /* entries */
    uint64_t steps; /* buckets */
    uint64_t ns;    /* only while its events are on */
};

struct msc_map {
    size_t count;
    struct msc_map_table *table; /* NULL until the first entry, unless a hint asked for more than 8 */
    struct msc_map_table *old;   /* being evacuated; NULL = not growing */
    uint64_t hash0;              /* seed; another one whenever the map becomes empty */
    struct map_layout layout;
    enum msc_key_kind kind;
    /* Thread that mutates, 0 = none: taken by CAS (acquire), given back by a store (release). */
    _Atomic uint32_t writer;
    bool same_size;     /* the growth does not double */
    uint64_t seq;       /* mutations so far */
    uint64_t nevacuate; /* old buckets below this one are evacuated */
    uint64_t noverflow; /* overflow buckets linked into `table`; exact, where Go samples from B = 16 on */
    struct map_evacuation evacuation;
    struct map_evacuation before_growth; /* as it was when the growth began */
    uint64_t clears;
    uint64_t generation; /* object.h */
    size_t hint;
    /* Readers draw from it and open iterations: atomic, relaxed but for the last end (map_iter.c). */
    _Atomic uint64_t random;
    _Atomic uint32_t iterations;
    /* What an open iteration may still read; freed by the last end. */
    _Atomic(struct msc_map_table *) limbo_tables;
    _Atomic(struct map_text *) limbo_texts;
    char name[];
};

/* An entry, or bucket NULL = none. */
struct map_slot {
    struct msc_map_bucket *bucket;
    unsigned index;
};

/* ---- keys ---- */

static inline struct map_key map_key_u64(uint64_t number)
{
    return (struct map_key){.kind = MSC_KEY_U64, .number = number};
}

static inline struct map_key map_key_bytes(const void *bytes, size_t length)
{
    return (struct map_key){.kind = MSC_KEY_BYTES, .bytes = bytes, .length = length};
}

static inline uint64_t map_key_hash(const struct map_key *key, uint64_t seed)
{
    return key->kind == MSC_KEY_U64 ? hash_u64(key->number, seed) : hash_bytes(key->bytes, key->length, seed);
}

/* The key of an entry; its bytes are borrowed from it. */
static inline struct map_key map_slot_key(const struct msc_map *map, struct map_slot slot)
{
    const void *stored = map_bucket_key(slot.bucket, &map->layout, slot.index);
    if (map->kind == MSC_KEY_U64)
        return map_key_u64(*(const uint64_t *)stored);
    const struct map_string *string = stored;
    return map_key_bytes(string->text->bytes, string->length);
}

static inline bool map_key_is(const struct map_key *key, const void *stored)
{
    if (key->kind == MSC_KEY_U64)
        return *(const uint64_t *)stored == key->number;
    const struct map_string *string = stored;
    return string->length == key->length &&
           (key->length == 0 || memcmp(string->text->bytes, key->bytes, key->length) == 0);
}

/* Whether the map can have this key: it is of the map's kind, and its bytes are there. */
static inline bool map_takes(const struct msc_map *map, const struct map_key *key)
{
    return map->kind == key->kind && (key->kind == MSC_KEY_U64 || key->bytes || key->length == 0);
}

static inline uint8_t map_tophash(uint64_t hash)
{
    uint8_t top = (uint8_t)(hash >> 56);
    return top < MAP_MIN_TOPHASH ? (uint8_t)(top + MAP_MIN_TOPHASH) : top;
}

/* ---- entries ---- */

static inline uint64_t map_slot_version(const struct msc_map *map, struct map_slot slot)
{
    return slot.bucket ? *map_bucket_version(slot.bucket, &map->layout, slot.index) : 0;
}

static inline void *map_slot_value(const struct msc_map *map, struct map_slot slot)
{
    return slot.bucket ? map_bucket_value(slot.bucket, &map->layout, slot.index) : NULL;
}

/* The table that holds what hashes to `hash`. There must be one. */
static inline struct msc_map_table *map_home(const struct msc_map *map, uint64_t hash)
{
    if (MAP_LIKELY(!map->old))
        return map->table;
    const struct msc_map_bucket *bucket = map_table_bucket(map->old, &map->layout, hash & map->old->mask);
    return map_bucket_evacuated(bucket) ? map->table : map->old;
}

static inline struct map_slot map_find(const struct msc_map *map, const struct map_key *key, uint64_t hash)
{
    if (map->count == 0)
        return (struct map_slot){0};
    const struct msc_map_table *home = map_home(map, hash);
    struct msc_map_bucket *bucket = map_table_bucket(home, &map->layout, hash & home->mask);
    uint8_t top = map_tophash(hash);
    for (; bucket; bucket = bucket->overflow) {
        uint64_t tops = map_bucket_tops(bucket);
        for (uint64_t found = map_tops_equal(tops, top); found; found &= found - 1) {
            unsigned index = map_tops_first(found);
            if (MAP_LIKELY(map_key_is(key, map_bucket_key(bucket, &map->layout, index))))
                return (struct map_slot){bucket, index};
        }
        if (MAP_LIKELY(map_tops_zero(tops)))
            break; /* MAP_EMPTY_REST */
    }
    return (struct map_slot){0};
}

/* ---- one writer at a time ---- */

/* Becomes the writer. 0, or the tid of the one that is there. */
static inline uint32_t map_writer_enter(struct msc_map *map)
{
    uint32_t none = 0;
    bool entered = atomic_compare_exchange_strong_explicit(&map->writer, &none, thread_tid(), memory_order_acquire,
                                                           memory_order_relaxed);
    return MAP_LIKELY(entered) ? 0 : none;
}

static inline void map_writer_leave(struct msc_map *map)
{
    atomic_store_explicit(&map->writer, 0, memory_order_release);
}

/* A reader that meets a writer; best effort, so relaxed. */
static inline uint32_t map_writer_seen(const struct msc_map *map)
{
    return atomic_load_explicit(&map->writer, memory_order_relaxed);
}

/* ---- map_write.c: all for the writer ---- */

/* Sets the entry's value (NULL = zero) and makes its version the new seq. 0 or -ENOMEM. */
int map_put(struct msc_map *map, const struct map_key *key, uint64_t hash, const void *value);

/* As `version` of map_erase: whatever the entry has. */
#define MAP_ANY_VERSION UINT64_MAX

/* 0, -ENOENT, or -ESTALE: the entry has another version. *seen = the version that it has or had, 0 = no entry. */
int map_erase(struct msc_map *map, const struct map_key *key, uint64_t version, uint64_t *seen);

void map_erase_all(struct msc_map *map);

/* Frees every key, for map_erase_all and destroy. */
void map_drop_keys(struct msc_map *map);

/* A number drawn from the map's own sequence. Any reader. */
uint64_t map_random(struct msc_map *map);

/* ---- map_grow.c: all for the writer ---- */

/* Whether `count` entries are too many for 2^B buckets. */
bool map_over_load(uint64_t count, uint32_t B);

/* Starts growing if one more entry asks for it. True if it did; false also when memory is out. */
bool map_grow_begin(struct msc_map *map);

/* Evacuates the bucket that `hash` will use and one more. */
void map_grow_step(struct msc_map *map, uint64_t hash);

static inline void map_grow_work(struct msc_map *map, uint64_t hash)
{
    if (MAP_UNLIKELY(map->old))
        map_grow_step(map, hash);
}

/* Ends the growth: lets the old table go. There must be one. */
void map_grow_finish(struct msc_map *map);

/* ---- map_iter.c ---- */

/* Frees a table or a key now, or once no open iteration can read it any more. */
void map_retire_table(struct msc_map *map, struct msc_map_table *table);
void map_retire_text(struct msc_map *map, struct map_text *text);
void map_free_limbo(struct msc_map *map);

#endif
