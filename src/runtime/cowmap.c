/*
 * See mapscope/cowmap.h; the trie is cowmap_trie.h. Start reading at change_locked.
 *
 * A block is made by write number b and left out by write number d. It may be read by look-ups that began before
 * d was published, which an epoch waits for, and by the snapshots taken after b and before d: if there are any, it
 * hangs on the youngest of them. When that is released, the block goes to the next older snapshot that was taken
 * after b, or to the epoch. So a snapshot never keeps what is younger than itself.
 */
#include "mapscope/cowmap.h"

#include "runtime/cowmap_trie.h"
#include "runtime/epoch.h"
#include "runtime/flavour_verbs.h"
#include "runtime/latch.h"
#include "runtime/memory.h"

struct msc_cowmap {
    struct flavour flavour;
    /* Published by release under the lock, read by acquire. Its birth is the map's seq. */
    _Alignas(64) _Atomic(struct cowmap_node *) root;
    _Alignas(64) struct latch latch;
    struct msc_cowmap_snapshot *youngest;
};

struct msc_cowmap_snapshot {
    struct msc_cowmap *map;
    struct cowmap_node *root;
    struct msc_cowmap_snapshot *older, *younger;
    struct epoch_item *kept; /* blocks that the map has no more */
};

static struct cowmap_node *load_root(struct msc_cowmap *map)
{
    return atomic_load_explicit(&map->root, memory_order_acquire);
}

static uint64_t seq_of(const struct cowmap_node *root)
{
    return root->block.birth;
}

static const void *value_of(const struct cowmap_leaf *leaf)
{
    return leaf ? leaf->value_and_key : NULL;
}

static uint64_t version_of(const struct cowmap_leaf *leaf)
{
    return leaf ? leaf->block.birth : 0;
}

static const struct cowmap_leaf *find(const struct flavour *flavour, const struct cowmap_node *root,
                                      const struct map_key *key)
{
    return cowmap_trie_find(flavour, root, key, flavour_hash(flavour, key));
}

/* ---- blocks that the map has no more; under the lock ---- */

static void keep(struct msc_cowmap_snapshot *snapshot, struct cowmap_block *block)
{
    block->item.next = snapshot->kept;
    snapshot->kept = &block->item;
}

/* `snapshot` and those older than it were taken before the block was left out. */
static void dispose_before(struct msc_cowmap_snapshot *snapshot, struct cowmap_block *block)
{
    if (snapshot && seq_of(snapshot->root) >= block->birth)
        keep(snapshot, block);
    else
        epoch_retire(&block->item, block->bytes);
}

static void dispose(void *map, struct cowmap_block *block)
{
    dispose_before(((struct msc_cowmap *)map)->youngest, block);
}

/* ---- verbs ---- */

/* Makes the changed trie; NULL when memory is out. */
static struct cowmap_node *changed(struct cowmap_change *change, struct cowmap_node *root, const struct flavour_op *op,
                                   uint64_t hash)
{
    if (op->effect == EFFECT_ERASE)
        return cowmap_trie_erase(change, root, &op->key, hash);
    struct cowmap_leaf *leaf = cowmap_leaf_create(change, &op->key, hash, op->value);
    return leaf ? cowmap_trie_put(change, root, leaf, &op->key) : NULL;
}

static int change_locked(struct msc_cowmap *map, struct flavour_op *op, uint64_t hash)
{
    flavour_begin(op);
    struct cowmap_node *root = load_root(map);
    const struct cowmap_leaf *leaf = cowmap_trie_find(&map->flavour, root, &op->key, hash);
    int error = flavour_decide(&map->flavour, op, value_of(leaf), version_of(leaf));
    if (op->effect != EFFECT_NONE) {
        struct cowmap_change change = {.seq = seq_of(root) + 1, .flavour = &map->flavour};
        struct cowmap_node *next = changed(&change, root, op, hash);
        if (!next)
            return -ENOMEM;
        atomic_store_explicit(&map->root, next, memory_order_release);
        flavour_hand_out(&map->flavour, op, value_of(leaf));
        for (unsigned i = 0; i < change.stale_count; i++)
            dispose(map, change.stale[i]);
        flavour_end(op, change.seq);
        return 0;
    }
    flavour_hand_out(&map->flavour, op, value_of(leaf));
    flavour_end(op, seq_of(root));
    return error;
}

/* Lock-free. The value in op->found is valid while the caller is in a guard. */
static int cowmap_get(struct flavour *flavour, struct flavour_op *op)
{
    struct msc_cowmap *map = (struct msc_cowmap *)flavour;
    flavour_begin(op);
    epoch_enter();
    const struct cowmap_node *root = load_root(map);
    const struct cowmap_leaf *leaf = find(flavour, root, &op->key);
    int error = flavour_decide(flavour, op, value_of(leaf), version_of(leaf));
    flavour_hand_out(flavour, op, value_of(leaf));
    flavour_end(op, seq_of(root));
    epoch_leave();
    return error;
}

static int cowmap_apply(struct flavour *flavour, struct flavour_op *op)
{
    struct msc_cowmap *map = (struct msc_cowmap *)flavour;
    if (op->verb == VERB_LOAD)
        return cowmap_get(flavour, op);
    int error = epoch_admit();
    if (error)
        return error;
    uint64_t hash = flavour_hash(flavour, &op->key);
    latch_lock(&map->latch);
    error = change_locked(map, op, hash);
    latch_unlock(&map->latch);
    return error;
}

int msc_cowmap_load(struct msc_cowmap *self, const void *key, void *out)
{
    struct flavour_op op = {.verb = VERB_LOAD, .out = out};
    return flavour_look_up((struct flavour *)self, key, &op, cowmap_get, cowmap_apply, STACK_HERE());
}

int msc_cowmap_store(struct msc_cowmap *self, const void *key, const void *value)
{
    struct flavour_op op = {.verb = VERB_STORE, .value = value};
    return flavour_run((struct flavour *)self, key, &op, cowmap_apply, STACK_HERE());
}

FLAVOUR_VERBS(cowmap)

const void *msc_cowmap_find(struct msc_cowmap *map, const void *key, uint64_t *version)
{
    struct flavour_op op = {.verb = VERB_LOAD};
    if (flavour_look_up((struct flavour *)map, key, &op, cowmap_get, cowmap_apply, STACK_HERE()))
        return NULL;
    if (version)
        *version = op.version;
    return op.found;
}

static uint64_t count_and_seq(struct msc_cowmap *map, uint64_t *seq)
{
    epoch_enter();
    const struct cowmap_node *root = load_root(map);
    uint64_t count = root->entries;
    *seq = seq_of(root);
    epoch_leave();
    return count;
}

size_t msc_cowmap_count(struct msc_cowmap *map)
{
    uint64_t seq;
    return map ? count_and_seq(map, &seq) : 0;
}

static int clear(struct msc_cowmap *map, struct msc_ev_map_op *event)
{
    latch_lock(&map->latch);
    struct cowmap_node *root = load_root(map);
    event->begin_ns = msc_gate_on(MSC_EVENT_MAP_CLEAR) ? clock_now_ns() : 0;
    event->seq = seq_of(root) + 1;
    event->count = root->entries;
    struct cowmap_node *empty = cowmap_trie_create(event->seq);
    if (empty) {
        atomic_store_explicit(&map->root, empty, memory_order_release);
        cowmap_trie_dispose(root, dispose, map);
    }
    event->end_ns = event->begin_ns ? clock_now_ns() : 0;
    latch_unlock(&map->latch);
    return empty ? 0 : -ENOMEM;
}

int msc_cowmap_clear(struct msc_cowmap *map)
{
    int error = map ? epoch_admit() : -EINVAL;
    if (error)
        return error;
    struct msc_ev_map_op event = {0};
    error = clear(map, &event);
    if (!error && event.begin_ns)
        flavour_trace_clear(&map->flavour, &event, STACK_HERE());
    return error;
}

/* ---- snapshots ---- */

int msc_cowmap_snapshot_take(struct msc_cowmap *map, struct msc_cowmap_snapshot **out)
{
    if (!map)
        return -EINVAL;
    struct msc_cowmap_snapshot *snapshot = memory.allocate(sizeof *snapshot);
    if (!snapshot)
        return -ENOMEM;
    snapshot->map = map;
    latch_lock(&map->latch);
    snapshot->root = load_root(map);
    snapshot->older = map->youngest;
    if (snapshot->older)
        snapshot->older->younger = snapshot;
    map->youngest = snapshot;
    latch_unlock(&map->latch);
    *out = snapshot;
    return 0;
}

static void unlink_snapshot(struct msc_cowmap_snapshot *snapshot)
{
    if (snapshot->older)
        snapshot->older->younger = snapshot->younger;
    if (snapshot->younger)
        snapshot->younger->older = snapshot->older;
    else
        snapshot->map->youngest = snapshot->older;
}

/* Those taken before the block was left out are the ones older than the snapshot that kept it, now as then. */
static void pass_on(struct epoch_item *kept, struct msc_cowmap_snapshot *older)
{
    while (kept) {
        struct cowmap_block *block = (struct cowmap_block *)kept;
        kept = kept->next;
        dispose_before(older, block);
    }
}

void msc_cowmap_snapshot_release(struct msc_cowmap_snapshot *snapshot)
{
    if (!snapshot)
        return;
    struct latch *latch = &snapshot->map->latch;
    latch_lock(latch);
    unlink_snapshot(snapshot);
    if (snapshot->older) {
        pass_on(snapshot->kept, snapshot->older);
        snapshot->kept = NULL;
    }
    latch_unlock(latch);
    pass_on(snapshot->kept, NULL);
    memory.release(snapshot);
}

size_t msc_cowmap_snapshot_count(const struct msc_cowmap_snapshot *snapshot)
{
    return snapshot ? snapshot->root->entries : 0;
}

const void *msc_cowmap_snapshot_find(const struct msc_cowmap_snapshot *snapshot, const void *key, uint64_t *version)
{
    struct map_key wanted = {0};
    if (!snapshot || flavour_key(&snapshot->map->flavour, key, &wanted))
        return NULL;
    const struct cowmap_leaf *leaf = find(&snapshot->map->flavour, snapshot->root, &wanted);
    if (leaf && version)
        *version = version_of(leaf);
    return value_of(leaf);
}

struct visitor {
    const struct flavour *flavour;
    msc_visit_fn *visit;
    void *context;
    uint64_t visited;
};

static int visit_leaf(void *self, const struct cowmap_leaf *leaf)
{
    struct visitor *visitor = self;
    union flavour_key_view view;
    const void *key =
        flavour_show_key(visitor->flavour->kind, leaf->number, cowmap_leaf_key(visitor->flavour, leaf), &view);
    visitor->visited++;
    return visitor->visit(visitor->context, key, leaf->value_and_key, version_of(leaf));
}

static int visit_all(const struct msc_cowmap_snapshot *snapshot, msc_visit_fn *visit, void *context, const void *frame)
{
    struct msc_cowmap *map = snapshot->map;
    struct visitor visitor = {.flavour = &map->flavour, .visit = visit, .context = context};
    struct flavour_iter iter;
    uint64_t seq;
    flavour_iter_begin(&map->flavour, &iter, snapshot->root->entries, seq_of(snapshot->root), frame);
    int stop = cowmap_trie_walk(snapshot->root, visit_leaf, &visitor);
    iter.visited = visitor.visited;
    uint64_t count = count_and_seq(map, &seq);
    flavour_iter_end(&map->flavour, &iter, count, seq, frame);
    return stop;
}

int msc_cowmap_snapshot_range(const struct msc_cowmap_snapshot *snapshot, msc_visit_fn *visit, void *context)
{
    return snapshot && visit ? visit_all(snapshot, visit, context, STACK_HERE()) : -EINVAL;
}

int msc_cowmap_range(struct msc_cowmap *map, msc_visit_fn *visit, void *context)
{
    struct msc_cowmap_snapshot *snapshot;
    int error = visit ? msc_cowmap_snapshot_take(map, &snapshot) : -EINVAL;
    if (error)
        return error;
    int stop = visit_all(snapshot, visit, context, STACK_HERE());
    msc_cowmap_snapshot_release(snapshot);
    return stop;
}

/* ---- life ---- */

FLAVOUR_ENTRIES(cowmap)

int msc_cowmap_create(const struct msc_map_options *options, struct msc_cowmap **out)
{
    struct msc_cowmap *map;
    int error =
        flavour_create(sizeof *map, MSC_FLAVOR_COWMAP, cowmap_entries, options, (struct flavour **)(void *)&map);
    if (error)
        return error;
    struct cowmap_node *root = cowmap_trie_create(0);
    if (!root) {
        flavour_destroy(&map->flavour);
        return -ENOMEM;
    }
    atomic_init(&map->root, root);
    latch_init(&map->latch, &map->flavour);
    flavour_born(&map->flavour, __builtin_return_address(0), STACK_HERE());
    *out = map;
    return 0;
}

static void release_block(void *self, struct cowmap_block *block)
{
    (void)self;
    memory.release(block);
}

void msc_cowmap_destroy(struct msc_cowmap *map)
{
    if (!map)
        return;
    if (msc_gate_on(MSC_EVENT_MAP_FREE))
        flavour_trace_free(&map->flavour, STACK_HERE());
    cowmap_trie_dispose(load_root(map), release_block, NULL);
    latch_fini(&map->latch);
    flavour_destroy(&map->flavour);
}
