/*
 * What is known while the timeline is drawn; timeline_parts.h says who does what with it. Private to
 * src/collector/analyses/timeline*.c.
 */
#ifndef COLLECTOR_TIMELINE_STATE_H
#define COLLECTOR_TIMELINE_STATE_H

#include "collector/analyses/timeline.h"
#include "collector/analyses/timeline_nest.h"
#include "support/hashmap.h"

struct strtab;

struct timeline_row {
    uint32_t pid, id;
    uint32_t tid; /* whose work it shows; 0 = of any thread */
    char *title;  /* owned; NULL = by its kind and thread */
    struct nest nest;
};

/* Keys of one map that are shown each on rows of their own. */
enum { TIMELINE_STORIES_MAX = 8 };

/* What a row of a group shows; in this order. */
enum timeline_row_kind {
    TIMELINE_HOLDS, /* of a lock; all that follow are of a map */
    TIMELINE_LOST_KEYS,
    TIMELINE_STORY, /* the first of TIMELINE_STORIES_MAX */
    TIMELINE_ASSIGNS = TIMELINE_STORY + TIMELINE_STORIES_MAX,
    TIMELINE_CLEANUP,
    TIMELINE_GROWTH,
    TIMELINE_FINDINGS, /* but this one stands behind the lost keys */
    TIMELINE_ROW_KINDS
};

/* A map or a lock: shown as a process of its own. */
struct timeline_group {
    uint32_t pid;       /* synthetic */
    uint32_t owner_pid; /* real */
    int32_t sort_index;
    char *title;                                   /* owned */
    struct hashmap rows;                           /* (kind, tid) -> struct timeline_row *, owned */
    struct timeline_row *last[TIMELINE_ROW_KINDS]; /* a cache: most events are of the thread of the last one */
    uint32_t used[TIMELINE_ROW_KINDS];             /* rows of each kind so far */
    uint32_t crowded;                              /* rows for whose kind there was no number left */
};

struct timeline_span {
    uint64_t begin_ns, end_ns;
    uint64_t cut_ns; /* by how much it was shortened */
};

struct timeline_object_key {
    uint64_t pid, address, generation;
};

/* The cleanups of a key that one thread registered. */
struct timeline_lane {
    const struct timeline_thread *by; /* NULL = any */
    struct timeline_row *row;
    uint64_t busy_until_ns;
};

/* A key that was lost: shown on rows of its own; see timeline_stories.c. */
struct timeline_story {
    uint64_t key_id;
    const char *key; /* borrowed from the finding; NULL = not recorded */
    char hex[24];    /* its id, to stand for it */
    enum timeline_row_kind kind;
    struct timeline_row *entry;
    struct timeline_lane *lanes; /* owned */
    size_t lane_count, lane_capacity;
};

/* The last assign of a live key: held back until it is known whether a flow leaves it. */
struct timeline_held {
    const struct timeline_row *row;
    struct timeline_span span;
    uint64_t version, seq;
    const char *site; /* of a stack, as timeline_site gives it; NULL = unknown */
    const struct timeline_thread *by;
    char *key; /* owned; NULL = not recorded */
    bool inserted;
};

enum timeline_op {
    TIMELINE_ASSIGN,
    TIMELINE_ACCESS,
    TIMELINE_MISS,
    TIMELINE_DELETE,
    TIMELINE_STALE_DELETE,
    TIMELINE_CLEAR,
    TIMELINE_ITERATE,
    TIMELINE_OP_COUNT
};

/* What is counted but often stays the same: it is not drawn until it changes. */
struct timeline_level {
    const char *name, *series;
    uint64_t time_ns;
    int64_t value;
    bool is_known, is_drawn;
};

struct timeline_map {
    struct timeline_group group;
    struct timeline_object_key key;
    const char *op_names[TIMELINE_OP_COUNT]; /* lasting: "assign sessions" */
    struct hashmap held;                     /* key_id -> struct timeline_held */
    struct timeline_story *stories;          /* owned, TIMELINE_STORIES_MAX at the most; NULL = none */
    size_t story_count;
    bool is_named;
    bool has_keys;   /* were recorded */
    int64_t entries; /* estimated between the events that tell it */
    struct timeline_level buckets, overflow;
    bool is_growing;
    struct event_map_grow growth; /* while growing */
    uint64_t growth_begin_ns;
    uint32_t pins; /* open frames with a slice on a row of the group */
    bool is_freed; /* goes away with the last pin */
};

struct timeline_change {
    uint64_t time_ns;
    int64_t threads;
};

/* How many wait for a lock; see timeline_waiting.c. */
struct timeline_waiting {
    struct timeline_change *changes; /* owned; not drawn yet */
    size_t count, capacity;
    uint64_t drawn_ns; /* up to here it is drawn */
    int64_t threads;   /* waiting then */
};

/* The end of a contended hold: held back until it is known whom it let in. */
struct timeline_release {
    bool is_there;
    uint64_t hold_seq, release_ns, charge_ns, handoff_ns;
    uint32_t waiters;
    const struct timeline_row *row;
    const struct timeline_thread *by;
    struct timeline_span span;
    const char *site;
};

/* A wait is told when the lock is released again: by then the next hold's end is told, or about to be. */
enum { TIMELINE_RELEASES = 4 };

struct timeline_lock {
    struct timeline_group group;
    const char *wait_name;    /* lasting: "wait table.mutex" */
    const char *release_name; /* the same: "release table.mutex" */
    struct timeline_waiting waiting;
    struct timeline_release releases[TIMELINE_RELEASES]; /* by hold_seq */
};

/* A signal of a condition variable: held back until it is known whether a flow leaves it. */
struct timeline_signal {
    const struct timeline_row *row; /* NULL = there is none here */
    struct timeline_span span;
    uint64_t begin_ns, end_ns; /* as told: a wait that begins in between is one that it woke */
    uint64_t cond, flow_id;
    uint32_t woken;
    bool is_drawn;
    const char *site;
};

enum { TIMELINE_SIGNALS = 8 };

/* The last ones that made threads want the same mutex. */
struct timeline_signals {
    const char *name; /* lasting: "signal table.mutex" */
    struct timeline_signal last[TIMELINE_SIGNALS];
    uint32_t count; /* so far */
};

struct timeline_action {
    bool has_push, has_run;
    uint32_t push_tid, run_tid;
    uint64_t push_ns;
    const char *push_site;
    const struct timeline_thread *pusher; /* NULL = its registration is not in the trace */
    const char *deferred;                 /* the name of fn, as it was then */
    uint64_t fn, key_id, version;
    struct event_object map;
};

enum timeline_frame_kind { TIMELINE_REGION, TIMELINE_ACTION, TIMELINE_ITERATION };

/* A slice that has begun. An action bound to a map has a second slice, its twin, on the map's cleanup row. */
struct timeline_frame {
    enum timeline_frame_kind kind;
    uint64_t id, begin_ns;
    const char *name, *category;       /* into `owned`, or lasting */
    char *owned_name, *owned_category; /* NULL = nothing owned */
    uint64_t flow_id;                  /* 0 = none: arrives at the twin, or here without one */
    struct timeline_map *map;          /* pinned; NULL = no twin */
    struct timeline_row *twin;
    uint64_t twin_begin_ns;
    struct timeline_action action; /* of an ACTION */
    struct event_map_iter iter;    /* of an ITERATION: its end, once that is known */
    bool truncated;                /* a REGION's name */
};

struct timeline_thread {
    struct timeline_row row;
    char *label; /* owned: "phone", or "visitor 16550" if it shares the name with another thread */
    char *who;   /* owned: "phone (16547)" */
    struct timeline_frame *frames;
    size_t frame_count, frame_capacity;
};

struct timeline_process {
    uint32_t ordinal;
    uint32_t maps, locks; /* so far, for their place among the groups */
};

/* What an address meant when it was looked up last. */
struct timeline_function {
    uint32_t pid;
    uint64_t return_address;
    const char *name; /* NULL = free; borrowed from the symbols */
};

/* The same of the top of a stack. */
struct timeline_call {
    uint32_t pid;
    uint64_t pcs[2];
    const char *site; /* NULL = free; lasting */
};

enum { TIMELINE_FUNCTIONS_LOG2 = 8 };

enum { TIMELINE_CPUS_MAX = 4096 };

/* What a kernel trace tells: a group with a row a CPU. */
struct timeline_kernel {
    uint32_t pid; /* synthetic; 0 = there is no such trace */
    bool is_used[TIMELINE_CPUS_MAX];
};

/* Threads and maps that were looked up last, in places by number and address; a later one takes the place. */
enum { TIMELINE_RECENT = 64 };

struct timeline_recent_thread {
    uint32_t pid, tid;              /* as events have them */
    struct timeline_thread *thread; /* NULL = none */
};

struct timeline_builder {
    struct timeline_sink sink;
    struct timeline_options options;
    struct timeline_stats stats;
    uint64_t now_ns;            /* of the event at hand: nothing ends later */
    struct hashmap processes;   /* pid -> struct timeline_process */
    struct hashmap threads;     /* (pid, tid) -> struct timeline_thread * */
    struct hashmap maps;        /* timeline_object_key -> struct timeline_map * */
    struct hashmap locks;       /* timeline_object_key -> struct timeline_lock * */
    struct hashmap signals;     /* timeline_object_key -> struct timeline_signals */
    struct hashmap lock_titles; /* timeline_object_key -> const char *, of locks without a name */
    struct hashmap actions;     /* (pid, id) -> struct timeline_action */
    struct hashmap lost;        /* (map, key_id, version) -> const struct finding * */
    struct hashmap sites;       /* (function, caller) -> const char *, lasting */
    struct strtab *titles;      /* that last */
    const struct timeline_thread *first_thread;
    bool is_zero_marked;
    /* Caches: most events are about what some of the last ones were about. */
    struct timeline_recent_thread recent_threads[TIMELINE_RECENT];
    struct timeline_map *recent_maps[TIMELINE_RECENT];
    struct timeline_function functions[1 << TIMELINE_FUNCTIONS_LOG2]; /* by a hash of pid and address */
    struct timeline_call calls[1 << TIMELINE_FUNCTIONS_LOG2];         /* the same of both addresses */
    struct timeline_kernel kernel;
    uint32_t next_pid;
    uint64_t next_flow;
};

#endif
