/* See block.h. */
#include "collector/ctf/block.h"

#include "collector/ctf/crew.h"

/* What is no event ends a block: it is told in its place. */
void ctf_block_fill(struct ctf_block *block, size_t bytes, struct ctf_merge *merge, struct ctf_crew *crew)
{
    const struct ctf_entry *entry;
    size_t count = 0, filled = 0;
    int state = 1;
    block->warning = NULL;
    while (count < CTF_BLOCK_EVENTS && filled < bytes && (state = ctf_merge_next(merge, &entry)) == 1) {
        if (!entry->class) {
            block->warning = entry;
            break;
        }
        block->events[count++] = entry;
        filled += entry->bytes;
    }
    block->count = count;
    block->state = state;
    block->finished = ctf_crew_finished(crew);
}
