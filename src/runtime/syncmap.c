/* The verbs of mapscope/syncmap.h: what is done without the latch. See syncmap_core.h; start reading at syncmap_apply.
 */
#include "runtime/flavour_verbs.h"
#include "runtime/memory.h"
#include "runtime/syncmap_core.h"

/* ---- any key ---- */

static int apply_guarded(struct msc_syncmap *map, struct flavour_op *op, struct syncmap_writer *writer)
{
    uint64_t hash = flavour_hash(&map->flavour, &op->key);
    struct syncmap_table *read = syncmap_read(map);
    struct syncmap_entry *entry = syncmap_table_find(&map->flavour, read, &op->key, hash);
    if (MSC_LIKELY(entry != NULL)) {
        int error = syncmap_change(map, op, entry, writer);
        if (MSC_LIKELY(error != -EAGAIN))
            return error;
    } else if (!syncmap_is_amended(read)) {
        int error = flavour_decide(&map->flavour, op, NULL, 0);
        if (op->effect == EFFECT_NONE) {
            flavour_end(op, syncmap_last_seq(map));
            return error;
        }
    }
    return syncmap_apply_locked(map, op, hash, writer);
}

static int syncmap_apply(struct flavour *flavour, struct flavour_op *op)
{
    struct msc_syncmap *map = (struct msc_syncmap *)flavour;
    int error = op->verb == VERB_LOAD ? 0 : epoch_admit();
    if (error)
        return error;
    struct syncmap_writer writer = {0};
    flavour_begin(op);
    epoch_enter();
    error = apply_guarded(map, op, &writer);
    epoch_leave();
    syncmap_writer_fini(&writer);
    return error;
}

/* A look-up that nobody traces: no switch over verbs. */
static inline int syncmap_get(struct flavour *flavour, struct flavour_op *op)
{
    struct msc_syncmap *map = (struct msc_syncmap *)flavour;
    uint64_t hash = flavour_hash(flavour, &op->key);
    epoch_enter();
    struct syncmap_entry *entry = syncmap_table_find(&map->flavour, syncmap_read(map), &op->key, hash);
    if (MSC_UNLIKELY(!entry)) {
        epoch_leave();
        return syncmap_apply(flavour, op);
    }
    union syncmap_cell cell = cell_load(&entry->cell);
    const void *value = syncmap_value(map, &cell);
    op->version = cell_version(cell);
    flavour_hand_out(flavour, op, value);
    epoch_leave();
    return value ? 0 : -ENOENT;
}

/* ---- words, in the read half ---- */

static struct syncmap_entry *find_word(struct msc_syncmap *map, uint64_t word)
{
    const struct map_key key = {.kind = MSC_KEY_U64, .number = word};
    return syncmap_table_find(&map->flavour, syncmap_read(map), &key, msc_hash_u64(word, map->flavour.seed));
}

static inline int syncmap_load_word(struct msc_syncmap *map, uint64_t word, void *out)
{
    epoch_enter();
    struct syncmap_entry *entry = find_word(map, word);
    if (MSC_UNLIKELY(!entry)) {
        epoch_leave();
        struct flavour_op op = {.verb = VERB_LOAD, .key = map_key_number(map->flavour.kind, word), .out = out};
        return syncmap_apply(&map->flavour, &op);
    }
    union syncmap_cell cell = cell_load(&entry->cell);
    const void *value = syncmap_value(map, &cell);
    if (value && out)
        flavour_copy_value(&map->flavour, out, value);
    epoch_leave();
    return value ? 0 : -ENOENT;
}

/* An entry that has a value gets another one, without allocating. False: it is not as simple as that. */
static inline bool overwrite_word(struct msc_syncmap *map, uint64_t word, const void *value)
{
    union syncmap_cell new = {0};
    flavour_copy_value(&map->flavour, &new.word, value);
    epoch_enter();
    struct syncmap_entry *entry = find_word(map, word);
    bool done = false;
    while (entry && !done) {
        union syncmap_cell old = cell_load(&entry->cell);
        if (!cell_is_live(old))
            break;
        new.version = syncmap_draw_seq(map);
        done = cell_swap(&entry->cell, old, new);
    }
    epoch_leave();
    return done;
}

static inline int syncmap_store_word(struct msc_syncmap *map, uint64_t word, const void *value)
{
    __builtin_prefetch(&map->seq, 1); /* the other writers' */
    if (!map->has_boxes && MSC_LIKELY(overwrite_word(map, word, value)))
        return 0;
    struct flavour_op op = {.verb = VERB_STORE, .key = map_key_number(map->flavour.kind, word), .value = value};
    return syncmap_apply(&map->flavour, &op);
}

FLAVOUR_LOAD_AND_STORE(syncmap)
FLAVOUR_VERBS(syncmap)

/* ---- values in place ---- */

/* A word is not lent but copied, into a box that goes as if it had been replaced: when the guard is left. */
static const void *find_copy(struct msc_syncmap *map, const void *key, struct flavour_op *op, const void *frame)
{
    struct syncmap_box *box = syncmap_box_create(map);
    if (!box)
        return NULL;
    op->out = box->value;
    if (flavour_run(&map->flavour, key, op, syncmap_apply, frame)) {
        memory.release(box);
        return NULL;
    }
    syncmap_box_retire(map, box);
    return box->value;
}

static const void *find_box(struct msc_syncmap *map, const void *key, struct flavour_op *op, const void *frame)
{
    return flavour_run(&map->flavour, key, op, syncmap_apply, frame) ? NULL : op->found;
}

const void *msc_syncmap_find(struct msc_syncmap *map, const void *key, uint64_t *version)
{
    if (!map)
        return NULL;
    struct flavour_op op = {.verb = VERB_LOAD};
    const void *value = (map->has_boxes ? find_box : find_copy)(map, key, &op, STACK_HERE());
    if (value && version)
        *version = op.version;
    return value;
}
