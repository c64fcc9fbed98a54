/*
 * A profile as google/pprof understands it, before it becomes bytes: samples with values and labels over
 * locations with frames over mappings. Ids are indices + 1 into these tables, in order. Plain data.
 *
 * Strings are ids of `strings`; id 0 is "". Values are already un-sampled. Not thread-safe.
 */
#ifndef MODEL_PROFILE_H
#define MODEL_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/symbols.h"
#include "support/diag.h"
#include "support/strtab.h"

#define PROFILE_VALUES_MAX 4

struct profile_value_type {
    str_id type, unit;
};

struct profile_mapping {
    uint64_t start, limit, file_offset;
    str_id file, build_id;
    bool has_functions, has_files, has_lines, has_inlines;
};

struct profile_function {
    str_id name, system_name, file;
    uint32_t start_line;
};

struct profile_line {
    uint32_t function; /* id */
    uint32_t line;
};

struct profile_location {
    uint32_t mapping; /* id, 0 = none */
    uint64_t address;
    uint32_t first_line, line_count; /* into `lines`, innermost first */
};

struct profile_label {
    str_id key;
    str_id text; /* 0: numeric */
    int64_t number;
    str_id unit;
};

struct profile_sample {
    uint32_t first_location, location_count; /* into `sample_locations`, leaf first */
    uint32_t first_label, label_count;       /* into `labels` */
    int64_t values[PROFILE_VALUES_MAX];
};

struct profile {
    struct strtab *strings;
    struct profile_value_type value_types[PROFILE_VALUES_MAX];
    size_t value_type_count;
    str_id default_value_type;
    struct profile_value_type period_type;
    int64_t period;
    int64_t time_ns;     /* end, epoch */
    int64_t duration_ns; /* 0 = not given */
    str_id drop_frames;

    struct profile_mapping *mappings;
    size_t mapping_count;
    struct profile_function *functions;
    size_t function_count;
    struct profile_line *lines;
    size_t line_count;
    struct profile_location *locations;
    size_t location_count;
    uint32_t *sample_locations; /* location ids */
    size_t sample_location_count;
    struct profile_label *labels;
    size_t label_count;
    struct profile_sample *samples;
    size_t sample_count;
    str_id *comments;
    size_t comment_count;
    size_t folded_count; /* samples that are summed as [smaller samples]: profile_limits.h */
};

/* See model/profile_builder.h for how one is made. */
void profile_destroy(struct profile *profile);

/*
 * Checks every invariant that a consumer of pprof files relies on (go tool pprof, Pyroscope, Parca).
 * Returns 0, or -EINVAL with the first violation named in `diag`.
 */
int profile_validate(const struct profile *profile, struct diag *diag);

#endif
