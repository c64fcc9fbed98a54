/*
 * Who made whom wait: per lock, the releasers that are charged (mutex profile) and the waiters that were
 * blocked (block profile). Plain data; collector/analyses/contention makes it, profiles and the report
 * read it.
 *
 * Every count and time is un-sampled: the events' values times their weights, rounded once a site. Every
 * total is the sum of the rounded sites, so all outputs add up to the same numbers.
 */
#ifndef MODEL_CONTENTION_H
#define MODEL_CONTENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/event.h"
#include "model/stacks.h"

/* Numbers of docs/events.md. */
enum contention_kind { CONTENTION_MUTEX = 0 };
enum contention_mode { CONTENTION_EXCLUSIVE = 0, CONTENTION_SHARED = 1 };
enum contention_sampling {
    CONTENTION_SAMPLER_OFF = 0,
    CONTENTION_SAMPLER_BERNOULLI = 1,
    CONTENTION_SAMPLER_HYBRID = 2
};
enum contention_result { CONTENTION_ACQUIRED = 0, CONTENTION_TIMEOUT = 1, CONTENTION_ERROR = 2 };

/* The waits of one site whose length fell into one bucket (contention_bucket_of). */
struct contention_bucket {
    uint32_t bucket;
    uint64_t count, delay_ns;
};

/* Releases (charged) or waits of one call stack, one mode and, for waits, one result. */
struct contention_site {
    stack_id stack;
    uint32_t mode, result;
    uint64_t count;                          /* contended releases, or waits */
    uint64_t delay_ns;                       /* waiters' time during the holds, or waited */
    uint64_t max_ns;                         /* largest single one */
    const struct contention_bucket *buckets; /* waits only, shortest first */
    size_t bucket_count;
};

/* The runtime's own exact control totals of a lock: never sampled. */
struct contention_totals {
    uint64_t ops, contentions, wait_ns, charge_ns, handoff_ns, max_ns, dropped;
};

struct contention_lock {
    uint32_t pid;
    struct event_object object;
    const char *name; /* never NULL; "" = unnamed; raw bytes of the trace without NUL */
    uint32_t kind;
    const struct contention_site *releasers; /* by delay, largest first */
    size_t releaser_count;
    const struct contention_site *waiters; /* by delay, largest first */
    size_t waiter_count;
    uint64_t releases, charge_ns; /* sums over releasers */
    uint64_t waits, wait_ns;      /* sums over waiters */
    uint64_t handoff_ns;          /* waiters' time while nobody held the lock */
    uint64_t max_wait_ns;
    bool has_totals;
    struct contention_totals totals;
};

/* One setting of the runtime's sampler that was in force during the recording. */
struct contention_sampler {
    uint32_t mode; /* enum contention_sampling */
    uint64_t fraction, rate_ns;
};

struct contention_view {
    const struct contention_lock *locks; /* by charge + hand-off, largest first */
    size_t lock_count;
    uint64_t releases, charge_ns, handoff_ns, waits, wait_ns; /* sums over locks */
    struct contention_totals totals;                          /* sums over locks; max_ns is the largest */
    size_t totals_count;                                      /* locks that have totals */
    const struct contention_sampler *samplers;
    size_t sampler_count;
};

/*
 * Conservation: what releasers are charged plus hand-off = what waiters waited. Exact at weight 1, in
 * expectation when sampled, short of the waits that had not ended with the recording.
 */
struct contention_balance {
    uint64_t mutex_ns; /* charge + hand-off */
    uint64_t block_ns;
    int64_t difference_ns; /* mutex - block */
};

struct contention_balance contention_lock_balance(const struct contention_lock *lock);
struct contention_balance contention_view_balance(const struct contention_view *view);
struct contention_balance contention_totals_balance(const struct contention_totals *totals); /* exact */

/* 1-2-5 steps from 1 us to 10 s: the index of the bucket that holds `ns`, and its text ("1ms-2ms"). */
#define CONTENTION_BUCKETS 23
uint32_t contention_bucket_of(uint64_t ns);
const char *contention_bucket_text(uint32_t bucket); /* bucket < CONTENTION_BUCKETS; constant */

/* Constant texts; "unknown" for a number that this version does not know. */
const char *contention_kind_text(uint32_t kind);
const char *contention_mode_text(uint32_t mode);
const char *contention_result_text(uint32_t result);
const char *contention_sampler_text(uint32_t mode);

/* The name, or 0xADDRESS for an unnamed lock, cut at `size`: 20 bytes hold any address. Returns `buffer` or the name.
 */
const char *contention_lock_text(const struct contention_lock *lock, char *buffer, size_t size);

#endif
