/*
 * pthread_create, thrd_create and pthread_setname_np: see thread.h.
 *
 * What the new thread is to run travels in an entry of a fixed table, which the new thread copies and frees.
 * Without a free one, or with a small stack of the program's own making, the thread runs as it would without us. A
 * stack that the C library makes is larger than the program asked for, by what we may need of it.
 * Arguments, results and the stack of the program's function are the same: we are gone when it begins (a call
 * in tail position).
 *
 * Threads that LTTng starts for itself are marked: what they lock is not the program's.
 */
#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/real.h"
#include "preload/thread.h"
#include "runtime/interpose.h"

static __thread bool is_prepared __attribute__((tls_model("initial-exec")));

static _Atomic uint64_t unprepared;

void thread_expect_events(void)
{
    if (!is_prepared)
        atomic_fetch_add_explicit(&unprepared, 1, memory_order_relaxed);
    is_prepared = true;
}

uint64_t thread_unprepared(void)
{
    return atomic_load_explicit(&unprepared, memory_order_relaxed);
}

enum {
    STARTS = 256,
    STACK_ENOUGH = 64 * 1024, /* bytes; preparing takes less than 10 KiB */
    STACK_MORE = 16 * 1024,   /* 3 KiB of it are thread-local data, 4 what a lock needs that waits: docs/preload.md */
};

struct start {
    atomic_flag taken; /* acquire by the creator, release by the new thread */
    union {
        void *(*pthread)(void *);
        thrd_start_t c11;
    } run;
    void *argument;
    uint32_t creator;
    bool is_tracers;
};

static struct start starts[STARTS];

static struct start *start_claim(void)
{
    uint32_t first = thread_id();
    for (uint32_t i = 0; i < STARTS; i++) {
        struct start *start = &starts[(first + i) % STARTS];
        if (!atomic_flag_test_and_set_explicit(&start->taken, memory_order_acquire))
            return start;
    }
    return NULL;
}

static void start_free(struct start *start)
{
    atomic_flag_clear_explicit(&start->taken, memory_order_release);
}

/* In the new thread. Returns what it is to run. It asks for its id now: later it may have shut itself off (seccomp). */
__attribute__((noinline)) static struct start begin(struct start *shared)
{
    thread_id();
    struct start own = {.run = shared->run, .argument = shared->argument, .is_tracers = shared->is_tracers};
    uint32_t creator = shared->creator;
    start_free(shared);
    if (own.is_tracers)
        msc_guard++; /* for good */
    else
        is_prepared = interpose_thread_prepare(creator, (uintptr_t)own.run.pthread);
    return own;
}

static void *run_pthread(void *shared)
{
    struct start own = begin(shared);
    return own.run.pthread(own.argument);
}

static int run_c11(void *shared)
{
    struct start own = begin(shared);
    return own.run.c11(own.argument);
}

/* glibc 2.35; without it, LTTng's threads are taken for the program's. */
extern __typeof__(_dl_find_object) _dl_find_object __attribute__((weak));

static bool is_tracers(void *function)
{
    struct dl_find_object object;
    return _dl_find_object && _dl_find_object(function, &object) == 0 &&
           strstr(object.dlfo_link_map->l_name, "/liblttng-ust") != NULL;
}

static struct start *start_new(void *function, void *argument)
{
    real(); /* now it is known whether we are to do more than pass through */
    struct start *start = real_usable() && !msc_guard ? start_claim() : NULL;
    if (!start)
        return NULL;
    start->argument = argument;
    start->creator = thread_id();
    start->is_tracers = is_tracers(function);
    return start;
}

/* The size that is asked for; 0 = the C library's default. True: the stack is the program's own. */
static bool has_stack(const pthread_attr_t *attributes, size_t *size)
{
    void *stack = NULL;
    *size = 0;
    return attributes && pthread_attr_getstack(attributes, &stack, size) == 0 && (uintptr_t)stack + *size != 0;
}

static bool has_room(const pthread_attr_t *attributes)
{
    size_t size;
    return !has_stack(attributes, &size) || size >= STACK_ENOUGH;
}

/* The same attributes, in *larger with a larger stack: programs may have measured what their threads need. */
static const pthread_attr_t *with_room(const pthread_attr_t *attributes, pthread_attr_t *larger)
{
    size_t size;
    if (has_stack(attributes, &size) || size == 0)
        return attributes;
    *larger = *attributes; /* what it points to stays the program's */
    return pthread_attr_setstacksize(larger, size + STACK_MORE) ? attributes : larger;
}

/* The larger stack is no reason to fail. */
static int create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *), void *argument)
{
    pthread_attr_t larger;
    const pthread_attr_t *tried = with_room(attributes, &larger);
    int error = real()->pthread_create(thread, tried, function, argument);
    return error && tried != attributes ? real()->pthread_create(thread, attributes, function, argument) : error;
}

/* The thread that makes the second one is the first that nobody prepared. */
static void prepare_creator(void)
{
    if (real_usable() && !is_prepared && !msc_guard)
        is_prepared = interpose_thread_prepare(0, 0);
}

HOOK int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                        void *(*function)(void *), void *restrict argument)
{
    prepare_creator();
    struct start *start = has_room(attributes) ? start_new((void *)function, argument) : NULL;
    if (!start)
        return create(thread, attributes, function, argument);
    start->run.pthread = function;
    int error = create(thread, attributes, run_pthread, start);
    if (error)
        start_free(start);
    return error;
}

HOOK int thrd_create(thrd_t *thread, thrd_start_t function, void *argument)
{
    prepare_creator();
    struct start *start = start_new((void *)function, argument);
    if (!start)
        return real()->thrd_create(thread, function, argument);
    start->run.c11 = function;
    int result = real()->thrd_create(thread, run_c11, start);
    if (result != thrd_success)
        start_free(start);
    return result;
}

/* A thread that was prepared has said its name already; the one that sets it may be another. */
HOOK int pthread_setname_np(pthread_t thread, const char *name)
{
    int error = real()->pthread_setname_np(thread, name);
    if (error == 0)
        interpose_thread_named();
    return error;
}

/* --- Who the calling thread is ------------------------------------------------------------------------------- */

__thread uint32_t thread_own_id;

uint32_t thread_ask_id(void)
{
    return thread_own_id = (uint32_t)syscall(SYS_gettid);
}

static void in_child(void)
{
    thread_ask_id();
    is_prepared = false;
    atomic_store_explicit(&unprepared, 0, memory_order_relaxed);
    for (struct start *start = starts; start < starts + STARTS; start++)
        start_free(start);
}

__attribute__((constructor)) static void thread_prepare(void)
{
    thread_ask_id();
    pthread_atfork(NULL, NULL, in_child);
}
