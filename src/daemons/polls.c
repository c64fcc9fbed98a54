/*
 * Preloaded into the session daemon that `mapscope record` starts, and so into its consumer (LTTng 2.13): two of their
 * waits are polls, and far too long for a daemon that serves one recording.
 *
 *     usleep(200 ms)     the consumer, when a process has ended: until the last of its metadata is taken.
 *                        Whoever starts meanwhile waits too (DEFAULT_METADATA_AVAILABILITY_WAIT_TIME)
 *     a timer of 500 ms  the session daemon, when a session is destroyed: until the consumer has closed
 *                        its files (DEFAULT_ROTATE_PENDING_TIMER)
 *
 * To look more often changes nothing but how soon it is seen: a program that runs others one after another loses 20 ms
 * with each, where it was 420, and `mapscope record -- true` takes 0.25 s instead of 0.94. Everything else passes
 * through. A daemon that was there before is not ours to change.
 *
 * Threads: any. No state.
 */
#include <dlfcn.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

enum { METADATA_POLL_US = 200000, DESTROY_POLL_NS = 500000000, OURS_US = 1000, OURS_NS = 10000000 };

EXPORTED int usleep(useconds_t duration_us)
{
    if (duration_us == METADATA_POLL_US)
        duration_us = OURS_US;
    struct timespec duration = {.tv_sec = duration_us / 1000000, .tv_nsec = duration_us % 1000000 * 1000};
    return nanosleep(&duration, NULL);
}

static struct timespec shortened(struct timespec duration)
{
    if (duration.tv_sec == 0 && duration.tv_nsec == DESTROY_POLL_NS)
        duration.tv_nsec = OURS_NS;
    return duration;
}

EXPORTED int timer_settime(timer_t timer, int flags, const struct itimerspec *times, struct itimerspec *before)
{
    int (*real)(timer_t, int, const struct itimerspec *, struct itimerspec *);
    *(void **)&real = dlsym(RTLD_NEXT, "timer_settime");
    struct itimerspec ours = {shortened(times->it_interval), shortened(times->it_value)};
    return real(timer, flags, &ours, before);
}
