/*
 * See timeline_parts.h: how many threads wait for a lock. A wait is one more from its begin and one less
 * from its end; but it is told late, when the waiter has released the lock again, after waits that began
 * later. So the last changes are held back and drawn in the order of time, the older half of them whenever
 * there are WINDOW_CHANGES. What comes later still counts from where the drawing has got to.
 *
 * Where waits were sampled, each counts for as many as it stands for: the count is an estimate then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/timeline_parts.h"
#include "support/vec.h"

/* Two for each wait. A weight above the maximum is a damaged number. */
enum { WINDOW_CHANGES = 8192, WEIGHT_MAX = 1000000 };

static int by_time(const void *left, const void *right)
{
    const struct timeline_change *a = left, *b = right;
    return (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
}

static int put(struct timeline_builder *timeline, struct timeline_lock *lock, uint64_t time_ns)
{
    return timeline_put_counter(timeline, &lock->group, time_ns, "waiting", "threads", lock->waiting.threads);
}

/* The first `count` changes, which are in order; what happens at one moment is one change. */
static int draw(struct timeline_builder *timeline, struct timeline_lock *lock, size_t count)
{
    struct timeline_waiting *waiting = &lock->waiting;
    int error = 0;
    for (size_t i = 0, next; i < count && !error; i = next) {
        int64_t before = waiting->threads;
        for (next = i; next < count && waiting->changes[next].time_ns == waiting->changes[i].time_ns; next++)
            waiting->threads += waiting->changes[next].threads;
        waiting->drawn_ns = waiting->changes[i].time_ns;
        if (waiting->threads != before)
            error = put(timeline, lock, waiting->drawn_ns);
    }
    waiting->count -= count;
    memmove(waiting->changes, waiting->changes + count, waiting->count * sizeof *waiting->changes);
    return error;
}

static int draw_oldest(struct timeline_builder *timeline, struct timeline_lock *lock, size_t count)
{
    struct timeline_waiting *waiting = &lock->waiting;
    if (!waiting->count)
        return 0;
    qsort(waiting->changes, waiting->count, sizeof *waiting->changes, by_time);
    return draw(timeline, lock, count);
}

/* Nobody waits at the beginning. */
static int begin(struct timeline_builder *timeline, struct timeline_lock *lock)
{
    lock->waiting.drawn_ns = timeline->options.base_ns;
    return put(timeline, lock, timeline->options.base_ns);
}

static uint64_t within(const struct timeline_builder *timeline, const struct timeline_lock *lock, uint64_t time_ns)
{
    if (time_ns > timeline->now_ns)
        time_ns = timeline->now_ns;
    return time_ns < lock->waiting.drawn_ns ? lock->waiting.drawn_ns : time_ns;
}

int timeline_waiting_add(struct timeline_builder *timeline, struct timeline_lock *lock, uint64_t begin_ns,
                         uint64_t end_ns, uint64_t weight)
{
    struct timeline_waiting *waiting = &lock->waiting;
    int error = waiting->changes ? 0 : begin(timeline, lock);
    if (!error)
        error = VEC_RESERVE(waiting->changes, waiting->count, waiting->capacity, 2);
    if (error)
        return error;
    uint64_t waiters = weight / EVENT_WEIGHT_ONE;
    int64_t threads = waiters == 0 ? 1 : waiters < WEIGHT_MAX ? (int64_t)waiters : WEIGHT_MAX;
    waiting->changes[waiting->count++] =
        (struct timeline_change){.time_ns = within(timeline, lock, begin_ns), .threads = threads};
    waiting->changes[waiting->count++] =
        (struct timeline_change){.time_ns = within(timeline, lock, end_ns), .threads = -threads};
    return waiting->count < WINDOW_CHANGES ? 0 : draw_oldest(timeline, lock, WINDOW_CHANGES / 2);
}

int timeline_waiting_finish(struct timeline_builder *timeline, struct timeline_lock *lock)
{
    return draw_oldest(timeline, lock, lock->waiting.count);
}
