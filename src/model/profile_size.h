/*
 * How many bytes a profile takes as a profile.proto message, sample by sample: each names locations, these functions,
 * these strings, and what is named for the first time is counted then.
 *
 *     struct profile_size size;
 *     error = profile_size_init(&size, profile);       // what is there without any sample
 *     profile_size_add(&size, &profile->samples[0]);
 *     ... size.bytes, size.locations[id]
 *     profile_size_fini(&size);
 *
 * An upper bound, by a byte here and there: of fields that are zero, and need not be written. Not thread-safe.
 */
#ifndef MODEL_PROFILE_SIZE_H
#define MODEL_PROFILE_SIZE_H

#include "model/profile.h"

struct profile_size {
    const struct profile *profile;
    uint64_t bytes;
    bool *strings, *functions, *locations; /* by id: whether it is named; owned */
};

/* 0 or -ENOMEM. */
int profile_size_init(struct profile_size *size, const struct profile *profile);
void profile_size_fini(struct profile_size *size);

void profile_size_add(struct profile_size *size, const struct profile_sample *sample);

#endif
