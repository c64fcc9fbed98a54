/*
 * Keeps the slices of one row nested, in bounded memory: each slice is fitted into what lies on the row
 * already, before it is written.
 *
 * Events come at the end of what they tell about, so that a parent comes after its children, and a wait
 * comes only when the lock is released again, after everything that the thread did meanwhile. Read on one
 * thread, the clock makes all of it nest; fitting changes nothing then. It cuts what does not: an end that
 * was lost, two regions that cross, a damaged number.
 *
 * The row is remembered as steps: from when on how many slices lie over one another. A slice fits if at
 * both its ends the depth is the same and in between never below it:
 *
 *     slices so far     [0,10) with [2,5) inside           steps  0:1  2:2  5:1  10:0
 *     [1,7) fits        depth 1 at 1 and 7, 2 between      steps  0:1  1:2  2:3  5:2  7:1  10:0
 *     [4,8) does not    depth 2 at 4, 1 at 8               is cut to [4,5)
 *
 * When there are too many steps, the shortest are merged into solid ones, in which no slice may begin or
 * end any more. The long ones, where a late wait belongs, are kept. Not thread-safe.
 */
#ifndef COLLECTOR_TIMELINE_NEST_H
#define COLLECTOR_TIMELINE_NEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many steps to remember at the most: many where slices come late, few where they come in order. */
enum { NEST_LATE = 256, NEST_IN_ORDER = 64 };

/* Perfetto drops what lies deeper than 512; a slice without length or an instant still fits above this. */
enum { NEST_DEPTH_MAX = 500 };

struct nest_step {
    uint64_t begin_ns;
    uint16_t depth; /* slices over this step; the least, in a solid one */
    uint16_t peak;  /* the most */
    bool solid;
};

struct nest {
    struct nest_step *steps; /* owned; the last has no end and is never solid */
    size_t count, capacity;
    uint64_t start_ns;   /* nothing begins before */
    uint64_t longest_ns; /* up to this a step is merged */
    unsigned uses;       /* of it */
};

/* Allocates nothing yet. */
void nest_init(struct nest *nest, uint64_t start_ns, size_t capacity);
void nest_fini(struct nest *nest);

/* Forgets everything up to `time_ns`: no slice may begin before it any more. */
void nest_restart(struct nest *nest, uint64_t time_ns);

/*
 * Fits [*begin_ns, *end_ns), cutting it if need be, and remembers it. Where nothing is left, it becomes a
 * slice without length. 0 or -ENOMEM. Cost: a few ns in order, linear in the steps otherwise.
 */
int nest_add(struct nest *nest, uint64_t *begin_ns, uint64_t *end_ns);

/* A slice whose end is not known yet. 0, -ENOMEM, or -EOVERFLOW: too deep, not opened. */
int nest_open(struct nest *nest, uint64_t *begin_ns);

/* Ends the slice that was opened last. 0 or -ENOMEM. */
int nest_close(struct nest *nest, uint64_t *end_ns);

#endif
