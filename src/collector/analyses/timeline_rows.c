/* See timeline_parts.h: processes, threads and groups with their rows and names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/timeline_parts.h"

/* Of the sort index: each process has a block of places, its maps come before its locks. */
enum { PLACES_A_PROCESS = 1 << 16, PLACES_A_KIND = 1 << 15, PROCESSES_MAX = INT32_MAX / PLACES_A_PROCESS };

/* Of the numbers of rows: few enough to be read beside the names, where the viewer shows them. */
enum {
    FIRST_STORY = 101,
    ROWS_A_STORY = 100,
    FIRST_ASSIGNS = 1001,
    FIRST_CLEANUP = 2001,
    FIRST_GROWTH = 3001,
    ROWS_A_KIND = 1000,
    FIRST_CROWDED = 1000001
};

struct thread_key {
    uint32_t pid, tid;
};

struct row_key {
    uint32_t kind, tid;
};

/* What no kernel hands out, a damaged number: unknown, so that nothing collides with the synthetic pids. */
static uint32_t real_or_zero(uint32_t pid_or_tid)
{
    return pid_or_tid < TIMELINE_SYNTHETIC_PID ? pid_or_tid : 0;
}

uint32_t timeline_shown(uint32_t pid_or_tid)
{
    return pid_or_tid ? pid_or_tid : TIMELINE_SYNTHETIC_PID;
}

static struct timeline_process *get_process(struct timeline_builder *timeline, uint32_t pid)
{
    bool is_new;
    struct timeline_process *process = hashmap_put(&timeline->processes, &pid, &is_new);
    if (process && is_new)
        process->ordinal = (uint32_t)timeline->processes.count - 1;
    return process;
}

/* That nothing was drawn for yet. */
static void free_thread(struct timeline_thread *thread)
{
    if (!thread)
        return;
    free(thread->label);
    free(thread->who);
    free(thread);
}

static int create_thread(struct timeline_builder *timeline, struct thread_key key, struct timeline_thread **out)
{
    struct timeline_thread **slot = hashmap_put(&timeline->threads, &key, NULL);
    struct timeline_thread *thread = calloc(1, sizeof *thread);
    if (thread)
        thread->row.tid = key.tid;
    if (!slot || !thread || !get_process(timeline, key.pid) || timeline_label_thread(timeline, key.pid, thread)) {
        free_thread(thread);
        if (slot)
            hashmap_remove(&timeline->threads, &key);
        return -ENOMEM;
    }
    if (!timeline->first_thread)
        timeline->first_thread = thread;
    thread->row.pid = timeline_shown(key.pid);
    thread->row.id = timeline_shown(key.tid);
    nest_init(&thread->row.nest, timeline->options.base_ns, NEST_LATE);
    *slot = *out = thread;
    return 0;
}

int timeline_thread_look_up(struct timeline_builder *timeline, uint32_t pid, uint32_t tid, struct timeline_thread **out)
{
    struct thread_key key = {.pid = real_or_zero(pid), .tid = real_or_zero(tid)};
    struct timeline_thread **slot = hashmap_find(&timeline->threads, &key);
    int error = slot ? 0 : create_thread(timeline, key, out);
    if (slot)
        *out = *slot;
    if (!error)
        *timeline_recent_thread(timeline, tid) = (struct timeline_recent_thread){pid, tid, *out};
    return error;
}

static int32_t process_place(const struct timeline_process *process)
{
    uint32_t ordinal = process->ordinal < PROCESSES_MAX ? process->ordinal : PROCESSES_MAX - 1;
    return (int32_t)ordinal * PLACES_A_PROCESS;
}

struct timeline_object_key timeline_object_key(uint32_t pid, const struct event_object *object)
{
    return (struct timeline_object_key){
        .pid = real_or_zero(pid), .address = object->address, .generation = object->generation};
}

static char *group_title(const struct timeline_builder *timeline, enum timeline_group_kind kind,
                         const struct timeline_object_key *key, struct event_text name)
{
    const struct process_table *processes = timeline->options.processes;
    char *object = timeline_title(kind == TIMELINE_GROUP_MAP ? "map" : "lock", name, key->address), *title;
    if (processes && processes->count == 1)
        return object;
    if (!object || asprintf(&title, "%s (pid %llu)", object, (unsigned long long)key->pid) < 0)
        title = NULL;
    free(object);
    return title;
}

int timeline_group_init(struct timeline_builder *timeline, enum timeline_group_kind kind,
                        const struct timeline_object_key *key, struct event_text name, struct timeline_group *group)
{
    struct timeline_process *process = get_process(timeline, (uint32_t)key->pid);
    char *title = process ? group_title(timeline, kind, key, name) : NULL;
    if (!title)
        return -ENOMEM;
    uint32_t ordinal = kind == TIMELINE_GROUP_MAP ? process->maps++ : process->locks++;
    uint32_t first = kind == TIMELINE_GROUP_MAP ? 1 : PLACES_A_KIND;
    uint32_t place = ordinal < PLACES_A_KIND - 1 ? ordinal : PLACES_A_KIND - 2;
    *group = (struct timeline_group){.pid = timeline->next_pid++,
                                     .owner_pid = (uint32_t)key->pid,
                                     .sort_index = process_place(process) + (int32_t)(first + place),
                                     .title = title};
    hashmap_init(&group->rows, sizeof(struct row_key), sizeof(struct timeline_row *));
    return 0;
}

int timeline_group_rename(const struct timeline_builder *timeline, enum timeline_group_kind kind,
                          const struct timeline_object_key *key, struct event_text name, struct timeline_group *group)
{
    char *title = group_title(timeline, kind, key, name);
    if (!title)
        return -ENOMEM;
    free(group->title);
    group->title = title;
    return 0;
}

static uint32_t first_number(enum timeline_row_kind kind)
{
    switch (kind) {
    case TIMELINE_HOLDS:
    case TIMELINE_LOST_KEYS:
        return 1;
    case TIMELINE_FINDINGS:
        return 2;
    case TIMELINE_ASSIGNS:
        return FIRST_ASSIGNS;
    case TIMELINE_CLEANUP:
        return FIRST_CLEANUP;
    case TIMELINE_GROWTH:
        return FIRST_GROWTH;
    default:
        return FIRST_STORY + (kind - TIMELINE_STORY) * ROWS_A_STORY;
    }
}

/* More rows of a kind than it has numbers for come last. */
static uint32_t number_row(struct timeline_group *group, enum timeline_row_kind kind)
{
    uint32_t room = kind < TIMELINE_ASSIGNS ? ROWS_A_STORY : ROWS_A_KIND;
    if (group->used[kind] < room)
        return first_number(kind) + group->used[kind]++;
    return FIRST_CROWDED + group->crowded++;
}

static int create_row(struct timeline_builder *timeline, struct timeline_group *group, const struct row_key *key,
                      struct timeline_row **out)
{
    struct timeline_row *row = calloc(1, sizeof *row);
    struct timeline_row **slot = row ? hashmap_put(&group->rows, key, NULL) : NULL;
    if (!slot) {
        free(row);
        return -ENOMEM;
    }
    row->pid = group->pid;
    row->id = number_row(group, key->kind);
    row->tid = key->tid;
    nest_init(&row->nest, timeline->options.base_ns, NEST_IN_ORDER);
    *slot = *out = row;
    return 0;
}

int timeline_group_row(struct timeline_builder *timeline, struct timeline_group *group, enum timeline_row_kind kind,
                       uint32_t tid, struct timeline_row **out)
{
    struct timeline_row *last = group->last[kind];
    if (last && last->tid == tid) {
        *out = last;
        return 0;
    }
    struct row_key key = {.kind = kind, .tid = tid};
    struct timeline_row **found = hashmap_find(&group->rows, &key);
    int error = found ? 0 : create_row(timeline, group, &key, out);
    if (found)
        *out = *found;
    if (!error)
        group->last[kind] = *out;
    return error;
}

int timeline_group_add_row(struct timeline_builder *timeline, struct timeline_group *group, enum timeline_row_kind kind,
                           char *title, struct timeline_row **out)
{
    struct row_key key = {.kind = kind, .tid = group->used[kind]};
    int error = title ? create_row(timeline, group, &key, out) : -ENOMEM;
    if (error)
        free(title);
    else
        (*out)->title = title;
    return error;
}

void timeline_group_fini(struct timeline_group *group)
{
    const void *key;
    void *value;
    for (size_t at = 0; hashmap_next(&group->rows, &at, &key, &value);) {
        struct timeline_row *row = *(struct timeline_row **)value;
        nest_fini(&row->nest);
        free(row->title);
        free(row);
    }
    hashmap_fini(&group->rows);
    free(group->title);
}

/* "assigns \u00b7 phone"; to be freed. NULL when memory is out. */
static char *row_title(struct timeline_builder *timeline, const struct timeline_group *group, const struct row_key *key)
{
    static const char *const kinds[] = {
        [TIMELINE_HOLDS] = "holds",     [TIMELINE_LOST_KEYS] = "lost keys",      [TIMELINE_FINDINGS] = "findings",
        [TIMELINE_ASSIGNS] = "assigns", [TIMELINE_CLEANUP] = "deferred cleanup", [TIMELINE_GROWTH] = "growth"};
    struct timeline_thread *thread;
    char *title;
    bool is_of_thread = key->kind == TIMELINE_ASSIGNS || key->kind == TIMELINE_CLEANUP || key->tid != 0;
    if (!is_of_thread)
        return strdup(kinds[key->kind]);
    if (timeline_thread_get(timeline, group->owner_pid, key->tid, &thread))
        return NULL;
    return asprintf(&title, "%s \u00b7 %s", kinds[key->kind], thread->label) < 0 ? NULL : title;
}

static int name_group_row(struct timeline_builder *timeline, const struct timeline_group *group,
                          const struct row_key *key, const struct timeline_row *row)
{
    char *title = row->title ? strdup(row->title) : row_title(timeline, group, key);
    int error = title ? timeline->sink.row(timeline->sink.self, group->pid, row->id, title, (int32_t)row->id) : -ENOMEM;
    free(title);
    return error;
}

int timeline_name_group(struct timeline_builder *timeline, const struct timeline_group *group)
{
    int error = timeline->sink.process(timeline->sink.self, group->pid, group->title, group->sort_index);
    const void *key;
    void *value;
    for (size_t at = 0; !error && hashmap_next(&group->rows, &at, &key, &value);)
        error = name_group_row(timeline, group, key, *(struct timeline_row **)value);
    return error;
}

static int name_process(struct timeline_builder *timeline, uint32_t pid, const struct timeline_process *process)
{
    const struct process_table *processes = timeline->options.processes;
    const struct process *known = processes ? process_find(processes, pid) : NULL;
    const char *name = known && known->name[0] ? known->name : pid ? "process" : "unknown process";
    return timeline->sink.process(timeline->sink.self, timeline_shown(pid), name, process_place(process));
}

/* The main thread first, the others in the order of their tids. */
static int name_thread(struct timeline_builder *timeline, const struct thread_key *key)
{
    char buffer[TIMELINE_LABEL_BYTES];
    uint32_t place = key->tid == key->pid ? 0 : key->tid < INT32_MAX ? key->tid : INT32_MAX;
    return timeline->sink.row(timeline->sink.self, timeline_shown(key->pid), timeline_shown(key->tid),
                              timeline_thread_name(timeline, key->pid, key->tid, buffer), (int32_t)place);
}

int timeline_name_threads(struct timeline_builder *timeline)
{
    int error = 0;
    const void *key;
    void *value;
    for (size_t at = 0; !error && hashmap_next(&timeline->processes, &at, &key, &value);)
        error = name_process(timeline, *(const uint32_t *)key, value);
    for (size_t at = 0; !error && hashmap_next(&timeline->threads, &at, &key, &value);)
        error = name_thread(timeline, key);
    return error;
}
