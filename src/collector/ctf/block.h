/*
 * What the merge finds next, some hundred events at a time: their addresses, and what there is to be said and done
 * behind the last of them. Private to reader.c and ahead.c.
 */
#ifndef COLLECTOR_CTF_BLOCK_H
#define COLLECTOR_CTF_BLOCK_H

#include "collector/ctf/merge.h"

enum { CTF_BLOCK_EVENTS = 512 };

struct ctf_block {
    size_t count;
    const struct ctf_entry *warning; /* comes behind the events; NULL = there is none */
    int state;                       /* what follows then: 1 = the next block, or as ctf_merge_next */
    struct ctf_batch *finished;      /* batches that nothing is from behind this block: for ctf_crew_reuse */
    const struct ctf_entry *events[CTF_BLOCK_EVENTS];
};

/* The events of about so many bytes. */
void ctf_block_fill(struct ctf_block *block, size_t bytes, struct ctf_merge *merge, struct ctf_crew *crew);

#endif
