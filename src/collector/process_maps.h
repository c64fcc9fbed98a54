/*
 * The modules of a process from the text of its /proc/PID/maps: for what no trace tells about, a running process
 * or a profile that has the text appended. Not thread-safe.
 */
#ifndef COLLECTOR_PROCESS_MAPS_H
#define COLLECTOR_PROCESS_MAPS_H

#include <stddef.h>
#include <stdint.h>

#include "model/process.h"

/*
 * Adds the files that are mapped executable, each from its first mapping to the end of its last with the zeroed
 * memory (.bss) behind it, as loaded at time 0. Lines that are none are skipped: the text may be anything.
 * `text` need not end with NUL. 0 or -ENOMEM.
 */
int process_maps_add(struct process_table *table, uint32_t pid, const char *text, size_t size);

/* The same of a process that runs; and the names of its threads. 0, -ESRCH, -EACCES, ... , -ENOMEM. */
int process_maps_read(struct process_table *table, uint32_t pid);

#endif
