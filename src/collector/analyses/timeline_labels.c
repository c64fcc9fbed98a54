/*
 * See timeline_parts.h: what threads are called on rows that are not their own. The viewer shows a number
 * beside the name only of a thread's own row; elsewhere two threads of one name need theirs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/timeline_parts.h"

/* In a process of more threads each is called by name and number: names are not compared then. */
enum { COMPARED_MAX = 256 };

const char *timeline_thread_name(const struct timeline_builder *timeline, uint32_t pid, uint32_t tid, char *buffer)
{
    const struct process_table *processes = timeline->options.processes;
    const struct process *process = processes ? process_find(processes, pid) : NULL;
    const char *name = process ? process_thread_name(process, tid) : "";
    if (name[0])
        return name;
    if (tid)
        snprintf(buffer, TIMELINE_LABEL_BYTES, "thread %u", tid);
    else
        snprintf(buffer, TIMELINE_LABEL_BYTES, "unknown thread");
    return buffer;
}

static bool shares_its_name(const struct timeline_builder *timeline, uint32_t pid, uint32_t tid, const char *name)
{
    const struct process_table *processes = timeline->options.processes;
    const struct process *process = processes ? process_find(processes, pid) : NULL;
    if (!process)
        return false;
    for (size_t i = 0; i < process->thread_count && process->thread_count <= COMPARED_MAX; i++)
        if (process->threads[i].tid != tid && strcmp(process->threads[i].name, name) == 0)
            return true;
    return process->thread_count > COMPARED_MAX;
}

int timeline_label_thread(const struct timeline_builder *timeline, uint32_t pid, struct timeline_thread *thread)
{
    char buffer[TIMELINE_LABEL_BYTES], *label = NULL, *who = NULL;
    uint32_t tid = thread->row.tid;
    const char *name = timeline_thread_name(timeline, pid, tid, buffer);
    bool is_named = name != buffer;
    if (!is_named || !shares_its_name(timeline, pid, tid, name))
        label = strdup(name);
    else if (asprintf(&label, "%s %u", name, tid) < 0)
        label = NULL;
    if (!is_named)
        who = strdup(name);
    else if (asprintf(&who, "%s (%u)", name, tid) < 0)
        who = NULL;
    thread->label = label;
    thread->who = who;
    return label && who ? 0 : -ENOMEM;
}
