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
enum contention_kind {
    CONTENTION_MUTEX = 0,
    CONTENTION_RWLOCK = 1,
    CONTENTION_SPIN = 2,
    CONTENTION_COND = 3, /* the relock after a wait */
    CONTENTION_MTX = 4   /* C11 */
};
enum contention_mode { CONTENTION_EXCLUSIVE = 0, CONTENTION_SHARED = 1 };
enum contention_sampling {
    CONTENTION_SAMPLER_OFF = 0,
    CONTENTION_SAMPLER_BERNOULLI = 1,
    CONTENTION_SAMPLER_HYBRID = 2
};
enum contention_result {
    CONTENTION_ACQUIRED = 0,
    CONTENTION_TIMEOUT = 1,
    CONTENTION_ERROR = 2,
    CONTENTION_CANCELLED = 3,
    CONTENTION_OWNER_DIED = 4 /* acquired */
};

/* Those of one site that have these labels in common. */
struct contention_part {
    uint32_t kind;      /* enum contention_kind: one lock may be seen as mutex and as cond */
    uint32_t bucket;    /* of waits: what their length fell into (contention_bucket_of) */
    const char *thread; /* never NULL; "" = unknown; raw bytes of the trace without NUL */
    uint64_t count, delay_ns;
};

/* Releases (charged), waits or holds of one call stack, one mode and, for waits, one result. */
struct contention_site {
    stack_id stack;
    uint32_t mode, result;
    uint64_t count;                      /* contended releases, waits, or holds */
    uint64_t delay_ns;                   /* waiters' time during the holds, waited, or held */
    uint64_t max_ns;                     /* largest single one */
    double delay_variance;               /* of delay_ns, ns^2: what sampling leaves open; 0 = nothing */
    double count_variance;               /* of count */
    const struct contention_part *parts; /* waits: shortest first */
    size_t part_count;
};

/* The runtime's own exact control totals of a lock: never sampled. */
struct contention_totals {
    uint64_t ops, contentions, wait_ns, charge_ns, handoff_ns, max_ns, dropped;
};

struct contention_lock {
    uint32_t pid;
    struct event_object object;
    const char *name;  /* never NULL; "" = unnamed; raw bytes of the trace without NUL */
    const char *title; /* what to call it: its name, or what is known in its place; NULL = not looked up yet */
    uint32_t kind;     /* when first seen */
    uint64_t site;     /* where it was initialised, an address of code; 0 = unknown */
    const char *map;   /* that it belongs to: its name or 0xADDRESS; "" = none */
    const struct contention_site *releasers; /* by delay, largest first */
    size_t releaser_count;
    const struct contention_site *waiters; /* by delay, largest first */
    size_t waiter_count;
    const struct contention_site *holds; /* by delay, largest first; only with lock_hold events */
    size_t hold_count;
    uint64_t releases, charge_ns;  /* sums over releasers */
    uint64_t waits, wait_ns;       /* sums over waiters */
    uint64_t hold_events, held_ns; /* sums over holds */
    uint64_t handoff_ns;           /* waiters' time while nobody held the lock */
    uint64_t max_wait_ns;
    /* What had not ended with the recording, exactly; only where there is a shared page. */
    uint64_t still_held_ns;                      /* waiters' time that the present holder is to be charged */
    const char *holder;                          /* thread that holds it while others wait; never NULL, "" = unknown */
    uint32_t holder_tid, still_held_mode;        /* 0 = unknown */
    const struct contention_site *still_waiters; /* by delay, largest first */
    size_t still_waiter_count;
    uint64_t still_waits, still_wait_ns; /* sums over still_waiters */
    double mutex_variance;               /* of charge_ns + handoff_ns */
    double wait_variance;                /* of wait_ns */
    double hold_variance;                /* of held_ns */
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
    uint64_t holds, held_ns;                                  /* sums over locks' holds */
    uint64_t still_held_ns, still_waits, still_wait_ns;       /* sums over locks */
    double mutex_variance, wait_variance, hold_variance;      /* sums over locks */
    struct contention_totals totals;                          /* sums over locks; max_ns is the largest */
    size_t totals_count;                                      /* locks that have totals */
    const struct contention_sampler *samplers;
    size_t sampler_count;
    const char *const *notes; /* what the traced programs' hooks say of the recording, each once; raw bytes */
    size_t note_count;
};

/*
 * Conservation: what releasers are charged plus hand-off plus what is still held = what waiters waited plus what
 * is still waited. Exact at weight 1, in expectation when sampled; without a shared page, short of what had not
 * ended with the recording.
 */
struct contention_balance {
    uint64_t mutex_ns;     /* charge + hand-off + still held */
    uint64_t block_ns;     /* wait + still waiting */
    int64_t difference_ns; /* mutex - block */
};

struct contention_balance contention_lock_balance(const struct contention_lock *lock);
struct contention_balance contention_view_balance(const struct contention_view *view);
struct contention_balance contention_totals_balance(const struct contention_view *view); /* of the exact totals */

/* The lock, or NULL. Borrowed. */
const struct contention_lock *contention_find(const struct contention_view *view, uint32_t pid,
                                              const struct event_object *object);

/* 1-2-5 steps from 1 us to 10 s: the index of the bucket that holds `ns`, and its text ("1ms-2ms"). */
#define CONTENTION_BUCKETS 23
uint32_t contention_bucket_of(uint64_t ns);
const char *contention_bucket_text(uint32_t bucket); /* bucket < CONTENTION_BUCKETS; constant */

/* Constant texts; "unknown" for a number that this version does not know. */
const char *contention_kind_text(uint32_t kind);
const char *contention_mode_text(uint32_t mode);
const char *contention_result_text(uint32_t result);
const char *contention_sampler_text(uint32_t mode);

/*
 * Half the width of the 95 % interval of an estimate with this variance, rounded up: 0 if nothing was sampled.
 * Sampling keeps an event of value c with probability p and counts it as c/p, w = 1/p: unbiased, and
 * sum (c w)^2 (1 - 1/w) over what was kept is an unbiased estimate of the variance (Horvitz and Thompson; the
 * events are kept independently of each other). docs/sampling.md has the derivation.
 */
uint64_t contention_margin(double variance);

/*
 * The title, else the name, else 0xADDRESS, cut at `size`: 20 bytes hold any address. Returns `buffer` or the
 * lock's own text.
 */
const char *contention_lock_text(const struct contention_lock *lock, char *buffer, size_t size);

#endif
