/*
 * Findings that come again and again: the same kind, of the same map, from the same places, is one and counted; by
 * place also if it is of another map.
 * Memory is bounded by the findings. Not thread-safe.
 */
#ifndef COLLECTOR_REPEATS_H
#define COLLECTOR_REPEATS_H

#include "model/findings.h"
#include "support/hashmap.h"

enum repeats_by { REPEATS_BY_MAP, REPEATS_BY_PLACE };

struct repeats {
    struct findings *findings; /* borrowed */
    enum repeats_by by;
    struct hashmap told; /* what makes two findings the same one -> index of the finding */
};

void repeats_init(struct repeats *repeats, struct findings *findings, enum repeats_by by);
void repeats_fini(struct repeats *repeats);

/* Adds the finding, or counts it where it was told before. Takes it, also on failure. 0 or -ENOMEM. */
int repeats_tell(struct repeats *repeats, struct finding *finding);

#endif
