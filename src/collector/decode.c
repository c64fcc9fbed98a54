/* See decode.h. The names and places are data: decode_schema.c. */
#include "collector/decode.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "collector/decode_schema.h"

/* A value that points to something is stored as the reader has it. */
static_assert(sizeof(struct event_text) == sizeof(struct ctf_value) &&
                  offsetof(struct event_text, data) == offsetof(struct ctf_value, text) &&
                  offsetof(struct event_text, length) == offsetof(struct ctf_value, length),
              "a text is a value");
static_assert(sizeof(struct event_stack) == sizeof(struct ctf_value) &&
                  offsetof(struct event_stack, pcs) == offsetof(struct ctf_value, us) &&
                  offsetof(struct event_stack, count) == offsetof(struct ctf_value, length),
              "a stack is a value");
static_assert(sizeof(struct event) <= CTF_PLAN_BYTES, "an event is a record");

/* What it takes in struct event. */
static const struct {
    enum ctf_form form;
    size_t bytes;
} forms[] = {
    [DECODE_U64] = {CTF_U64, sizeof(uint64_t)},
    [DECODE_U32] = {CTF_U32, sizeof(uint32_t)},
    [DECODE_BOOL] = {CTF_FLAG, sizeof(bool)},
    [DECODE_NOT] = {CTF_NOT, sizeof(bool)},
    [DECODE_TEXT] = {CTF_VALUE, sizeof(struct event_text)},
    [DECODE_BYTES] = {CTF_BYTES, sizeof(struct event_text)},
    [DECODE_STACK] = {CTF_VALUE, sizeof(struct event_stack)},
};

static bool is_in(uint64_t set, enum event_kind kind)
{
    return set & EVENT_SET(kind);
}

static bool is_integer(enum ctf_type type)
{
    return type == CTF_UNSIGNED || type == CTF_SIGNED || type == CTF_ENUM;
}

static bool fits(const struct ctf_field *field, enum decode_kind kind)
{
    bool integers = field->type == CTF_SEQUENCE && is_integer(field->element);
    switch (kind) {
    case DECODE_TEXT:
        return field->type == CTF_STRING;
    case DECODE_BYTES:
        return field->type == CTF_STRING || integers;
    case DECODE_STACK:
        return integers;
    default:
        return is_integer(field->type);
    }
}

/* The first of that name, or NULL. */
static const struct ctf_field *find_field(const struct ctf_event_class *class, const char *name, bool is_context)
{
    for (size_t i = 0; i < class->field_count; i++)
        if (class->fields[i].is_context == is_context && strcmp(class->fields[i].name, name) == 0)
            return &class->fields[i];
    return NULL;
}

static void place(const struct ctf_event_class *class, const struct ctf_field *field, size_t offset, enum ctf_form form,
                  struct ctf_plan *plan)
{
    plan->places[field - class->fields] = (struct ctf_place){.offset = (uint16_t)offset, .form = (uint8_t)form};
}

/* False if no context says the id. */
static bool place_id(const struct ctf_event_class *class, const char *name, size_t offset, struct ctf_plan *plan)
{
    const struct ctf_field *field = find_field(class, name, true);
    if (!field || !is_integer(field->type))
        return false;
    place(class, field, offset, CTF_S32, plan);
    return true;
}

static void place_fields(const struct decode_event *schema, const struct ctf_event_class *class, struct ctf_plan *plan)
{
    for (const struct decode_field *wanted = schema->fields; wanted->name; wanted++) {
        const struct ctf_field *field = find_field(class, wanted->name, false);
        if (field && fits(field, wanted->kind))
            place(class, field, wanted->offset, forms[wanted->kind].form, plan);
    }
}

/* A record ends where the last field of its kind does, in the trace or not: the union is as long as its longest. */
static size_t size_of(const struct decode_event *schema)
{
    size_t size = schema ? offsetof(struct event, map_life) : sizeof(struct event);
    for (const struct decode_field *field = schema ? schema->fields : NULL; field && field->name; field++) {
        size_t end = field->offset + forms[field->kind].bytes;
        size = end > size ? end : size;
    }
    return size;
}

static uint32_t clamp_pid(int64_t pid)
{
    return pid < 0 ? 0 : pid > UINT32_MAX ? UINT32_MAX : (uint32_t)pid;
}

static void begin(const struct decode_event *schema, const struct ctf_event_class *class, struct event *event)
{
    event->kind = schema ? schema->kind : EVENT_OTHER;
    if (!schema)
        event->other = (struct event_other){
            .name = {.data = class->name, .length = (uint32_t)strlen(class->name)},
            .is_kernel = !strchr(class->name, ':'), /* in user space LTTng puts the provider before the name */
        };
    else if (schema->is_pic)
        event->module.is_pic = true;
}

void decode_plan(uint64_t set, const struct ctf_event_class *class, struct ctf_plan *plan)
{
    const struct decode_event *schema = decode_schema_find(class->name);
    struct event *event = (struct event *)(void *)plan->blank;
    plan->size = size_of(schema);
    plan->time_at = offsetof(struct event, time_ns);
    begin(schema, class, event);
    place_id(class, "vtid", offsetof(struct event, tid), plan);
    if (!place_id(class, "vpid", offsetof(struct event, pid), plan))
        event->pid = clamp_pid(class->trace_pid);
    if (schema && is_in(set, schema->kind))
        place_fields(schema, class, plan);
}

enum event_kind decode_kind_of(const char *class_name)
{
    const struct decode_event *schema = decode_schema_find(class_name);
    return schema ? schema->kind : EVENT_OTHER;
}
