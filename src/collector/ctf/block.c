/* See block.h. */
#include "collector/ctf/block.h"

#include "collector/ctf/crew.h"

/*
 * Adds what the lane has next, up to that time: until the block is full, or there are `most` bytes, or a warning, which
 * has time 0 and is said where it lies. Returns the bytes.
 */
static size_t take(struct ctf_block *block, struct ctf_lane *lane, uint64_t until_ns, size_t most)
{
    const uint8_t *begin = lane->at, *at = begin, *end = lane->end;
    size_t count = block->count;
    while (at != end && count < CTF_BLOCK_EVENTS && (size_t)(at - begin) < most) {
        const struct ctf_entry *entry = (const struct ctf_entry *)(const void *)at;
        if (entry->time_ns > until_ns)
            break;
        at += entry->bytes;
        if (!entry->class) {
            block->warning = entry;
            break;
        }
        block->events[count++] = entry;
    }
    block->count = count;
    lane->at = at;
    return (size_t)(at - begin);
}

/* What is no event ends a block: it is told in its place. */
void ctf_block_fill(struct ctf_block *block, size_t bytes, struct ctf_merge *merge, struct ctf_crew *crew)
{
    struct ctf_lane *lane;
    size_t filled = 0;
    int state = 1;
    block->count = 0;
    block->warning = NULL;
    while (block->count < CTF_BLOCK_EVENTS && filled < bytes && !block->warning &&
           (state = ctf_merge_next(merge, &lane)) == 1)
        filled += take(block, lane, merge->runner_up_ns, bytes - filled);
    block->state = state;
    block->finished = ctf_crew_finished(crew);
}
