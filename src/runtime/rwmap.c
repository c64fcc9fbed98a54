/* See mapscope/rwmap.h: a msc_map (locked.h) behind a reader-writer lock (stripe.h). */
#include "mapscope/rwmap.h"

#include "runtime/flavour_verbs.h"
#include "runtime/locked.h"
#include "runtime/map_trace.h"
#include "runtime/stripe.h"

struct msc_rwmap {
    struct flavour flavour;
    struct msc_map *core;
    struct stripe_lock lock;
};

static inline int rwmap_get(struct flavour *flavour, struct flavour_op *op)
{
    struct msc_rwmap *map = (struct msc_rwmap *)flavour;
    struct stripe *stripe = stripe_read_lock(&map->lock);
    int error = locked_get(flavour, map->core, op);
    stripe_read_unlock(&map->lock, stripe);
    return error;
}

static int rwmap_apply(struct flavour *flavour, struct flavour_op *op)
{
    struct msc_rwmap *map = (struct msc_rwmap *)flavour;
    if (op->verb == VERB_LOAD)
        return rwmap_get(flavour, op);
    stripe_write_lock(&map->lock);
    int error = locked_apply(flavour, map->core, op);
    stripe_write_unlock(&map->lock);
    return error;
}

static inline int rwmap_load_word(struct msc_rwmap *map, uint64_t word, void *out)
{
    struct stripe *stripe = stripe_read_lock(&map->lock);
    int error = locked_load_word(&map->flavour, map->core, word, out);
    stripe_read_unlock(&map->lock, stripe);
    return error;
}

static inline int rwmap_store_word(struct msc_rwmap *map, uint64_t word, const void *value)
{
    locked_prefetch_word(map->core, word);
    stripe_write_lock(&map->lock);
    int error = locked_store_word(&map->flavour, map->core, word, value);
    stripe_write_unlock(&map->lock);
    return error;
}

FLAVOUR_LOAD_AND_STORE(rwmap)
FLAVOUR_VERBS(rwmap)

size_t msc_rwmap_count(struct msc_rwmap *map)
{
    if (!map)
        return 0;
    struct stripe *stripe = stripe_read_lock(&map->lock);
    size_t count = map->core->count;
    stripe_read_unlock(&map->lock, stripe);
    return count;
}

int msc_rwmap_clear(struct msc_rwmap *map)
{
    if (!map)
        return -EINVAL;
    struct msc_ev_map_op event = {0};
    stripe_write_lock(&map->lock);
    if (msc_gate_on(MSC_EVENT_MAP_CLEAR))
        map_erase_all_described(map->core, &event);
    else
        map_erase_all(map->core);
    stripe_write_unlock(&map->lock);
    if (event.end_ns)
        map_trace_op(MSC_EVENT_MAP_CLEAR, &event, STACK_HERE());
    return 0;
}

/* Nobody writes meanwhile, so that both events can have the count and the number. */
int msc_rwmap_range(struct msc_rwmap *map, msc_visit_fn *visit, void *context)
{
    if (!map || !visit)
        return -EINVAL;
    struct flavour_iter iter;
    struct stripe *stripe = stripe_stay(&map->lock);
    uint64_t count = map->core->count, seq = map->core->seq;
    flavour_iter_begin(&map->flavour, &iter, count, seq, STACK_HERE());
    int stop = locked_range(&map->flavour, map->core, visit, context, &iter.visited);
    stripe_stay_end(&map->lock, stripe);
    flavour_iter_end(&map->flavour, &iter, count, seq, STACK_HERE());
    return stop;
}

FLAVOUR_ENTRIES(rwmap)

int msc_rwmap_create(const struct msc_map_options *options, struct msc_rwmap **out)
{
    struct msc_rwmap *map;
    int error = flavour_create(sizeof *map, MSC_FLAVOR_RWMAP, rwmap_entries, options, (struct flavour **)(void *)&map);
    if (error)
        return error;
    error = locked_create(&map->flavour, map->flavour.hint, 0, 0, &map->core);
    if (!error)
        error = stripe_init(&map->lock, &map->flavour);
    if (error) {
        msc_map_destroy(map->core);
        flavour_destroy(&map->flavour);
        return error;
    }
    flavour_born(&map->flavour, __builtin_return_address(0), STACK_HERE());
    *out = map;
    return 0;
}

void msc_rwmap_destroy(struct msc_rwmap *map)
{
    if (!map)
        return;
    if (msc_gate_on(MSC_EVENT_MAP_FREE))
        flavour_trace_free(&map->flavour, STACK_HERE());
    stripe_fini(&map->lock);
    msc_map_destroy(map->core);
    flavour_destroy(&map->flavour);
}
