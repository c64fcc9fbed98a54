/*
 * Taking a msc_mutex that is held for some ten nanoseconds at a time: a few looks before going to sleep.
 *
 * Sleeping and being woken costs some microseconds, a hundred times what a map operation takes: with pthread's mutex
 * two threads at one map sleep more than they work. So the lock is tried twice before, which takes about 1 us (short)
 * or 10 us (long); only who finds it held each time blocks, and is seen in the contention profiles.
 */
#ifndef MSC_RUNTIME_SPIN_H
#define MSC_RUNTIME_SPIN_H

#include "mapscope/mutex.h"

/*
 * The first distance, in pauses of some 50 ns; it doubles once. Short where the next lock is another one (a
 * shard); long where it is the same again: then the holder gets several operations done with the data in its cache.
 */
enum { SPIN_SHORT = 8, SPIN_LONG = 64 };

static inline void spin_pause(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("isb");
#endif
    }
}

static inline void spin_lock(msc_mutex *mutex, unsigned first)
{
    for (unsigned pauses = first; pauses <= 2 * first; pauses *= 2) {
        if (__builtin_expect(msc_mutex_trylock(mutex) == 0, 1))
            return;
        spin_pause(pauses);
    }
    msc_mutex_lock(mutex);
}

#endif
