/* See profile_size.h. Field numbers are below 16 throughout, so a tag is one byte. */
#include "model/profile_size.h"

#include <errno.h>
#include <stdlib.h>

enum { TAG_BYTES = 1 };

static uint64_t varint_bytes(uint64_t value)
{
    uint64_t bytes = 1;
    while (value >>= 7)
        bytes++;
    return bytes;
}

static uint64_t number_bytes(uint64_t value)
{
    return TAG_BYTES + varint_bytes(value);
}

/* Of a string, a message or a packed list: what comes behind its length is `inner`. */
static uint64_t delimited_bytes(uint64_t inner)
{
    return TAG_BYTES + varint_bytes(inner) + inner;
}

/* The first time that something is named. */
static bool mark(bool *marks, size_t id)
{
    bool is_new = !marks[id];
    marks[id] = true;
    return is_new;
}

static void add_string(struct profile_size *size, str_id id)
{
    if (mark(size->strings, id))
        size->bytes += delimited_bytes(strtab_length(size->profile->strings, id));
}

static void add_function(struct profile_size *size, uint32_t id)
{
    const struct profile_function *function = &size->profile->functions[id - 1];
    if (!mark(size->functions, id))
        return;
    add_string(size, function->name);
    add_string(size, function->system_name);
    add_string(size, function->file);
    size->bytes +=
        delimited_bytes(number_bytes(id) + number_bytes(function->name) + number_bytes(function->system_name) +
                        number_bytes(function->file) + number_bytes(function->start_line));
}

static void add_location(struct profile_size *size, uint32_t id)
{
    const struct profile_location *location = &size->profile->locations[id - 1];
    if (!mark(size->locations, id))
        return;
    uint64_t inner = number_bytes(id) + number_bytes(location->mapping) + number_bytes(location->address);
    for (uint32_t i = 0; i < location->line_count; i++) {
        const struct profile_line *line = &size->profile->lines[location->first_line + i];
        add_function(size, line->function);
        inner += delimited_bytes(number_bytes(line->function) + number_bytes(line->line));
    }
    size->bytes += delimited_bytes(inner);
}

static uint64_t label_bytes(struct profile_size *size, const struct profile_label *label)
{
    add_string(size, label->key);
    add_string(size, label->text);
    add_string(size, label->unit);
    return delimited_bytes(number_bytes(label->key) + number_bytes(label->text) +
                           number_bytes((uint64_t)label->number) + number_bytes(label->unit));
}

void profile_size_add(struct profile_size *size, const struct profile_sample *sample)
{
    const struct profile *profile = size->profile;
    uint64_t locations = 0, values = 0, labels = 0;
    for (uint32_t i = 0; i < sample->location_count; i++) {
        uint32_t id = profile->sample_locations[sample->first_location + i];
        add_location(size, id);
        locations += varint_bytes(id);
    }
    for (size_t i = 0; i < profile->value_type_count; i++)
        values += varint_bytes((uint64_t)sample->values[i]);
    for (uint32_t i = 0; i < sample->label_count; i++)
        labels += label_bytes(size, &profile->labels[sample->first_label + i]);
    size->bytes += delimited_bytes(delimited_bytes(locations) + delimited_bytes(values) + labels);
}

static void add_type(struct profile_size *size, const struct profile_value_type *type)
{
    add_string(size, type->type);
    add_string(size, type->unit);
    size->bytes += delimited_bytes(number_bytes(type->type) + number_bytes(type->unit));
}

static void add_mapping(struct profile_size *size, const struct profile_mapping *mapping, size_t id)
{
    enum { FLAGS = 4, FLAG_BYTES = TAG_BYTES + 1 };
    add_string(size, mapping->file);
    add_string(size, mapping->build_id);
    size->bytes += delimited_bytes(number_bytes(id) + number_bytes(mapping->start) + number_bytes(mapping->limit) +
                                   number_bytes(mapping->file_offset) + number_bytes(mapping->file) +
                                   number_bytes(mapping->build_id) + FLAGS * FLAG_BYTES);
}

/* All but samples and what these name. */
static void add_frame(struct profile_size *size)
{
    const struct profile *profile = size->profile;
    add_string(size, 0);
    for (size_t i = 0; i < profile->value_type_count; i++)
        add_type(size, &profile->value_types[i]);
    add_type(size, &profile->period_type);
    add_string(size, profile->default_value_type);
    add_string(size, profile->drop_frames);
    size->bytes += number_bytes(profile->default_value_type) + number_bytes(profile->drop_frames) +
                   number_bytes((uint64_t)profile->period) + number_bytes((uint64_t)profile->time_ns) +
                   number_bytes((uint64_t)profile->duration_ns);
    for (size_t i = 0; i < profile->mapping_count; i++)
        add_mapping(size, &profile->mappings[i], i + 1);
    for (size_t i = 0; i < profile->comment_count; i++) {
        add_string(size, profile->comments[i]);
        size->bytes += number_bytes(profile->comments[i]);
    }
}

int profile_size_init(struct profile_size *size, const struct profile *profile)
{
    *size = (struct profile_size){
        .profile = profile,
        .strings = calloc(strtab_count(profile->strings) + 1, sizeof *size->strings),
        .functions = calloc(profile->function_count + 1, sizeof *size->functions),
        .locations = calloc(profile->location_count + 1, sizeof *size->locations),
    };
    if (!size->strings || !size->functions || !size->locations) {
        profile_size_fini(size);
        return -ENOMEM;
    }
    add_frame(size);
    return 0;
}

void profile_size_fini(struct profile_size *size)
{
    free(size->strings);
    free(size->functions);
    free(size->locations);
    *size = (struct profile_size){0};
}
