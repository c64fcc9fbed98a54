/* What tests read in a finished profile: names, stacks, sums. */
#ifndef TESTS_MODEL_PROFILE_READING_H
#define TESTS_MODEL_PROFILE_READING_H

#include "support/cmocka_main.h"

#include <stdbool.h>
#include <string.h>

#include "model/profile.h"

static inline const char *text(const struct profile *profile, str_id id)
{
    return strtab_text(profile->strings, id);
}

static inline const char *label_of(const struct profile *profile, const struct profile_sample *sample, const char *key)
{
    for (size_t i = 0; i < sample->label_count; i++) {
        const struct profile_label *label = &profile->labels[sample->first_label + i];
        if (label->text && strcmp(text(profile, label->key), key) == 0)
            return text(profile, label->text);
    }
    return NULL;
}

/* The stack as "leaf;caller;...", frames of one location joined by '+'. */
static inline const char *stack_of(const struct profile *profile, const struct profile_sample *sample)
{
    static char out[512];
    out[0] = '\0';
    for (size_t i = 0; i < sample->location_count; i++) {
        const struct profile_location *location =
            &profile->locations[profile->sample_locations[sample->first_location + i] - 1];
        strcat(out, i ? ";" : "");
        for (size_t j = 0; j < location->line_count; j++) {
            strcat(out, j ? "+" : "");
            strcat(out, text(profile, profile->functions[profile->lines[location->first_line + j].function - 1].name));
        }
    }
    return out;
}

static inline void assert_sample(const struct profile *profile, size_t index, const char *stack, int64_t count,
                                 int64_t delay)
{
    assert_true(index < profile->sample_count);
    assert_string_equal(stack_of(profile, &profile->samples[index]), stack);
    assert_int_equal(profile->samples[index].values[0], count);
    assert_int_equal(profile->samples[index].values[1], delay);
}

static inline int64_t total_delay(const struct profile *profile)
{
    int64_t sum = 0;
    for (size_t i = 0; i < profile->sample_count; i++)
        sum += profile->samples[i].values[1];
    return sum;
}

static inline bool has_comment(const struct profile *profile, const char *comment)
{
    for (size_t i = 0; i < profile->comment_count; i++)
        if (strcmp(text(profile, profile->comments[i]), comment) == 0)
            return true;
    return false;
}

#endif
