/* See header.h. */
#include "collector/ctf/header.h"

#include <errno.h>
#include <string.h>

#include "collector/ctf/compile.h"

enum { BYTE = 8, SCRATCH = 64 };

static const struct ctf_brief large_brief = {
    .bytes = 6, .id_bits = 16, .extended = UINT16_MAX, .time_mask = UINT32_MAX};
static const struct ctf_brief compact_brief = {.bytes = 4, .id_bits = 5, .extended = 31, .time_mask = (1 << 27) - 1};

static bool is_integer(const struct tsdl_type *type, uint32_t size, uint32_t align, enum tsdl_order order)
{
    bool ordered = type->order == order || type->order == TSDL_NATIVE;
    return (type->kind == TSDL_INTEGER || type->kind == TSDL_ENUM) && type->size == size && type->align == align &&
           ordered && !type->is_signed;
}

static const struct tsdl_type *member(const struct tsdl_type *type, const char *name)
{
    bool has_members = type && (type->kind == TSDL_STRUCT || type->kind == TSDL_VARIANT);
    for (size_t i = 0; has_members && i < type->member_count; i++)
        if (strcmp(type->members[i].name, name) == 0)
            return type->members[i].type;
    return NULL;
}

/* { compact = 0 ... extended - 1, extended = extended } */
static bool has_labels(const struct tsdl_type *tag, uint64_t extended)
{
    const struct tsdl_label *labels = tag->labels;
    return tag->label_count == 2 && strcmp(labels[0].name, "compact") == 0 && labels[0].first == 0 &&
           labels[0].last == extended - 1 && strcmp(labels[1].name, "extended") == 0 && labels[1].first == extended;
}

/* struct { enum id { compact, extended }; variant <id> { struct { timestamp } compact; ... } v; } align(8) */
static bool has_shape(const struct tsdl_type *type, const struct tsdl_type *id, const struct tsdl_type *time,
                      uint64_t extended)
{
    const struct tsdl_type *compact = member(member(type, "v"), "compact");
    return type->member_count == 2 && type->align == BYTE && id && id->kind == TSDL_ENUM && time && compact &&
           compact->member_count == 1 && has_labels(id, extended);
}

/* Little endian only: the fast loads are written for what runs production. */
static struct ctf_brief recognise(const struct tsdl_type *type, enum tsdl_order order)
{
    const struct tsdl_type *id = member(type, "id");
    const struct tsdl_type *time = member(member(member(type, "v"), "compact"), "timestamp");
    if (order != TSDL_LITTLE || !id || !time)
        return (struct ctf_brief){0};
    if (has_shape(type, id, time, large_brief.extended) && is_integer(id, 16, BYTE, TSDL_LITTLE) &&
        is_integer(time, 32, BYTE, TSDL_LITTLE))
        return large_brief;
    if (has_shape(type, id, time, compact_brief.extended) && is_integer(id, 5, 1, TSDL_LITTLE) &&
        is_integer(time, 27, 1, TSDL_LITTLE))
        return compact_brief;
    return (struct ctf_brief){0};
}

static bool ends_with(const char *path, const char *leaf)
{
    const char *dot = strrchr(path, '.');
    return strcmp(dot ? dot + 1 : path, leaf) == 0;
}

static int find_fields(struct ctf_header *header)
{
    const struct ctf_program *program = &header->program;
    if (program->slot_count > CTF_HEADER_SLOTS_MAX)
        return -ENOTSUP;
    for (size_t i = 0; i < program->field_count; i++) {
        const struct tsdl_type *type = program->types[i];
        bool is_number = type->kind == TSDL_INTEGER || type->kind == TSDL_ENUM;
        header->is_time[i] = is_number && (type->is_clock || ends_with(program->fields[i].name, "timestamp"));
        header->is_id[i] = is_number && ends_with(program->fields[i].name, "id");
    }
    return 0;
}

int ctf_header_compile(const struct tsdl_type *type, enum tsdl_order order, struct arena *arena, struct ctf_header *out)
{
    struct ctf_header header = {0};
    int error = ctf_compile(&(struct ctf_part){.type = type}, 1, order, arena, &header.program);
    if (error)
        return error;
    error = find_fields(&header);
    if (error) {
        ctf_program_fini(&header.program);
        return error;
    }
    if (type)
        header.brief = recognise(type, order);
    *out = header;
    return 0;
}

void ctf_header_fini(struct ctf_header *header)
{
    ctf_program_fini(&header->program);
}

enum ctf_result ctf_header_read(const struct ctf_header *header, struct ctf_cursor *cursor,
                                struct ctf_header_values *out)
{
    struct ctf_value values[CTF_HEADER_SLOTS_MAX];
    uint64_t scratch[SCRATCH];
    cursor->scratch = scratch;
    cursor->scratch_capacity = SCRATCH;
    enum ctf_result result = ctf_program_run(&header->program, cursor, values);
    if (result == CTF_SCRATCH) /* nobody writes such headers */
        result = CTF_DAMAGED;
    *out = (struct ctf_header_values){0};
    for (size_t i = 0; result == CTF_OK && i < header->program.field_count; i++) {
        if (values[i].is_absent)
            continue;
        if (header->is_id[i])
            out->id = values[i].u;
        if (header->is_time[i]) {
            out->timestamp = values[i].u;
            out->time_mask = UINT64_MAX >> (64 - header->program.types[i]->size);
        }
    }
    return result;
}
