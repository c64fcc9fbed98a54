/* The peer of bench/tracepoint.c: an event with the payload of mapscope:map_assign, as LTTng's manual writes one. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER mapscope_bench
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "bench/tracepoint_bare.h"

#if !defined(BENCH_TRACEPOINT_BARE_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define BENCH_TRACEPOINT_BARE_H

#include <lttng/tracepoint.h>

#include "runtime/event.h"

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT(mapscope_bench, assign,
    LTTNG_UST_TP_ARGS(const struct msc_ev_map_assign *, record),
    LTTNG_UST_TP_FIELDS(
        lttng_ust_field_integer_hex(uint64_t, map, record->map)
        lttng_ust_field_integer(uint64_t, map_gen, record->map_gen)
        lttng_ust_field_integer(uint64_t, seq, record->seq)
        lttng_ust_field_integer_hex(uint64_t, key_id, record->key_id)
        lttng_ust_field_integer(uint32_t, rate, record->rate)
        lttng_ust_field_integer_hex(uint64_t, hash, record->hash)
        lttng_ust_field_integer(uint32_t, tophash, record->tophash)
        lttng_ust_field_integer(uint64_t, bucket, record->bucket)
        lttng_ust_field_integer(uint64_t, begin_ns, record->begin_ns)
        lttng_ust_field_integer(uint64_t, end_ns, record->end_ns)
        lttng_ust_field_integer(uint32_t, inserted, record->inserted)
        lttng_ust_field_integer(uint32_t, overflow, record->overflow)
        lttng_ust_field_integer(uint64_t, version, record->version)
        lttng_ust_field_integer(uint32_t, evac_moved, record->evac_moved)
        lttng_ust_field_integer(uint64_t, evac_ns, record->evac_ns)
        lttng_ust_field_integer_hex(uint64_t, scope, record->scope)
        lttng_ust_field_integer_hex(uint64_t, action, record->action)
        lttng_ust_field_sequence(uint8_t, key, record->key, uint32_t, record->key_len)
        lttng_ust_field_sequence_hex(unsigned long, stack, record->stack.pcs, uint32_t, record->stack.count)
    )
)
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
