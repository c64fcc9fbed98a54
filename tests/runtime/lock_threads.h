/*
 * Real threads at a msc_mutex, arranged rather than hoped for: a thread counts as blocked when its wait is in the
 * mutex's word. And functions whose addresses can be told apart, for who is blamed.
 */
#ifndef TESTS_RUNTIME_LOCK_THREADS_H
#define TESTS_RUNTIME_LOCK_THREADS_H

#include <errno.h>
#include <mapscope/mutex.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "runtime/contention.h"
#include "runtime/locks.h"

static inline uint64_t word_of(msc_mutex *mutex)
{
    struct lock_id *id = (struct lock_id *)(void *)&mutex->msc_id;
    struct page_lock *entry = atomic_load(&id->contended);
    return entry ? atomic_load(&entry->word) : 0;
}

static inline void until_waiting(msc_mutex *mutex, uint64_t waiters)
{
    while (word_of(mutex) >> 48 != waiters)
        usleep(100);
}

static inline struct timespec timespec_at(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
}

static inline void sleep_until(uint64_t ns)
{
    struct timespec time = timespec_at(ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) {
    }
}

/* One thread waits for the mutex in `wait`, while another holds it, which releases it in `release`. */
static inline void let_one_wait_in(msc_mutex *mutex, void *(*wait)(void *), void *(*release)(void *))
{
    pthread_t thread;
    msc_mutex_lock(mutex);
    pthread_create(&thread, NULL, wait, mutex);
    until_waiting(mutex, 1);
    release(mutex);
    pthread_join(thread, NULL);
}

static inline void *lock_and_unlock(void *mutex)
{
    msc_mutex_lock(mutex);
    msc_mutex_unlock(mutex);
    return NULL;
}

static inline void *unlock(void *mutex)
{
    msc_mutex_unlock(mutex);
    return NULL;
}

static inline void let_one_wait(msc_mutex *mutex)
{
    let_one_wait_in(mutex, lock_and_unlock, unlock);
}

/* A function whose addresses are told apart from the other sites': no two of them within SITE bytes. */
enum { SITE = 4096 }; /* sanitizers write long code */
#define site_function __attribute__((noinline, aligned(SITE))) static

static inline bool is_in(uintptr_t pc, void *(*function)(void *))
{
    return pc > (uintptr_t)function && pc < (uintptr_t)function + SITE;
}

#endif
