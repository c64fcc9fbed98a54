/*
 * See timeline_parts.h: events that are not mapscope's, as instants with their names. Those of other tracepoint
 * providers lie on their thread's row; those of a kernel trace, which say a CPU rather than a thread, each on
 * the row of its CPU in a group of their own below all others.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/timeline_parts.h"

/* Rows are numbered from 1. A damaged number shares the last one. */
static uint32_t row_of_cpu(uint32_t cpu)
{
    return (cpu < TIMELINE_CPUS_MAX ? cpu : TIMELINE_CPUS_MAX - 1) + 1;
}

static int put(struct timeline_builder *timeline, const struct timeline_row *row, const struct event *event,
               const char *category)
{
    static const struct timeline_args none;
    char *name = timeline_text(event->other.name);
    int error = name ? timeline_put_instant(timeline, row, event->time_ns, name, category, &none) : -ENOMEM;
    free(name);
    return error;
}

static int put_kernel(struct timeline_builder *timeline, const struct event *event)
{
    struct timeline_kernel *kernel = &timeline->kernel;
    if (!kernel->pid)
        kernel->pid = timeline->next_pid++;
    struct timeline_row row = {.pid = kernel->pid, .id = row_of_cpu(event->other.cpu)};
    kernel->is_used[row.id - 1] = true;
    return put(timeline, &row, event, "kernel");
}

/* LTTng's own about modules have been understood, or say nothing more. */
static bool is_lttngs(struct event_text name)
{
    static const char provider[] = "lttng_ust";
    return name.length >= sizeof provider - 1 && memcmp(name.data, provider, sizeof provider - 1) == 0;
}

int timeline_other_event(struct timeline_builder *timeline, const struct event *event)
{
    if (event->other.is_kernel)
        return put_kernel(timeline, event);
    if (is_lttngs(event->other.name))
        return 0;
    struct timeline_thread *thread;
    int error = timeline_thread_get(timeline, event->pid, event->tid, &thread);
    return error ? error : put(timeline, &thread->row, event, "other");
}

int timeline_name_kernel(struct timeline_builder *timeline)
{
    const struct timeline_kernel *kernel = &timeline->kernel;
    const struct timeline_sink *sink = &timeline->sink;
    int error = kernel->pid ? sink->process(sink->self, kernel->pid, "kernel", INT32_MAX) : 0;
    for (uint32_t cpu = 0; cpu < TIMELINE_CPUS_MAX && !error; cpu++) {
        char name[32];
        if (!kernel->is_used[cpu])
            continue;
        snprintf(name, sizeof name, "CPU %u", cpu);
        error = sink->row(sink->self, kernel->pid, row_of_cpu(cpu), name, (int32_t)cpu);
    }
    return error;
}
