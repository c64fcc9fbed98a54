/*
 * The streams' events in the order of time: a binary heap that stays on its first stream for as long as
 * that stream's next event is not later than the runner-up's. On real traces, where each thread runs for a
 * while, most events cost one comparison.
 */
#ifndef COLLECTOR_CTF_MERGE_H
#define COLLECTOR_CTF_MERGE_H

#include "collector/ctf/lane.h"

struct ctf_merge_entry {
    uint64_t time_ns;
    struct ctf_lane *lane;
};

struct ctf_merge {
    struct ctf_merge_entry *heap; /* owned; heap[0] is the earliest */
    size_t count;
    bool is_unordered; /* one stream after the other instead */
    uint64_t runner_up_ns;
};

/* `lanes` are borrowed and must outlive it. 0 or -ENOMEM. */
int ctf_merge_init(struct ctf_merge *merge, struct ctf_lane *lanes, size_t count, bool is_unordered);
void ctf_merge_fini(struct ctf_merge *merge);

/*
 * 1 = the next entry of `*out` is the earliest of all, and so is each behind it up to merge->runner_up_ns: to be taken
 * from the lane. 0 = there is none; CTF_LATER; -ENOMEM.
 */
int ctf_merge_next(struct ctf_merge *merge, struct ctf_lane **out);

#endif
