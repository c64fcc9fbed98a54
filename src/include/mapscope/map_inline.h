/*
 * The part of msc_map that look-ups compile into the program: where a bucket is, and how a key is found in it.
 * For mapscope/map_template.h and the library itself; not to be included by hand, and free to change between
 * versions: a program and its libmapscope.so are of one version.
 *
 * A bucket, for keys of k and values of v bytes:
 *
 *     0        8         16        16 + 8k    (to 16)   + 8v        (to 16)
 *     tophash  overflow  keys      values     versions: 8 x low 32, 8 x high 16 bits
 *
 * The header and the versions are 64 bytes: with k + v a multiple of 8 a bucket is whole cache lines, and an
 * 8-byte key's first six slots lie in one line, their values in the next.
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

#include <mapscope/fault.h>
#include <mapscope/hash.h>

/* 0 = what is compiled with it asks no tracer. */
#ifndef MSC_TRACE
#define MSC_TRACE 1
#endif

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

/* How every map begins: one cache line, and the guard. */
struct msc_map_head {
    unsigned char *buckets; /* never NULL: maps without a table share an empty bucket */
    uint64_t mask;          /* number of buckets - 1 */
    struct msc_hash_seed seed;
    const unsigned char *old; /* what is being evacuated; NULL = nothing */
    uint64_t old_mask;
    uint64_t freed;  /* old buckets below this are evacuated, and perhaps no longer there */
    const int *gate; /* not 0 = somebody traces map_access */
    struct msc_map_guard guard;
};

/* In bytes; constants where the key's and the value's type are known. */
struct msc_map_layout {
    size_t key_size, value_size, values_offset, versions_offset, bucket_size;
};

MSC_INLINE struct msc_map_layout msc_map_layout_of(size_t key_size, size_t value_size)
{
    struct msc_map_layout layout;
    layout.key_size = key_size;
    layout.value_size = value_size;
    layout.values_offset = (sizeof(struct msc_map_bucket) + MSC_MAP_SLOTS * key_size + 15) / 16 * 16;
    layout.versions_offset = layout.values_offset + MSC_MAP_SLOTS * value_size;
    layout.bucket_size = (layout.versions_offset + MSC_MAP_SLOTS * 6 + 15) / 16 * 16;
    return layout;
}

/* An entry, or bucket NULL = none. */
struct msc_map_slot {
    struct msc_map_bucket *bucket;
    unsigned index;
};

MSC_INLINE unsigned char *msc_map_slot_key(struct msc_map_slot slot, struct msc_map_layout layout)
{
    return (unsigned char *)slot.bucket + sizeof(struct msc_map_bucket) + slot.index * layout.key_size;
}

MSC_INLINE unsigned char *msc_map_slot_value(struct msc_map_slot slot, struct msc_map_layout layout)
{
    return (unsigned char *)slot.bucket + layout.values_offset + slot.index * layout.value_size;
}

/* ---- eight tophash bytes at once: the result has a bit set for each slot that fits ---- */

#ifdef __SSE2__
/* The lowest slot of a non-zero result. */
MSC_INLINE unsigned msc_map_first(unsigned found)
{
    return (unsigned)__builtin_ctz(found);
}

MSC_INLINE unsigned msc_map_tops_match(uint64_t tops, uint64_t eight_times)
{
    __m128i equal = _mm_cmpeq_epi8(_mm_cvtsi64_si128((long long)tops), _mm_cvtsi64_si128((long long)eight_times));
    return (unsigned)_mm_movemask_epi8(equal) & 0xff;
}

typedef unsigned msc_map_matches;
#else
typedef uint64_t msc_map_matches;

MSC_INLINE unsigned msc_map_first(uint64_t found)
{
    return (unsigned)__builtin_ctzll(found) / 8;
}

MSC_INLINE uint64_t msc_map_tops_match(uint64_t tops, uint64_t eight_times)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    tops ^= eight_times;
    return ~(((tops & low) + low) | tops | low);
}
#endif

/* Slot 0 lowest. */
MSC_INLINE uint64_t msc_map_tops(const struct msc_map_bucket *bucket)
{
    uint64_t tops;
    memcpy(&tops, bucket->tophash, sizeof tops);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    tops = __builtin_bswap64(tops);
#endif
    return tops;
}

MSC_INLINE uint64_t msc_map_eight_times(uint8_t byte)
{
    return UINT64_C(0x0101010101010101) * byte;
}

MSC_INLINE uint8_t msc_map_tophash(uint64_t hash)
{
    uint8_t top = (uint8_t)(hash >> 56);
    return top < MSC_MAP_MIN_TOPHASH ? (uint8_t)(top + MSC_MAP_MIN_TOPHASH) : top;
}

MSC_INLINE bool msc_map_bucket_evacuated(const struct msc_map_bucket *bucket)
{
    return bucket->tophash[0] > MSC_MAP_EMPTY_ONE && bucket->tophash[0] < MSC_MAP_MIN_TOPHASH;
}

/* ---- the look-up ---- */

/* The old bucket if that is where the hash's entries are; else NULL. */
MSC_INLINE struct msc_map_bucket *msc_map_old_home(const struct msc_map_head *head, uint64_t hash, size_t bucket_size)
{
    uint64_t number = hash & head->old_mask;
    if (number < head->freed)
        return NULL;
    struct msc_map_bucket *bucket = (struct msc_map_bucket *)(uintptr_t)(head->old + number * bucket_size);
    return msc_map_bucket_evacuated(bucket) ? NULL : bucket;
}

/* The first bucket of the chain in which the hash's entries are. */
MSC_INLINE struct msc_map_bucket *msc_map_home(const struct msc_map_head *head, uint64_t hash, size_t bucket_size)
{
    if (MSC_UNLIKELY(head->old != NULL)) {
        struct msc_map_bucket *bucket = msc_map_old_home(head, hash, bucket_size);
        if (bucket)
            return bucket;
    }
    return (struct msc_map_bucket *)(void *)(head->buckets + (hash & head->mask) * bucket_size);
}

typedef bool msc_map_equal_fn(const void *key, const void *stored);

/* `equal` is inlined if it can be. */
MSC_INLINE struct msc_map_slot msc_map_seek(const struct msc_map_head *head, struct msc_map_layout layout,
                                            uint64_t hash, const void *key, msc_map_equal_fn *equal)
{
    struct msc_map_slot slot = {msc_map_home(head, hash, layout.bucket_size), 0};
    uint64_t wanted = msc_map_eight_times(msc_map_tophash(hash));
    do {
        uint64_t tops = msc_map_tops(slot.bucket);
        for (msc_map_matches found = msc_map_tops_match(tops, wanted); found; found &= found - 1) {
            slot.index = msc_map_first(found);
            if (MSC_LIKELY(equal(key, msc_map_slot_key(slot, layout))))
                return slot;
        }
        if (MSC_LIKELY(msc_map_tops_match(tops, 0) != 0)) /* MSC_MAP_EMPTY_REST */
            break;
        slot.bucket = slot.bucket->overflow;
    } while (slot.bucket);
    slot.bucket = NULL;
    return slot;
}

/* Whether a look-up may not go straight ahead: somebody traces it, or writes. */
MSC_INLINE bool msc_map_watched(const struct msc_map_head *head)
{
    uint32_t writer = __atomic_load_n(&head->guard.writer, __ATOMIC_RELAXED);
#if MSC_TRACE
    return (__atomic_load_n(head->gate, __ATOMIC_RELAXED) != 0) | (writer != 0);
#else
    return writer != 0;
#endif
}

#endif
