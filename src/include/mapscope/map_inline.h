/*
 * The part of msc_map that look-ups compile into the program: where a bucket is, and how a key is found in it.
 * For mapscope/map_template.h and the library itself; not to be included by hand, and free to change between
 * versions: a program and its libmapscope.so are of one version.
 *
 * A bucket, for keys of k and values of v bytes:
 *
 *     0        8         16                      16 + 8 (k + v)                (to 16)
 *     tophash  overflow  key value key value...  versions: 8 x low 32, 8 x high 16 bits
 *
 * Header and versions are 64 bytes: with k + v a multiple of 8 a bucket is whole cache lines. Key and value lie
 * side by side, so that a hit reads one line; only where that would leave gaps (an int64_t and a char), all keys
 * come first and then all values, as in Go.
 *
 * The tophash bytes of the 2^B buckets are there twice: in the bucket, and one after the other in `tops`, 8 bytes a
 * bucket. Those of a million entries fit into a second level cache, so that a miss mostly ends there and a hit
 * knows which line it wants.
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

#define MSC_INLINE static inline __attribute__((always_inline))
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
    uint8_t tophash[MSC_MAP_SLOTS];
    struct msc_map_bucket *overflow; /* the next one of the chain */
};

/* How every map begins. */
struct msc_map_head {
    unsigned char *buckets; /* never NULL: maps without a table share an empty bucket */
    uint64_t *tops;         /* of each bucket */
    uint64_t mask;          /* number of buckets - 1 */
    struct msc_hash_seed seed;
    const unsigned char *old; /* what is being evacuated; NULL = nothing */
    struct msc_map_guard guard;
    const struct msc_key_sampling *sampling; /* NULL = an id of a key is not the hash of its bytes */
    const uint64_t *old_tops;
    uint64_t old_mask;
};

/* In bytes; constants where the key's and the value's type are known. */
struct msc_map_layout {
    size_t key_size, value_size;
    size_t key_stride, value_stride; /* from slot to slot */
    size_t values_offset, versions_offset, bucket_size;
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
    size_t pair = key_size + value_size, header = sizeof(struct msc_map_bucket);
    bool paired = pair % key_alignment == 0 && pair % value_alignment == 0 && key_size % value_alignment == 0;
    layout.key_size = key_size;
    layout.value_size = value_size;
    layout.key_stride = paired ? pair : key_size;
    layout.value_stride = paired ? pair : value_size;
    layout.values_offset = paired ? header + key_size : (header + MSC_MAP_SLOTS * key_size + 15) / 16 * 16;
    layout.versions_offset = paired ? header + MSC_MAP_SLOTS * pair : layout.values_offset + MSC_MAP_SLOTS * value_size;
    layout.bucket_size = (layout.versions_offset + MSC_MAP_SLOTS * 6 + 15) / 16 * 16;
    return layout;
}

/* An entry, or bucket NULL = none. */
struct msc_map_slot {
    struct msc_map_bucket *bucket;
    size_t index;
};

MSC_INLINE unsigned char *msc_map_slot_key(struct msc_map_slot slot, struct msc_map_layout layout)
{
    return (unsigned char *)slot.bucket + sizeof(struct msc_map_bucket) + slot.index * layout.key_stride;
}

MSC_INLINE unsigned char *msc_map_slot_value(struct msc_map_slot slot, struct msc_map_layout layout)
{
    return (unsigned char *)slot.bucket + layout.values_offset + slot.index * layout.value_stride;
}

/* ---- eight tophash bytes at once: the result has a bit set for each slot that fits ---- */

#ifdef __SSE2__
/* The lowest slot of a non-zero result. */
MSC_INLINE size_t msc_map_first(unsigned found)
{
    return (size_t)(unsigned)__builtin_ctz(found);
}

MSC_INLINE unsigned msc_map_tops_match(uint64_t tops, uint64_t eight_times)
{
    __m128i equal = _mm_cmpeq_epi8(_mm_cvtsi64_si128((long long)tops), _mm_cvtsi64_si128((long long)eight_times));
    return (unsigned)_mm_movemask_epi8(equal) & 0xff;
}

typedef unsigned msc_map_matches;
#else
typedef uint64_t msc_map_matches;

MSC_INLINE size_t msc_map_first(uint64_t found)
{
    return (size_t)(unsigned)__builtin_ctzll(found) / 8;
}

MSC_INLINE uint64_t msc_map_tops_match(uint64_t tops, uint64_t eight_times)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    tops ^= eight_times;
    return ~(((tops & low) + low) | tops | low);
}
#endif

/* Those of a bucket, slot 0 lowest. */
MSC_INLINE uint64_t msc_map_tops(const struct msc_map_bucket *bucket)
{
    uint64_t tops;
    memcpy(&tops, bucket->tophash, sizeof tops);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    tops = __builtin_bswap64(tops);
#endif
    return tops;
}

MSC_INLINE uint64_t msc_map_eight_times(uint64_t byte)
{
    return UINT64_C(0x0101010101010101) * byte;
}

/* One byte. */
MSC_INLINE uint64_t msc_map_tophash(uint64_t hash)
{
    uint64_t top = hash >> 56;
    return top < MSC_MAP_MIN_TOPHASH ? top + MSC_MAP_MIN_TOPHASH : top;
}

/* `tops` of a bucket say that it is: all eight do, so the first one is asked. */
MSC_INLINE bool msc_map_tops_evacuated(uint64_t tops)
{
    uint8_t first = (uint8_t)tops;
    return first > MSC_MAP_EMPTY_ONE && first < MSC_MAP_MIN_TOPHASH;
}

/* ---- the look-up ---- */

/* A bucket with its tophash bytes, slot 0 lowest. */
struct msc_map_probe {
    struct msc_map_bucket *bucket;
    uint64_t tops;
};

/* Where the chain begins in which the hash's entries are. */
MSC_INLINE struct msc_map_probe msc_map_home(const struct msc_map_head *head, uint64_t hash, size_t bucket_size)
{
    uint64_t number = hash & head->mask;
    struct msc_map_probe probe;
    probe.bucket = (struct msc_map_bucket *)(void *)(head->buckets + number * bucket_size);
    probe.tops = head->tops[number];
    if (MSC_UNLIKELY(head->old != NULL)) {
        uint64_t old_number = hash & head->old_mask;
        uint64_t old_tops = head->old_tops[old_number];
        if (!msc_map_tops_evacuated(old_tops)) {
            probe.bucket = (struct msc_map_bucket *)(uintptr_t)(head->old + old_number * bucket_size);
            probe.tops = old_tops;
        }
    }
    return probe;
}

/* To the overflow bucket; false if there is none. */
MSC_INLINE bool msc_map_probe_next(struct msc_map_probe *probe)
{
    probe->bucket = probe->bucket->overflow;
    if (!probe->bucket)
        return false;
    probe->tops = msc_map_tops(probe->bucket);
    return true;
}

typedef bool msc_map_equal_fn(const void *key, const void *stored);

/* The value of the key, or NULL. `equal` is inlined if it can be. */
MSC_INLINE void *msc_map_seek(const struct msc_map_head *head, struct msc_map_layout layout, uint64_t hash,
                              const void *key, msc_map_equal_fn *equal)
{
    struct msc_map_probe probe = msc_map_home(head, hash, layout.bucket_size);
    uint64_t wanted = msc_map_eight_times(msc_map_tophash(hash));
    do {
        for (msc_map_matches found = msc_map_tops_match(probe.tops, wanted); found; found &= found - 1) {
            struct msc_map_slot slot = {probe.bucket, msc_map_first(found)};
            if (MSC_LIKELY(equal(key, msc_map_slot_key(slot, layout))))
                return msc_map_slot_value(slot, layout);
        }
        if (MSC_LIKELY(msc_map_tops_match(probe.tops, 0) != 0)) /* MSC_MAP_EMPTY_REST */
            break;
    } while (msc_map_probe_next(&probe));
    return NULL;
}

/*
 * Whether a look-up may not go straight ahead: somebody traces look-ups, or writes to this map. The tracer is one load
 * more for the branch that is there for the writer.
 */
MSC_INLINE bool msc_map_watched(const struct msc_map_head *head)
{
    uint32_t writer = MSC_LOAD_RELAXED(head->guard.writer);
#if MSC_TRACE
    return ((uint32_t)MSC_LOAD_RELAXED(msc_probe_gates[MSC_PROBE_ACCESS].on) | writer) != 0;
#else
    return writer != 0;
#endif
}

/* Whether a watched look-up is the library's: a writer is there, or the trace keeps the key. */
MSC_INLINE bool msc_map_look_up_is_kept(const struct msc_map_head *head, const void *key, size_t size)
{
    return !head->sampling || MSC_LOAD_RELAXED(head->guard.writer) != 0 || msc_key_is_kept(head->sampling, key, size);
}

#endif
