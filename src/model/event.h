/*
 * One decoded event of docs/events.md, as the analyses see it. Plain data.
 *
 * Everything behind a pointer is borrowed and lives until the next event is read: an analysis copies or
 * interns what it keeps. Times are trace-clock (CLOCK_MONOTONIC) nanoseconds.
 */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

/* 2^16 = 1: the number of occurrences that a sampled event stands for. */
#define EVENT_WEIGHT_ONE (UINT64_C(1) << 16)

enum event_kind {
    EVENT_OTHER, /* not one of ours */
    EVENT_MAP_ALLOC,
    EVENT_MAP_FREE,
    EVENT_MAP_GROW,
    EVENT_MAP_GROW_END,
    EVENT_MAP_ASSIGN,
    EVENT_MAP_ACCESS,
    EVENT_MAP_DELETE,
    EVENT_MAP_CLEAR,
    EVENT_MAP_ITER_BEGIN,
    EVENT_MAP_ITER_END,
    EVENT_MAP_FAULT,
    EVENT_MAP_CLONE,
    EVENT_MAP_ALIAS,
    EVENT_MAP_SWAP,
    EVENT_MAP_INVENTORY,
    EVENT_SYNCMAP_PROMOTE,
    EVENT_MAP_WRITER_TIMEOUT,
    EVENT_RECLAIM_STALL,
    EVENT_DEFER_PUSH,
    EVENT_DEFER_RUN_BEGIN,
    EVENT_DEFER_RUN_END,
    EVENT_LOCK_WAIT,
    EVENT_LOCK_RELEASE,
    EVENT_LOCK_TOTALS,
    EVENT_LOCK_HOLD,
    EVENT_LOCK_INVENTORY,
    EVENT_COND_SIGNAL,
    EVENT_THREAD_START,
    EVENT_THREAD_EXIT,
    EVENT_SAMPLER_CONFIG,
    EVENT_REGION_BEGIN,
    EVENT_REGION_END,
    EVENT_LOG,
    EVENT_VARIANT,
    /* lttng_ust_statedump:* and lttng_ust_lib:* */
    EVENT_STATEDUMP_START,
    EVENT_PROCESS_NAME,
    EVENT_MODULE_LOAD, /* statedump:bin_info and lib:load */
    EVENT_MODULE_BUILD_ID,
    EVENT_MODULE_DEBUG_LINK,
    EVENT_MODULE_UNLOAD,
    EVENT_KIND_COUNT
};

/* Sets of kinds. */
#define EVENT_SET(kind) (UINT64_C(1) << (kind))
#define EVENT_SET_ALL UINT64_MAX

/* Bytes, not NUL-terminated, not necessarily UTF-8. */
struct event_text {
    const char *data;
    uint32_t length;
};

/* Return addresses, leaf first. */
struct event_stack {
    const uint64_t *pcs;
    uint32_t count;
};

/* An object is an address plus a generation: a reused address is another object. */
struct event_object {
    uint64_t address;
    uint64_t generation;
};

/* Of a map_inventory: how many entries it has is not known, nor B. */
#define EVENT_COUNT_UNKNOWN UINT64_MAX

/* map_alloc, map_free, map_inventory */
struct event_map_life {
    struct event_object map;
    struct event_text name;
    uint32_t flavor, flags, key_size, value_size, B;
    uint64_t hint, hash0, count;
};

struct event_map_grow {
    struct event_object map;
    uint64_t seq, count, bytes;
    uint32_t old_B, new_B, noverflow;
    bool same_size;
};

struct event_map_grow_end {
    struct event_object map;
    uint64_t seq, moved, steps, evac_ns;
};

/* map_assign, map_access, map_delete, map_clear */
struct event_map_op {
    struct event_object map;
    uint64_t seq, key_id;
    uint32_t rate; /* 1/rate of the keys are kept */
    bool found;    /* hit or found; for an assign: the key was there before */
    uint64_t begin_ns, end_ns;
    uint64_t version;
    uint64_t scope, action; /* 0 = none */
    /* map_assign only */
    uint64_t hash, bucket, evac_ns;
    uint32_t tophash, overflow, evac_moved;
    struct event_text key; /* empty unless keys were recorded */
    uint64_t count;        /* map_clear only */
};

struct event_map_iter {
    struct event_object map;
    uint64_t iter, count, visited, action;
    bool grew, mutated;
};

/* map_clone, map_alias, map_swap */
struct event_map_copy {
    struct event_object source, copy;
    uint64_t handle, count, action;
    bool deep;
};

struct event_map_fault {
    struct event_object map;
    uint32_t kind, tid, other_tid;
    uint64_t key_id, other_pc;
};

struct event_syncmap_promote {
    struct event_object map;
    uint64_t misses, dirty_len;
};

struct event_map_writer_timeout {
    struct event_object map;
    uint64_t key_id, waited_ns;
};

struct event_reclaim_stall {
    uint32_t reader_tid;
    uint64_t pending_bytes, waited_ns;
};

/* defer_push, defer_run_begin, defer_run_end */
struct event_defer {
    uint64_t action, scope, fn;
    struct event_object map; /* address 0 = not bound to a map */
    uint64_t key_id, version;
    bool handed_over; /* run events: from a batch, after its scope closed */
};

struct event_lock_wait {
    struct event_object lock;
    struct event_text name;
    uint32_t kind, mode, result, owner_tid;
    uint64_t begin_ns, wait_ns, weight, hold_seq;
};

struct event_lock_release {
    struct event_object lock;
    struct event_text name;
    uint32_t kind, mode, waiters;
    uint64_t release_ns, contended_ns, charge_ns, handoff_ns, hold_seq, weight;
};

/* lock_totals, lock_inventory */
struct event_lock_totals {
    struct event_object lock;
    struct event_text name;
    uint32_t kind;
    uint64_t ops, contentions, wait_ns, charge_ns, handoff_ns, max_ns, dropped;
    uint64_t site;  /* where it was initialised, 0 = unknown */
    uint64_t map;   /* address of the map that it belongs to, 0 = none */
    uint32_t round; /* lock_inventory: the same for those that were told at one time, rising in a process */
};

struct event_lock_hold {
    struct event_object lock;
    struct event_text name;
    uint32_t kind, mode;
    uint64_t begin_ns, hold_ns, weight, hold_seq;
};

struct event_cond_signal {
    uint64_t cond;
    struct event_object lock; /* the mutex that the woken want, since `begin_ns` or a little later */
    uint64_t begin_ns;
    uint32_t woken;
};

struct event_thread {
    struct event_text name;
    uint32_t creator;
    uint64_t start;
};

struct event_sampler_config {
    uint32_t map_rate, mutex_mode;
    uint64_t mutex_fraction, mutex_rate_ns;
};

/* region_begin, region_end, log, variant */
struct event_note {
    uint64_t id;
    struct event_text category, message;
    bool truncated;
};

/* EVENT_MODULE_*: `path` is empty but for a load; `build_id` but for a build id. */
struct event_module {
    uint64_t base, size;
    struct event_text path;
    struct event_text build_id; /* raw bytes */
    struct event_text debug_link;
    bool is_pic, has_build_id, has_debug_link;
};

/* EVENT_OTHER: of another provider, or of the kernel. */
struct event_other {
    struct event_text name; /* "provider:name", or the kernel's "name" */
    uint32_t cpu;
    bool is_kernel;
};

struct event {
    uint32_t pid, tid; /* 0 = the trace does not say */
    enum event_kind kind;
    uint64_t time_ns;
    struct event_stack stack; /* empty where the event has none */
    union {
        struct event_map_life map_life;
        struct event_map_grow map_grow;
        struct event_map_grow_end map_grow_end;
        struct event_map_op map_op;
        struct event_map_iter map_iter;
        struct event_map_copy map_copy;
        struct event_map_fault map_fault;
        struct event_syncmap_promote syncmap_promote;
        struct event_map_writer_timeout map_writer_timeout;
        struct event_reclaim_stall reclaim_stall;
        struct event_defer defer;
        struct event_lock_wait lock_wait;
        struct event_lock_release lock_release;
        struct event_lock_totals lock_totals;
        struct event_lock_hold lock_hold;
        struct event_cond_signal cond_signal;
        struct event_thread thread;
        struct event_sampler_config sampler_config;
        struct event_note note;
        struct event_text process_name;
        struct event_module module;
        struct event_other other;
    };
};

#endif
