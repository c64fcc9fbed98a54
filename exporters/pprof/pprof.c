/*
 * See pprof.h. The sole user of protobuf-c. The messages live in one arena and point into the profile where
 * they can; packing streams into gzip, so the packed bytes are never in memory as a whole.
 */
#include "exporters/pprof/pprof.h"

#include <errno.h>

#include "exporters/gzip.h"
#include "profile.pb-c.h"
#include "support/arena.h"

struct packing {
    const struct profile *profile;
    struct arena arena;
    bool out_of_memory;
};

static void *allocate(struct packing *packing, size_t count, size_t size)
{
    size_t bytes;
    void *memory = __builtin_mul_overflow(count, size, &bytes) ? NULL : arena_alloc(&packing->arena, bytes);
    packing->out_of_memory |= memory == NULL;
    return memory;
}

/* Makes `message` of row `index` of one of the profile's tables. */
typedef void fill_fn(struct packing *packing, size_t index, void *message);

/* protobuf-c wants a list as pointers to messages of `size` bytes: those of rows first .. first + count - 1. */
static void *pack_rows(struct packing *packing, size_t first, size_t count, size_t size, fill_fn *fill)
{
    void **list = allocate(packing, count, sizeof *list);
    char *messages = allocate(packing, count, size);
    for (size_t i = 0; i < count && !packing->out_of_memory; i++) {
        list[i] = messages + i * size;
        fill(packing, first + i, list[i]);
    }
    return list;
}

static void fill_value_type(struct packing *packing, size_t index, void *message)
{
    const struct profile_value_type *type = &packing->profile->value_types[index];
    Perftools__Profiles__ValueType *to = message;
    perftools__profiles__value_type__init(to);
    to->type = type->type;
    to->unit = type->unit;
}

static void fill_label(struct packing *packing, size_t index, void *message)
{
    const struct profile_label *label = &packing->profile->labels[index];
    Perftools__Profiles__Label *to = message;
    perftools__profiles__label__init(to);
    to->key = label->key;
    to->str = label->text;
    to->num = label->number;
    to->num_unit = label->unit;
}

static uint64_t *pack_location_ids(struct packing *packing, const struct profile_sample *sample)
{
    uint64_t *ids = allocate(packing, sample->location_count, sizeof *ids);
    for (size_t i = 0; ids && i < sample->location_count; i++)
        ids[i] = packing->profile->sample_locations[sample->first_location + i];
    return ids;
}

static int64_t *pack_values(struct packing *packing, const struct profile_sample *sample)
{
    int64_t *values = allocate(packing, packing->profile->value_type_count, sizeof *values);
    for (size_t i = 0; values && i < packing->profile->value_type_count; i++)
        values[i] = sample->values[i];
    return values;
}

static void fill_sample(struct packing *packing, size_t index, void *message)
{
    const struct profile_sample *sample = &packing->profile->samples[index];
    Perftools__Profiles__Sample *to = message;
    perftools__profiles__sample__init(to);
    to->n_location_id = sample->location_count;
    to->location_id = pack_location_ids(packing, sample);
    to->n_value = packing->profile->value_type_count;
    to->value = pack_values(packing, sample);
    to->n_label = sample->label_count;
    to->label = pack_rows(packing, sample->first_label, sample->label_count, sizeof **to->label, fill_label);
}

static void fill_mapping(struct packing *packing, size_t index, void *message)
{
    const struct profile_mapping *mapping = &packing->profile->mappings[index];
    Perftools__Profiles__Mapping *to = message;
    perftools__profiles__mapping__init(to);
    to->id = index + 1;
    to->memory_start = mapping->start;
    to->memory_limit = mapping->limit;
    to->file_offset = mapping->file_offset;
    to->filename = mapping->file;
    to->build_id = mapping->build_id;
    to->has_functions = mapping->has_functions;
    to->has_filenames = mapping->has_files;
    to->has_line_numbers = mapping->has_lines;
    to->has_inline_frames = mapping->has_inlines;
}

static void fill_function(struct packing *packing, size_t index, void *message)
{
    const struct profile_function *function = &packing->profile->functions[index];
    Perftools__Profiles__Function *to = message;
    perftools__profiles__function__init(to);
    to->id = index + 1;
    to->name = function->name;
    to->system_name = function->system_name;
    to->filename = function->file;
    to->start_line = function->start_line;
}

static void fill_line(struct packing *packing, size_t index, void *message)
{
    const struct profile_line *line = &packing->profile->lines[index];
    Perftools__Profiles__Line *to = message;
    perftools__profiles__line__init(to);
    to->function_id = line->function;
    to->line = line->line;
}

static void fill_location(struct packing *packing, size_t index, void *message)
{
    const struct profile_location *location = &packing->profile->locations[index];
    Perftools__Profiles__Location *to = message;
    perftools__profiles__location__init(to);
    to->id = index + 1;
    to->mapping_id = location->mapping;
    to->address = location->address;
    to->n_line = location->line_count;
    to->line = pack_rows(packing, location->first_line, location->line_count, sizeof **to->line, fill_line);
}

static char **pack_strings(struct packing *packing)
{
    const struct strtab *strings = packing->profile->strings;
    size_t count = strtab_count(strings);
    char **list = allocate(packing, count, sizeof *list);
    for (size_t i = 0; list && i < count; i++)
        list[i] = (char *)(uintptr_t)strtab_text(strings, (str_id)i); /* packing does not write */
    return list;
}

static int64_t *pack_comments(struct packing *packing)
{
    const struct profile *profile = packing->profile;
    int64_t *list = allocate(packing, profile->comment_count, sizeof *list);
    for (size_t i = 0; list && i < profile->comment_count; i++)
        list[i] = profile->comments[i];
    return list;
}

static void pack_tables(struct packing *packing, Perftools__Profiles__Profile *to)
{
    const struct profile *profile = packing->profile;
    to->n_sample_type = profile->value_type_count;
    to->sample_type = pack_rows(packing, 0, to->n_sample_type, sizeof **to->sample_type, fill_value_type);
    to->n_sample = profile->sample_count;
    to->sample = pack_rows(packing, 0, to->n_sample, sizeof **to->sample, fill_sample);
    to->n_mapping = profile->mapping_count;
    to->mapping = pack_rows(packing, 0, to->n_mapping, sizeof **to->mapping, fill_mapping);
    to->n_location = profile->location_count;
    to->location = pack_rows(packing, 0, to->n_location, sizeof **to->location, fill_location);
    to->n_function = profile->function_count;
    to->function = pack_rows(packing, 0, to->n_function, sizeof **to->function, fill_function);
    to->n_string_table = strtab_count(profile->strings);
    to->string_table = pack_strings(packing);
    to->n_comment = profile->comment_count;
    to->comment = pack_comments(packing);
}

static void pack_header(const struct profile *profile, Perftools__Profiles__ValueType *period_type,
                        Perftools__Profiles__Profile *to)
{
    period_type->type = profile->period_type.type;
    period_type->unit = profile->period_type.unit;
    to->period_type = period_type;
    to->period = profile->period;
    to->time_nanos = profile->time_ns;
    to->duration_nanos = profile->duration_ns;
    to->default_sample_type = profile->default_value_type;
    to->drop_frames = profile->drop_frames;
}

/* A protobuf-c buffer in front of an outbuf. */
struct drain {
    ProtobufCBuffer base;
    struct outbuf *out;
};

static void append(ProtobufCBuffer *buffer, size_t size, const uint8_t *bytes)
{
    outbuf_bytes(((struct drain *)buffer)->out, bytes, size);
}

static int compress(const Perftools__Profiles__Profile *message, struct outbuf *out)
{
    struct gzip *gzip;
    int error = gzip_create(out, GZIP_SMALL, &gzip);
    if (error)
        return error;
    struct drain drain = {.base = {.append = append}, .out = gzip_front(gzip)};
    perftools__profiles__profile__pack_to_buffer(message, &drain.base);
    error = gzip_finish(gzip);
    gzip_destroy(gzip);
    return error;
}

int pprof_write(const struct profile *profile, struct outbuf *out, struct diag *diag)
{
    int error = profile_validate(profile, diag);
    if (error)
        return diag_wrap(diag, error, "the profile breaks a rule of the format");
    struct packing packing = {.profile = profile};
    arena_init(&packing.arena);
    Perftools__Profiles__ValueType period_type = PERFTOOLS__PROFILES__VALUE_TYPE__INIT;
    Perftools__Profiles__Profile message = PERFTOOLS__PROFILES__PROFILE__INIT;
    pack_header(profile, &period_type, &message);
    pack_tables(&packing, &message);
    error = packing.out_of_memory ? -ENOMEM : compress(&message, out);
    arena_fini(&packing.arena);
    return error ? diag_errno(diag, -error, "cannot write the profile") : 0;
}
