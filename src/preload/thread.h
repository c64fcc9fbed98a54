/*
 * The calling thread, as the hooks know it.
 *
 * A thread's first event takes 20-35 us and locks of the tracer's, which would be taken in the middle of the
 * program's critical sections. So each thread that is created through us prepares itself before it runs the
 * program's function, and each that creates one does so then.
 */
#ifndef PRELOAD_THREAD_H
#define PRELOAD_THREAD_H

#include <stdint.h>

/* The kernel's id, as glibc keeps it in locks. Asked once a thread, and again after a fork. */
uint32_t thread_ask_id(void);

extern __thread uint32_t thread_own_id __attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline uint32_t thread_id(void)
{
    return __builtin_expect(thread_own_id != 0, 1) ? thread_own_id : thread_ask_id();
}

/* The thread will have events from now on; if it was not prepared, it is counted. */
void thread_expect_events(void);

/* How many were: created with a small stack, or before the tracer was there. */
uint64_t thread_unprepared(void);

#endif
