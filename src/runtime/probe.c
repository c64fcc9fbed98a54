/*
 * Events of hash tables that are not ours. See mapscope/probe.h.
 *
 * The macros ask gates of their own, exported: an executable that uses them may hold the array itself (a copy
 * relocation), so here it is reached like any other variable that can be replaced, and the tracer is told where it is
 * at run time. The maps' gates stay hidden, and so one load away.
 */
#include "mapscope/probe.h"

#include <errno.h>

#include "base/clock.h"
#include "runtime/emit.h"
#include "runtime/key_id.h"
#include "runtime/object.h"
#include "runtime/stack.h"
#include "runtime/thread.h"

struct msc_probe_gate msc_probe_gates[MSC_PROBE_EVENTS];

_Static_assert(sizeof(struct msc_probe_gate) == sizeof(union msc_gate), "one gate is as good as the other");
_Static_assert(offsetof(struct msc_probe_gate, on) == MSC_GATE_STATE_OFFSET, "one gate is as good as the other");
_Static_assert((int)MSC_PROBE_ALLOC == (int)MSC_EVENT_MAP_ALLOC &&
                   (int)MSC_PROBE_ITER_END == (int)MSC_EVENT_MAP_ITER_END,
               "probes are the first events, in their order");

union msc_gate *msc_emit_probe_gates(size_t *count)
{
    *count = MSC_PROBE_EVENTS;
    return (union msc_gate *)(void *)msc_probe_gates;
}

static uint64_t address_of(const struct msc_probe *probe)
{
    return (uint64_t)(uintptr_t)probe;
}

uint64_t msc_probe_clock(void)
{
    return clock_now_ns();
}

/* ---- life ---- */

static void emit_life(enum msc_event event, const struct msc_probe *probe, const struct msc_probe_options *options,
                      uint64_t count, struct msc_stack stack)
{
    struct msc_ev_map_life life = {
        .map = address_of(probe),
        .map_gen = probe->generation,
        .name = probe->name,
        .flavor = MSC_FLAVOR_FOREIGN,
        .flags = probe->flags,
        .key_size = probe->key_size,
        .value_size = probe->value_size,
        .hint = options->hint,
        .B = options->B,
        .count = count,
        .stack = stack,
    };
    msc_emit(event, &life);
}

/* Of a table that is older than its audience (emit.h): it is there; what is in it is not asked. */
static void introduce(const struct msc_probe *probe)
{
    static const struct msc_probe_options unknown;
    uint32_t *told = &((struct msc_probe *)(uintptr_t)probe)->told; /* all that a look-up changes */
    uintptr_t site = (uintptr_t)probe->site;
    if (msc_gate_on(MSC_EVENT_MAP_INVENTORY) && emit_is_news(told))
        emit_life(MSC_EVENT_MAP_INVENTORY, probe, &unknown, MSC_COUNT_UNKNOWN, (struct msc_stack){&site, site != 0});
}

void msc_probe_alloc(struct msc_probe *probe, const struct msc_probe_options *options)
{
    static const struct msc_probe_options none = {.struct_size = sizeof none};
    const struct msc_probe_options *given = options && options->struct_size >= sizeof none ? options : &none;
    *probe = (struct msc_probe){
        .generation = object_generation(),
        .name = given->name ? given->name : "",
        .flags = given->flags & MSC_PROBE_WEAK_ID ? MSC_MAP_WEAK_ID : 0,
        .key_size = given->key_size,
        .value_size = given->value_size,
        .site = __builtin_return_address(0),
    };
    if (!msc_gate_on(MSC_EVENT_MAP_ALLOC))
        return;
    uintptr_t pcs[MSC_STACK_MAX];
    probe->told = emit_audience_now();
    emit_life(MSC_EVENT_MAP_ALLOC, probe, given, 0, stack_capture_from(pcs, STACK_HERE()));
}

void msc_probe_free(struct msc_probe *probe, uint64_t count)
{
    static const struct msc_probe_options unknown;
    if (!probe->generation)
        return;
    uintptr_t pcs[MSC_STACK_MAX];
    emit_life(MSC_EVENT_MAP_FREE, probe, &unknown, count, stack_capture_from(pcs, STACK_HERE()));
    probe->generation = 0;
}

/* ---- operations ---- */

/*
 * The number of the next modification. Whoever calls has the table for itself, so nothing is locked: two that
 * have not may get one number, and that is how they are found out.
 */
static uint64_t next_seq(struct msc_probe *probe)
{
    uint64_t seq = __atomic_load_n(&probe->seq, __ATOMIC_RELAXED) + 1;
    __atomic_store_n(&probe->seq, seq, __ATOMIC_RELAXED);
    return seq;
}

static uint64_t last_seq(const struct msc_probe *probe)
{
    return __atomic_load_n(&probe->seq, __ATOMIC_RELAXED);
}

/* 0 = it took no time. */
static uint64_t begin_of(uint64_t began_ns, uint64_t end_ns)
{
    return began_ns && began_ns < end_ns ? began_ns : end_ns;
}

uint64_t msc_probe_assign(struct msc_probe *probe, uint64_t began_ns, const void *key, size_t length, int inserted)
{
    if (!probe->generation)
        return 0;
    uint64_t seq = next_seq(probe), key_id = key_id_of(key, length);
    if (!key_is_kept(key, length))
        return seq;
    introduce(probe);
    uintptr_t pcs[MSC_STACK_MAX];
    struct msc_ev_map_assign event = {
        .map = address_of(probe),
        .map_gen = probe->generation,
        .seq = seq,
        .key_id = key_id,
        .rate = config_map_rate(),
        .end_ns = clock_now_ns(),
        .inserted = inserted != 0,
        .version = seq,
        .scope = thread_self.scope,
        .action = thread_self.action,
        .key = config.record_keys ? key : NULL,
        .key_len = config.record_keys ? (uint32_t)(length < UINT32_MAX ? length : UINT32_MAX) : 0,
        .stack = stack_capture_from(pcs, STACK_HERE()),
    };
    event.begin_ns = begin_of(began_ns, event.end_ns);
    msc_emit(MSC_EVENT_MAP_ASSIGN, &event);
    return seq;
}

/* What access, delete and clear have in common. */
static struct msc_ev_map_op describe(const struct msc_probe *probe, uint64_t began_ns)
{
    introduce(probe);
    uint64_t end_ns = clock_now_ns();
    return (struct msc_ev_map_op){
        .map = address_of(probe),
        .map_gen = probe->generation,
        .rate = config_map_rate(),
        .begin_ns = begin_of(began_ns, end_ns),
        .end_ns = end_ns,
        .scope = thread_self.scope,
        .action = thread_self.action,
    };
}

void msc_probe_access(const struct msc_probe *probe, uint64_t began_ns, const void *key, size_t length, int hit,
                      uint64_t version)
{
    uint64_t key_id = key_id_of(key, length);
    if (!probe->generation || !key_is_kept(key, length))
        return;
    struct msc_ev_map_op event = describe(probe, began_ns);
    event.seq = last_seq(probe);
    event.key_id = key_id;
    event.found = hit != 0;
    event.version = hit ? version : 0;
    msc_emit(MSC_EVENT_MAP_ACCESS, &event);
}

void msc_probe_delete(struct msc_probe *probe, uint64_t began_ns, const void *key, size_t length, int found,
                      uint64_t version)
{
    if (!probe->generation)
        return;
    uint64_t seq = found ? next_seq(probe) : last_seq(probe), key_id = key_id_of(key, length);
    if (!key_is_kept(key, length))
        return;
    uintptr_t pcs[MSC_STACK_MAX];
    struct msc_ev_map_op event = describe(probe, began_ns);
    event.seq = seq;
    event.key_id = key_id;
    event.found = found != 0;
    event.version = found ? version : 0;
    event.stack = stack_capture_from(pcs, STACK_HERE());
    msc_emit(MSC_EVENT_MAP_DELETE, &event);
}

void msc_probe_clear(struct msc_probe *probe, uint64_t began_ns, uint64_t count)
{
    if (!probe->generation)
        return;
    uintptr_t pcs[MSC_STACK_MAX];
    struct msc_ev_map_op event = describe(probe, began_ns);
    event.seq = next_seq(probe);
    event.found = 1;
    event.count = count;
    event.stack = stack_capture_from(pcs, STACK_HERE());
    msc_emit(MSC_EVENT_MAP_CLEAR, &event);
}

/* ---- growth and iteration ---- */

void msc_probe_grow(struct msc_probe *probe, uint32_t old_B, uint32_t new_B, uint64_t count, uint64_t bytes)
{
    if (!probe->generation)
        return;
    introduce(probe);
    struct msc_ev_map_grow event = {
        .map = address_of(probe),
        .map_gen = probe->generation,
        .seq = last_seq(probe),
        .old_B = old_B,
        .new_B = new_B,
        .count = count,
        .same_size = old_B == new_B,
        .bytes = bytes,
    };
    msc_emit(MSC_EVENT_MAP_GROW, &event);
}

void msc_probe_grow_end(struct msc_probe *probe, uint64_t moved)
{
    if (!probe->generation)
        return;
    struct msc_ev_map_grow_end event = {
        .map = address_of(probe), .map_gen = probe->generation, .seq = last_seq(probe), .moved = moved};
    msc_emit(MSC_EVENT_MAP_GROW_END, &event);
}

static void emit_iter(enum msc_event kind, const struct msc_probe *probe, const struct msc_ev_map_iter *about,
                      const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    struct msc_ev_map_iter event = *about;
    event.map = address_of(probe);
    event.map_gen = probe->generation;
    event.action = thread_self.action;
    event.stack = stack_capture_from(pcs, frame);
    msc_emit(kind, &event);
}

struct msc_probe_iter msc_probe_iter_begin(const struct msc_probe *probe, uint64_t count)
{
    struct msc_probe_iter iter = {0};
    if (!probe->generation || !msc_gate_on(MSC_EVENT_MAP_ITER_BEGIN))
        return iter;
    introduce(probe);
    iter = (struct msc_probe_iter){.id = thread_unique_id(), .seq = last_seq(probe)};
    struct msc_ev_map_iter about = {.iter = iter.id, .count = count};
    emit_iter(MSC_EVENT_MAP_ITER_BEGIN, probe, &about, STACK_HERE());
    return iter;
}

void msc_probe_iter_end(const struct msc_probe *probe, struct msc_probe_iter iter, uint64_t count, uint64_t visited)
{
    if (!probe->generation || !iter.id)
        return;
    struct msc_ev_map_iter about = {
        .iter = iter.id, .count = count, .visited = visited, .mutated = iter.seq != last_seq(probe)};
    emit_iter(MSC_EVENT_MAP_ITER_END, probe, &about, STACK_HERE());
}
