/* See profile_builder.h. The tables are profile_intern's; here are the samples. */
#include "model/profile_builder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/profile_fold.h"
#include "model/profile_intern.h"
#include "support/vec.h"

/*
 * A list of locations (from the root) or labels is a chain of links, each interned by what precedes it: so
 * equal lists have equal last links, and common roots are kept once.
 */
struct frame_link {
    uint32_t parent, location;
};

struct label_link {
    uint64_t parent;
    struct profile_label label; /* no padding between its members */
};

struct sample_key {
    uint32_t frames, labels; /* last links */
};

struct profile_builder {
    struct profile_intern tables;
    struct hashmap frame_links, label_links; /* -> uint32_t id */
    struct hashmap sample_ids;               /* sample_key -> index + 1 */
    size_t sample_capacity, sample_location_capacity, label_capacity, comment_capacity;
    /* the sample under construction */
    uint32_t *frames;
    size_t frame_count, frame_capacity;
    struct profile_label *labels;
    size_t label_count, pending_capacity;
};

int profile_builder_create(struct profile_builder **out)
{
    struct profile_builder *builder = calloc(1, sizeof *builder);
    if (!builder)
        return -ENOMEM;
    hashmap_init(&builder->frame_links, sizeof(struct frame_link), sizeof(uint32_t));
    hashmap_init(&builder->label_links, sizeof(struct label_link), sizeof(uint32_t));
    hashmap_init(&builder->sample_ids, sizeof(struct sample_key), sizeof(uint32_t));
    int error = profile_intern_init(&builder->tables);
    if (error) {
        profile_builder_destroy(builder);
        return error;
    }
    *out = builder;
    return 0;
}

void profile_builder_destroy(struct profile_builder *builder)
{
    if (!builder)
        return;
    profile_intern_fini(&builder->tables);
    hashmap_fini(&builder->frame_links);
    hashmap_fini(&builder->label_links);
    hashmap_fini(&builder->sample_ids);
    free(builder->frames);
    free(builder->labels);
    free(builder);
}

/* Notes an error; true if there is one, now or before. */
static bool failed(struct profile_builder *builder, int error)
{
    if (!builder->tables.error)
        builder->tables.error = error;
    return builder->tables.error != 0;
}

static str_id intern(struct profile_builder *builder, const char *text)
{
    return profile_intern_string(&builder->tables, text, PROFILE_STRING_MAX);
}

void profile_builder_value_type(struct profile_builder *builder, const char *type, const char *unit)
{
    struct profile *profile = builder->tables.profile;
    profile->value_types[profile->value_type_count++] =
        (struct profile_value_type){.type = intern(builder, type), .unit = intern(builder, unit)};
}

void profile_builder_default_type(struct profile_builder *builder, const char *type)
{
    builder->tables.profile->default_value_type = intern(builder, type);
}

void profile_builder_period(struct profile_builder *builder, const char *type, const char *unit, int64_t period)
{
    builder->tables.profile->period_type =
        (struct profile_value_type){.type = intern(builder, type), .unit = intern(builder, unit)};
    builder->tables.profile->period = period;
}

void profile_builder_time(struct profile_builder *builder, int64_t end_epoch_ns, int64_t duration_ns)
{
    builder->tables.profile->time_ns = end_epoch_ns > 0 ? end_epoch_ns : 1;
    builder->tables.profile->duration_ns = duration_ns > 0 ? duration_ns : 0;
}

void profile_builder_comment(struct profile_builder *builder, const char *format, ...)
{
    struct profile *profile = builder->tables.profile;
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) {
        failed(builder, -ENOMEM);
        return;
    }
    if (!failed(builder, VEC_RESERVE(profile->comments, profile->comment_count, builder->comment_capacity, 1)))
        profile->comments[profile->comment_count++] = intern(builder, text);
    free(text);
}

void profile_builder_main(struct profile_builder *builder, uint32_t pid, const struct process_module *module)
{
    profile_intern_main(&builder->tables, pid, module);
}

static void push_frame(struct profile_builder *builder, uint32_t location)
{
    if (!failed(builder, VEC_RESERVE(builder->frames, builder->frame_count, builder->frame_capacity, 1)))
        builder->frames[builder->frame_count++] = location;
}

void profile_builder_pseudo_frame(struct profile_builder *builder, const char *name)
{
    push_frame(builder, profile_intern_pseudo(&builder->tables, name));
}

void profile_builder_frame(struct profile_builder *builder, uint32_t pid, const struct symbol_location *location,
                           uint32_t skip)
{
    if (location->address == 0) /* where no code lies, and readers take it for none: damage, which costs only itself */
        profile_builder_pseudo_frame(builder, location->frames[skip].function);
    else
        push_frame(builder, profile_intern_location(&builder->tables, pid, location, skip));
}

static void push_label(struct profile_builder *builder, const char *key, str_id text, int64_t number)
{
    struct profile_label label = {
        .key = profile_intern_string(&builder->tables, key, PROFILE_LABEL_KEY_MAX), .text = text, .number = number};
    if (!failed(builder, VEC_RESERVE(builder->labels, builder->label_count, builder->pending_capacity, 1)))
        builder->labels[builder->label_count++] = label;
}

void profile_builder_label(struct profile_builder *builder, const char *key, const char *text)
{
    push_label(builder, key, profile_intern_string(&builder->tables, text, PROFILE_LABEL_TEXT_MAX), 0);
}

void profile_builder_number(struct profile_builder *builder, const char *key, int64_t number)
{
    push_label(builder, key, 0, number);
}

/* The id, from 1, of `link` among those of its kind; 0 when memory is out. */
static uint32_t link_id(struct profile_builder *builder, struct hashmap *links, const void *link)
{
    bool is_new;
    uint32_t *id = hashmap_put(links, link, &is_new);
    if (!id) {
        failed(builder, -ENOMEM);
        return 0;
    }
    if (is_new)
        *id = (uint32_t)links->count;
    return *id;
}

static struct sample_key key_of_pending(struct profile_builder *builder)
{
    struct sample_key key = {0, 0};
    for (size_t i = builder->frame_count; i-- > 0;) {
        struct frame_link link = {.parent = key.frames, .location = builder->frames[i]};
        key.frames = link_id(builder, &builder->frame_links, &link);
    }
    for (size_t i = 0; i < builder->label_count; i++) {
        struct label_link link;
        memset(&link, 0, sizeof link); /* compared as bytes */
        link.parent = key.labels;
        link.label.key = builder->labels[i].key;
        link.label.text = builder->labels[i].text;
        link.label.number = builder->labels[i].number;
        key.labels = link_id(builder, &builder->label_links, &link);
    }
    return key;
}

/* Appends the pending frames and labels as a sample of zero values. */
static void append_sample(struct profile_builder *builder)
{
    struct profile *profile = builder->tables.profile;
    int error = VEC_RESERVE(profile->samples, profile->sample_count, builder->sample_capacity, 1);
    if (!error)
        error = VEC_RESERVE(profile->sample_locations, profile->sample_location_count,
                            builder->sample_location_capacity, builder->frame_count);
    if (!error)
        error = VEC_RESERVE(profile->labels, profile->label_count, builder->label_capacity, builder->label_count);
    if (failed(builder, error))
        return;
    profile->samples[profile->sample_count++] =
        (struct profile_sample){.first_location = (uint32_t)profile->sample_location_count,
                                .location_count = (uint32_t)builder->frame_count,
                                .first_label = (uint32_t)profile->label_count,
                                .label_count = (uint32_t)builder->label_count};
    for (size_t i = 0; i < builder->frame_count; i++)
        profile->sample_locations[profile->sample_location_count++] = builder->frames[i];
    for (size_t i = 0; i < builder->label_count; i++)
        profile->labels[profile->label_count++] = builder->labels[i];
}

static void add_values(struct profile *profile, int64_t *sums, const int64_t *values)
{
    for (size_t i = 0; i < profile->value_type_count; i++)
        if (__builtin_add_overflow(sums[i], values[i], &sums[i]))
            sums[i] = INT64_MAX;
}

void profile_builder_sample(struct profile_builder *builder, const int64_t *values)
{
    if (builder->frame_count == 0)
        profile_builder_pseudo_frame(builder, "[unknown stack]");
    struct sample_key key = key_of_pending(builder);
    bool is_new;
    uint32_t *index = hashmap_put(&builder->sample_ids, &key, &is_new);
    if (!failed(builder, index ? 0 : -ENOMEM) && is_new) {
        append_sample(builder);
        *index = (uint32_t)builder->tables.profile->sample_count;
    }
    if (!builder->tables.error)
        add_values(builder->tables.profile, builder->tables.profile->samples[*index - 1].values, values);
    builder->frame_count = builder->label_count = 0;
}

/* What the consumers would not take is one sample that says so. */
static int fold(struct profile_builder *builder)
{
    struct profile *profile = builder->tables.profile;
    struct profile_folded folded;
    int error = profile_fold_smallest(profile, &folded);
    if (error || !folded.count)
        return error;
    profile_builder_comment(builder, "%zu small samples are summed as [smaller samples]", folded.count);
    profile_builder_pseudo_frame(builder, "[smaller samples]");
    profile_builder_sample(builder, folded.values);
    profile->folded_count = folded.count;
    return builder->tables.error ? builder->tables.error : profile_fold_drop_unused(profile);
}

int profile_builder_finish(struct profile_builder *builder, struct profile **out)
{
    int error = builder->tables.error ? builder->tables.error : fold(builder);
    if (!error) {
        profile_intern_finish(&builder->tables);
        *out = builder->tables.profile;
        builder->tables.profile = NULL;
    }
    profile_builder_destroy(builder);
    return error;
}
