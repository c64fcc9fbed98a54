/* See interpose.h. */
#include "runtime/interpose.h"

#include <mapscope/region.h>

#include "runtime/locks.h"
#include "runtime/thread.h"

bool interpose_thread_prepare(uint32_t creator, uint64_t start)
{
    return thread_introduce(creator, start);
}

void interpose_thread_named(void)
{
    atomic_fetch_add_explicit(&thread_names, 1, memory_order_relaxed);
}

static void (*farewell)(void);

void interpose_at_farewell(void (*fn)(void))
{
    farewell = fn;
}

void interpose_say_farewell(void)
{
    if (farewell)
        farewell();
}

void interpose_add_ops(uint64_t ops)
{
    lock_add_other_ops(ops);
}

void interpose_note(const char *text)
{
    msc_log("mapscope", text);
}
