/*
 * The immutable trie of msc_cowmap: nodes, leaves, and the change that makes a new trie from an old one.
 *
 * A node has a slot for each bit of its bitmap, in the order of the bits; the bit of a key in a node of level n is
 * the n-th group of five bits of its hash. A slot is a leaf (lowest bit set) or a node. Below the last level hashes
 * are equal, and a node there is a plain list: its bitmap is 0. No node but the root has less than two slots unless
 * its one slot is a node.
 *
 * A change is built beside the trie that stays as it is: `fresh` are the blocks of the new trie that the old one
 * has not, `stale` those of the old one that the new one has not. Whoever published the new root disposes of the
 * stale ones; if memory runs out the fresh ones are freed and nothing happened.
 *
 * No locks: one thread changes, any number read. Allocates with memory.h.
 */
#ifndef MSC_RUNTIME_COWMAP_TRIE_H
#define MSC_RUNTIME_COWMAP_TRIE_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/epoch.h"
#include "runtime/flavour.h"

enum { COWMAP_BITS = 5, COWMAP_LEVELS = 13 /* of 64 bits of hash; level 13 is a list */ };

/* What nodes and leaves begin with. */
struct cowmap_block {
    struct epoch_item item;
    uint64_t birth; /* seq of the write that made it */
    size_t bytes;
};

struct cowmap_leaf {
    struct cowmap_block block;
    uint64_t hash;
    uint64_t number; /* the key, or the length of its bytes */
    _Alignas(16) unsigned char value_and_key[];
};

struct cowmap_node {
    struct cowmap_block block;
    uint64_t entries; /* of the map; only in a root */
    uint32_t bitmap;
    uint32_t count; /* slots */
    uintptr_t slots[];
};

/* The longest way down, a level's node and the split below it. */
enum { COWMAP_CHANGE_MAX = 2 * (COWMAP_LEVELS + 2) };

struct cowmap_change {
    uint64_t seq; /* birth of what it makes */
    const struct flavour *flavour;
    struct cowmap_block *fresh[COWMAP_CHANGE_MAX], *stale[COWMAP_CHANGE_MAX];
    unsigned fresh_count, stale_count;
};

/* The key's bytes stand behind the value, aligned like it. */
static inline size_t cowmap_key_offset(const struct flavour *flavour)
{
    return (flavour->value_size + 15) & ~(size_t)15;
}

static inline const unsigned char *cowmap_leaf_key(const struct flavour *flavour, const struct cowmap_leaf *leaf)
{
    return leaf->value_and_key + cowmap_key_offset(flavour);
}

/* The leaf of the key, or NULL. */
const struct cowmap_leaf *cowmap_trie_find(const struct flavour *flavour, const struct cowmap_node *root,
                                           const struct map_key *key, uint64_t hash);

/* An empty trie. NULL when memory is out. */
struct cowmap_node *cowmap_trie_create(uint64_t seq);

/*
 * The root of a trie in which `leaf` (fresh, its key `key`) is what it was in the old one but for that key; with
 * cowmap_trie_erase: without the key, which is there. NULL when memory is out: the fresh blocks are freed.
 */
struct cowmap_node *cowmap_trie_put(struct cowmap_change *change, struct cowmap_node *root, struct cowmap_leaf *leaf,
                                    const struct map_key *key);
struct cowmap_node *cowmap_trie_erase(struct cowmap_change *change, struct cowmap_node *root, const struct map_key *key,
                                      uint64_t hash);

/* A leaf of its own, `value` NULL = zero; in change->fresh. NULL when memory is out. */
struct cowmap_leaf *cowmap_leaf_create(struct cowmap_change *change, const struct map_key *key, uint64_t hash,
                                       const void *value);

/* Calls `visit` for each leaf, or `dispose` for each block, until that returns something else than 0. */
int cowmap_trie_walk(const struct cowmap_node *root, int (*visit)(void *self, const struct cowmap_leaf *leaf),
                     void *self);
void cowmap_trie_dispose(struct cowmap_node *root, void (*dispose)(void *self, struct cowmap_block *block), void *self);

#endif
