/*
 * See mapscope/shardmap.h: an array of msc_maps (locked.h), each behind its latch.
 *
 * The shard is chosen by the highest bits of a hash with a seed of its own, so that it says nothing about the bucket
 * in the shard.
 */
#include "mapscope/shardmap.h"

#include <unistd.h>

#include "runtime/flavour_verbs.h"
#include "runtime/latch.h"
#include "runtime/locked.h"
#include "runtime/map_trace.h"
#include "runtime/memory.h"

enum { SHARD_BITS_MIN = 5, SHARD_BITS_MAX = 10, SHARDS_PER_PROCESSOR = 4 };

struct shard {
    _Alignas(64) struct latch latch;
    struct msc_map *core;
};

struct msc_shardmap {
    struct flavour flavour;
    uint32_t shard_bits;
    struct shard *shards;
    void *block;
};

static size_t shard_count(const struct msc_shardmap *map)
{
    return (size_t)1 << map->shard_bits;
}

static inline struct shard *shard_of_number(const struct msc_shardmap *map, uint64_t number)
{
    return &map->shards[msc_hash_bucket(number, map->flavour.seed) >> (64 - map->shard_bits)];
}

static inline struct shard *shard_of(const struct msc_shardmap *map, const struct map_key *key)
{
    if (!flavour_key_has_bytes(key->kind))
        return shard_of_number(map, key->number);
    return &map->shards[flavour_hash(&map->flavour, key) >> (64 - map->shard_bits)];
}

static inline int shardmap_get(struct flavour *flavour, struct flavour_op *op)
{
    struct shard *shard = shard_of((struct msc_shardmap *)flavour, &op->key);
    latch_lock(&shard->latch);
    int error = locked_get(flavour, shard->core, op);
    latch_unlock(&shard->latch);
    return error;
}

static int shardmap_apply(struct flavour *flavour, struct flavour_op *op)
{
    struct shard *shard = shard_of((struct msc_shardmap *)flavour, &op->key);
    latch_lock(&shard->latch);
    int error = locked_apply(flavour, shard->core, op);
    latch_unlock(&shard->latch);
    return error;
}

static inline int shardmap_load_word(struct msc_shardmap *map, uint64_t word, void *out)
{
    struct shard *shard = shard_of_number(map, word);
    latch_lock(&shard->latch);
    int error = locked_load_word(&map->flavour, shard->core, word, out);
    latch_unlock(&shard->latch);
    return error;
}

static inline int shardmap_store_word(struct msc_shardmap *map, uint64_t word, const void *value)
{
    struct shard *shard = shard_of_number(map, word);
    locked_prefetch_word(shard->core, word);
    latch_lock(&shard->latch);
    int error = locked_store_word(&map->flavour, shard->core, word, value);
    latch_unlock(&shard->latch);
    return error;
}

FLAVOUR_LOAD_AND_STORE(shardmap)
FLAVOUR_VERBS(shardmap)

static uint64_t count_and_seq(struct msc_shardmap *map, uint64_t *seq)
{
    uint64_t count = 0;
    *seq = 0;
    for (size_t i = 0; i < shard_count(map); i++) {
        latch_lock(&map->shards[i].latch);
        count += map->shards[i].core->count;
        *seq += map->shards[i].core->seq;
        latch_unlock(&map->shards[i].latch);
    }
    return count;
}

size_t msc_shardmap_count(struct msc_shardmap *map)
{
    uint64_t seq;
    return map ? count_and_seq(map, &seq) : 0;
}

/* ---- clear: with all locks, in the order of the shards ---- */

static void lock_all(struct msc_shardmap *map)
{
    for (size_t i = 0; i < shard_count(map); i++)
        latch_lock(&map->shards[i].latch);
}

static void unlock_all(struct msc_shardmap *map)
{
    for (size_t i = 0; i < shard_count(map); i++)
        latch_unlock(&map->shards[i].latch);
}

/*
 * One modification of all shards: its number is above all that were and below all that come, in each of them.
 * Returns it.
 */
static uint64_t erase_all(struct msc_shardmap *map, uint64_t *count)
{
    uint64_t seq = 0;
    for (size_t i = 0; i < shard_count(map); i++) {
        struct msc_map *core = map->shards[i].core;
        *count += core->count;
        map_erase_all(core);
        seq = core->seq > seq ? core->seq : seq;
    }
    for (size_t i = 0; i < shard_count(map); i++)
        map->shards[i].core->seq = seq;
    return locked_number(map->shards[shard_count(map) - 1].core, seq);
}

int msc_shardmap_clear(struct msc_shardmap *map)
{
    if (!map)
        return -EINVAL;
    bool traced = msc_gate_on(MSC_EVENT_MAP_CLEAR);
    struct msc_ev_map_op event = {0};
    lock_all(map);
    event.begin_ns = traced ? clock_now_ns() : 0;
    event.seq = erase_all(map, &event.count);
    event.end_ns = traced ? clock_now_ns() : 0;
    unlock_all(map);
    if (traced)
        flavour_trace_clear(&map->flavour, &event, STACK_HERE());
    return 0;
}

static int visit_shards(struct msc_shardmap *map, msc_visit_fn *visit, void *context, uint64_t *visited)
{
    int stop = 0;
    for (size_t i = 0; i < shard_count(map) && !stop; i++) {
        latch_lock(&map->shards[i].latch);
        stop = locked_range(&map->flavour, map->shards[i].core, visit, context, visited);
        latch_unlock(&map->shards[i].latch);
    }
    return stop;
}

int msc_shardmap_range(struct msc_shardmap *map, msc_visit_fn *visit, void *context)
{
    if (!map || !visit)
        return -EINVAL;
    struct flavour_iter iter;
    uint64_t seq, count = count_and_seq(map, &seq);
    flavour_iter_begin(&map->flavour, &iter, count, seq, STACK_HERE());
    int stop = visit_shards(map, visit, context, &iter.visited);
    count = count_and_seq(map, &seq);
    flavour_iter_end(&map->flavour, &iter, count, seq, STACK_HERE());
    return stop;
}

/* ---- life ---- */

static uint32_t shard_bits_here(void)
{
    long processors = sysconf(_SC_NPROCESSORS_CONF);
    uint32_t bits = SHARD_BITS_MIN;
    while (bits < SHARD_BITS_MAX && (1L << bits) < processors * SHARDS_PER_PROCESSOR)
        bits++;
    return bits;
}

static void destroy_shards(struct msc_shardmap *map)
{
    for (size_t i = 0; i < shard_count(map) && map->shards[i].core; i++) {
        latch_fini(&map->shards[i].latch);
        msc_map_destroy(map->shards[i].core);
    }
    memory.release(map->block);
}

static int create_shards(struct msc_shardmap *map)
{
    map->shard_bits = shard_bits_here();
    map->flavour.latches = (uint32_t)shard_count(map);
    map->shards = flavour_allocate_lines(shard_count(map) * sizeof *map->shards, &map->block);
    int error = map->shards ? 0 : -ENOMEM;
    for (size_t i = 0; i < shard_count(map) && !error; i++) {
        size_t hint = map->flavour.hint >> map->shard_bits;
        error = locked_create(&map->flavour, hint, map->shard_bits, i, &map->shards[i].core);
        if (!error)
            latch_init(&map->shards[i].latch, &map->flavour);
    }
    if (error && map->shards)
        destroy_shards(map);
    return error;
}

FLAVOUR_ENTRIES(shardmap)

int msc_shardmap_create(const struct msc_map_options *options, struct msc_shardmap **out)
{
    struct msc_shardmap *map;
    int error =
        flavour_create(sizeof *map, MSC_FLAVOR_SHARDMAP, shardmap_entries, options, (struct flavour **)(void *)&map);
    if (error)
        return error;
    error = create_shards(map);
    if (error) {
        flavour_destroy(&map->flavour);
        return error;
    }
    flavour_born(&map->flavour, __builtin_return_address(0), STACK_HERE());
    *out = map;
    return 0;
}

void msc_shardmap_destroy(struct msc_shardmap *map)
{
    if (!map)
        return;
    if (msc_gate_on(MSC_EVENT_MAP_FREE))
        flavour_trace_free(&map->flavour, STACK_HERE());
    destroy_shards(map);
    flavour_destroy(&map->flavour);
}
