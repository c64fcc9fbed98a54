/*
 * Keeps a profile within what its consumers take (profile_limits.h). Two steps, so that what was summed gets its frame
 * and its comment between them, by the same tables as everything else:
 *
 *     struct profile_folded folded;
 *     error = profile_fold_smallest(profile, &folded);      // samples beyond the limits are gone, largest first
 *     if (folded.count) {
 *         ... a comment, and a sample of folded.values under a pseudo-frame
 *         error = profile_fold_drop_unused(profile);        // what only they named is gone too; ids are new
 *     }
 *
 * The size is that of the message before compression, counted as protobuf encodes it, and never too small. Not
 * thread-safe.
 */
#ifndef MODEL_PROFILE_FOLD_H
#define MODEL_PROFILE_FOLD_H

#include "model/profile.h"

struct profile_folded {
    size_t count; /* of samples; 0 = the profile fits, and is unchanged */
    int64_t values[PROFILE_VALUES_MAX];
};

/* 0 or -ENOMEM. */
int profile_fold_smallest(struct profile *profile, struct profile_folded *out);

/* Renumbers locations, functions and strings: ids that somebody else keeps are void. 0 or -ENOMEM. */
int profile_fold_drop_unused(struct profile *profile);

#endif
