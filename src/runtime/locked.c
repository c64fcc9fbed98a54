/* See locked.h. */
#include "runtime/locked.h"

#include "runtime/map_trace.h"

int locked_create(const struct flavour *flavour, size_t hint, uint32_t part_bits, uint64_t part, struct msc_map **out)
{
    struct map_identity identity = {
        .object = flavour,
        .generation = flavour->generation,
        .flavor = flavour->flavor,
        .seq_shift = part_bits,
        .seq_low = part,
    };
    struct msc_map_options options = {
        .struct_size = sizeof options,
        .name = flavour->name,
        .key = flavour->kind,
        .value_size = flavour->value_size,
        .hint = hint,
        .type = &flavour->type,
    };
    return map_create_as(&options, &identity, out);
}

/* Overwriting needs no memory, so that a value that was there is handed out only if it will be replaced. */
static int put(const struct flavour *flavour, struct msc_map *core, struct flavour_op *op, uint64_t hash)
{
    flavour_hand_out(flavour, op, op->found);
    op->found = NULL; /* may be overwritten now */
    if (MSC_LIKELY(!op->event))
        return map_put(core, &op->key, hash, op->value);
    return map_put_described(core, &op->key, hash, op->value, op->event);
}

static int erase(const struct flavour *flavour, struct msc_map *core, struct flavour_op *op, uint64_t hash)
{
    flavour_hand_out(flavour, op, op->found);
    op->found = NULL;
    int error = map_erase(core, &op->key, hash, MAP_ANY_VERSION, NULL);
    flavour_end(op, locked_number(core, core->seq));
    return error;
}

int locked_apply(const struct flavour *flavour, struct msc_map *core, struct flavour_op *op)
{
    uint64_t hash = map_hash(core, &op->key);
    if (op->verb == VERB_STORE && !op->out && MSC_LIKELY(!op->event))
        return map_put(core, &op->key, hash, op->value); /* what was there does not matter */
    flavour_begin(op);
    struct map_slot slot = locked_find(core, &op->key, hash);
    const void *value = map_slot_value(core, slot);
    int error = flavour_decide(flavour, op, value, locked_version(core, slot));
    if (op->effect == EFFECT_WRITE)
        return put(flavour, core, op, hash);
    if (op->effect == EFFECT_ERASE)
        return erase(flavour, core, op, hash);
    flavour_hand_out(flavour, op, value);
    flavour_end(op, locked_number(core, core->seq));
    return error;
}

int locked_range(const struct flavour *flavour, const struct msc_map *core, msc_visit_fn *visit, void *context,
                 uint64_t *visited)
{
    struct map_slot slot;
    struct map_walk walk = map_walk_begin(core);
    while (map_walk_next(&walk, &slot)) {
        union flavour_key_view view;
        struct map_key key = map_slot_key(core, slot);
        bool has_bytes = flavour_key_has_bytes(key.kind);
        const void *shown =
            flavour_show_key(flavour->kind, has_bytes ? key.length : key.number, has_bytes ? key.bytes : NULL, &view);
        ++*visited;
        int stop = visit(context, shown, map_slot_value(core, slot), locked_version(core, slot));
        if (stop)
            return stop;
    }
    return 0;
}
