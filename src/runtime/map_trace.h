/*
 * The events of msc_map: everything that runs only while somebody traces, out of line and cold.
 *
 * A call site asks its gate, then map_key_is_kept: which keys are kept follows from their bytes and the
 * rate, so a kept key keeps its whole history. `frame` is the STACK_HERE() of the public function.
 *
 * A map that was there before its audience (emit.h) is told of before the first event about it: map_inventory, once
 * an audience, by whoever is inside the map then. For everybody else that is three loads in each traced operation.
 */
#ifndef MSC_RUNTIME_MAP_TRACE_H
#define MSC_RUNTIME_MAP_TRACE_H

#include "runtime/event.h"
#include "runtime/key_id.h"
#include "runtime/map_core.h"

#define MAP_COLD __attribute__((cold, noinline))

/* Identity of a key in every event: keyed hash of its bytes, with the recording's seed. `map` may be NULL. */
uint64_t map_key_id(const struct msc_map *map, const struct map_key *key);

/* Whether the recording keeps this key, of a map of that type. One multiplication for a number, and no call. */
MSC_INLINE bool map_key_is_kept(const struct msc_map_type *type, const struct map_key *key)
{
    switch (key->kind) {
    case MSC_KEY_U64:
    case MSC_KEY_POINTER:
    case MSC_KEY_U32:
        return msc_key_start_is_kept(&key_sampling, msc_hash_bucket(key->number, key_sampling.seed));
    case MSC_KEY_CUSTOM:
        if (MSC_UNLIKELY(type->identity != NULL))
            return msc_key_start_is_kept(&key_sampling, type->identity(key->bytes, key_sampling.seed));
        return key_is_kept(key->bytes, key->length);
    default:
        return key_is_kept(key->bytes, key->length);
    }
}

/*
 * Carry out the operation and describe it, all but the stack: to be emitted once the map is left. Results as of
 * map_put and map_erase; after a failed put there is nothing to emit.
 */
MAP_COLD int map_put_described(struct msc_map *map, const struct map_key *key, uint64_t hash, const void *value,
                               struct msc_ev_map_assign *event);
MAP_COLD int map_erase_described(struct msc_map *map, const struct map_key *key, uint64_t hash, uint64_t version,
                                 struct msc_ev_map_op *event);
MAP_COLD void map_erase_all_described(struct msc_map *map, struct msc_ev_map_op *event);

/* Emit what was described, with the stack of `frame`. The first one also adds the key's bytes, if they are wanted. */
MAP_COLD void map_trace_assign(struct msc_ev_map_assign *event, const struct map_key *key, const void *frame);
MAP_COLD void map_trace_op(enum msc_event kind, struct msc_ev_map_op *event, const void *frame);

/* As map_find. */
MAP_COLD struct map_slot map_find_traced(const struct msc_map *map, const struct map_key *key, uint64_t hash);

MAP_COLD void map_trace_alloc(struct msc_map *map, const void *frame);
MAP_COLD void map_trace_free(const struct msc_map *map, const void *frame);

/* map_clone, map_alias or map_swap; `handles` for an alias. */
MAP_COLD void map_trace_copy(enum msc_event event, const struct msc_map *source, const struct msc_map *copy,
                             uint32_t handles, const void *frame);

/* While the new table is in place and noverflow still that of the old one. */
MAP_COLD void map_trace_grow(const struct msc_map *map);
MAP_COLD void map_trace_grow_end(const struct msc_map *map);

/* map_iter_begin or map_iter_end */
MAP_COLD void map_trace_iter(enum msc_event event, const struct msc_map_iter *iter, const void *frame);

#endif
