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

/* Readers may be beside it. */
static inline int locked_get(const struct flavour *flavour, const struct msc_map *core, struct flavour_op *op)
{
    flavour_begin(op);
    struct msc_map_slot slot = map_find(core, &op->key, map_hash(core, &op->key));
    const void *value = map_slot_value(core, slot);
    int error = flavour_decide(flavour, op, value, locked_number(core, map_slot_version(core, slot)));
    flavour_hand_out(flavour, op, value);
    flavour_end(op, locked_number(core, core->seq));
    return error;
}

/* Nobody may be beside it. */
int locked_apply(const struct flavour *flavour, struct msc_map *core, struct flavour_op *op);

/* Visits every entry; readers may be beside it. */
int locked_range(const struct flavour *flavour, const struct msc_map *core, msc_visit_fn *visit, void *context,
                 uint64_t *visited);

#endif
