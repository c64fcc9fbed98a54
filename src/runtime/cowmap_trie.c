/* See cowmap_trie.h. Start reading at cowmap_trie_put. */
#include "runtime/cowmap_trie.h"

#include "runtime/memory.h"

/* ---- slots ---- */

static bool is_leaf(uintptr_t slot)
{
    return slot & 1;
}

static struct cowmap_leaf *leaf_of(uintptr_t slot)
{
    return (struct cowmap_leaf *)(slot - 1); /* NOLINT: a tagged pointer */
}

static struct cowmap_node *node_of(uintptr_t slot)
{
    return (struct cowmap_node *)slot; /* NOLINT: a pointer */
}

static uintptr_t slot_of_leaf(const struct cowmap_leaf *leaf)
{
    return (uintptr_t)leaf + 1;
}

static uint32_t bit_at(uint64_t hash, unsigned level)
{
    return UINT32_C(1) << (hash >> (level * COWMAP_BITS) & ((1U << COWMAP_BITS) - 1));
}

static unsigned index_of(const struct cowmap_node *node, uint32_t bit)
{
    return (unsigned)__builtin_popcount(node->bitmap & (bit - 1));
}

static bool leaf_is(const struct flavour *flavour, const struct cowmap_leaf *leaf, const struct map_key *key,
                    uint64_t hash)
{
    return leaf->hash == hash && flavour_key_is(flavour, key, leaf->number, cowmap_leaf_key(flavour, leaf));
}

static const struct cowmap_leaf *find_in_list(const struct flavour *flavour, const struct cowmap_node *list,
                                              const struct map_key *key, uint64_t hash)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (leaf_is(flavour, leaf_of(list->slots[i]), key, hash))
            return leaf_of(list->slots[i]);
    return NULL;
}

const struct cowmap_leaf *cowmap_trie_find(const struct flavour *flavour, const struct cowmap_node *root,
                                           const struct map_key *key, uint64_t hash)
{
    const struct cowmap_node *node = root;
    for (unsigned level = 0; level < COWMAP_LEVELS; level++) {
        uint32_t bit = bit_at(hash, level);
        if (!(node->bitmap & bit))
            return NULL;
        uintptr_t slot = node->slots[index_of(node, bit)];
        if (is_leaf(slot))
            return leaf_is(flavour, leaf_of(slot), key, hash) ? leaf_of(slot) : NULL;
        node = node_of(slot);
    }
    return find_in_list(flavour, node, key, hash);
}

/* ---- blocks of a change ---- */

static void *make(struct cowmap_change *change, size_t bytes)
{
    struct cowmap_block *block = memory_allocate_raw(bytes);
    if (!block)
        return NULL;
    block->birth = change->seq;
    block->bytes = bytes;
    change->fresh[change->fresh_count++] = block;
    return block;
}

static void drop(struct cowmap_change *change, struct cowmap_block *block)
{
    change->stale[change->stale_count++] = block;
}

/* NULL is what every function here returns when memory is out. */
static struct cowmap_node *give_up(struct cowmap_change *change)
{
    while (change->fresh_count)
        memory.release(change->fresh[--change->fresh_count]);
    change->stale_count = 0;
    return NULL;
}

static struct cowmap_node *make_node(struct cowmap_change *change, uint32_t bitmap, uint32_t count)
{
    struct cowmap_node *node = make(change, sizeof *node + count * sizeof node->slots[0]);
    if (!node)
        return NULL;
    node->entries = 0;
    node->bitmap = bitmap;
    node->count = count;
    return node;
}

struct cowmap_node *cowmap_trie_create(uint64_t seq)
{
    struct cowmap_change change = {.seq = seq};
    return make_node(&change, 0, 0);
}

struct cowmap_leaf *cowmap_leaf_create(struct cowmap_change *change, const struct map_key *key, uint64_t hash,
                                       const void *value)
{
    size_t key_offset = cowmap_key_offset(change->flavour), key_bytes = flavour_key_bytes(key), bytes;
    if (__builtin_add_overflow(sizeof(struct cowmap_leaf) + key_offset, key_bytes, &bytes))
        return NULL;
    struct cowmap_leaf *leaf = make(change, bytes);
    if (!leaf)
        return NULL;
    leaf->hash = hash;
    leaf->number = flavour_key_number(key);
    flavour_copy_value(change->flavour, leaf->value_and_key, value);
    if (key_bytes)
        memcpy(leaf->value_and_key + key_offset, key->bytes, key_bytes);
    return leaf;
}

/* ---- a node with one slot more, another, or one less ---- */

static struct cowmap_node *with_slot(struct cowmap_change *change, const struct cowmap_node *node, uint32_t bit,
                                     unsigned index, uintptr_t slot)
{
    struct cowmap_node *copy = make_node(change, node->bitmap | bit, node->count + 1);
    if (!copy)
        return NULL;
    memcpy(copy->slots, node->slots, index * sizeof slot);
    copy->slots[index] = slot;
    memcpy(copy->slots + index + 1, node->slots + index, (node->count - index) * sizeof slot);
    return copy;
}

static struct cowmap_node *with_other_slot(struct cowmap_change *change, const struct cowmap_node *node, unsigned index,
                                           uintptr_t slot)
{
    struct cowmap_node *copy = make_node(change, node->bitmap, node->count);
    if (!copy)
        return NULL;
    memcpy(copy->slots, node->slots, node->count * sizeof slot);
    copy->slots[index] = slot;
    return copy;
}

static struct cowmap_node *without_slot(struct cowmap_change *change, const struct cowmap_node *node, uint32_t bit,
                                        unsigned index)
{
    struct cowmap_node *copy = make_node(change, node->bitmap & ~bit, node->count - 1);
    if (!copy)
        return NULL;
    memcpy(copy->slots, node->slots, index * sizeof copy->slots[0]);
    memcpy(copy->slots + index, node->slots + index + 1, (copy->count - index) * sizeof copy->slots[0]);
    return copy;
}

/* ---- the way down ---- */

struct step {
    struct cowmap_node *node;
    uint32_t bit; /* 0 in a list */
    unsigned index;
};

struct path {
    struct step steps[COWMAP_LEVELS + 1];
    unsigned depth;           /* the last step */
    struct cowmap_leaf *leaf; /* in its slot; NULL = the slot is not there */
};

static void step_into_list(const struct flavour *flavour, struct path *path, struct cowmap_node *list,
                           const struct map_key *key, uint64_t hash)
{
    struct step *step = &path->steps[path->depth];
    *step = (struct step){.node = list};
    path->leaf = NULL;
    for (; step->index < list->count; step->index++)
        if (leaf_is(flavour, leaf_of(list->slots[step->index]), key, hash)) {
            path->leaf = leaf_of(list->slots[step->index]);
            return;
        }
}

static void go_down(const struct flavour *flavour, struct path *path, struct cowmap_node *root,
                    const struct map_key *key, uint64_t hash)
{
    struct cowmap_node *node = root;
    path->leaf = NULL;
    for (path->depth = 0; path->depth < COWMAP_LEVELS; path->depth++) {
        uint32_t bit = bit_at(hash, path->depth);
        struct step *step = &path->steps[path->depth];
        *step = (struct step){node, bit, index_of(node, bit)};
        if (!(node->bitmap & bit))
            return;
        uintptr_t slot = node->slots[step->index];
        if (is_leaf(slot)) {
            path->leaf = leaf_of(slot);
            return;
        }
        node = node_of(slot);
    }
    step_into_list(flavour, path, node, key, hash);
}

/* Puts `slot` at the end of the path's step `depth`, copying all nodes above. */
static struct cowmap_node *copy_up(struct cowmap_change *change, const struct path *path, unsigned depth,
                                   uintptr_t slot)
{
    for (unsigned i = depth + 1; i-- > 0;) {
        const struct step *step = &path->steps[i];
        struct cowmap_node *copy = with_other_slot(change, step->node, step->index, slot);
        if (!copy)
            return give_up(change);
        drop(change, &step->node->block);
        slot = (uintptr_t)copy;
    }
    return node_of(slot);
}

/* Replaces the whole node at `depth` by `copy`. */
static struct cowmap_node *replace(struct cowmap_change *change, const struct path *path, unsigned depth,
                                   struct cowmap_node *copy)
{
    if (!copy)
        return give_up(change);
    drop(change, &path->steps[depth].node->block);
    return depth == 0 ? copy : copy_up(change, path, depth - 1, (uintptr_t)copy);
}

/* A node at `level` with two leaves of different keys; as many nodes above each other as their hashes agree. */
static struct cowmap_node *split(struct cowmap_change *change, unsigned level, const struct cowmap_leaf *one,
                                 const struct cowmap_leaf *other)
{
    uintptr_t first = slot_of_leaf(one), second = slot_of_leaf(other);
    uint32_t one_bit = level < COWMAP_LEVELS ? bit_at(one->hash, level) : 0;
    uint32_t other_bit = level < COWMAP_LEVELS ? bit_at(other->hash, level) : 0;
    if (level < COWMAP_LEVELS && one_bit == other_bit) {
        struct cowmap_node *below = split(change, level + 1, one, other);
        struct cowmap_node *node = below ? make_node(change, one_bit, 1) : NULL;
        if (node)
            node->slots[0] = (uintptr_t)below;
        return node;
    }
    struct cowmap_node *node = make_node(change, one_bit | other_bit, 2);
    if (!node)
        return NULL;
    node->slots[0] = one_bit <= other_bit ? first : second;
    node->slots[1] = one_bit <= other_bit ? second : first;
    return node;
}

struct cowmap_node *cowmap_trie_put(struct cowmap_change *change, struct cowmap_node *root, struct cowmap_leaf *leaf,
                                    const struct map_key *key)
{
    struct path path;
    go_down(change->flavour, &path, root, key, leaf->hash);
    const struct step *last = &path.steps[path.depth];
    struct cowmap_node *result;
    uint64_t entries = root->entries + 1;
    if (!path.leaf) {
        result = replace(change, &path, path.depth,
                         with_slot(change, last->node, last->bit, last->index, slot_of_leaf(leaf)));
    } else if (leaf_is(change->flavour, path.leaf, key, leaf->hash)) {
        entries--;
        result = copy_up(change, &path, path.depth, slot_of_leaf(leaf));
        if (result)
            drop(change, &path.leaf->block);
    } else {
        struct cowmap_node *below = split(change, path.depth + 1, path.leaf, leaf);
        result = below ? copy_up(change, &path, path.depth, (uintptr_t)below) : give_up(change);
    }
    if (result)
        result->entries = entries;
    return result;
}

/* The leaf that would be left alone in the step's node without the slot at hand, or 0. */
static uintptr_t lone_leaf(const struct step *step)
{
    if (step->node->count != 2)
        return 0;
    uintptr_t other = step->node->slots[1 - step->index];
    return is_leaf(other) ? other : 0;
}

struct cowmap_node *cowmap_trie_erase(struct cowmap_change *change, struct cowmap_node *root, const struct map_key *key,
                                      uint64_t hash)
{
    struct path path;
    go_down(change->flavour, &path, root, key, hash);
    unsigned depth = path.depth;
    const struct step *last = &path.steps[depth];
    uintptr_t left = depth > 0 ? lone_leaf(last) : 0;
    struct cowmap_node *result;
    if (left) {
        do /* a leaf that is left alone moves up, past nodes that have nothing else */
            drop(change, &path.steps[depth--].node->block);
        while (depth > 0 && path.steps[depth].node->count == 1);
        result = copy_up(change, &path, depth, left);
    } else {
        result = replace(change, &path, depth, without_slot(change, last->node, last->bit, last->index));
    }
    if (!result)
        return NULL;
    drop(change, &path.leaf->block);
    result->entries = root->entries - 1;
    return result;
}

/* ---- all of it ---- */

int cowmap_trie_walk(const struct cowmap_node *root, int (*visit)(void *self, const struct cowmap_leaf *leaf),
                     void *self)
{
    for (uint32_t i = 0; i < root->count; i++) {
        uintptr_t slot = root->slots[i];
        int stop = is_leaf(slot) ? visit(self, leaf_of(slot)) : cowmap_trie_walk(node_of(slot), visit, self);
        if (stop)
            return stop;
    }
    return 0;
}

void cowmap_trie_dispose(struct cowmap_node *root, void (*dispose)(void *self, struct cowmap_block *block), void *self)
{
    for (uint32_t i = 0; i < root->count; i++) {
        uintptr_t slot = root->slots[i];
        if (is_leaf(slot))
            dispose(self, &leaf_of(slot)->block);
        else
            cowmap_trie_dispose(node_of(slot), dispose, self);
    }
    dispose(self, &root->block);
}
