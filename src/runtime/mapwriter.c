/*
 * See mapscope/mapwriter.h. Start reading at enter.
 *
 * The latch guards the map for as long as an operation takes; a range lasts longer, so it only counts itself and the
 * map stays as it is while the count is not 0. Who waits for that count, a cancel, or waiting writers (a range lets
 * them go first) sleeps on `changes`, which everything that may concern it increments.
 */
#include "mapscope/mapwriter.h"

#include "runtime/flavour_verbs.h"
#include "runtime/futex.h"
#include "runtime/latch.h"
#include "runtime/locked.h"
#include "runtime/map_trace.h"

struct msc_mapwriter {
    struct flavour flavour;
    struct msc_map *core;
    _Alignas(64) struct latch latch;
    uint32_t ranges;                  /* under way; under the lock */
    _Atomic uint32_t waiting_writers; /* for ranges to end */
    _Atomic uint32_t changes;
};

/* An operation that writes. */
struct write {
    struct flavour_op op; /* first */
    const struct msc_write_limit *limit;
    uint64_t begin_ns, deadline_ns; /* 0 and FUTEX_FOREVER without a limit */
};

/* ---- waiting ---- */

static void announce(struct msc_mapwriter *map)
{
    atomic_fetch_add_explicit(&map->changes, 1, memory_order_seq_cst);
    futex_wake_all(&map->changes);
}

/* Acquire pairs with the release in msc_mapwriter_cancel. */
static bool is_cancelled(const struct write *write)
{
    return write->limit && write->limit->cancel &&
           __atomic_load_n(&write->limit->cancel->msc_fired, __ATOMIC_ACQUIRE) != 0;
}

static bool is_late(const struct write *write)
{
    return write->deadline_ns != FUTEX_FOREVER && clock_monotonic_ns() >= write->deadline_ns;
}

/* With the lock, while ranges are under way. 0 with the lock, or without it -ETIMEDOUT or -ECANCELED. */
static int wait_for_ranges(struct msc_mapwriter *map, const struct write *write)
{
    int error = 0;
    atomic_fetch_add_explicit(&map->waiting_writers, 1, memory_order_seq_cst);
    while (map->ranges) {
        uint32_t changes = atomic_load_explicit(&map->changes, memory_order_seq_cst);
        latch_unlock(&map->latch);
        error = is_cancelled(write) ? -ECANCELED : is_late(write) ? -ETIMEDOUT : 0;
        if (!error) {
            futex_wait(&map->changes, changes, write->deadline_ns);
            error = latch_lock_until(&map->latch, write->deadline_ns);
        }
        if (error)
            break;
    }
    atomic_fetch_sub_explicit(&map->waiting_writers, 1, memory_order_seq_cst);
    announce(map); /* a range may have waited for us */
    return error;
}

/* The map is the writer's: 0 with the lock. Else without it, and the map is as it was. */
static int enter(struct msc_mapwriter *map, struct write *write)
{
    write->deadline_ns = FUTEX_FOREVER;
    if (write->limit && write->limit->timeout_ns != MSC_NO_TIMEOUT) {
        write->begin_ns = clock_monotonic_ns();
        if (__builtin_add_overflow(write->begin_ns, write->limit->timeout_ns, &write->deadline_ns))
            write->deadline_ns = FUTEX_FOREVER;
    }
    if (is_cancelled(write))
        return -ECANCELED;
    int error = latch_lock_until(&map->latch, write->deadline_ns);
    return !error && map->ranges ? wait_for_ranges(map, write) : error;
}

static FLAVOUR_COLD void trace_timeout(const struct msc_mapwriter *map, const struct write *write, uint64_t key_id)
{
    struct msc_ev_map_writer_timeout event = {
        .map = (uintptr_t)map,
        .map_gen = map->flavour.generation,
        .key_id = key_id,
        .waited_ns = clock_monotonic_ns() - write->begin_ns,
    };
    msc_emit(MSC_EVENT_MAP_WRITER_TIMEOUT, &event);
}

/* ---- verbs ---- */

static inline int mapwriter_get(struct flavour *flavour, struct flavour_op *op)
{
    struct msc_mapwriter *map = (struct msc_mapwriter *)flavour;
    latch_lock(&map->latch);
    int error = locked_get(flavour, map->core, op);
    latch_unlock(&map->latch);
    return error;
}

static int mapwriter_apply(struct flavour *flavour, struct flavour_op *op)
{
    struct msc_mapwriter *map = (struct msc_mapwriter *)flavour;
    if (op->verb == VERB_LOAD)
        return mapwriter_get(flavour, op);
    struct write *write = (struct write *)op;
    int error = enter(map, write);
    if (error) {
        if (error == -ETIMEDOUT && msc_gate_on(MSC_EVENT_MAP_WRITER_TIMEOUT))
            trace_timeout(map, write, flavour_key_id(flavour, &op->key));
        return error;
    }
    error = locked_apply(flavour, map->core, op);
    latch_unlock(&map->latch);
    return error;
}

static int load_word(struct msc_mapwriter *map, uint64_t word, void *out)
{
    latch_lock(&map->latch);
    int error = locked_load_word(&map->flavour, map->core, word, out);
    latch_unlock(&map->latch);
    return error;
}

int msc_mapwriter_load(struct msc_mapwriter *map, const void *key, void *out)
{
    if (flavour_takes_word((struct flavour *)map, key, MSC_EVENT_MAP_ACCESS))
        return load_word(map, *(const uint64_t *)key, out);
    struct flavour_op op = {.verb = VERB_LOAD, .out = out};
    return flavour_look_up((struct flavour *)map, key, &op, mapwriter_get, mapwriter_apply, STACK_HERE());
}

int msc_mapwriter_load_version(struct msc_mapwriter *map, const void *key, void *out, uint64_t *version)
{
    struct flavour_op op = {.verb = VERB_LOAD, .out = out, .wants_version = true};
    int error = flavour_look_up((struct flavour *)map, key, &op, mapwriter_get, mapwriter_apply, STACK_HERE());
    if (!error)
        *version = op.version;
    return error;
}

static inline __attribute__((always_inline)) int run(struct msc_mapwriter *map, const void *key, struct write *write,
                                                     const void *frame)
{
    return flavour_run((struct flavour *)map, key, &write->op, mapwriter_apply, frame);
}

int msc_mapwriter_store(struct msc_mapwriter *map, const void *key, const void *value,
                        const struct msc_write_limit *limit)
{
    struct write write = {.op = {.verb = VERB_STORE, .value = value}, .limit = limit};
    return run(map, key, &write, STACK_HERE());
}

int msc_mapwriter_swap(struct msc_mapwriter *map, const void *key, const void *value, void *out,
                       const struct msc_write_limit *limit)
{
    struct write write = {.op = {.verb = VERB_STORE, .value = value, .out = out}, .limit = limit};
    int error = run(map, key, &write, STACK_HERE());
    return error ? error : write.op.was_there;
}

int msc_mapwriter_load_or_store(struct msc_mapwriter *map, const void *key, const void *value, void *out,
                                const struct msc_write_limit *limit)
{
    struct write write = {.op = {.verb = VERB_LOAD_OR_STORE, .value = value, .out = out}, .limit = limit};
    int error = run(map, key, &write, STACK_HERE());
    return error ? error : write.op.was_there;
}

int msc_mapwriter_load_and_delete(struct msc_mapwriter *map, const void *key, void *out,
                                  const struct msc_write_limit *limit)
{
    struct write write = {.op = {.verb = VERB_DELETE, .out = out}, .limit = limit};
    return run(map, key, &write, STACK_HERE());
}

int msc_mapwriter_delete(struct msc_mapwriter *map, const void *key, const struct msc_write_limit *limit)
{
    struct write write = {.op = {.verb = VERB_DELETE}, .limit = limit};
    return run(map, key, &write, STACK_HERE());
}

int msc_mapwriter_compare_and_swap(struct msc_mapwriter *map, const void *key, const void *expected, const void *value,
                                   const struct msc_write_limit *limit)
{
    struct write write = {.op = {.verb = VERB_COMPARE_AND_SWAP, .expected = expected, .value = value}, .limit = limit};
    return run(map, key, &write, STACK_HERE());
}

int msc_mapwriter_compare_and_delete(struct msc_mapwriter *map, const void *key, const void *expected,
                                     const struct msc_write_limit *limit)
{
    struct write write = {.op = {.verb = VERB_COMPARE_AND_DELETE, .expected = expected}, .limit = limit};
    return run(map, key, &write, STACK_HERE());
}

int msc_mapwriter_store_version(struct msc_mapwriter *map, const void *key, uint64_t version, const void *value,
                                const struct msc_write_limit *limit)
{
    struct write write = {.op = {.verb = VERB_STORE_VERSION, .expected_version = version, .value = value},
                          .limit = limit};
    return run(map, key, &write, STACK_HERE());
}

int msc_mapwriter_delete_version(struct msc_mapwriter *map, const void *key, uint64_t version,
                                 const struct msc_write_limit *limit)
{
    struct write write = {.op = {.verb = VERB_DELETE_VERSION, .expected_version = version}, .limit = limit};
    return run(map, key, &write, STACK_HERE());
}

int msc_mapwriter_clear(struct msc_mapwriter *map, const struct msc_write_limit *limit)
{
    struct write write = {.limit = limit};
    int error = map ? enter(map, &write) : -EINVAL;
    if (error) {
        if (error == -ETIMEDOUT && msc_gate_on(MSC_EVENT_MAP_WRITER_TIMEOUT))
            trace_timeout(map, &write, 0);
        return error;
    }
    struct msc_ev_map_op event = {0};
    if (msc_gate_on(MSC_EVENT_MAP_CLEAR))
        map_erase_all_described(map->core, &event);
    else
        map_erase_all(map->core);
    latch_unlock(&map->latch);
    if (event.end_ns)
        map_trace_op(MSC_EVENT_MAP_CLEAR, &event, STACK_HERE());
    return 0;
}

void msc_mapwriter_cancel(struct msc_mapwriter *map, struct msc_cancel *cancel)
{
    __atomic_store_n(&cancel->msc_fired, 1, __ATOMIC_RELEASE);
    announce(map);
}

size_t msc_mapwriter_count(struct msc_mapwriter *map)
{
    if (!map)
        return 0;
    latch_lock(&map->latch);
    size_t count = map->core->count;
    latch_unlock(&map->latch);
    return count;
}

/* ---- ranges ---- */

static void range_begin(struct msc_mapwriter *map)
{
    latch_lock(&map->latch);
    while (atomic_load_explicit(&map->waiting_writers, memory_order_seq_cst)) {
        uint32_t changes = atomic_load_explicit(&map->changes, memory_order_seq_cst);
        latch_unlock(&map->latch);
        if (atomic_load_explicit(&map->waiting_writers, memory_order_seq_cst))
            futex_wait(&map->changes, changes, FUTEX_FOREVER);
        latch_lock(&map->latch);
    }
    map->ranges++;
    latch_unlock(&map->latch);
}

static void range_end(struct msc_mapwriter *map)
{
    latch_lock(&map->latch);
    bool last = --map->ranges == 0;
    latch_unlock(&map->latch);
    if (last)
        announce(map);
}

int msc_mapwriter_range(struct msc_mapwriter *map, msc_visit_fn *visit, void *context)
{
    if (!map || !visit)
        return -EINVAL;
    struct flavour_iter iter;
    range_begin(map);
    uint64_t count = map->core->count, seq = map->core->seq;
    flavour_iter_begin(&map->flavour, &iter, count, seq, STACK_HERE());
    int stop = locked_range(&map->flavour, map->core, visit, context, &iter.visited);
    range_end(map);
    flavour_iter_end(&map->flavour, &iter, count, seq, STACK_HERE());
    return stop;
}

/* ---- life ---- */

FLAVOUR_ENTRIES(mapwriter)

int msc_mapwriter_create(const struct msc_map_options *options, struct msc_mapwriter **out)
{
    struct msc_mapwriter *map;
    int error =
        flavour_create(sizeof *map, MSC_FLAVOR_MAPWRITER, mapwriter_entries, options, (struct flavour **)(void *)&map);
    if (error)
        return error;
    error = locked_create(&map->flavour, map->flavour.hint, 0, 0, &map->core);
    if (error) {
        flavour_destroy(&map->flavour);
        return error;
    }
    latch_init(&map->latch, &map->flavour);
    flavour_born(&map->flavour, __builtin_return_address(0), STACK_HERE());
    *out = map;
    return 0;
}

void msc_mapwriter_destroy(struct msc_mapwriter *map)
{
    if (!map)
        return;
    if (msc_gate_on(MSC_EVENT_MAP_FREE))
        flavour_trace_free(&map->flavour, STACK_HERE());
    latch_fini(&map->latch);
    msc_map_destroy(map->core);
    flavour_destroy(&map->flavour);
}
