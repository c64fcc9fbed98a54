/*
 * The provider `mapscope` in LTTng's own macros: each event of docs/events.md, its fields in order.
 *
 * Included many times over, by LTTng's headers (probes.c) and as a table (tracer.c), which is why there is
 * no include guard. Every probe takes one pointer to the record of runtime/event.h, so that one emit
 * function serves all events. tests/e2e/test_events_schema.sh holds this file against docs/events.md.
 */
#include "runtime/event.h"

/* LAYOUT(name, record, fields...): a list of fields over `struct msc_ev_<record>`. */
#undef LAYOUT
#define LAYOUT(name, type, ...)                                                                                        \
    LTTNG_UST_TRACEPOINT_EVENT_CLASS(mapscope, name, LTTNG_UST_TP_ARGS(const struct msc_ev_##type *, record),          \
                                     LTTNG_UST_TP_FIELDS(__VA_ARGS__))

/* EVENT(name, layout, record): an event of that layout. */
#undef EVENT
#define EVENT(name, layout, type)                                                                                      \
    LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(mapscope, layout, mapscope, name,                                              \
                                        LTTNG_UST_TP_ARGS(const struct msc_ev_##type *, record))

#undef U32
#undef U64
#undef HEX
#undef TEXT
#undef STACK
#undef MAP
#undef LOCK
#define U32(field) lttng_ust_field_integer(uint32_t, field, record->field)
#define U64(field) lttng_ust_field_integer(uint64_t, field, record->field)
#define HEX(field) lttng_ust_field_integer_hex(uint64_t, field, record->field) /* addresses, hashes, ids of keys */
#define TEXT(field) lttng_ust_field_string(field, record->field)
#define STACK() lttng_ust_field_sequence_hex(unsigned long, stack, record->stack.pcs, uint32_t, record->stack.count)
#define MAP() HEX(map) U64(map_gen)
#define LOCK() HEX(lock) U64(lock_gen)

/* clang-format off */
LAYOUT(map_life, map_life,
    MAP() TEXT(name) U32(flavor) U32(flags) U32(key_size) U32(value_size) U64(hint) U32(B) HEX(hash0) U64(count)
    STACK())
EVENT(map_alloc, map_life, map_life)
EVENT(map_free, map_life, map_life)

LAYOUT(map_grow, map_grow,
    MAP() U64(seq) U32(old_B) U32(new_B) U32(noverflow) U64(count) U32(same_size) U64(bytes))
EVENT(map_grow, map_grow, map_grow)

LAYOUT(map_grow_end, map_grow_end,
    MAP() U64(seq) U64(moved) U64(steps) U64(evac_ns))
EVENT(map_grow_end, map_grow_end, map_grow_end)

/* The key is a sequence of bytes: any byte survives, and readers agree on an empty one. */
LAYOUT(map_assign, map_assign,
    MAP() U64(seq) HEX(key_id) U32(rate) HEX(hash) U32(tophash) U64(bucket) U64(begin_ns) U64(end_ns)
    U32(inserted) U32(overflow) U64(version) U32(evac_moved) U64(evac_ns) HEX(scope) HEX(action)
    lttng_ust_field_sequence(uint8_t, key, record->key, uint32_t, record->key_len)
    STACK())
EVENT(map_assign, map_assign, map_assign)

/* The three differ in the name of their result. */
#undef MAP_OP
#define MAP_OP(result)                                                  \
    MAP() U64(seq) HEX(key_id) U32(rate) U64(begin_ns) U64(end_ns) result \
    U64(version) HEX(scope) HEX(action) STACK()
LAYOUT(map_access, map_op, MAP_OP(lttng_ust_field_integer(uint32_t, hit, record->found)))
LAYOUT(map_delete, map_op, MAP_OP(U32(found)))
LAYOUT(map_clear, map_op, MAP_OP(U64(count)))
EVENT(map_access, map_access, map_op)
EVENT(map_delete, map_delete, map_op)
EVENT(map_clear, map_clear, map_op)

LAYOUT(map_iter, map_iter,
    MAP() HEX(iter) U64(count) U64(visited) U32(grew) U32(mutated) HEX(action) STACK())
EVENT(map_iter_begin, map_iter, map_iter)
EVENT(map_iter_end, map_iter, map_iter)

LAYOUT(map_fault, map_fault,
    MAP() U32(kind) HEX(key_id) U32(tid) U32(other_tid) HEX(other_pc) STACK())
EVENT(map_fault, map_fault, map_fault)

LAYOUT(map_copy, map_copy,
    HEX(src) U64(src_gen) HEX(dst) U64(dst_gen) U64(handle) U64(count) U32(deep) HEX(action) STACK())
EVENT(map_clone, map_copy, map_copy)
EVENT(map_alias, map_copy, map_copy)
EVENT(map_swap, map_copy, map_copy)
EVENT(map_inventory, map_life, map_life)

LAYOUT(syncmap_promote, syncmap_promote,
    MAP() U64(misses) U64(dirty_len))
EVENT(syncmap_promote, syncmap_promote, syncmap_promote)

LAYOUT(map_writer_timeout, map_writer_timeout,
    MAP() HEX(key_id) U64(waited_ns))
EVENT(map_writer_timeout, map_writer_timeout, map_writer_timeout)

LAYOUT(reclaim_stall, reclaim_stall,
    U32(reader_tid) U64(pending_bytes) U64(waited_ns))
EVENT(reclaim_stall, reclaim_stall, reclaim_stall)

LAYOUT(defer_push, defer_push,
    HEX(action) HEX(scope) HEX(fn) MAP() HEX(key_id) U64(version) STACK())
EVENT(defer_push, defer_push, defer_push)

LAYOUT(defer_run, defer_run,
    HEX(action) HEX(scope) HEX(fn) MAP() HEX(key_id) U64(version) U32(handed_over))
EVENT(defer_run_begin, defer_run, defer_run)
EVENT(defer_run_end, defer_run, defer_run)

LAYOUT(lock_wait, lock_wait,
    LOCK() TEXT(name) U32(kind) U32(mode) U64(begin_ns) U64(wait_ns) U64(weight) U32(result) U32(owner_tid)
    U64(hold_seq) STACK())
EVENT(lock_wait, lock_wait, lock_wait)

LAYOUT(lock_release, lock_release,
    LOCK() TEXT(name) U32(kind) U32(mode) U64(release_ns) U64(contended_ns) U64(charge_ns) U64(handoff_ns)
    U32(waiters) U64(hold_seq) U64(weight) STACK())
EVENT(lock_release, lock_release, lock_release)

LAYOUT(lock_hold, lock_hold,
    LOCK() TEXT(name) U32(kind) U32(mode) U64(begin_ns) U64(hold_ns) U64(hold_seq) U64(weight) STACK())
EVENT(lock_hold, lock_hold, lock_hold)

LAYOUT(lock_totals, lock_totals,
    LOCK() TEXT(name) U32(kind) HEX(map) HEX(site) U64(ops) U64(contentions) U64(wait_ns) U64(charge_ns) U64(handoff_ns) U64(max_ns)
    U64(dropped))
EVENT(lock_totals, lock_totals, lock_totals)

LAYOUT(lock_inventory, lock_totals,
    U32(round) LOCK() TEXT(name) U32(kind) HEX(map) HEX(site) U64(ops) U64(contentions) U64(wait_ns) U64(charge_ns)
    U64(handoff_ns) U64(max_ns) U64(dropped))
EVENT(lock_inventory, lock_inventory, lock_totals)

LAYOUT(cond_signal, cond_signal,
    HEX(cond) LOCK() U64(begin_ns) U32(woken) STACK())
EVENT(cond_signal, cond_signal, cond_signal)

LAYOUT(thread, thread,
    TEXT(name) U32(creator) HEX(start))
EVENT(thread_start, thread, thread)
EVENT(thread_exit, thread, thread)

LAYOUT(sampler_config, sampler_config,
    U32(map_rate) U32(mutex_mode) U64(mutex_fraction) U64(mutex_rate_ns))
EVENT(sampler_config, sampler_config, sampler_config)

LAYOUT(note, note,
    HEX(id) TEXT(category) TEXT(message) U32(truncated))
EVENT(region_begin, note, note)
EVENT(region_end, note, note)
EVENT(log, note, note)
EVENT(variant, note, note)
/* clang-format on */
