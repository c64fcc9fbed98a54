/*
 * The records that the runtime hands to a tracer: one struct an event of docs/events.md.
 *
 * Records live on the emitting thread's stack for the length of one emit call; a tracer copies what it
 * keeps. Nothing here is shared with the collector: docs/events.md is all that both sides agree on.
 * Times are CLOCK_MONOTONIC nanoseconds. Stacks are return addresses, leaf first.
 */
#ifndef MSC_RUNTIME_EVENT_H
#define MSC_RUNTIME_EVENT_H

#include <stddef.h>
#include <stdint.h>

/* X(NAME, name): every event that the runtime emits today, in the order of docs/events.md. */
#define MSC_EVENTS(X)                                                                                                  \
    X(MAP_ALLOC, map_alloc)                                                                                            \
    X(MAP_FREE, map_free)                                                                                              \
    X(MAP_GROW, map_grow)                                                                                              \
    X(MAP_GROW_END, map_grow_end)                                                                                      \
    X(MAP_ASSIGN, map_assign)                                                                                          \
    X(MAP_ACCESS, map_access)                                                                                          \
    X(MAP_DELETE, map_delete)                                                                                          \
    X(MAP_CLEAR, map_clear)                                                                                            \
    X(MAP_ITER_BEGIN, map_iter_begin)                                                                                  \
    X(MAP_ITER_END, map_iter_end)                                                                                      \
    X(MAP_FAULT, map_fault)                                                                                            \
    X(MAP_CLONE, map_clone)                                                                                            \
    X(MAP_ALIAS, map_alias)                                                                                            \
    X(MAP_SWAP, map_swap)                                                                                              \
    X(MAP_INVENTORY, map_inventory)                                                                                    \
    X(SYNCMAP_PROMOTE, syncmap_promote)                                                                                \
    X(MAP_WRITER_TIMEOUT, map_writer_timeout)                                                                          \
    X(RECLAIM_STALL, reclaim_stall)                                                                                    \
    X(DEFER_PUSH, defer_push)                                                                                          \
    X(DEFER_RUN_BEGIN, defer_run_begin)                                                                                \
    X(DEFER_RUN_END, defer_run_end)                                                                                    \
    X(LOCK_WAIT, lock_wait)                                                                                            \
    X(LOCK_RELEASE, lock_release)                                                                                      \
    X(LOCK_HOLD, lock_hold)                                                                                            \
    X(LOCK_TOTALS, lock_totals)                                                                                        \
    X(LOCK_INVENTORY, lock_inventory)                                                                                  \
    X(COND_SIGNAL, cond_signal)                                                                                        \
    X(THREAD_START, thread_start)                                                                                      \
    X(THREAD_EXIT, thread_exit)                                                                                        \
    X(SAMPLER_CONFIG, sampler_config)                                                                                  \
    X(REGION_BEGIN, region_begin)                                                                                      \
    X(REGION_END, region_end)                                                                                          \
    X(LOG, log)                                                                                                        \
    X(VARIANT, variant)

enum msc_event {
#define MSC_EVENT_ENUM(NAME, name) MSC_EVENT_##NAME,
    MSC_EVENTS(MSC_EVENT_ENUM)
#undef MSC_EVENT_ENUM
        MSC_EVENT_COUNT
};

/* Longest stack that a record carries, in frames. */
#define MSC_STACK_MAX 64

/* Stands, outermost, for the frames that a stack lacks: it is longer, or the way to the thread's start was lost. */
#define MSC_STACK_CUT 1

struct msc_stack {
    const uintptr_t *pcs; /* return addresses, leaf first; the last may be MSC_STACK_CUT */
    uint32_t count;       /* 0 .. MSC_STACK_MAX */
};

/* 2^16 = 1: the number of occurrences that a sampled record stands for. */
#define MSC_WEIGHT_ONE (UINT64_C(1) << 16)

enum msc_map_flavor {
    MSC_FLAVOR_MAP = 0,
    MSC_FLAVOR_RWMAP = 1,
    MSC_FLAVOR_SYNCMAP = 2,
    MSC_FLAVOR_SHARDMAP = 3,
    MSC_FLAVOR_COWMAP = 4,
    MSC_FLAVOR_MAPWRITER = 5,
    MSC_FLAVOR_FOREIGN = 16,
};
enum msc_map_flag { MSC_MAP_WEAK_ID = 1 };
enum msc_lock_kind {
    MSC_LOCK_MUTEX = 0,
    MSC_LOCK_RWLOCK = 1,
    MSC_LOCK_SPIN = 2,
    MSC_LOCK_COND = 3, /* of a wait alone: a mutex, again after waiting for a condition variable */
    MSC_LOCK_MTX = 4,  /* of C11 */
};
enum msc_lock_mode { MSC_MODE_EXCLUSIVE = 0, MSC_MODE_SHARED = 1 };
enum msc_wait_result {
    MSC_WAIT_ACQUIRED = 0,
    MSC_WAIT_TIMEOUT = 1,
    MSC_WAIT_ERROR = 2,
    MSC_WAIT_CANCELLED = 3,
    MSC_WAIT_OWNER_DIED = 4, /* acquired: EOWNERDEAD */
};

/* Of map_inventory, where a table with probes is not asked how many entries it has. */
#define MSC_COUNT_UNKNOWN UINT64_MAX

/* map_alloc, map_free and map_inventory */
struct msc_ev_map_life {
    uint64_t map;     /* address */
    uint64_t map_gen; /* generation of that address */
    const char *name; /* never NULL */
    uint32_t flavor;
    uint32_t flags;
    uint32_t key_size; /* bytes; 0 = byte strings */
    uint32_t value_size;
    uint64_t hint;
    uint32_t B;
    uint64_t hash0;
    uint64_t count;
    struct msc_stack stack;
};

struct msc_ev_map_grow {
    uint64_t map;
    uint64_t map_gen;
    uint64_t seq;
    uint32_t old_B;
    uint32_t new_B;
    uint32_t noverflow;
    uint64_t count;
    uint32_t same_size; /* 0 or 1 */
    uint64_t bytes;     /* of the new bucket array */
};

struct msc_ev_map_grow_end {
    uint64_t map;
    uint64_t map_gen;
    uint64_t seq;
    uint64_t moved;   /* entries */
    uint64_t steps;   /* buckets evacuated */
    uint64_t evac_ns; /* 0 when the clock was off */
};

struct msc_ev_map_assign {
    uint64_t map;
    uint64_t map_gen;
    uint64_t seq;
    uint64_t key_id;
    uint32_t rate; /* 1/rate of the keys are kept */
    uint64_t hash;
    uint32_t tophash;
    uint64_t bucket;
    uint64_t begin_ns;
    uint64_t end_ns;
    uint32_t inserted; /* 1 = new key, 0 = overwritten */
    uint32_t overflow; /* overflow buckets walked */
    uint64_t version;
    uint32_t evac_moved;
    uint64_t evac_ns;
    uint64_t scope;  /* 0 = none */
    uint64_t action; /* 0 = none */
    const void *key; /* NULL unless keys are recorded */
    uint32_t key_len;
    struct msc_stack stack;
};

/* map_access, map_delete, map_clear: `found` is hit, found, and (for clear) 1; count is for clear. */
struct msc_ev_map_op {
    uint64_t map;
    uint64_t map_gen;
    uint64_t seq;
    uint64_t key_id;
    uint32_t rate;
    uint64_t begin_ns;
    uint64_t end_ns;
    uint32_t found;
    uint64_t count;
    uint64_t version; /* of the entry found; 0 = none */
    uint64_t scope;
    uint64_t action;
    struct msc_stack stack;
};

/* map_iter_begin and map_iter_end */
struct msc_ev_map_iter {
    uint64_t map;
    uint64_t map_gen;
    uint64_t iter;
    uint64_t count;   /* entries in the map */
    uint64_t visited; /* 0 at begin */
    uint32_t grew;
    uint32_t mutated;
    uint64_t action;
    struct msc_stack stack;
};

/* map_clone, map_alias and map_swap */
struct msc_ev_map_copy {
    uint64_t src;
    uint64_t src_gen;
    uint64_t dst;
    uint64_t dst_gen;
    uint64_t handle; /* map_alias: how many there are now */
    uint64_t count;  /* entries of src */
    uint32_t deep;   /* 1 = the entries were copied too */
    uint64_t action;
    struct msc_stack stack;
};

struct msc_ev_map_fault {
    uint64_t map;
    uint64_t map_gen;
    uint32_t kind; /* enum msc_fault_kind of mapscope/fault.h */
    uint64_t key_id;
    uint32_t tid;
    uint32_t other_tid; /* 0 = unknown */
    uint64_t other_pc;
    struct msc_stack stack;
};

struct msc_ev_syncmap_promote {
    uint64_t map;
    uint64_t map_gen;
    uint64_t misses;
    uint64_t dirty_len; /* entries */
};

struct msc_ev_map_writer_timeout {
    uint64_t map;
    uint64_t map_gen;
    uint64_t key_id;
    uint64_t waited_ns;
};

struct msc_ev_reclaim_stall {
    uint32_t reader_tid;    /* 0 = unknown */
    uint64_t pending_bytes; /* when the wait began */
    uint64_t waited_ns;
};

struct msc_ev_defer_push {
    uint64_t action;
    uint64_t scope;
    uint64_t fn;
    uint64_t map; /* 0 = not bound to a map */
    uint64_t map_gen;
    uint64_t key_id;  /* 0 with map 0 */
    uint64_t version; /* of the key's entry at the push; 0 = the key was absent */
    struct msc_stack stack;
};

/* defer_run_begin and defer_run_end */
struct msc_ev_defer_run {
    uint64_t action;
    uint64_t scope;
    uint64_t fn;
    uint64_t map;
    uint64_t map_gen;
    uint64_t key_id;
    uint64_t version;
    uint32_t handed_over; /* 1 = runs from a batch, after its scope closed */
};

struct msc_ev_lock_wait {
    uint64_t lock;
    uint64_t lock_gen;
    const char *name;
    uint32_t kind;
    uint32_t mode;
    uint64_t begin_ns;
    uint64_t wait_ns;
    uint64_t weight; /* MSC_WEIGHT_ONE = 1 */
    uint32_t result;
    uint32_t owner_tid; /* holder when the wait began; 0 = unknown */
    uint64_t hold_seq;  /* of the hold that this acquisition began; 0 = none */
    struct msc_stack stack;
};

struct msc_ev_lock_release {
    uint64_t lock;
    uint64_t lock_gen;
    const char *name;
    uint32_t kind;
    uint32_t mode;
    uint64_t release_ns;
    uint64_t contended_ns; /* from the first waiter of this hold to the release */
    uint64_t charge_ns;    /* waiters' time during this hold */
    uint64_t handoff_ns;   /* waiters' time in the free interval before this hold */
    uint32_t waiters;      /* at the release */
    uint64_t hold_seq;
    uint64_t weight;
    struct msc_stack stack;
};

/* A hold ended, contended or not; only if holds are timed (runtime/holds.h). */
struct msc_ev_lock_hold {
    uint64_t lock;
    uint64_t lock_gen; /* 0 = the table of locks is full */
    const char *name;
    uint32_t kind;
    uint32_t mode;
    uint64_t begin_ns;
    uint64_t hold_ns;
    uint64_t hold_seq; /* as in lock_release, if that hold is contended */
    uint64_t weight;
    struct msc_stack stack; /* of the releaser */
};

/* lock_totals and lock_inventory */
struct msc_ev_lock_totals {
    uint64_t lock;
    uint64_t lock_gen;
    const char *name;
    uint32_t kind;
    uint64_t map;  /* that it belongs to; 0 = none */
    uint64_t site; /* where it was initialised, or first contended; 0 = unknown */
    uint64_t ops;
    uint64_t contentions;
    uint64_t wait_ns;
    uint64_t charge_ns;
    uint64_t handoff_ns;
    uint64_t max_ns;
    uint64_t dropped; /* waits or charges that found no slot */
    uint32_t round;   /* lock_inventory: the same for all that are told at one time, and rising */
};

struct msc_ev_cond_signal {
    uint64_t cond;
    uint64_t lock; /* the mutex that the woken want */
    uint64_t lock_gen;
    uint64_t begin_ns; /* since when the first of them wants it */
    uint32_t woken;
    struct msc_stack stack; /* of the signaller */
};

/* thread_start and thread_exit */
struct msc_ev_thread {
    const char *name;
    uint32_t creator; /* tid; 0 = unknown */
    uint64_t start;   /* start routine; 0 = unknown */
};

struct msc_ev_sampler_config {
    uint32_t map_rate;
    uint32_t mutex_mode;     /* enum msc_sampler_mode */
    uint64_t mutex_fraction; /* n */
    uint64_t mutex_rate_ns;  /* R */
};

/* region_begin, region_end (message empty), log (id 0) and variant */
struct msc_ev_note {
    uint64_t id;
    const char *category;
    const char *message;
    uint32_t truncated;
};

#endif
