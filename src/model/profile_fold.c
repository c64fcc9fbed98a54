/* See profile_fold.h. */
#include "model/profile_fold.h"

#include <errno.h>
#include <stdlib.h>

#include "model/profile_limits.h"
#include "model/profile_size.h"

/* What the sum takes: its sample, frame and comment. */
enum { SUM_SAMPLES = 1, SUM_BYTES = 4096 };

/* ---- the smallest samples ---- */

/* How many of the samples, from the first on, fit into `samples_max` and `bytes_max`. Negative errno: no memory. */
static ssize_t count_fitting(const struct profile *profile, size_t samples_max, uint64_t bytes_max)
{
    struct profile_size size;
    size_t count = 0;
    int error = profile_size_init(&size, profile);
    if (error)
        return error;
    while (count < profile->sample_count && count < samples_max) {
        profile_size_add(&size, &profile->samples[count]);
        if (size.bytes > bytes_max)
            break;
        count++;
    }
    profile_size_fini(&size);
    return (ssize_t)count;
}

static int by_last_value(const void *left, const void *right, void *value_index)
{
    const struct profile_sample *a = left, *b = right;
    size_t index = *(const size_t *)value_index;
    if (a->values[index] != b->values[index])
        return a->values[index] < b->values[index] ? 1 : -1;
    return (a->first_location > b->first_location) - (a->first_location < b->first_location);
}

static void sum_from(struct profile *profile, size_t kept, struct profile_folded *out)
{
    for (size_t i = kept; i < profile->sample_count; i++)
        for (size_t k = 0; k < profile->value_type_count; k++)
            if (__builtin_add_overflow(out->values[k], profile->samples[i].values[k], &out->values[k]))
                out->values[k] = INT64_MAX;
    out->count = profile->sample_count - kept;
    profile->sample_count = kept;
}

int profile_fold_smallest(struct profile *profile, struct profile_folded *out)
{
    *out = (struct profile_folded){0};
    ssize_t fitting = count_fitting(profile, PROFILE_SAMPLES_MAX, PROFILE_BYTES_MAX);
    if (fitting < 0 || (size_t)fitting == profile->sample_count)
        return fitting < 0 ? (int)fitting : 0;
    size_t by = profile->value_type_count - 1;
    qsort_r(profile->samples, profile->sample_count, sizeof *profile->samples, by_last_value, &by);
    fitting = count_fitting(profile, PROFILE_SAMPLES_MAX - SUM_SAMPLES, PROFILE_BYTES_MAX - SUM_BYTES);
    if (fitting >= 0)
        sum_from(profile, (size_t)fitting, out);
    return fitting < 0 ? (int)fitting : 0;
}

/* ---- what nothing names any more ---- */

/* The new id of each old one. */
struct renumbering {
    uint32_t *locations, *functions;
    str_id *strings;
};

/* Numbers what is marked, from 1 on, in its order; NULL = no memory. */
static uint32_t *number(const bool *marks, size_t count)
{
    uint32_t *ids = calloc(count + 1, sizeof *ids), next = 1;
    for (size_t id = 1; ids && id <= count; id++)
        if (marks[id])
            ids[id] = next++;
    return ids;
}

/* The marked strings in a table of their own. */
static int move_strings(struct profile *profile, const bool *marks, str_id *ids)
{
    struct strtab *strings;
    int error = strtab_create(&strings);
    if (error)
        return error;
    for (size_t i = 1; !error && i < strtab_count(profile->strings); i++) {
        str_id id = (str_id)i;
        if (marks[i])
            error =
                strtab_intern(strings, strtab_text(profile->strings, id), strtab_length(profile->strings, id), &ids[i]);
    }
    if (error) {
        strtab_destroy(strings);
        return error;
    }
    strtab_destroy(profile->strings);
    profile->strings = strings;
    return 0;
}

static void move_functions(struct profile *profile, const struct renumbering *to)
{
    size_t kept = 0;
    for (size_t i = 0; i < profile->function_count; i++) {
        struct profile_function function = profile->functions[i];
        if (!to->functions[i + 1])
            continue;
        function.name = to->strings[function.name];
        function.system_name = to->strings[function.system_name];
        function.file = to->strings[function.file];
        profile->functions[kept++] = function;
    }
    profile->function_count = kept;
}

/* With their lines, which lie in the same order. */
static void move_locations(struct profile *profile, const struct renumbering *to)
{
    size_t kept = 0, kept_lines = 0;
    for (size_t i = 0; i < profile->location_count; i++) {
        struct profile_location location = profile->locations[i];
        if (!to->locations[i + 1])
            continue;
        const struct profile_line *lines = &profile->lines[location.first_line];
        location.first_line = (uint32_t)kept_lines;
        for (uint32_t k = 0; k < location.line_count; k++)
            profile->lines[kept_lines++] =
                (struct profile_line){.function = to->functions[lines[k].function], .line = lines[k].line};
        profile->locations[kept++] = location;
    }
    profile->location_count = kept;
    profile->line_count = kept_lines;
}

/* The kept samples lie in another order than what they name: into new lists. */
static int move_samples(struct profile *profile, const struct renumbering *to)
{
    uint32_t *locations = calloc(profile->sample_location_count + 1, sizeof *locations);
    struct profile_label *labels = calloc(profile->label_count + 1, sizeof *labels);
    size_t location_count = 0, label_count = 0;
    if (!locations || !labels) {
        free(locations);
        free(labels);
        return -ENOMEM;
    }
    for (size_t i = 0; i < profile->sample_count; i++) {
        struct profile_sample *sample = &profile->samples[i];
        for (uint32_t k = 0; k < sample->location_count; k++)
            locations[location_count + k] = to->locations[profile->sample_locations[sample->first_location + k]];
        for (uint32_t k = 0; k < sample->label_count; k++) {
            struct profile_label label = profile->labels[sample->first_label + k];
            label.key = to->strings[label.key];
            label.text = to->strings[label.text];
            label.unit = to->strings[label.unit];
            labels[label_count + k] = label;
        }
        sample->first_location = (uint32_t)location_count;
        sample->first_label = (uint32_t)label_count;
        location_count += sample->location_count;
        label_count += sample->label_count;
    }
    free(profile->sample_locations);
    free(profile->labels);
    profile->sample_locations = locations;
    profile->sample_location_count = location_count;
    profile->labels = labels;
    profile->label_count = label_count;
    return 0;
}

static void rename_type(struct profile_value_type *type, const str_id *strings)
{
    type->type = strings[type->type];
    type->unit = strings[type->unit];
}

static void rename_frame(struct profile *profile, const str_id *strings)
{
    for (size_t i = 0; i < profile->value_type_count; i++)
        rename_type(&profile->value_types[i], strings);
    rename_type(&profile->period_type, strings);
    profile->default_value_type = strings[profile->default_value_type];
    profile->drop_frames = strings[profile->drop_frames];
    for (size_t i = 0; i < profile->mapping_count; i++) {
        profile->mappings[i].file = strings[profile->mappings[i].file];
        profile->mappings[i].build_id = strings[profile->mappings[i].build_id];
    }
    for (size_t i = 0; i < profile->comment_count; i++)
        profile->comments[i] = strings[profile->comments[i]];
}

static int drop_unmarked(struct profile *profile, const struct profile_size *used)
{
    struct renumbering to = {
        .locations = number(used->locations, profile->location_count),
        .functions = number(used->functions, profile->function_count),
        .strings = calloc(strtab_count(profile->strings) + 1, sizeof *to.strings),
    };
    int error = to.locations && to.functions && to.strings ? move_strings(profile, used->strings, to.strings) : -ENOMEM;
    if (!error)
        error = move_samples(profile, &to);
    if (!error) {
        move_functions(profile, &to);
        move_locations(profile, &to);
        rename_frame(profile, to.strings);
    }
    free(to.locations);
    free(to.functions);
    free(to.strings);
    return error;
}

int profile_fold_drop_unused(struct profile *profile)
{
    struct profile_size used;
    int error = profile_size_init(&used, profile);
    if (error)
        return error;
    for (size_t i = 0; i < profile->sample_count; i++)
        profile_size_add(&used, &profile->samples[i]);
    error = drop_unmarked(profile, &used);
    profile_size_fini(&used);
    return error;
}
