/* Points in time on CLOCK_MONOTONIC by which something must have happened. Thread- and signal-safe. */
#ifndef COLLECTOR_SESSION_DEADLINE_H
#define COLLECTOR_SESSION_DEADLINE_H

#include <limits.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t deadline_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline uint64_t deadline_after_ms(int timeout_ms)
{
    return deadline_now_ns() + (uint64_t)timeout_ms * 1000000;
}

/* As poll() takes it: 0 when it is past, and never early. */
static inline int deadline_left_ms(uint64_t end_ns)
{
    uint64_t now_ns = deadline_now_ns();
    uint64_t left_ms = now_ns < end_ns ? (end_ns - now_ns + 999999) / 1000000 : 0;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

#endif
