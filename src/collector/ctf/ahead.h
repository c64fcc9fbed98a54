/*
 * The merge by a helper, ahead of who reads: what it finds is handed over as addresses; the events stay where they were
 * decoded.
 *
 *     streams -> crew -> merge -> block, block, block (a ring) -> the reader
 *
 * Memory: AHEAD_BLOCKS * BLOCK_BYTES of decoded events and what else lies in their batches, at most one more batch a
 * stream.
 */
#ifndef COLLECTOR_CTF_AHEAD_H
#define COLLECTOR_CTF_AHEAD_H

#include "collector/ctf/block.h"

struct ctf_ahead; /* opaque */
struct helper;

/* NULL = there is no memory to be had. All are borrowed, and whose both are the helper's, until the stop. */
struct ctf_ahead *ctf_ahead_start(struct ctf_merge *merge, struct ctf_crew *crew, struct helper *helper);

/* Legal at any point, and on NULL. */
void ctf_ahead_stop(struct ctf_ahead *ahead);

/* Until the next call; not behind the last one. */
const struct ctf_block *ctf_ahead_next(struct ctf_ahead *ahead);

#endif
