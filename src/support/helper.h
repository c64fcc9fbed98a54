/*
 * A thread that works for another one, its owner, at both ends of what that does: it fills blocks ahead of it, and
 * drains blocks behind it. Each is a ring, whose memory is the owner's:
 *
 *     helper: fill -> block, block, block -> owner: take, work, pass -> block, block -> helper: drain
 *
 *     struct helper_ring ahead, behind;
 *     helper_fills(helper, &ahead, count, fill, self);         // fill(self, block) is called from now on, in order
 *     helper_drains(helper, &behind, count, drain, self);      // and so is drain
 *     while (helper_take(&ahead, &block)) {
 *         work(block, helper_filling(&behind));
 *         helper_give_back(&ahead);
 *         helper_pass(&behind);
 *     }
 *     helper_flush(&behind);
 *     helper_stop(&ahead);                                     // each, before its memory goes
 *     helper_stop(&behind);
 *
 * The helper turns to the ring that is furthest behind; instead of waiting the owner does the same, so that neither
 * is idle while there is something to do. Of one ring one block is worked on at a time, in order, by either thread.
 * Cost: one mutex, taken twice a block by each side; to wake somebody takes as long as a block or two.
 */
#ifndef SUPPORT_HELPER_H
#define SUPPORT_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct helper; /* opaque */

/* False, of who fills: nothing comes after this block. */
typedef bool helper_fn(void *self, size_t block);

/* Private to helper.c; guarded by the helper's mutex. */
struct helper_ring {
    struct helper *helper;
    helper_fn *step;
    void *self;
    size_t count;             /* of blocks */
    uint64_t filled, drained; /* blocks, since the beginning; their difference is on its way */
    bool is_ahead;            /* the helper fills it; else it drains it */
    bool is_busy;             /* a block is worked on */
    bool is_over;             /* none will be any more */
};

/* NULL = there is no thread to be had, or no second processor for it. */
struct helper *helper_create(void);

/* After each ring was stopped. Legal on NULL. */
void helper_destroy(struct helper *helper);

/* A ring of at least two blocks; `self` is borrowed until its stop. At most two rings at a time. */
void helper_fills(struct helper *helper, struct helper_ring *ring, size_t count, helper_fn *fill, void *self);
void helper_drains(struct helper *helper, struct helper_ring *ring, size_t count, helper_fn *drain, void *self);

/* The ring's function is not called any more. What was filled may still be taken. */
void helper_stop(struct helper_ring *ring);

/* ---- of what the helper fills ---- */

/* The next block, once it is there; false = nothing more comes. */
bool helper_take(struct helper_ring *ring, size_t *block);

/* The block that was taken may be filled again. */
void helper_give_back(struct helper_ring *ring);

/* ---- of what it drains ---- */

/* The block to be filled now. */
size_t helper_filling(const struct helper_ring *ring);

/* It is filled; returns once the next one is free. */
void helper_pass(struct helper_ring *ring);

/* Returns once all that was passed is drained. */
void helper_flush(struct helper_ring *ring);

#endif
