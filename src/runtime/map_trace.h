/*
 * The events of msc_map: everything that runs only while somebody traces, out of line and cold.
 *
 * A call site asks its gate and comes here. By-key sampling is decided here too: an operation is kept if
 * the key's id falls under the rate, so a kept key keeps its whole history. `frame` is the STACK_HERE() of the public
 * function.
 */
#ifndef MSC_RUNTIME_MAP_TRACE_H
#define MSC_RUNTIME_MAP_TRACE_H

#include "runtime/event.h"
#include "runtime/map_core.h"

#define MAP_COLD __attribute__((cold, noinline))

/* Identity of a key in every event: keyed hash of its bytes, with the recording's seed. */
uint64_t map_key_id(const struct map_key *key);

/* Carry out the operation as the writer, leave as the writer, emit. Results as map_put and map_erase. */
MAP_COLD int map_put_traced(struct msc_map *map, const struct map_key *key, const void *value, const void *frame);
MAP_COLD int map_erase_traced(struct msc_map *map, const struct map_key *key, uint64_t version, const void *frame);
MAP_COLD void map_erase_all_traced(struct msc_map *map, const void *frame);

/* As map_find. */
MAP_COLD struct map_slot map_find_traced(const struct msc_map *map, const struct map_key *key);

/* map_alloc or map_free */
MAP_COLD void map_trace_life(enum msc_event event, const struct msc_map *map, const void *frame);

/* While the new table is in place and noverflow still that of the old one. */
MAP_COLD void map_trace_grow(const struct msc_map *map);
MAP_COLD void map_trace_grow_end(const struct msc_map *map);

/* map_iter_begin or map_iter_end */
MAP_COLD void map_trace_iter(enum msc_event event, const struct msc_map_iter *iter, const void *frame);

/* `map` and `key` may be NULL. `other_tid` 0 = unknown. */
MAP_COLD void map_trace_fault(const struct msc_map *map, enum msc_fault_kind kind, const struct map_key *key,
                              uint32_t other_tid, const void *frame);

#endif
