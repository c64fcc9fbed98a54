/*
 * See mapscope/syncmap.h. Start reading at syncmap_apply.
 *
 * An entry's box:
 *
 *     value -> NULL      deleted; the entry is still in every table that had it
 *     NULL -> expunged   when dirty is built, without it; only under the lock
 *     expunged -> NULL   its key is stored again, and the entry put into dirty; only under the lock
 *     value -> value     by anybody who found the entry in read
 *
 * so whoever finds a box that is not expunged may swap it without the lock: whatever table replaces `read` has the
 * entry too. Entries that are in no table any more are retired: those still expunged when their table is, those
 * that only dirty had when they are deleted, and all of them on clear, which expunges them first so that a writer
 * who still holds one comes back for another.
 *
 * seq: each write loads the box, then draws a number, then swaps. If the swap succeeds, nobody wrote since the
 * load, and whoever wrote before had drawn before: per key the numbers rise, and across keys a write that ended
 * before another began has the lower one.
 */
#include "mapscope/syncmap.h"

#include "runtime/epoch.h"
#include "runtime/flavour.h"
#include "runtime/latch.h"
#include "runtime/memory.h"
#include "runtime/syncmap_table.h"

struct syncmap_box {
    struct epoch_item item;
    uint64_t version;
    _Alignas(16) unsigned char value[];
};

struct msc_syncmap {
    struct flavour flavour;
    /* Published by release under the lock, read by acquire. */
    _Alignas(64) _Atomic(struct syncmap_table *) read;
    _Alignas(64) struct latch latch;
    struct syncmap_table *dirty;    /* NULL unless read->amended */
    struct syncmap_entry *expunged; /* when dirty was built; some may be in use again */
    size_t misses;
    /* Writers'. */
    _Alignas(64) _Atomic uint64_t seq;
    _Atomic int64_t count; /* relaxed; no order is taken from it */
};

/* Stands for "deleted, and not in dirty". */
static struct syncmap_box expunged_box;
#define EXPUNGED (&expunged_box)

/* What a locked section did that is told or retired after it. */
struct aftermath {
    struct msc_ev_syncmap_promote promote; /* if its map is not 0 */
};

static const void *value_of(const struct syncmap_box *box)
{
    return box && box != EXPUNGED ? box->value : NULL;
}

static uint64_t version_of(const struct syncmap_box *box)
{
    return box && box != EXPUNGED ? box->version : 0;
}

static struct syncmap_table *load_read(struct msc_syncmap *map)
{
    return atomic_load_explicit(&map->read, memory_order_acquire);
}

static bool is_amended(const struct syncmap_table *read)
{
    return atomic_load_explicit(&read->amended, memory_order_acquire);
}

static struct syncmap_box *load_box(struct syncmap_entry *entry)
{
    return atomic_load_explicit(&entry->box, memory_order_acquire);
}

static uint64_t draw_seq(struct msc_syncmap *map)
{
    return atomic_fetch_add_explicit(&map->seq, 1, memory_order_acq_rel) + 1;
}

static uint64_t last_seq(struct msc_syncmap *map)
{
    return atomic_load_explicit(&map->seq, memory_order_relaxed);
}

/* ---- blocks ---- */

static size_t box_bytes(const struct msc_syncmap *map)
{
    return sizeof(struct syncmap_box) + map->flavour.value_size;
}

/* Numbers end before the padding. */
static size_t bytes_of_entry(enum msc_key_kind kind, size_t key_bytes)
{
    if (flavour_key_has_bytes(kind))
        return sizeof(struct syncmap_entry) + key_bytes;
    return offsetof(struct syncmap_entry, number) + sizeof(uint64_t);
}

static struct syncmap_box *box_create(const struct msc_syncmap *map, const void *value)
{
    struct syncmap_box *box = memory_allocate_raw(box_bytes(map));
    if (box)
        flavour_copy_value(&map->flavour, box->value, value);
    return box;
}

static struct syncmap_entry *entry_create(const struct map_key *key)
{
    size_t key_bytes = flavour_key_bytes(key);
    if (key_bytes > SIZE_MAX - sizeof(struct syncmap_entry))
        return NULL;
    struct syncmap_entry *entry = memory_allocate_raw(bytes_of_entry(key->kind, key_bytes));
    if (!entry)
        return NULL;
    atomic_init(&entry->box, NULL);
    entry->number = flavour_key_number(key);
    if (key_bytes)
        memcpy(entry->bytes, key->bytes, key_bytes);
    return entry;
}

static void retire_box(const struct msc_syncmap *map, struct syncmap_box *box)
{
    if (box && box != EXPUNGED)
        epoch_retire(&box->item, box_bytes(map));
}

static void retire_entry(const struct msc_syncmap *map, struct syncmap_entry *entry)
{
    epoch_retire(&entry->item, bytes_of_entry(map->flavour.kind, entry->number));
}

/* ---- one entry ---- */

/* The value to be written, allocated at most once an operation; what is left of it is freed. */
struct writer {
    struct syncmap_box *box;
};

static int prepare(const struct msc_syncmap *map, const struct flavour_op *op, struct writer *writer)
{
    if (!writer->box)
        writer->box = box_create(map, op->value);
    return writer->box ? 0 : -ENOMEM;
}

static void count_effect(struct msc_syncmap *map, const struct flavour_op *op)
{
    if (op->effect == EFFECT_WRITE && !op->was_there)
        atomic_fetch_add_explicit(&map->count, 1, memory_order_relaxed);
    else if (op->effect == EFFECT_ERASE)
        atomic_fetch_sub_explicit(&map->count, 1, memory_order_relaxed);
}

/* The old box was swapped for the new one: hands out what was in it and lets it go. */
static void complete(struct msc_syncmap *map, struct flavour_op *op, struct syncmap_box *old, uint64_t seq)
{
    flavour_end(op, seq);
    flavour_hand_out(&map->flavour, op, value_of(old));
    count_effect(map, op);
    retire_box(map, old);
}

/* Does to the entry what the op wants. -EAGAIN: it is expunged, and the op would write to it. */
static int change(struct msc_syncmap *map, struct flavour_op *op, struct syncmap_entry *entry, struct writer *writer)
{
    struct syncmap_box *old = load_box(entry);
    for (;;) {
        int error = flavour_decide(&map->flavour, op, value_of(old), version_of(old));
        if (op->effect == EFFECT_NONE) {
            flavour_hand_out(&map->flavour, op, value_of(old));
            flavour_end(op, last_seq(map));
            return error;
        }
        if (old == EXPUNGED)
            return -EAGAIN;
        struct syncmap_box *new = NULL;
        if (op->effect == EFFECT_WRITE) {
            error = prepare(map, op, writer);
            if (error)
                return error;
            new = writer->box;
        }
        uint64_t seq = draw_seq(map);
        if (new)
            new->version = seq;
        if (atomic_compare_exchange_weak_explicit(&entry->box, &old, new, memory_order_acq_rel, memory_order_acquire)) {
            if (new)
                writer->box = NULL;
            complete(map, op, old, seq);
            return 0;
        }
    }
}

/* ---- under the lock ---- */

/* What was left out when dirty was built and did not come back is in no table any more, or soon not. */
static void retire_expunged(struct msc_syncmap *map)
{
    while (map->expunged) {
        struct syncmap_entry *entry = map->expunged;
        map->expunged = entry->next_expunged;
        if (load_box(entry) == EXPUNGED)
            retire_entry(map, entry);
    }
}

/* Gives dirty to the readers. */
static void promote(struct msc_syncmap *map, struct aftermath *after)
{
    struct syncmap_table *old = load_read(map);
    after->promote = (struct msc_ev_syncmap_promote){
        .map = (uintptr_t)map,
        .map_gen = map->flavour.generation,
        .misses = map->misses,
        .dirty_len = map->dirty->count,
    };
    atomic_store_explicit(&map->read, map->dirty, memory_order_release);
    map->dirty = NULL;
    map->misses = 0;
    epoch_retire(&old->item, syncmap_table_bytes(old));
    retire_expunged(map);
}

static void count_miss(struct msc_syncmap *map, struct aftermath *after)
{
    if (++map->misses >= map->dirty->count)
        promote(map, after);
}

/* True if the entry is now left out of dirty. */
static bool expunge(struct msc_syncmap *map, struct syncmap_entry *entry)
{
    struct syncmap_box *deleted = NULL;
    if (!atomic_compare_exchange_strong_explicit(&entry->box, &deleted, EXPUNGED, memory_order_acq_rel,
                                                 memory_order_acquire))
        return false;
    entry->next_expunged = map->expunged;
    map->expunged = entry;
    return true;
}

/* Makes a dirty half of what is in read and not deleted, with room for one more. */
static int build_dirty(struct msc_syncmap *map)
{
    struct syncmap_table *read = load_read(map);
    struct syncmap_table *dirty = syncmap_table_create(read->count + 1);
    if (!dirty)
        return -ENOMEM;
    for (uint64_t i = 0; i <= read->mask; i++)
        if (read->slots[i].entry && !expunge(map, read->slots[i].entry))
            syncmap_table_add(&dirty, read->slots[i]); /* never grows: no failure */
    map->dirty = dirty;
    map->misses = 0;
    return 0;
}

/* Pairs with the acquire in is_amended: who sees it finds dirty under the lock. */
static void amend(struct msc_syncmap *map)
{
    atomic_store_explicit(&load_read(map)->amended, true, memory_order_release);
}

/* Makes a new entry; its key is in neither half. The op wants to write. */
static int insert(struct msc_syncmap *map, struct flavour_op *op, uint64_t hash, struct writer *writer)
{
    int error = prepare(map, op, writer);
    if (!error && !map->dirty)
        error = build_dirty(map);
    struct syncmap_entry *entry = error ? NULL : entry_create(&op->key);
    if (!entry || !syncmap_table_add(&map->dirty, (struct syncmap_slot){hash, entry})) {
        memory.release(entry);
        if (map->dirty)
            amend(map); /* nothing new in it, but a dirty half there is */
        return -ENOMEM;
    }
    amend(map);
    uint64_t seq = draw_seq(map);
    writer->box->version = seq;
    atomic_store_explicit(&entry->box, writer->box, memory_order_release);
    writer->box = NULL;
    complete(map, op, NULL, seq);
    return 0;
}

/* The entry is expunged and to be written: it goes into dirty again. */
static int revive(struct msc_syncmap *map, struct syncmap_entry *entry, uint64_t hash)
{
    if (!syncmap_table_add(&map->dirty, (struct syncmap_slot){hash, entry}))
        return -ENOMEM;
    atomic_store_explicit(&entry->box, NULL, memory_order_release);
    return 0;
}

static int change_in_read(struct msc_syncmap *map, struct flavour_op *op, struct syncmap_entry *entry, uint64_t hash,
                          struct writer *writer)
{
    int error = change(map, op, entry, writer);
    if (error != -EAGAIN)
        return error;
    error = revive(map, entry, hash);
    return error ? error : change(map, op, entry, writer);
}

static int change_in_dirty(struct msc_syncmap *map, struct flavour_op *op, struct syncmap_slot slot,
                           struct writer *writer, struct aftermath *after)
{
    int error = change(map, op, slot.entry, writer);
    if (op->effect == EFFECT_ERASE && !error) {
        syncmap_table_remove(map->dirty, slot);
        retire_entry(map, slot.entry);
    }
    if (op->verb != VERB_STORE) /* as in Go, where Store does not count */
        count_miss(map, after);
    return error;
}

static int change_locked(struct msc_syncmap *map, struct flavour_op *op, uint64_t hash, struct writer *writer,
                         struct aftermath *after)
{
    struct syncmap_entry *entry = syncmap_table_find(&map->flavour, load_read(map), &op->key, hash);
    if (entry)
        return change_in_read(map, op, entry, hash, writer);
    entry = map->dirty ? syncmap_table_find(&map->flavour, map->dirty, &op->key, hash) : NULL;
    if (entry)
        return change_in_dirty(map, op, (struct syncmap_slot){hash, entry}, writer, after);
    int error = flavour_decide(&map->flavour, op, NULL, 0);
    if (op->effect == EFFECT_WRITE)
        return insert(map, op, hash, writer);
    if (map->dirty)
        count_miss(map, after);
    flavour_end(op, last_seq(map));
    return error;
}

static void tell(const struct aftermath *after)
{
    if (after->promote.map && msc_gate_on(MSC_EVENT_SYNCMAP_PROMOTE))
        msc_emit(MSC_EVENT_SYNCMAP_PROMOTE, &after->promote);
}

static __attribute__((noinline)) int apply_locked(struct msc_syncmap *map, struct flavour_op *op, uint64_t hash,
                                                  struct writer *writer)
{
    struct aftermath after = {0};
    latch_lock(&map->latch);
    int error = change_locked(map, op, hash, writer, &after);
    latch_unlock(&map->latch);
    tell(&after);
    return error;
}

/* ---- verbs ---- */

static int apply_guarded(struct msc_syncmap *map, struct flavour_op *op, struct writer *writer)
{
    uint64_t hash = flavour_hash(&map->flavour, &op->key);
    struct syncmap_table *read = load_read(map);
    struct syncmap_entry *entry = syncmap_table_find(&map->flavour, read, &op->key, hash);
    if (MSC_LIKELY(entry != NULL)) {
        int error = change(map, op, entry, writer);
        if (MSC_LIKELY(error != -EAGAIN))
            return error;
    } else if (!is_amended(read)) {
        int error = flavour_decide(&map->flavour, op, NULL, 0);
        if (op->effect == EFFECT_NONE) {
            flavour_end(op, last_seq(map));
            return error;
        }
    }
    return apply_locked(map, op, hash, writer);
}

static int syncmap_apply(struct flavour *flavour, struct flavour_op *op)
{
    struct msc_syncmap *map = (struct msc_syncmap *)flavour;
    int error = op->verb == VERB_LOAD ? 0 : epoch_admit();
    if (error)
        return error;
    struct writer writer = {NULL};
    flavour_begin(op);
    epoch_enter();
    error = apply_guarded(map, op, &writer);
    epoch_leave();
    if (MSC_UNLIKELY(writer.box != NULL))
        memory.release(writer.box);
    return error;
}

/* A look-up that nobody traces: no switch over verbs. */
static inline int syncmap_get(struct flavour *flavour, struct flavour_op *op)
{
    struct msc_syncmap *map = (struct msc_syncmap *)flavour;
    uint64_t hash = flavour_hash(flavour, &op->key);
    epoch_enter();
    struct syncmap_entry *entry = syncmap_table_find(&map->flavour, load_read(map), &op->key, hash);
    if (MSC_UNLIKELY(!entry)) {
        epoch_leave();
        return syncmap_apply(flavour, op);
    }
    const struct syncmap_box *box = load_box(entry);
    const void *value = value_of(box);
    op->version = version_of(box);
    flavour_hand_out(flavour, op, value);
    epoch_leave();
    return value ? 0 : -ENOENT;
}

int msc_syncmap_load(struct msc_syncmap *self, const void *key, void *out)
{
    struct flavour_op op = {.verb = VERB_LOAD, .out = out};
    return flavour_look_up((struct flavour *)self, key, &op, syncmap_get, syncmap_apply, STACK_HERE());
}

int msc_syncmap_store(struct msc_syncmap *self, const void *key, const void *value)
{
    struct flavour_op op = {.verb = VERB_STORE, .value = value};
    return flavour_run((struct flavour *)self, key, &op, syncmap_apply, STACK_HERE());
}

FLAVOUR_VERBS(syncmap)

const void *msc_syncmap_find(struct msc_syncmap *map, const void *key, uint64_t *version)
{
    struct flavour_op op = {.verb = VERB_LOAD};
    if (flavour_run((struct flavour *)map, key, &op, syncmap_apply, STACK_HERE()))
        return NULL;
    if (version)
        *version = op.version;
    return op.found;
}

size_t msc_syncmap_count(struct msc_syncmap *map)
{
    int64_t count = map ? atomic_load_explicit(&map->count, memory_order_relaxed) : 0;
    return count > 0 ? (size_t)count : 0;
}

/* ---- the whole map ---- */

/* Everything that `read` does not have becomes visible in it. */
static struct syncmap_table *promote_all(struct msc_syncmap *map)
{
    if (!is_amended(load_read(map)))
        return load_read(map);
    struct aftermath after = {0};
    latch_lock(&map->latch);
    if (map->dirty)
        promote(map, &after);
    struct syncmap_table *read = load_read(map);
    latch_unlock(&map->latch);
    tell(&after);
    return read;
}

static int visit_all(const struct msc_syncmap *map, const struct syncmap_table *table, msc_visit_fn *visit,
                     void *context, uint64_t *visited)
{
    for (uint64_t i = 0; i <= table->mask; i++) {
        struct syncmap_entry *entry = table->slots[i].entry;
        const struct syncmap_box *box = entry ? load_box(entry) : NULL;
        if (!value_of(box))
            continue;
        union flavour_key_view view;
        const void *key = flavour_show_key(map->flavour.kind, entry->number, entry->bytes, &view);
        ++*visited;
        int stop = visit(context, key, box->value, box->version);
        if (stop)
            return stop;
    }
    return 0;
}

int msc_syncmap_range(struct msc_syncmap *map, msc_visit_fn *visit, void *context)
{
    if (!map || !visit)
        return -EINVAL;
    struct flavour_iter iter;
    flavour_iter_begin(&map->flavour, &iter, msc_syncmap_count(map), last_seq(map), STACK_HERE());
    epoch_enter();
    int stop = visit_all(map, promote_all(map), visit, context, &iter.visited);
    epoch_leave();
    flavour_iter_end(&map->flavour, &iter, msc_syncmap_count(map), last_seq(map), STACK_HERE());
    return stop;
}

/* Nobody finds the entry any more, but who did before may still write to it: it gets a box that refuses. */
static bool seal(struct msc_syncmap *map, struct syncmap_entry *entry)
{
    struct syncmap_box *box = atomic_exchange_explicit(&entry->box, EXPUNGED, memory_order_acq_rel);
    bool was_there = value_of(box) != NULL;
    retire_box(map, box);
    retire_entry(map, entry);
    return was_there;
}

/* Each entry once: dirty has all of read but what is expunged. */
static size_t seal_all(struct msc_syncmap *map, struct syncmap_table *read, struct syncmap_table *dirty)
{
    retire_expunged(map);
    const struct syncmap_table *all = dirty ? dirty : read;
    size_t removed = 0;
    for (uint64_t i = 0; i <= all->mask; i++)
        if (all->slots[i].entry)
            removed += seal(map, all->slots[i].entry);
    return removed;
}

static int clear(struct msc_syncmap *map, struct msc_ev_map_op *event)
{
    struct syncmap_table *empty = syncmap_table_create(0);
    if (!empty)
        return -ENOMEM;
    latch_lock(&map->latch);
    event->begin_ns = msc_gate_on(MSC_EVENT_MAP_CLEAR) ? clock_now_ns() : 0;
    struct syncmap_table *read = load_read(map), *dirty = map->dirty;
    atomic_store_explicit(&map->read, empty, memory_order_release);
    map->dirty = NULL;
    map->misses = 0;
    event->count = seal_all(map, read, dirty);
    atomic_fetch_sub_explicit(&map->count, (int64_t)event->count, memory_order_relaxed);
    event->seq = draw_seq(map);
    event->end_ns = event->begin_ns ? clock_now_ns() : 0;
    latch_unlock(&map->latch);
    epoch_retire(&read->item, syncmap_table_bytes(read));
    memory.release(dirty); /* only seen under the lock */
    return 0;
}

int msc_syncmap_clear(struct msc_syncmap *map)
{
    int error = map ? epoch_admit() : -EINVAL;
    if (error)
        return error;
    struct msc_ev_map_op event = {0};
    epoch_enter();
    error = clear(map, &event);
    epoch_leave();
    if (!error && event.begin_ns)
        flavour_trace_clear(&map->flavour, &event, STACK_HERE());
    return error;
}

/* ---- life ---- */

FLAVOUR_ENTRIES(syncmap)

int msc_syncmap_create(const struct msc_map_options *options, struct msc_syncmap **out)
{
    struct msc_syncmap *map;
    int error =
        flavour_create(sizeof *map, MSC_FLAVOR_SYNCMAP, syncmap_entries, options, (struct flavour **)(void *)&map);
    if (error)
        return error;
    struct syncmap_table *read = syncmap_table_create(0);
    if (!read) {
        flavour_destroy(&map->flavour);
        return -ENOMEM;
    }
    atomic_init(&map->read, read);
    latch_init(&map->latch, &map->flavour);
    flavour_born(&map->flavour, __builtin_return_address(0), STACK_HERE());
    *out = map;
    return 0;
}

static void free_entries(const struct syncmap_table *table)
{
    for (uint64_t i = 0; i <= table->mask; i++) {
        struct syncmap_entry *entry = table->slots[i].entry;
        if (!entry)
            continue;
        struct syncmap_box *box = load_box(entry);
        memory.release(box == EXPUNGED ? NULL : box);
        memory.release(entry);
    }
}

void msc_syncmap_destroy(struct msc_syncmap *map)
{
    if (!map)
        return;
    if (msc_gate_on(MSC_EVENT_MAP_FREE))
        flavour_trace_free(&map->flavour, STACK_HERE());
    retire_expunged(map);
    struct syncmap_table *read = load_read(map);
    free_entries(map->dirty ? map->dirty : read);
    memory.release(map->dirty);
    memory.release(read);
    latch_fini(&map->latch);
    flavour_destroy(&map->flavour);
}
