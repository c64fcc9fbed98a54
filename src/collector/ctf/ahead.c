/* See ahead.h. */
#include "collector/ctf/ahead.h"

#include <stdlib.h>

#include "collector/ctf/crew.h"
#include "support/helper.h"

enum { AHEAD_BLOCKS = 16, BLOCK_BYTES = 64 * 1024 };

struct ctf_ahead {
    struct ctf_merge *merge;
    struct ctf_crew *crew;
    bool is_taken; /* the reader has a block */
    struct helper_ring ring;
    struct ctf_block blocks[AHEAD_BLOCKS];
};

static bool fill(void *self, size_t at)
{
    struct ctf_ahead *ahead = self;
    struct ctf_block *block = &ahead->blocks[at];
    ctf_block_fill(block, BLOCK_BYTES, ahead->merge, ahead->crew);
    return block->state > 0;
}

const struct ctf_block *ctf_ahead_next(struct ctf_ahead *ahead)
{
    size_t at;
    if (ahead->is_taken)
        helper_give_back(&ahead->ring);
    ahead->is_taken = helper_take(&ahead->ring, &at);
    return ahead->is_taken ? &ahead->blocks[at] : NULL;
}

struct ctf_ahead *ctf_ahead_start(struct ctf_merge *merge, struct ctf_crew *crew, struct helper *helper)
{
    struct ctf_ahead *ahead = calloc(1, sizeof *ahead);
    if (!ahead)
        return NULL;
    ahead->merge = merge;
    ahead->crew = crew;
    helper_fills(helper, &ahead->ring, AHEAD_BLOCKS, fill, ahead);
    return ahead;
}

/* What is on its way has batches with it. */
void ctf_ahead_stop(struct ctf_ahead *ahead)
{
    if (!ahead)
        return;
    helper_stop(&ahead->ring);
    const struct ctf_block *left;
    while ((left = ctf_ahead_next(ahead)))
        ctf_crew_reuse(ahead->crew, left->finished);
    free(ahead);
}
