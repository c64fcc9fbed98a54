/* See interpose.h. */
#include "runtime/interpose.h"

#include <mapscope/region.h>

#include "runtime/forks.h"
#include "runtime/locks.h"
#include "runtime/thread.h"

bool interpose_thread_prepare(uint32_t creator, uint64_t start)
{
    thread_tid();
    return thread_introduce(creator, start);
}

void interpose_thread_named(void)
{
    atomic_fetch_add_explicit(&thread_names, 1, memory_order_relaxed);
}

static uint64_t (*_Atomic count_ops)(void);
static void (*last_words)(void);

void interpose_begin(const struct interposer *interposer)
{
    forks_follow();
    atomic_store_explicit(&count_ops, interposer->ops, memory_order_release);
    last_words = interposer->farewell;
    if (interposer->try)
        msc_mutex_try = interposer->try;
}

uint64_t interpose_ops(void)
{
    uint64_t (*count)(void) = atomic_load_explicit(&count_ops, memory_order_acquire);
    return count ? count() : 0;
}

void interpose_say_farewell(void)
{
    uint64_t ops = interpose_ops();
    atomic_store_explicit(&count_ops, NULL, memory_order_relaxed);
    if (ops)
        lock_add_other_ops(ops);
    if (last_words)
        last_words();
}

void interpose_note(const char *text)
{
    msc_log("mapscope", text);
}
