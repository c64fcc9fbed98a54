/*
 * What the parts of the misuse analysis share: maps and who is inside them (misuse.c), and the findings with
 * their sentences (misuse_findings.c). Private to src/collector/analyses/misuse*.c.
 */
#ifndef COLLECTOR_MISUSE_STATE_H
#define COLLECTOR_MISUSE_STATE_H

#include "collector/analyses/misuse.h"
#include "support/hashmap.h"

struct misuse_map_key {
    uint64_t pid, address, generation;
};

/* An operation that is remembered. */
struct misuse_op {
    struct finding_operation operation;
    uint64_t seq;
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

struct misuse_map {
    struct misuse_map_key key;
    char *name; /* owned; NULL = not known */
    bool is_foreign;
    bool synchronises;                      /* by itself: not watched */
    struct misuse_op recent[MISUSE_RECENT]; /* a ring */
    uint32_t recent_count;                  /* ever */
    uint64_t last_write_ns, last_op_ns;     /* the latest ends among them */
    uint64_t last_seq;                      /* the highest among them */
    struct misuse_iteration *iterations;    /* open; owned, MISUSE_ITERATIONS */
    size_t iteration_count;
    struct misuse_pending *pending; /* owned, MISUSE_PENDING */
    size_t pending_count;
};

struct misuse {
    struct stacks *stacks;
    struct findings *findings;
    struct hashmap maps; /* misuse_map_key -> struct misuse_map *, owned */
    struct misuse_map *last;
    struct hashmap told; /* struct misuse_told -> index of the finding */
};

/* What makes two misuses the same one. */
struct misuse_told {
    uint64_t pid, address, generation;
    uint32_t kind, count;
    stack_id stacks[FINDING_OPERATIONS_MAX];
};

/* How a misuse came to light: that decides the sentence. */
enum misuse_proof {
    MISUSE_REFUSED,    /* the map noticed it */
    MISUSE_OVERLAP,    /* in time */
    MISUSE_SHARED_SEQ, /* two modifications with one number */
    MISUSE_IN_ITERATION,
};

/* A finding about the map (NULL = no map), with no operation yet. */
struct finding misuse_finding(const struct misuse_map *map, enum finding_kind kind, enum misuse_proof proof,
                              enum finding_severity severity);

/* Adds it, or counts it where it was told before. Takes `finding`. 0 or -ENOMEM. */
int misuse_tell(struct misuse *misuse, struct finding *finding);

#endif
