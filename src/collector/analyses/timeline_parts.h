/*
 * What the parts of the timeline do for one another, in order: each uses those above it.
 *
 *     text, put, labels      texts of events; what is put on rows, and how it is made to fit; names of threads
 *     rows                   processes, threads and groups with their rows
 *     names                  names that last: of functions, of who calls
 *     stories                findings, and keys that were lost
 *     held, maps             assigns that are held back; maps from their creation to their end
 *     frames                 slices whose begin and end are two events
 *     ops, actions           operations on keys; deferred actions
 *     waiting, signals, locks, open, other      contention, and what had not ended; events that are not ours
 *
 * Private to src/collector/analyses/timeline*.c.
 */
#ifndef COLLECTOR_TIMELINE_PARTS_H
#define COLLECTOR_TIMELINE_PARTS_H

#include "collector/analyses/timeline_state.h"

/* timeline_text.c */

/* A copy in UTF-8, to be freed; NULL when memory is out. */
char *timeline_text(struct event_text text);

/* "PREFIX NAME" or, without a name, "PREFIX 0xADDRESS"; to be freed. NULL when memory is out. */
char *timeline_title(const char *prefix, struct event_text name, uint64_t address);

/* timeline_put.c */

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

/* The same on two rows, which it was fitted into both; a flow is on `row` alone. */
int timeline_put_twice(struct timeline_builder *timeline, const struct timeline_row *other,
                       const struct timeline_span *other_span, const struct timeline_row *row,
                       const struct timeline_span *span, struct timeline_args *args, struct timeline_slice *slice);
int timeline_put_instant(struct timeline_builder *timeline, const struct timeline_row *row, uint64_t time_ns,
                         const char *name, const char *category, const struct timeline_args *args);
int timeline_put_counter(struct timeline_builder *timeline, const struct timeline_group *group, uint64_t time_ns,
                         const char *name, const char *series, int64_t value);

/* timeline_labels.c */

/* The thread's name, or what stands for one in `buffer` of TIMELINE_LABEL_BYTES. */
enum { TIMELINE_LABEL_BYTES = 64 };
const char *timeline_thread_name(const struct timeline_builder *timeline, uint32_t pid, uint32_t tid, char *buffer);

/* Gives the thread its label and who it is. 0 or -ENOMEM. */
int timeline_label_thread(const struct timeline_builder *timeline, uint32_t pid, struct timeline_thread *thread);

/* timeline_rows.c */

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

/* The key of an object of that process. */
struct timeline_object_key timeline_object_key(uint32_t pid, const struct event_object *object);

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

/* timeline_stories.c */

/* What ended a version of an entry. */
struct timeline_ending {
    uint64_t time_ns;
    const char *what;                 /* "deleted it"; NULL = nothing, it is still there */
    const struct timeline_thread *by; /* NULL = unknown */
};

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

/* timeline_held.c */

int timeline_name_ops(struct timeline_builder *timeline, struct timeline_map *map, struct event_text name);

/*
 * "assign user:alice", in `buffer` of TIMELINE_OP_NAME_BYTES, where a longer key is cut; or without the key's text
 * "assign sessions".
 */
enum { TIMELINE_OP_NAME_BYTES = 96 };
const char *timeline_name_op(const struct timeline_map *map, enum timeline_op op, const char *key, char *buffer);

/* What was done to a key. An assign gives the entry its number as the version: it is not said twice. */
void timeline_arg_change(struct timeline_args *args, uint64_t key_id, uint64_t version, uint64_t seq);

/* An assign whose flow, if it has one, is known now. */
int timeline_put_held(struct timeline_builder *timeline, const struct timeline_map *map, uint64_t key_id,
                      const struct timeline_held *held, const struct timeline_ending *ending, uint64_t flow_id);

/* Writes every assign that is held, for that all of them end so; drop: without. None is held any more. */
int timeline_put_all_held(struct timeline_builder *timeline, struct timeline_map *map,
                          const struct timeline_ending *ending);
void timeline_drop_all_held(struct timeline_map *map);

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

/* timeline_ops.c */
int timeline_op_event(struct timeline_builder *timeline, const struct event *event);

/* timeline_actions.c */
int timeline_action_event(struct timeline_builder *timeline, const struct event *event);
int timeline_actions_finish(struct timeline_builder *timeline);

/* timeline_waiting.c */

/* One wait, `weight` in 1/EVENT_WEIGHT_ONE. 0, -ENOMEM or the sink's error. */
int timeline_waiting_add(struct timeline_builder *timeline, struct timeline_lock *lock, uint64_t begin_ns,
                         uint64_t end_ns, uint64_t weight);
int timeline_waiting_finish(struct timeline_builder *timeline, struct timeline_lock *lock);

/* timeline_locks.c */

/* What the options say of titles. 0 or -ENOMEM. */
int timeline_lock_titles_init(struct timeline_builder *timeline);
void timeline_lock_destroy(struct timeline_lock *lock);
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

/* timeline_other.c */
int timeline_other_event(struct timeline_builder *timeline, const struct event *event);
int timeline_name_kernel(struct timeline_builder *timeline);

#endif
