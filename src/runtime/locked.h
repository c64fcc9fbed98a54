/*
 * The verbs of a flavour on a msc_map that the caller has locked: msc_rwmap, msc_shardmap, msc_mapwriter.
 *
 * The core map appears in the trace as the flavour that it is part of: its identity is the flavour's, and numbers go
 * out as seq << seq_shift | seq_low. So versions are given to the user, too: unique in the flavour, and rising for
 * each key. The core's own guard is not used.
 */
#ifndef MSC_RUNTIME_LOCKED_H
#define MSC_RUNTIME_LOCKED_H

#include "runtime/flavour.h"
#include "runtime/map_core.h"

/* An empty core for `flavour`, given to msc_map_destroy. `part`: number of this shard, of 2^part_bits. 0 or -ENOMEM. */
int locked_create(const struct flavour *flavour, size_t hint, uint32_t part_bits, uint64_t part, struct msc_map **out);

static inline uint64_t locked_number(const struct msc_map *core, uint64_t seq)
{
    return seq ? seq << core->identity.seq_shift | core->identity.seq_low : 0;
}

/* Compiled for 64-bit numbers alone, and for the rest. */
static inline struct map_slot locked_find(const struct msc_map *core, const struct map_key *key, uint64_t hash)
{
    if (MSC_UNLIKELY(key->kind != MSC_KEY_U64))
        return map_find(core, key, hash);
    struct map_key number = map_key_u64(key->number);
    return map_find(core, &number, hash);
}

static inline uint64_t locked_version(const struct msc_map *core, struct map_slot slot)
{
    return locked_number(core, map_slot_version(slot));
}

/* ---- words: the short path of flavour_takes_word ---- */

/*
 * Before the latch: what a write to the key will touch comes while the latch is waited for. Looks at the map without
 * it, hence at nothing but words whose value does not matter: an address that was right before is as good as none.
 */
static inline __attribute__((no_sanitize("thread"))) void locked_prefetch_word(const struct msc_map *core,
                                                                               uint64_t word)
{
    enum { CACHE_LINE = 64 };
    const struct msc_map_view *view = &core->head.now;
    uint64_t number = msc_hash_bucket(word, core->head.seed) & view->mask;
    struct msc_map_link link = msc_map_link_of(view, number, core->layout.pairs_size);
    __builtin_prefetch(link.tops);
    __builtin_prefetch(link.bucket, 1);
    __builtin_prefetch(link.pairs, 1);
    __builtin_prefetch(link.pairs + CACHE_LINE, 1); /* all of them, for words */
}

/* As map_find. */
MSC_INLINE struct map_slot locked_find_word(const struct msc_map *core, uint64_t word, uint64_t hash)
{
    const struct map_key key = map_key_u64(word);
    return map_find(core, &key, hash);
}

/* Readers may be beside it. */
static inline int locked_load_word(const struct flavour *flavour, const struct msc_map *core, uint64_t word, void *out)
{
    struct map_slot slot = locked_find_word(core, word, msc_hash_bucket(word, core->head.seed));
    if (!map_slot_is_there(slot))
        return -ENOENT;
    if (out)
        flavour_copy_value(flavour, out, map_slot_value_at(slot, &core->layout));
    return 0;
}

/* Nobody may be beside it. An entry that is there, in a map that does not grow, is overwritten at once. */
static inline int locked_store_word(const struct flavour *flavour, struct msc_map *core, uint64_t word,
                                    const void *value)
{
    uint64_t hash = msc_hash_bucket(word, core->head.seed);
    struct map_slot slot = {0};
    if (MSC_LIKELY(!core->old && !core->trash))
        slot = locked_find_word(core, word, hash);
    if (MSC_UNLIKELY(!map_slot_is_there(slot))) {
        struct map_key key = map_key_number(flavour->kind, word);
        return map_put(core, &key, hash, value);
    }
    core->seq++;
    flavour_copy_value(flavour, map_slot_value_at(slot, &core->layout), value);
    map_version_set(slot, core->seq);
    return 0;
}

/* ---- any key ---- */

/* A look-up; readers may be beside it. Versions are a cache line of their own: read only if wanted. */
static inline int locked_get(const struct flavour *flavour, const struct msc_map *core, struct flavour_op *op)
{
    flavour_begin(op);
    struct map_slot slot = locked_find(core, &op->key, map_hash(core, &op->key));
    op->was_there = map_slot_is_there(slot);
    if (op->was_there)
        flavour_hand_out(flavour, op, map_slot_value_at(slot, &core->layout));
    if (op->wants_version || MSC_UNLIKELY(op->event != NULL))
        op->version = locked_version(core, slot);
    flavour_end(op, locked_number(core, core->seq));
    return op->was_there ? 0 : -ENOENT;
}

/* Nobody may be beside it. */
int locked_apply(const struct flavour *flavour, struct msc_map *core, struct flavour_op *op);

/* Visits every entry; readers may be beside it. */
int locked_range(const struct flavour *flavour, const struct msc_map *core, msc_visit_fn *visit, void *context,
                 uint64_t *visited);

#endif
