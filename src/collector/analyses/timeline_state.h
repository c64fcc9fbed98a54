/*
 * What the parts of the timeline share: rows and groups (timeline_rows.c), slices whose begin and end are
 * two events (timeline_frames.c), names of functions (timeline_names.c), deferred actions
 * (timeline_actions.c), maps (timeline_maps.c), their keys (timeline_ops.c, timeline_stories.c), locks
 * (timeline_locks.c; what had not ended: timeline_open.c; who woke whom: timeline_signals.c) and events that are not
 * ours (timeline_other.c). Private to src/collector/analyses/timeline*.c.
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

/* timeline_rows.c: where things are drawn. */

/* The thread that an event tells of. 0 or -ENOMEM. */
int timeline_thread_look_up(struct timeline_builder *timeline, uint32_t pid, uint32_t tid,
                            struct timeline_thread **out);

static inline struct timeline_recent_thread *timeline_recent_thread(struct timeline_builder *timeline, uint32_t tid)
{
    return &timeline->recent_threads[tid % TIMELINE_RECENT];
}

/* The same, as a rule without a look-up. */
static inline int timeline_thread_get(struct timeline_builder *timeline, uint32_t pid, uint32_t tid,
                                      struct timeline_thread **out)
{
    const struct timeline_recent_thread *recent = timeline_recent_thread(timeline, tid);
    if (!recent->thread || recent->tid != tid || recent->pid != pid)
        return timeline_thread_look_up(timeline, pid, tid, out);
    *out = recent->thread;
    return 0;
}

/* The pid and tid that are written: those of the trace, or a stand-in where it does not say. */
uint32_t timeline_shown(uint32_t pid_or_tid);

enum timeline_group_kind { TIMELINE_GROUP_MAP, TIMELINE_GROUP_LOCK };

/* Titled "map NAME" or "lock NAME", with " (pid N)" unless there is only one process. */
int timeline_group_init(struct timeline_builder *timeline, enum timeline_group_kind kind,
                        const struct timeline_object_key *key, struct event_text name, struct timeline_group *group);
/* Gives it the title of an object by that name. */
int timeline_group_rename(const struct timeline_builder *timeline, enum timeline_group_kind kind,
                          const struct timeline_object_key *key, struct event_text name, struct timeline_group *group);
int timeline_group_row(struct timeline_builder *timeline, struct timeline_group *group, enum timeline_row_kind kind,
                       uint32_t tid, struct timeline_row **out);

/* One more row of that kind; takes `title`, also on failure (NULL: -ENOMEM). */
int timeline_group_add_row(struct timeline_builder *timeline, struct timeline_group *group, enum timeline_row_kind kind,
                           char *title, struct timeline_row **out);
void timeline_group_fini(struct timeline_group *group);

/*
 * Names are written last, when all are known. The viewer puts the rows of a group in the order of their
 * numbers: so each kind has a range of numbers, within which a row is numbered when it is first used.
 */
int timeline_name_group(struct timeline_builder *timeline, const struct timeline_group *group);
int timeline_name_threads(struct timeline_builder *timeline);

/* A copy in UTF-8, to be freed; NULL when memory is out. */
char *timeline_text(struct event_text text);

/* "PREFIX NAME" or, without a name, "PREFIX 0xADDRESS"; to be freed. NULL when memory is out. */
char *timeline_title(const char *prefix, struct event_text name, uint64_t address);

/* The key of an object of that process. */
struct timeline_object_key timeline_object_key(uint32_t pid, const struct event_object *object);

/* Of what began at `begin_ns` and took so long; both may be damaged numbers. */
static inline uint64_t timeline_end_ns(uint64_t begin_ns, uint64_t length_ns)
{
    uint64_t end_ns;
    return __builtin_add_overflow(begin_ns, length_ns, &end_ns) ? UINT64_MAX : end_ns;
}

/* Fits what an event claims to have happened from begin_ns to end_ns into the row. */
int timeline_fit(struct timeline_builder *timeline, struct timeline_row *row, uint64_t begin_ns, uint64_t end_ns,
                 struct timeline_span *out);

/* `slice` has a name and perhaps a flow; place, times and args are filled in. */
int timeline_put_slice(struct timeline_builder *timeline, const struct timeline_row *row,
                       const struct timeline_span *span, struct timeline_args *args, struct timeline_slice *slice);
int timeline_put_instant(struct timeline_builder *timeline, const struct timeline_row *row, uint64_t time_ns,
                         const char *name, const char *category, const struct timeline_args *args);
int timeline_put_counter(struct timeline_builder *timeline, const struct timeline_group *group, uint64_t time_ns,
                         const char *name, const char *series, int64_t value);

/* timeline_locks.c: what the options say of titles. 0 or -ENOMEM. */
int timeline_lock_titles_init(struct timeline_builder *timeline);

/* timeline_names.c */

void timeline_names_init(struct timeline_builder *timeline);

/* A title that lasts as long as the builder; of equal ones there is one. NULL when memory is out. */
const char *timeline_lasting_title(struct timeline_builder *timeline, const char *prefix, struct event_text name,
                                   uint64_t address);

/* Names of functions are borrowed from the symbols; NULL without symbols, or without a stack. */

/* The function that holds the call, for the event at hand. */
const char *timeline_function(struct timeline_builder *timeline, uint32_t pid, uint64_t return_address);

/*
 * Who calls, of the event at hand: "work <- thread_main", the function at the top of the stack and the one that called
 * it, or that it is inlined into. Lasting; NULL without a stack. 0 or -ENOMEM.
 */
int timeline_site(struct timeline_builder *timeline, const struct event *event, const char **out);

/* The same without the locks' own functions, which the user's are inlined around; for contention, which is rare. */
int timeline_lock_site(struct timeline_builder *timeline, const struct event *event, const char **out);

/* When a module comes or goes. */
void timeline_forget_functions(struct timeline_builder *timeline);

/* timeline_frames.c */

/*
 * Begins `frame` on the thread's row and, with frame->map, on its cleanup row; takes it, also on failure.
 * *opened is false if it is too deep to be shown.
 */
int timeline_frame_open(struct timeline_builder *timeline, struct timeline_thread *thread, struct timeline_frame *frame,
                        bool *opened);

/* The innermost open one, or NULL. Good until the next open or close. */
const struct timeline_frame *timeline_frame_find(const struct timeline_thread *thread, enum timeline_frame_kind kind,
                                                 uint64_t id);

/* Ends that frame and the ones inside it, which are then unfinished. A frame that is not there is counted. */
int timeline_frame_close(struct timeline_builder *timeline, struct timeline_thread *thread,
                         enum timeline_frame_kind kind, uint64_t id, uint64_t end_ns);

/* Ends all of them, unfinished. */
int timeline_frames_end(struct timeline_builder *timeline, struct timeline_thread *thread, uint64_t end_ns);
void timeline_thread_destroy(struct timeline_thread *thread);

int timeline_region_event(struct timeline_builder *timeline, const struct event *event);
int timeline_iteration_event(struct timeline_builder *timeline, const struct event *event);

/* timeline_actions.c */
int timeline_action_event(struct timeline_builder *timeline, const struct event *event);
int timeline_actions_finish(struct timeline_builder *timeline);

/* timeline_maps.c */
int timeline_map_event(struct timeline_builder *timeline, const struct event *event);
int timeline_map_get(struct timeline_builder *timeline, uint32_t pid, const struct event_object *object,
                     struct timeline_map **out);

int timeline_count_entries(struct timeline_builder *timeline, struct timeline_map *map, int64_t entries,
                           uint64_t time_ns);

/* A freed map goes away with its last pin. */
int timeline_map_unpin(struct timeline_builder *timeline, struct timeline_map *map);
int timeline_maps_finish(struct timeline_builder *timeline);
void timeline_map_destroy(struct timeline_map *map);

/* timeline_waiting.c */

/* One wait, `weight` in 1/EVENT_WEIGHT_ONE. 0, -ENOMEM or the sink's error. */
int timeline_waiting_add(struct timeline_builder *timeline, struct timeline_lock *lock, uint64_t begin_ns,
                         uint64_t end_ns, uint64_t weight);
int timeline_waiting_finish(struct timeline_builder *timeline, struct timeline_lock *lock);

/* timeline_labels.c */

/* The thread's name, or what stands for one in `buffer` of TIMELINE_LABEL_BYTES. */
enum { TIMELINE_LABEL_BYTES = 64 };
const char *timeline_thread_name(const struct timeline_builder *timeline, uint32_t pid, uint32_t tid, char *buffer);

/* Gives the thread its label and who it is. 0 or -ENOMEM. */
int timeline_label_thread(const struct timeline_builder *timeline, uint32_t pid, struct timeline_thread *thread);

/* timeline_ops.c */

/* What ended a version of an entry. */
struct timeline_ending {
    uint64_t time_ns;
    const char *what;                 /* "deleted it"; NULL = nothing, it is still there */
    const struct timeline_thread *by; /* NULL = unknown */
};

int timeline_op_event(struct timeline_builder *timeline, const struct event *event);
int timeline_name_ops(struct timeline_builder *timeline, struct timeline_map *map, struct event_text name);

/* Writes every assign that is held, for that all of them end so; drop: without. None is held any more. */
int timeline_put_all_held(struct timeline_builder *timeline, struct timeline_map *map,
                          const struct timeline_ending *ending);
void timeline_drop_all_held(struct timeline_map *map);

/* timeline_stories.c */

int timeline_stories_init(struct timeline_builder *timeline);

/* The stories of a new map. */
int timeline_stories_begin(struct timeline_builder *timeline, struct timeline_map *map);
void timeline_stories_fini(struct timeline_map *map);
struct timeline_story *timeline_story_of(const struct timeline_map *map, uint64_t key_id);

/* The finding that this deletion is part of, or NULL. */
const struct finding *timeline_finding_of(const struct timeline_builder *timeline, const struct timeline_map *map,
                                          const struct event_map_op *op);

/* The lost key, with a flow from the assign that was lost; flow_id 0 = that is not in the trace. */
int timeline_put_finding(struct timeline_builder *timeline, struct timeline_map *map, const struct finding *finding,
                         uint64_t time_ns, uint64_t flow_id);

/* What was found about the map, but for lost keys. Once, when the map ends. */
int timeline_put_findings(struct timeline_builder *timeline, struct timeline_map *map);

/* A version of the story's entry. */
int timeline_put_version(struct timeline_builder *timeline, const struct timeline_story *story,
                         const struct timeline_held *held, const struct timeline_ending *ending);

/* A cleanup when it has run, or at the end. Nothing if its key has no story in the map. */
#define TIMELINE_NEVER UINT64_MAX
int timeline_put_pending(struct timeline_builder *timeline, struct timeline_map *map,
                         const struct timeline_action *action, const char *function, uint64_t run_ns, uint64_t end_ns);

/* timeline_locks.c */
int timeline_lock_get(struct timeline_builder *timeline, uint32_t pid, const struct event_object *object,
                      struct event_text name, struct timeline_lock **out);
/* The row of the lock's group for holds in that mode by that thread. */
int timeline_hold_row(struct timeline_builder *timeline, struct timeline_lock *lock, uint32_t mode, uint32_t tid,
                      struct timeline_row **out);
int timeline_lock_event(struct timeline_builder *timeline, const struct event *event);
int timeline_locks_finish(struct timeline_builder *timeline);

/* timeline_signals.c */
int timeline_signal_event(struct timeline_builder *timeline, const struct event *event);

/* The flow that arrives at a wait which a signal began, and which is drawn from `drawn_from_ns` on; 0 = none. */
int timeline_signal_flow(struct timeline_builder *timeline, const struct event *wait, uint64_t drawn_from_ns,
                         uint64_t *flow_id);
int timeline_signals_finish(struct timeline_builder *timeline);
void timeline_lock_destroy(struct timeline_lock *lock);

/* timeline_other.c */
int timeline_other_event(struct timeline_builder *timeline, const struct event *event);
int timeline_name_kernel(struct timeline_builder *timeline);

#endif
