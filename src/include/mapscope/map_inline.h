/*
 * The part of msc_map that look-ups compile into the program: where a bucket is, and how a key is found in it.
 * For mapscope/map_template.h and the library itself; not to be included by hand, and free to change between
 * versions: a program and its libmapscope.so are of one version.
 *
 * Bucket n of 2^B, for keys of k and values of v bytes, is in three arrays:
 *
 *     tops      8 bytes: the tophash bytes of its slots           all that a miss reads
 *     pairs     8 (k + v) bytes: key value key value...           a hit reads one line of it
 *     buckets   64 bytes: overflow pointer, 8 versions            for writes, and for chains
 *
 *     an overflow bucket is 64 bytes of the third kind, with its tophash bytes, and its pairs behind them
 *
 * The tops of a million entries fit into a second level cache, so that a miss mostly ends there and a hit knows
 * which line it wants. Key and value lie side by side; only where that would leave gaps (an int64_t and a char), all
 * keys come first and then all values, as in Go.
 *
 * Where an entry is, while the map grows: in its old bucket until that is evacuated, then in the new array.
 * Both are never live (src/runtime/map_core.h).
 *
 * Cost: bench/maps. Threads: look-ups only read.
 */
#ifndef MAPSCOPE_MAP_INLINE_H
#define MAPSCOPE_MAP_INLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <mapscope/api.h>
#include <mapscope/fault.h>
#include <mapscope/gate.h>
#include <mapscope/hash.h>
#include <mapscope/map.h>

#define MSC_INLINE static inline __attribute__((always_inline))
#define MSC_OUTLINE static __attribute__((noinline, unused))
#define MSC_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define MSC_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#define MSC_MAP_SLOTS 8

/* What a tophash byte below MSC_MAP_MIN_TOPHASH says of its slot. */
enum msc_map_slot_state {
    MSC_MAP_EMPTY_REST = 0,      /* empty, and so is every slot behind it in the chain */
    MSC_MAP_EMPTY_ONE = 1,       /* empty */
    MSC_MAP_EVACUATED_X = 2,     /* moved to the bucket of the same number */
    MSC_MAP_EVACUATED_Y = 3,     /* moved to the bucket 2^(old B) further on */
    MSC_MAP_EVACUATED_EMPTY = 4, /* was empty when its bucket was evacuated */
    MSC_MAP_MIN_TOPHASH = 5
};

struct msc_map_bucket {
    struct msc_map_bucket *overflow; /* the next one of the chain */
    uint8_t tops[MSC_MAP_SLOTS];     /* of an overflow bucket; those of bucket n are in an array of their own */
    uint32_t version_low[MSC_MAP_SLOTS];
    uint16_t version_high[MSC_MAP_SLOTS];
};

/* An array of 2^B buckets. */
struct msc_map_view {
    unsigned char *pairs;
    uint8_t *tops;
    struct msc_map_bucket *buckets;
    uint64_t mask; /* 2^B - 1 */
};

/* How every map begins. */
struct msc_map_head {
    struct msc_map_view now; /* maps without a table share an empty bucket */
    struct msc_hash_seed seed;
    struct msc_map_guard guard;
    uint32_t is_growing;
    const struct msc_map_view *old;          /* what is being evacuated, while it grows */
    const struct msc_key_sampling *sampling; /* keeps every key if its id is not the hash of its bytes */
};

/* In bytes; constants where the key's and the value's type are known. */
struct msc_map_layout {
    size_t key_size, value_size;
    size_t key_stride, value_stride; /* from slot to slot */
    size_t values_offset, pairs_size;
};

/* What a type is aligned to if all that is known of it is its size. */
MSC_INLINE size_t msc_map_alignment(size_t size)
{
    return size % 16 == 0 ? 16 : size % 8 == 0 ? 8 : size % 4 == 0 ? 4 : size % 2 == 0 ? 2 : 1;
}

/* An alignment of 0: by the size. */
MSC_INLINE struct msc_map_layout msc_map_layout_of(size_t key_size, size_t key_alignment, size_t value_size,
                                                   size_t value_alignment)
{
    struct msc_map_layout layout;
    if (key_alignment == 0)
        key_alignment = msc_map_alignment(key_size);
    if (value_alignment == 0)
        value_alignment = msc_map_alignment(value_size);
    size_t pair = key_size + value_size;
    bool paired = pair % key_alignment == 0 && pair % value_alignment == 0 && key_size % value_alignment == 0;
    layout.key_size = key_size;
    layout.value_size = value_size;
    layout.key_stride = paired ? pair : key_size;
    layout.value_stride = paired ? pair : value_size;
    layout.values_offset = paired ? key_size : (MSC_MAP_SLOTS * key_size + 15) / 16 * 16;
    size_t end = paired ? MSC_MAP_SLOTS * pair : layout.values_offset + MSC_MAP_SLOTS * value_size;
    layout.pairs_size = (end + 15) / 16 * 16;
    return layout;
}

/* A bucket is below 4 GiB: 32 bits of offset spare look-ups an instruction. */
MSC_INLINE unsigned char *msc_map_key_at(unsigned char *pairs, uint32_t index, struct msc_map_layout layout)
{
    return pairs + index * (uint32_t)layout.key_stride;
}

MSC_INLINE unsigned char *msc_map_value_at(unsigned char *pairs, uint32_t index, struct msc_map_layout layout)
{
    return pairs + layout.values_offset + index * (uint32_t)layout.value_stride;
}

/* One byte. */
MSC_INLINE uint64_t msc_map_tophash(uint64_t hash)
{
    uint64_t top = hash >> 56;
    return top < MSC_MAP_MIN_TOPHASH ? top + MSC_MAP_MIN_TOPHASH : top;
}

MSC_INLINE uint64_t msc_map_eight_times(uint64_t byte)
{
    return UINT64_C(0x0101010101010101) * byte;
}

/* The tophash bytes of a bucket as a number, slot 0 lowest. */
MSC_INLINE uint64_t msc_map_tops_number(const uint8_t *tops)
{
    return msc_hash_read_u64(tops);
}

/* All eight of an evacuated bucket say that it is: the first one is asked. */
MSC_INLINE bool msc_map_tops_evacuated(const uint8_t *tops)
{
    return tops[0] > MSC_MAP_EMPTY_ONE && tops[0] < MSC_MAP_MIN_TOPHASH;
}

/* ---- eight tophash bytes at once: the result has a bit set for each slot that fits ---- */

#ifdef __SSE2__
typedef __m128i msc_map_tops;     /* in the lower half */
typedef unsigned msc_map_matches; /* the lowest eight bits */

MSC_INLINE msc_map_tops msc_map_tops_load(const uint8_t *tops)
{
    return _mm_loadl_epi64((const __m128i *)(const void *)tops);
}

MSC_INLINE msc_map_tops msc_map_tops_all(uint64_t byte)
{
    return _mm_cvtsi64_si128((long long)msc_map_eight_times(byte));
}

MSC_INLINE msc_map_matches msc_map_tops_match(msc_map_tops tops, msc_map_tops wanted)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(tops, wanted));
}

MSC_INLINE bool msc_map_any(msc_map_matches found)
{
    return (uint8_t)found != 0;
}

/* The lowest slot of a result that has any. */
MSC_INLINE uint32_t msc_map_first(msc_map_matches found)
{
    return (uint32_t)__builtin_ctz(found);
}
#else
typedef uint64_t msc_map_tops;
typedef uint64_t msc_map_matches;

MSC_INLINE msc_map_tops msc_map_tops_load(const uint8_t *tops)
{
    return msc_map_tops_number(tops);
}

MSC_INLINE msc_map_tops msc_map_tops_all(uint64_t byte)
{
    return msc_map_eight_times(byte);
}

MSC_INLINE msc_map_matches msc_map_tops_match(msc_map_tops tops, msc_map_tops wanted)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    tops ^= wanted;
    return ~(((tops & low) + low) | tops | low);
}

MSC_INLINE bool msc_map_any(msc_map_matches found)
{
    return found != 0;
}

MSC_INLINE uint32_t msc_map_first(msc_map_matches found)
{
    return (uint32_t)__builtin_ctzll(found) / 8;
}
#endif

/* ---- the look-up ---- */

/* Bucket `number` of an array, as the first one of its chain. */
MSC_INLINE struct msc_map_link msc_map_link_of(const struct msc_map_view *view, uint64_t number, size_t pairs_size)
{
    struct msc_map_link link;
    link.pairs = view->pairs + number * pairs_size;
    link.tops = view->tops + number * MSC_MAP_SLOTS;
    link.bucket = view->buckets + number;
    return link;
}

/* To the overflow bucket; false if there is none. */
MSC_INLINE bool msc_map_link_next(struct msc_map_link *link)
{
    struct msc_map_bucket *bucket = link->bucket->overflow;
    link->bucket = bucket;
    if (!bucket)
        return false;
    link->pairs = (unsigned char *)(bucket + 1);
    link->tops = bucket->tops;
    return true;
}

/* Where the hash's entries are. */
MSC_INLINE const struct msc_map_view *msc_map_home(const struct msc_map_head *head, uint64_t hash)
{
    const struct msc_map_view *old = head->old;
    if (MSC_LIKELY(!old) || msc_map_tops_evacuated(old->tops + (hash & old->mask) * MSC_MAP_SLOTS))
        return &head->now;
    return old;
}

typedef bool msc_map_equal_fn(const void *key, const void *stored);

/* The value of the key if it is in this bucket, or NULL; *is_last: the chain ends here. `equal` is to be inlined. */
MSC_INLINE void *msc_map_seek_here(unsigned char *pairs, const uint8_t *at, struct msc_map_layout layout, uint64_t hash,
                                   const void *key, msc_map_equal_fn *equal, bool *is_last)
{
    msc_map_tops tops = msc_map_tops_load(at);
    msc_map_matches found = msc_map_tops_match(tops, msc_map_tops_all(msc_map_tophash(hash)));
    for (; msc_map_any(found); found &= found - 1) {
        uint32_t index = msc_map_first(found);
        if (MSC_LIKELY(equal(key, msc_map_key_at(pairs, index, layout))))
            return msc_map_value_at(pairs, index, layout);
    }
    *is_last = msc_map_any(msc_map_tops_match(tops, msc_map_tops_all(MSC_MAP_EMPTY_REST)));
    return NULL;
}

/* The value of the key if it is in this array, or NULL. */
MSC_INLINE void *msc_map_seek_in(const struct msc_map_view *view, struct msc_map_layout layout, uint64_t hash,
                                 const void *key, msc_map_equal_fn *equal)
{
    uint64_t number = hash & view->mask;
    bool is_last = true;
    void *value = msc_map_seek_here(view->pairs + number * layout.pairs_size, view->tops + number * MSC_MAP_SLOTS,
                                    layout, hash, key, equal, &is_last);
    if (MSC_LIKELY(value || is_last))
        return value;
    struct msc_map_bucket *bucket = view->buckets + number;
    while (!value && !is_last && (bucket = bucket->overflow))
        value = msc_map_seek_here((unsigned char *)(bucket + 1), bucket->tops, layout, hash, key, equal, &is_last);
    return value;
}

/* The value of the key, or NULL. */
MSC_INLINE void *msc_map_seek(const struct msc_map_head *head, struct msc_map_layout layout, uint64_t hash,
                              const void *key, msc_map_equal_fn *equal)
{
    return msc_map_seek_in(msc_map_home(head, hash), layout, hash, key, equal);
}

/* What keeps a look-up from going straight to msc_map_seek_in(&head->now): somebody writes to this map, or it grows. */
MSC_INLINE uint32_t msc_map_is_busy(const struct msc_map_head *head)
{
    return MSC_LOAD_RELAXED(head->guard.writer) | head->is_growing;
}

/* Whether somebody traces this kind of operation: ACCESS, ASSIGN, DELETE. */
#if MSC_TRACE
#define MSC_MAP_GATE(kind) ((uint32_t)MSC_LOAD_RELAXED(msc_probe_gates[MSC_PROBE_##kind].on))
#else
#define MSC_MAP_GATE(kind) UINT32_C(0)
#endif

/* Whether a write to the key is to be traced, as far as the program can tell; the library makes sure. */
#define MSC_MAP_IS_KEPT(kind, head, key)                                                                               \
    (MSC_UNLIKELY(MSC_MAP_GATE(kind) != 0) && msc_key_is_kept((head)->sampling, &(key), sizeof(key)))

#endif
