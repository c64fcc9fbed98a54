/* See merge.h. Of equal times the stream that is read stays first; else the order is that of the heap. */
#include "collector/ctf/merge.h"

#include <errno.h>
#include <stdlib.h>

static size_t earlier_child(const struct ctf_merge *merge, size_t at)
{
    size_t left = 2 * at + 1, right = left + 1;
    return right < merge->count && merge->heap[right].time_ns < merge->heap[left].time_ns ? right : left;
}

static void sift_down(struct ctf_merge *merge, size_t at)
{
    struct ctf_merge_entry entry = merge->heap[at];
    for (size_t child; (child = earlier_child(merge, at)) < merge->count; at = child) {
        if (entry.time_ns <= merge->heap[child].time_ns)
            break;
        merge->heap[at] = merge->heap[child];
    }
    merge->heap[at] = entry;
}

/* After the first entry has changed. */
static void restore_order(struct ctf_merge *merge)
{
    if (!merge->count)
        return;
    sift_down(merge, 0);
    size_t next = earlier_child(merge, 0);
    bool is_last = next >= merge->count || merge->is_unordered;
    merge->runner_up_ns = is_last ? UINT64_MAX : merge->heap[next].time_ns;
}

/* Until their first peek, streams stand at the time of their first packet: their buffers are not needed before. */
int ctf_merge_init(struct ctf_merge *merge, struct ctf_lane *lanes, size_t count, bool is_unordered)
{
    struct ctf_merge_entry *heap = calloc(count + 1, sizeof *heap);
    if (!heap)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        heap[i] = (struct ctf_merge_entry){is_unordered ? i : ctf_stream_begin_ns(lanes[i].stream), &lanes[i]};
    *merge = (struct ctf_merge){.heap = heap, .count = count, .is_unordered = is_unordered};
    for (size_t i = count / 2; i-- > 0;)
        sift_down(merge, i);
    restore_order(merge);
    return 0;
}

void ctf_merge_fini(struct ctf_merge *merge)
{
    free(merge->heap);
    *merge = (struct ctf_merge){0};
}

static void remove_first(struct ctf_merge *merge)
{
    merge->heap[0] = merge->heap[--merge->count];
    restore_order(merge);
}

int ctf_merge_next(struct ctf_merge *merge, struct ctf_lane **out)
{
    while (merge->count) {
        struct ctf_merge_entry *first = &merge->heap[0];
        const struct ctf_entry *entry;
        int state = ctf_lane_peek(first->lane, &entry);
        if (state != 0 && state != 1)
            return state;
        if (state == 0) {
            remove_first(merge);
        } else if (entry->time_ns > merge->runner_up_ns) {
            first->time_ns = entry->time_ns;
            restore_order(merge);
        } else {
            *out = first->lane;
            return 1;
        }
    }
    return 0;
}
