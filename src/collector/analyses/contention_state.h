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
    bool has_totals;
    struct contention_sum handoff;
    uint64_t max_wait_ns;
    struct contention_totals totals;
};

/* In place of a wait's bucket: the cell is a releaser's. */
#define CONTENTION_RELEASE_CELL CONTENTION_BUCKETS

struct contention_cell_key {
    uint32_t lock; /* id */
    stack_id stack;
    uint32_t mode, result, bucket;
};

struct contention_cell {
    struct contention_sum count, delay;
    uint64_t max_ns;
};

struct contention {
    struct stacks *stacks; /* borrowed */
    struct strtab *names;
    struct hashmap locks; /* contention_lock_key -> contention_lock_state */
    struct hashmap cells; /* contention_cell_key -> contention_cell */
    struct contention_sampler *samplers;
    size_t sampler_count, sampler_capacity;
};

#endif
