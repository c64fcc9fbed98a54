/*
 * Maps under test against a reference: an array that says of each key of a small universe whether it is in
 * the map, with which value and version.
 *
 * Keys can be made to collide: chosen so that under a seed known to the test they share their tophash and
 * the lowest bits of their hash, and so one chain.
 */
#ifndef TESTS_RUNTIME_MAP_FIXTURE_H
#define TESTS_RUNTIME_MAP_FIXTURE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/map_core.h"
#include "support/cmocka_main.h"

#define UNIVERSE_MAX 4096
#define KEY_MAX 24
#define FIXED_HASH0 UINT64_C(0x5eed)

struct universe_key {
    uint64_t number;
    unsigned char bytes[KEY_MAX];
    size_t length;
};

struct subject {
    struct msc_map *map;
    enum msc_key_kind kind;
    size_t size; /* of the universe */
    struct universe_key keys[UNIVERSE_MAX];
    struct {
        bool present;
        uint64_t value, version;
    } expected[UNIVERSE_MAX];
    size_t count;
    uint64_t random;
};

static inline uint64_t draw(struct subject *subject, uint64_t limit)
{
    subject->random = subject->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (subject->random >> 33) % limit;
}

/* Byte keys of every length from 0 on, with NULs within; distinct, because long ones hold the number. */
static inline struct universe_key make_key(uint64_t number)
{
    struct universe_key key = {.number = number};
    if (number == 0)
        return key;
    key.length = sizeof number + number % (KEY_MAX - sizeof number);
    memcpy(key.bytes, &number, sizeof number);
    return key;
}

static inline struct map_key key_of(const struct subject *subject, size_t i)
{
    const struct universe_key *key = &subject->keys[i];
    return subject->kind == MSC_KEY_U64 ? map_key_u64(key->number) : map_key_bytes(key->bytes, key->length);
}

static inline uint64_t hash_of(const struct subject *subject, size_t i)
{
    struct map_key key = key_of(subject, i);
    return map_hash(subject->map, &key);
}

/* Whether the entries of this hash are still in the bucket that is to be evacuated. */
static inline bool is_in_old(const struct msc_map *map, uint64_t hash)
{
    return map_is_in_old(map, hash);
}

static inline struct msc_map *make_map(enum msc_key_kind kind, size_t value_size, size_t hint)
{
    struct msc_map_options options = {
        .struct_size = sizeof options, .name = "under test", .key = kind, .value_size = value_size, .hint = hint};
    struct msc_map *map;
    assert_int_equal(msc_map_create(&options, &map), 0);
    return map;
}

/* A map of u64 values with keys 0, 1, 2, ... */
static inline struct subject *subject_create(enum msc_key_kind kind, size_t size, size_t hint)
{
    struct subject *subject = calloc(1, sizeof *subject);
    assert_non_null(subject);
    subject->map = make_map(kind, sizeof(uint64_t), hint);
    map_set_seed(subject->map, FIXED_HASH0);
    subject->kind = kind;
    subject->size = size;
    subject->random = size;
    for (size_t i = 0; i < size; i++)
        subject->keys[i] = make_key(i);
    return subject;
}

static inline void subject_destroy(struct subject *subject)
{
    msc_map_destroy(subject->map);
    free(subject);
}

/*
 * From key `first` on: keys whose hashes agree in their lowest `bits` and in the tophash. Found by trying,
 * 2^(bits + 8) hashes a key; so the last lot is kept for the next subject of the same shape.
 */
static inline void make_colliding(struct subject *subject, size_t first, unsigned bits)
{
    static struct {
        enum msc_key_kind kind;
        size_t first, size;
        unsigned bits;
        struct universe_key keys[UNIVERSE_MAX];
    } last;
    uint64_t number = UNIVERSE_MAX, mask = (UINT64_C(1) << bits) - 1;
    bool kept = last.kind == subject->kind && last.first == first && last.size == subject->size && last.bits == bits;
    for (size_t i = first; i < subject->size && !kept; i++) {
        do
            subject->keys[i] = make_key(number++);
        while ((hash_of(subject, i) & mask) != (hash_of(subject, first) & mask) ||
               msc_map_tophash(hash_of(subject, i)) != msc_map_tophash(hash_of(subject, first)));
        last.keys[i] = subject->keys[i];
    }
    last.kind = subject->kind, last.first = first, last.size = subject->size, last.bits = bits;
    memcpy(subject->keys + first, last.keys + first, (subject->size - first) * sizeof *subject->keys);
}

/* ---- each operation on the map by its public function ---- */

static inline int do_assign(struct subject *subject, size_t i, uint64_t value)
{
    const struct universe_key *key = &subject->keys[i];
    return subject->kind == MSC_KEY_U64 ? msc_map_assign_u64(subject->map, key->number, &value)
                                        : msc_map_assign_bytes(subject->map, key->bytes, key->length, &value);
}

static inline int do_delete(struct subject *subject, size_t i)
{
    const struct universe_key *key = &subject->keys[i];
    return subject->kind == MSC_KEY_U64 ? msc_map_delete_u64(subject->map, key->number)
                                        : msc_map_delete_bytes(subject->map, key->bytes, key->length);
}

static inline int do_delete_version(struct subject *subject, size_t i, uint64_t version)
{
    const struct universe_key *key = &subject->keys[i];
    return subject->kind == MSC_KEY_U64 ? msc_map_delete_version_u64(subject->map, key->number, version)
                                        : msc_map_delete_version_bytes(subject->map, key->bytes, key->length, version);
}

static inline const uint64_t *do_find(struct subject *subject, size_t i)
{
    const struct universe_key *key = &subject->keys[i];
    return subject->kind == MSC_KEY_U64 ? msc_map_find_u64(subject->map, key->number)
                                        : msc_map_find_bytes(subject->map, key->bytes, key->length);
}

static inline uint64_t do_version(struct subject *subject, size_t i)
{
    const struct universe_key *key = &subject->keys[i];
    return subject->kind == MSC_KEY_U64 ? msc_map_version_u64(subject->map, key->number)
                                        : msc_map_version_bytes(subject->map, key->bytes, key->length);
}

/* ---- with the reference ---- */

static inline void must_assign(struct subject *subject, size_t i, uint64_t value)
{
    assert_int_equal(do_assign(subject, i, value), 0);
    subject->count += !subject->expected[i].present;
    subject->expected[i].present = true;
    subject->expected[i].value = value;
    subject->expected[i].version = subject->map->seq;
}

static inline void must_delete(struct subject *subject, size_t i)
{
    assert_int_equal(do_delete(subject, i), subject->expected[i].present ? 0 : -ENOENT);
    subject->count -= subject->expected[i].present;
    subject->expected[i].present = false;
}

static inline void must_clear(struct subject *subject)
{
    assert_int_equal(msc_map_clear(subject->map), 0);
    for (size_t i = 0; i < subject->size; i++)
        subject->expected[i].present = false;
    subject->count = 0;
}

static inline void check_key(struct subject *subject, size_t i)
{
    const uint64_t *found = do_find(subject, i);
    if (!subject->expected[i].present) {
        assert_null(found);
        assert_int_equal(do_version(subject, i), 0);
        return;
    }
    assert_non_null(found);
    assert_int_equal(*found, subject->expected[i].value);
    assert_int_equal(do_version(subject, i), subject->expected[i].version);
}

/* A slot marked MSC_MAP_EMPTY_REST has only such slots behind it, and one marked so follows no other empty one. */
static inline void check_chain(struct msc_map_link link, size_t *live)
{
    bool rest = false;
    uint8_t before = MSC_MAP_MIN_TOPHASH;
    do
        for (unsigned i = 0; i < MSC_MAP_SLOTS; i++) {
            uint8_t top = link.tops[i];
            assert_false(rest && top != MSC_MAP_EMPTY_REST);
            assert_false(top == MSC_MAP_EMPTY_REST && before == MSC_MAP_EMPTY_ONE);
            assert_true(top <= MSC_MAP_EMPTY_ONE || top >= MSC_MAP_MIN_TOPHASH);
            rest = top == MSC_MAP_EMPTY_REST;
            before = top;
            *live += top >= MSC_MAP_MIN_TOPHASH;
        }
    while (msc_map_link_next(&link));
}

static inline void check_structure(const struct msc_map *map)
{
    size_t live = 0;
    for (uint64_t n = 0; map->table && n <= map->table->view.mask; n++)
        if (!is_in_old(map, n))
            check_chain(map_table_link(map->table, &map->layout, n), &live);
    for (uint64_t n = 0; map->old && n <= map->old->view.mask; n++)
        if (is_in_old(map, n))
            check_chain(map_table_link(map->old, &map->layout, n), &live);
    assert_int_equal(live, map->count);
}

static inline void check_all(struct subject *subject)
{
    assert_int_equal(msc_map_count(subject->map), subject->count);
    for (size_t i = 0; i < subject->size; i++)
        check_key(subject, i);
    check_structure(subject->map);
}

/* Which key of the universe the iteration is at. */
static inline size_t index_of(const struct subject *subject, const struct msc_map_iter *iter)
{
    for (size_t i = 0; i < subject->size; i++) {
        const struct universe_key *key = &subject->keys[i];
        if (subject->kind == MSC_KEY_U64
                ? key->number == iter->key.number
                : key->length == iter->key_length && memcmp(key->bytes, iter->key.bytes, key->length) == 0)
            return i;
    }
    fail_msg("the iteration produced a key that was never there");
    return 0;
}

#endif
