/* See profile.h. */
#include "model/profile.h"

#include <stdlib.h>

void profile_destroy(struct profile *profile)
{
    if (!profile)
        return;
    strtab_destroy(profile->strings);
    free(profile->mappings);
    free(profile->functions);
    free(profile->lines);
    free(profile->locations);
    free(profile->sample_locations);
    free(profile->labels);
    free(profile->samples);
    free(profile->comments);
    free(profile);
}
