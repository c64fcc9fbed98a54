/* Waiting on a word until another thread changes it: futex(2). Any thread; no cancellation point, errno kept. */
#ifndef MSC_RUNTIME_FUTEX_H
#define MSC_RUNTIME_FUTEX_H

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FUTEX_FOREVER UINT64_MAX

/* Blocks while the word is `expected`, at most until CLOCK_MONOTONIC reaches deadline_ns. May return early. */
static inline void futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline_ns)
{
    enum { NS_PER_S = 1000000000 };
    int kept_errno = errno;
    struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / NS_PER_S), .tv_nsec = (long)(deadline_ns % NS_PER_S)};
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, deadline_ns == FUTEX_FOREVER ? NULL : &deadline, NULL,
            FUTEX_BITSET_MATCH_ANY);
    errno = kept_errno;
}

static inline void futex_wake(_Atomic uint32_t *word, int count)
{
    int kept_errno = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count);
    errno = kept_errno;
}

static inline void futex_wake_all(_Atomic uint32_t *word)
{
    futex_wake(word, INT_MAX);
}

#endif
