/* What contention.c accumulates and contention_view.c reads. Internal to the contention analysis. */
#ifndef COLLECTOR_ANALYSES_CONTENTION_STATE_H
#define COLLECTOR_ANALYSES_CONTENTION_STATE_H

#include "model/contention.h"
#include "support/hashmap.h"
#include "support/strtab.h"

/* A sum of value * weight, exact: `fraction` counts 2^-16ths and is good for 2^48 additions. */
struct contention_sum {
    uint64_t whole, fraction;
};

static inline uint64_t contention_sum_rounded(const struct contention_sum *sum)
{
    return sum->whole + (sum->fraction + EVENT_WEIGHT_ONE / 2) / EVENT_WEIGHT_ONE;
}

struct contention_lock_key {
    uint64_t address, generation, pid;
};

struct contention_lock_state {
    uint32_t id; /* dense, from 0 */
    uint32_t kind;
    str_id name;
    bool has_totals; /* of its end, or the process' */
    struct contention_sum handoff;
    double mutex_variance; /* a release's charge and hand-off are kept or dropped together */
    uint64_t max_wait_ns, site;
    uint64_t still_held_ns;
    uint32_t holder_tid, still_held_mode;
    str_id holder;
    str_id map;
    struct contention_totals totals;    /* the last */
    struct contention_totals beginning; /* of the inventory `round` */
    uint32_t round;                     /* the first one that it is in; 0 = in none */
};

/* What a cell's events are; in this order in the view. */
enum contention_cell_role {
    CONTENTION_RELEASES,
    CONTENTION_WAITS,
    CONTENTION_HOLDS,
    CONTENTION_STILL_WAITS,
    CONTENTION_ROLES
};

struct contention_cell_key {
    uint32_t lock; /* id */
    uint32_t role; /* enum contention_cell_role */
    stack_id stack;
    uint32_t mode, result;
    /* up to here a site, with the rest a part of it */
    uint32_t bucket, kind;
    str_id thread; /* its name */
};

struct contention_cell {
    struct contention_sum count, delay;
    uint64_t max_ns;
    double count_variance, delay_variance;
};

/* Its name is told once: thread_start. */
struct contention_thread_key {
    uint32_t pid, tid;
};

struct contention_map_key {
    uint64_t address, pid;
};

/* Of the inventories of a process, the first in the trace: what its locks had cost before. */
struct contention_rounds {
    uint32_t first, last;
};

struct contention {
    struct stacks *stacks; /* borrowed */
    struct strtab *names;
    struct hashmap locks;   /* contention_lock_key -> contention_lock_state */
    struct hashmap cells;   /* contention_cell_key -> contention_cell */
    struct hashmap threads; /* contention_thread_key -> str_id */
    struct hashmap rounds;  /* pid -> contention_rounds */
    struct hashmap maps;    /* contention_map_key -> str_id: the name of the map that is there now */
    struct contention_sampler *samplers;
    size_t sampler_count, sampler_capacity;
    const char **notes; /* owned list of interned texts */
    size_t note_count, note_capacity;
};

/* contention_totals.c */

struct contention_totals contention_totals_told(const struct event_lock_totals *from);

/* Totals are cumulative and may come more than once, in any order: the largest are the last. */
void contention_totals_raise(struct contention_totals *totals, const struct contention_totals *other);

/* An inventory of that round: for the process (0 or -ENOMEM), for the lock. In any order. */
int contention_totals_round(struct contention *contention, uint32_t pid, uint32_t round);
void contention_totals_begin(struct contention_lock_state *lock, const struct event_lock_totals *inventory);

/* Those of the recording. False: not known, all 0. */
bool contention_totals_of(const struct contention *contention, uint32_t pid, const struct contention_lock_state *lock,
                          struct contention_totals *out);

/* The view and what it points into. */
struct contention_view_owner {
    struct contention_view view; /* first: the view's address is the owner's */
    struct contention_lock *locks;
    struct contention_site *sites;
    struct contention_part *parts;
    size_t site_count, part_count;
    struct contention_sampler *samplers;
    struct strtab *titles; /* NULL = none yet */
    const char **notes;
};

#endif
