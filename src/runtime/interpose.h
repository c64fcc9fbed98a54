/*
 * What libmapscope-preload.so needs of the runtime besides contention.h: threads that are prepared before they
 * take locks, and words of its own for the trace.
 *
 * Not for hooks: everything here may emit. Any thread.
 */
#ifndef MSC_RUNTIME_INTERPOSE_H
#define MSC_RUNTIME_INTERPOSE_H

#include <stdbool.h>
#include <stdint.h>

#include <mapscope/mutex.h>

#include "runtime/private.h"

/*
 * A new thread, holding no lock: emits thread_start with the tid of its creator and its start routine (0 = unknown),
 * and with it the thread's first event, which costs the tracer 20-35 us and locks. False: nobody listens.
 */
MSC_PRIVATE bool interpose_thread_prepare(uint32_t creator, uint64_t start);

/* Somebody named a thread: it says so with its next event. */
MSC_PRIVATE void interpose_thread_named(void);

struct interposer {
    uint64_t (*ops)(void);  /* acquisitions of all locks so far, which are those of "[other locks]" */
    void (*farewell)(void); /* called when the tracer says farewell, before the totals go out */
    msc_mutex_try_fn *try;  /* behind its hook: msc_mutex counts its acquisitions itself. NULL: as it is */
};

/* Once, from the first constructor of the process: ours come later. */
MSC_PRIVATE void interpose_begin(const struct interposer *interposer);

/* The runtime's own part of it. 0 after the farewell: they are added to the totals then. */
uint64_t interpose_ops(void);
void interpose_say_farewell(void);

/* A remark on the recording itself: event `log`, category "mapscope". */
MSC_PRIVATE void interpose_note(const char *text);

#endif
