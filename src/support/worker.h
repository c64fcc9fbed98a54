/*
 * A thread that works for the one that starts it. Signals are blocked in it: they are the main thread's business.
 */
#ifndef SUPPORT_WORKER_H
#define SUPPORT_WORKER_H

#include <pthread.h>
#include <stddef.h>

/* As pthread_create; 0, or a negative errno where there is no thread to be had. */
int worker_start(pthread_t *thread, void *(*work)(void *self), void *self);

/* The processors that this process may run on; 1 if that cannot be found out. */
size_t worker_processors(void);

#endif
