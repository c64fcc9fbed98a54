/*
 * What the parts of the misuse analysis share: operations that meet (misuse.c), iterations (misuse_iterations.c), what
 * the map noticed itself (misuse_faults.c), all of them above the findings and their sentences (misuse_findings.c).
 * Private to src/collector/analyses/misuse*.c.
 */
#ifndef COLLECTOR_MISUSE_STATE_H
#define COLLECTOR_MISUSE_STATE_H

#include <stdlib.h>

#include "collector/analyses/misuse.h"
#include "collector/analyses/repeats.h"

/* An operation that is remembered: there is one an event. */
struct misuse_op {
    uint64_t begin_ns, end_ns, seq;
    uint32_t tid;
    stack_id stack;
    enum event_kind kind;
    bool writes;   /* it was alone in the map, or should have been */
    bool modifies; /* and took the number `seq` */
};

struct misuse_iteration {
    uint64_t id, action;
    struct finding_operation operation;
};

/* A fault whose other thread is still inside: its own event will tell its stack. */
struct misuse_pending {
    struct finding finding; /* the other operation is operations[0] */
    uint64_t time_ns;
    uint32_t other_tid;
};

enum { MISUSE_RECENT = 8, MISUSE_ITERATIONS = 32, MISUSE_PENDING = 32 };

/* map->states[LIVE_MAP_MISUSE] */
struct misuse_map {
    uint32_t recent_count; /* ever */
    uint32_t iteration_count, pending_count;
    uint64_t last_write_ns, last_op_ns;     /* the latest ends of `recent` */
    uint64_t last_seq;                      /* the highest of it */
    struct misuse_iteration *iterations;    /* open; owned, MISUSE_ITERATIONS */
    struct misuse_pending *pending;         /* owned, MISUSE_PENDING */
    struct misuse_op recent[MISUSE_RECENT]; /* a ring */
};

struct misuse {
    struct live_maps *maps;
    struct stacks *stacks;
    struct repeats repeats;
};

/* What is known of the sighting's map, or NULL when memory is out. */
static inline struct misuse_map *misuse_map_of(const struct sighting *sighting)
{
    void **state = &sighting->map->states[LIVE_MAP_MISUSE];
    if (!*state)
        *state = calloc(1, sizeof(struct misuse_map));
    return *state;
}

/* ---- misuse_iterations.c: 0 or -ENOMEM ---- */

int misuse_iter_begin(struct sighting *sighting);
int misuse_iter_end(struct sighting *sighting);

/* Compares a modification with the iterations that are open. */
int misuse_meets_iterations(struct misuse *misuse, const struct sighting *sighting, const struct misuse_op *op);

/* ---- misuse_faults.c: 0 or -ENOMEM ---- */

int misuse_fault(struct misuse *misuse, struct sighting *sighting);

/* An operation that may be the one that a fault ran into. */
int misuse_resolve_faults(struct misuse *misuse, const struct live_map *map, const struct misuse_op *op);

/* Tells of faults whose other thread never came out. */
int misuse_tell_faults(struct misuse *misuse, struct misuse_map *map);

/* ---- misuse_findings.c ---- */

/* How a misuse came to light: that decides the sentence. */
enum misuse_proof {
    MISUSE_REFUSED,    /* the map noticed it */
    MISUSE_OVERLAP,    /* in time */
    MISUSE_SHARED_SEQ, /* two modifications with one number */
    MISUSE_IN_ITERATION,
};

/* The event as an operation of its thread, at its own time. 0 or -ENOMEM. */
int misuse_operation(struct sighting *sighting, const char *verb, struct finding_operation *out);

/* The remembered operation, as it is told of. */
struct finding_operation misuse_told(const struct live_map *map, const struct misuse_op *op);

/* A finding about the map (NULL = no map), with no operation yet. 0 or -ENOMEM. */
int misuse_finding(const struct live_map *map, enum finding_kind kind, enum misuse_proof proof, struct finding *out);

/* Tells of two operations that met. 0 or -ENOMEM. */
int misuse_tell_both(struct misuse *misuse, const struct live_map *map, enum finding_kind kind, enum misuse_proof proof,
                     const struct finding_operation *one, const struct finding_operation *other);

#endif
