/*
 * The traced processes: names, threads and the modules mapped into them, as the trace told it.
 *
 * A module's life is kept as an interval, so that an address is looked up in what was mapped when the
 * stack was taken. Events come in the order of time. Not thread-safe.
 */
#ifndef MODEL_PROCESS_H
#define MODEL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/event.h"
#include "support/hashmap.h"

#define PROCESS_BUILD_ID_MAX 64

struct process_module {
    uint64_t base, size;             /* address range, bytes; the trace's 0 of the vdso is made two pages */
    uint64_t loaded_ns, unloaded_ns; /* UINT64_MAX while mapped */
    char *path;                      /* owned; bytes as the system gave them, to be opened */
    uint8_t build_id[PROCESS_BUILD_ID_MAX];
    uint32_t build_id_length; /* 0 = unknown */
    bool is_pic;              /* addresses in the file are relative to base */
};

struct process_thread {
    uint32_t tid;
    char *name; /* owned, never NULL, UTF-8 */
};

struct process {
    uint32_t pid;
    char *name;                     /* owned, never NULL, UTF-8 */
    struct process_module *modules; /* by base, then by age */
    size_t module_count, module_capacity;
    uint64_t module_size_max;       /* bytes: how far below an address its module may begin */
    struct process_thread *threads; /* by tid; only those that the trace shows */
    size_t thread_count, thread_capacity;
};

/* A thread and its process, or NULL. */
struct process_seen {
    uint32_t pid, tid;
    struct process *process;
};

/* A power of two. */
enum { PROCESS_RECENT = 64 };

struct process_table {
    struct process **processes; /* in order of appearance; each address is stable */
    size_t count, capacity;
    struct hashmap seen;                        /* {pid, tid} -> struct process *; tid 0 = the process itself */
    struct process_seen recent[PROCESS_RECENT]; /* by tid: most events are of a thread that had one shortly before */
};

void process_table_init(struct process_table *table);
void process_table_fini(struct process_table *table);

/* Of these it takes fields, of the rest pid and tid. */
#define PROCESS_EVENTS                                                                                                 \
    (EVENT_SET(EVENT_PROCESS_NAME) | EVENT_SET(EVENT_THREAD_START) | EVENT_SET(EVENT_THREAD_EXIT) |                    \
     EVENT_SET(EVENT_MODULE_LOAD) | EVENT_SET(EVENT_MODULE_UNLOAD) | EVENT_SET(EVENT_MODULE_BUILD_ID))

/*
 * Takes note of one event: a statedump or library event, a thread's name, or just that the pid and tid
 * exist (pid 0, "the trace does not say", is a process too; tid 0 is no thread). A repeated statedump
 * changes nothing. Returns 0, or -ENOMEM. Costs a few ns once pid and tid are known.
 */
int process_table_apply(struct process_table *table, const struct event *event);

/* The process of the event, if its thread had one shortly before; else NULL. */
static inline struct process *process_table_recent(const struct process_table *table, const struct event *event)
{
    const struct process_seen *seen = &table->recent[event->tid % PROCESS_RECENT];
    return seen->pid == event->pid && seen->tid == event->tid ? seen->process : NULL;
}

/* True for nearly every event: to apply it would change nothing. For callers in a hurry. */
static inline bool process_table_knows(const struct process_table *table, const struct event *event)
{
    return !(EVENT_SET(event->kind) & PROCESS_EVENTS) && process_table_recent(table, event);
}

/* The process of that pid, or NULL. Borrowed. */
const struct process *process_find(const struct process_table *table, uint32_t pid);

/*
 * The module that covers `address` at `time_ns`, or NULL. Where nothing was known to be mapped yet, the
 * first one that was mapped there later: a statedump tells of modules long after they were loaded, and a
 * constructor runs before its library is announced. Borrowed until the next apply.
 */
const struct process_module *process_module_at(const struct process *process, uint64_t address, uint64_t time_ns);

/* True if the trace tells of any module: without one no function has a name. */
bool process_table_has_modules(const struct process_table *table);
#define PROCESS_NO_MODULES                                                                                             \
    "functions have no names, since the trace does not tell which modules were mapped: enable the events "             \
    "'lttng_ust_statedump:*' and 'lttng_ust_lib:*' beside 'mapscope:*' (mapscope record does)"

/* The thread's name, or "" if the trace does not say. Borrowed. */
const char *process_thread_name(const struct process *process, uint32_t tid);

#endif
