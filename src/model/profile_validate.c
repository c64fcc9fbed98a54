/*
 * The rules of all consumers of a pprof file in one list (profile.h, profile_validate): go tool pprof's
 * CheckValid, Pyroscope's and Parca's ingestion, Grafana Alloy's delta computer. One function a table, one
 * line a rule; the table of profile tables is at the end.
 *
 * What the types already guarantee is not checked: ids are table indices + 1, string 0 is "", every sample
 * has a value for each value type.
 */
#include <errno.h>
#include <string.h>

#include "model/profile.h"
#include "model/profile_limits.h"
#include "support/utf8.h"

static bool is_string(const struct profile *profile, str_id id)
{
    return id < strtab_count(profile->strings);
}

static bool is_slice(size_t first, size_t count, size_t total)
{
    return first <= total && count <= total - first;
}

static int check_strings(const struct profile *profile, struct diag *diag)
{
    for (size_t id = 0; id < strtab_count(profile->strings); id++) {
        size_t length = strtab_length(profile->strings, (str_id)id);
        if (!utf8_is_valid(strtab_text(profile->strings, (str_id)id), length))
            return diag_set(diag, -EINVAL, "string %zu is not UTF-8", id);
        if (length > PROFILE_STRING_MAX)
            return diag_set(diag, -EINVAL, "string %zu is longer than %d bytes", id, PROFILE_STRING_MAX);
    }
    return 0;
}

static int check_value_type(const struct profile *profile, const struct profile_value_type *type, const char *what,
                            struct diag *diag)
{
    if (!is_string(profile, type->type) || !is_string(profile, type->unit))
        return diag_set(diag, -EINVAL, "%s: no such string", what);
    if (type->type == 0 || type->unit == 0)
        return diag_set(diag, -EINVAL, "%s has no name or no unit", what);
    if (strchr(strtab_text(profile->strings, type->type), '-'))
        return diag_set(diag, -EINVAL, "%s: a '-' in the name", what);
    return 0;
}

static int check_value_types(const struct profile *profile, struct diag *diag)
{
    bool has_default = profile->default_value_type == 0;
    if (profile->value_type_count == 0 || profile->value_type_count > PROFILE_VALUES_MAX)
        return diag_set(diag, -EINVAL, "%zu sample types, not 1 to %d", profile->value_type_count, PROFILE_VALUES_MAX);
    for (size_t i = 0; i < profile->value_type_count; i++) {
        int error = check_value_type(profile, &profile->value_types[i], "sample type", diag);
        if (error)
            return error;
        has_default |= profile->value_types[i].type == profile->default_value_type;
    }
    if (!has_default)
        return diag_set(diag, -EINVAL, "the default sample type is none of the sample types");
    return check_value_type(profile, &profile->period_type, "period type", diag);
}

static int check_header(const struct profile *profile, struct diag *diag)
{
    if (profile->period <= 0)
        return diag_set(diag, -EINVAL, "the period is not positive");
    if (profile->time_ns <= 0)
        return diag_set(diag, -EINVAL, "the time is not given");
    if (profile->duration_ns < 0)
        return diag_set(diag, -EINVAL, "the duration is negative");
    if (!is_string(profile, profile->drop_frames))
        return diag_set(diag, -EINVAL, "drop_frames: no such string");
    for (size_t i = 0; i < profile->comment_count; i++)
        if (!is_string(profile, profile->comments[i]))
            return diag_set(diag, -EINVAL, "comment %zu: no such string", i);
    return 0;
}

static int check_mappings(const struct profile *profile, struct diag *diag)
{
    for (size_t i = 0; i < profile->mapping_count; i++) {
        const struct profile_mapping *mapping = &profile->mappings[i];
        if (mapping->start >= mapping->limit)
            return diag_set(diag, -EINVAL, "mapping %zu is empty", i + 1);
        if (!is_string(profile, mapping->file) || !is_string(profile, mapping->build_id))
            return diag_set(diag, -EINVAL, "mapping %zu: no such string", i + 1);
        const char *build_id = strtab_text(profile->strings, mapping->build_id);
        if (build_id[strspn(build_id, "0123456789abcdef")])
            return diag_set(diag, -EINVAL, "mapping %zu: the build id is not lower-case hex", i + 1);
    }
    return 0;
}

static int check_functions(const struct profile *profile, struct diag *diag)
{
    for (size_t i = 0; i < profile->function_count; i++) {
        const struct profile_function *function = &profile->functions[i];
        if (!is_string(profile, function->name) || !is_string(profile, function->system_name) ||
            !is_string(profile, function->file))
            return diag_set(diag, -EINVAL, "function %zu: no such string", i + 1);
        if (function->name == 0)
            return diag_set(diag, -EINVAL, "function %zu has no name", i + 1);
    }
    for (size_t i = 0; i < profile->line_count; i++)
        if (profile->lines[i].function == 0 || profile->lines[i].function > profile->function_count)
            return diag_set(diag, -EINVAL, "line %zu: no such function", i);
    return 0;
}

static int check_locations(const struct profile *profile, struct diag *diag)
{
    for (size_t i = 0; i < profile->location_count; i++) {
        const struct profile_location *location = &profile->locations[i];
        const struct profile_mapping *mapping = NULL;
        if (location->mapping > profile->mapping_count)
            return diag_set(diag, -EINVAL, "location %zu: no such mapping", i + 1);
        if (location->mapping)
            mapping = &profile->mappings[location->mapping - 1];
        if (location->address == 0)
            return diag_set(diag, -EINVAL, "location %zu has no address", i + 1);
        if (mapping && (location->address < mapping->start || location->address >= mapping->limit))
            return diag_set(diag, -EINVAL, "location %zu lies outside its mapping", i + 1);
        if (!is_slice(location->first_line, location->line_count, profile->line_count))
            return diag_set(diag, -EINVAL, "location %zu: no such lines", i + 1);
        if (location->line_count == 0 && (!mapping || mapping->has_functions))
            return diag_set(diag, -EINVAL, "location %zu has no function, and nobody to ask for it", i + 1);
    }
    return 0;
}

static int check_label(const struct profile *profile, const struct profile_label *label, size_t sample,
                       struct diag *diag)
{
    if (!is_string(profile, label->key) || !is_string(profile, label->text) || !is_string(profile, label->unit))
        return diag_set(diag, -EINVAL, "sample %zu: a label with no such string", sample);
    if (label->key == 0)
        return diag_set(diag, -EINVAL, "sample %zu: a label without key", sample);
    if (label->text && (label->number || label->unit))
        return diag_set(diag, -EINVAL, "sample %zu: a label that is both text and number", sample);
    if (strtab_length(profile->strings, label->key) > PROFILE_LABEL_KEY_MAX)
        return diag_set(diag, -EINVAL, "sample %zu: a label key longer than %d bytes", sample, PROFILE_LABEL_KEY_MAX);
    if (strtab_length(profile->strings, label->text) > PROFILE_LABEL_TEXT_MAX)
        return diag_set(diag, -EINVAL, "sample %zu: a label longer than %d bytes", sample, PROFILE_LABEL_TEXT_MAX);
    return 0;
}

static int check_labels(const struct profile *profile, const struct profile_sample *sample, size_t index,
                        struct diag *diag)
{
    if (!is_slice(sample->first_label, sample->label_count, profile->label_count))
        return diag_set(diag, -EINVAL, "sample %zu: no such labels", index);
    if (sample->label_count > PROFILE_LABELS_MAX)
        return diag_set(diag, -EINVAL, "sample %zu has more than %d labels", index, PROFILE_LABELS_MAX);
    for (size_t i = 0; i < sample->label_count; i++) {
        int error = check_label(profile, &profile->labels[sample->first_label + i], index, diag);
        if (error)
            return error;
    }
    return 0;
}

static int check_sample(const struct profile *profile, size_t index, struct diag *diag)
{
    const struct profile_sample *sample = &profile->samples[index];
    if (sample->location_count == 0)
        return diag_set(diag, -EINVAL, "sample %zu has no location", index);
    if (!is_slice(sample->first_location, sample->location_count, profile->sample_location_count))
        return diag_set(diag, -EINVAL, "sample %zu: no such locations", index);
    for (size_t i = 0; i < sample->location_count; i++) {
        uint32_t location = profile->sample_locations[sample->first_location + i];
        if (location == 0 || location > profile->location_count)
            return diag_set(diag, -EINVAL, "sample %zu: no such location", index);
    }
    for (size_t i = 0; i < profile->value_type_count; i++)
        if (sample->values[i] < 0)
            return diag_set(diag, -EINVAL, "sample %zu has a negative value", index);
    return check_labels(profile, sample, index, diag);
}

static int check_samples(const struct profile *profile, struct diag *diag)
{
    if (profile->sample_count > PROFILE_SAMPLES_MAX)
        return diag_set(diag, -EINVAL, "more than %d samples", PROFILE_SAMPLES_MAX);
    for (size_t i = 0; i < profile->sample_count; i++) {
        int error = check_sample(profile, i, diag);
        if (error)
            return error;
    }
    return 0;
}

int profile_validate(const struct profile *profile, struct diag *diag)
{
    static int (*const checks[])(const struct profile *, struct diag *) = {
        check_strings, check_value_types, check_header, check_mappings, check_functions, check_locations, check_samples,
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        int error = checks[i](profile, diag);
        if (error)
            return error;
    }
    return 0;
}
