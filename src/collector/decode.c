/*
 * See decode.h. Start reading at decoder_decode: a class is bound once (fields to places in struct event, by
 * name, decode_schema.c), after that an event is a loop over a few steps. Each class has an event of its own,
 * in which what no field of the class sets is zero for good: to clear one each time costs more than to fill it.
 */
#include "collector/decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/decode_schema.h"
#include "support/vec.h"

/* One field that the trace has and the model wants. */
struct step {
    uint32_t value;  /* index into ctf_event.values */
    uint16_t offset; /* into struct event */
    uint8_t kind;    /* enum decode_kind */
    bool is_text;    /* of bytes: the trace has a string rather than a sequence */
};

/* What a class of the trace means. */
struct binding {
    const struct ctf_event_class *class;
    struct event event;                        /* the last one of the class */
    int32_t pid_value, tid_value;              /* index of the context's value, -1 = none */
    uint32_t u64_count, u32_count, step_count; /* in this order: most fields are numbers, and need no switch */
    struct step steps[DECODE_FIELDS_MAX];
};

struct decoder {
    uint64_t set;
    struct binding **bindings; /* by class index; owned, NULL = not seen yet */
    size_t binding_count, binding_capacity;
    char *bytes; /* of the event at hand; no event has two byte fields */
    size_t byte_capacity;
};

/* Binding */

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

static int32_t find_field(const struct ctf_event_class *class, const char *name, bool is_context)
{
    for (size_t i = 0; i < class->field_count; i++)
        if (class->fields[i].is_context == is_context && strcmp(class->fields[i].name, name) == 0)
            return (int32_t)i;
    return -1;
}

static int32_t find_id_context(const struct ctf_event_class *class, const char *name)
{
    int32_t index = find_field(class, name, true);
    return index >= 0 && is_integer(class->fields[index].type) ? index : -1;
}

static void bind_field(struct binding *binding, const struct decode_field *wanted)
{
    int32_t index = find_field(binding->class, wanted->name, false);
    if (index < 0 || !fits(&binding->class->fields[index], wanted->kind))
        return;
    binding->steps[binding->step_count++] = (struct step){
        .value = (uint32_t)index,
        .offset = wanted->offset,
        .kind = (uint8_t)wanted->kind,
        .is_text = binding->class->fields[index].type == CTF_STRING,
    };
}

/* Binds the fields of one kind, or of all kinds from DECODE_OTHERS on. Returns how many. */
static uint32_t bind_kind(struct binding *binding, const struct decode_event *schema, enum decode_kind kind)
{
    uint32_t before = binding->step_count;
    for (const struct decode_field *wanted = schema->fields; wanted->name; wanted++)
        if (wanted->kind == kind || (kind == DECODE_OTHERS && wanted->kind > kind))
            bind_field(binding, wanted);
    return binding->step_count - before;
}

static void bind(struct binding *binding, const struct ctf_event_class *class, uint64_t set)
{
    *binding = (struct binding){
        .class = class,
        .pid_value = find_id_context(class, "vpid"),
        .tid_value = find_id_context(class, "vtid"),
    };
    struct event *event = &binding->event;
    const struct decode_event *schema = decode_schema_find(class->name);
    event->kind = schema ? schema->kind : EVENT_OTHER;
    if (!schema)
        event->other = (struct event_other){
            .name = {.data = class->name, .length = (uint32_t)strlen(class->name)},
            .is_kernel = !strchr(class->name, ':'), /* in user space LTTng puts the provider before the name */
        };
    if (!schema || !is_in(set, schema->kind))
        return;
    if (schema->is_pic)
        event->module.is_pic = true;
    binding->u64_count = bind_kind(binding, schema, DECODE_U64);
    binding->u32_count = bind_kind(binding, schema, DECODE_U32);
    bind_kind(binding, schema, DECODE_OTHERS);
}

/* The first event of a class. */
static __attribute__((cold, noinline)) int add_binding(struct decoder *decoder, const struct ctf_event_class *class)
{
    if (class->index >= decoder->binding_count) {
        size_t extra = class->index + (size_t)1 - decoder->binding_count;
        int error = VEC_RESERVE(decoder->bindings, decoder->binding_count, decoder->binding_capacity, extra);
        if (error)
            return error;
        memset(decoder->bindings + decoder->binding_count, 0, extra * sizeof *decoder->bindings);
        decoder->binding_count += extra;
    }
    struct binding **binding = &decoder->bindings[class->index];
    if (!*binding)
        *binding = malloc(sizeof **binding);
    if (!*binding)
        return -ENOMEM;
    bind(*binding, class, decoder->set);
    return 0;
}

static bool is_bound(const struct decoder *decoder, const struct ctf_event_class *class)
{
    if (class->index >= decoder->binding_count)
        return false;
    const struct binding *binding = decoder->bindings[class->index];
    return binding && binding->class == class;
}

/* Decoding */

static int narrow(struct decoder *decoder, const struct ctf_value *value, struct event_text *out)
{
    int error = VEC_RESERVE(decoder->bytes, 0, decoder->byte_capacity, value->length);
    if (error)
        return error;
    for (uint32_t i = 0; i < value->length; i++)
        decoder->bytes[i] = (char)(uint8_t)value->us[i];
    *out = (struct event_text){.data = decoder->bytes, .length = value->length};
    return 0;
}

static uint32_t clamp_u32(uint64_t number)
{
    return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

static void *place(struct event *event, const struct step *step)
{
    return (char *)event + step->offset;
}

static int store(struct decoder *decoder, const struct step *step, const struct ctf_value *value, void *at)
{
    switch ((enum decode_kind)step->kind) {
    case DECODE_U64: /* stored by decoder_decode itself */
    case DECODE_U32:
        return 0;
    case DECODE_BOOL:
        *(bool *)at = value->u != 0;
        return 0;
    case DECODE_NOT:
        *(bool *)at = value->u == 0;
        return 0;
    case DECODE_STACK:
        *(struct event_stack *)at = (struct event_stack){.pcs = value->us, .count = value->length};
        return 0;
    case DECODE_BYTES:
        if (!step->is_text)
            return narrow(decoder, value, at);
        /* fall through */
    case DECODE_TEXT:
        *(struct event_text *)at = (struct event_text){.data = value->text, .length = value->length};
        return 0;
    }
    return 0;
}

/* An id from a context, or 0 = unknown. */
static uint32_t read_id(const struct ctf_event *in, int32_t value)
{
    if (value < 0 || in->values[value].i <= 0)
        return 0;
    return clamp_u32(in->values[value].u);
}

static uint32_t read_pid(const struct ctf_event *in, const struct binding *binding)
{
    if (binding->pid_value >= 0)
        return read_id(in, binding->pid_value);
    return in->trace_pid > 0 ? clamp_u32((uint64_t)in->trace_pid) : 0;
}

/* Not inlined: the events without fields that count are spared its registers. */
static __attribute__((noinline)) int read_fields(struct decoder *decoder, struct binding *binding,
                                                 const struct ctf_value *values)
{
    struct event *event = &binding->event;
    const struct step *step = binding->steps, *end = step + binding->u64_count;
    int error = 0;
    for (; step < end; step++)
        *(uint64_t *)place(event, step) = values[step->value].u;
    for (end += binding->u32_count; step < end; step++)
        *(uint32_t *)place(event, step) = clamp_u32(values[step->value].u);
    for (end = binding->steps + binding->step_count; step < end && !error; step++)
        error = store(decoder, step, &values[step->value], place(event, step));
    return error;
}

int decoder_decode(struct decoder *decoder, const struct ctf_event *in, const struct event **out)
{
    int error = is_bound(decoder, in->class) ? 0 : add_binding(decoder, in->class);
    if (error)
        return error;
    struct binding *binding = decoder->bindings[in->class->index];
    binding->event.pid = read_pid(in, binding);
    binding->event.tid = read_id(in, binding->tid_value);
    binding->event.time_ns = in->time_ns;
    *out = &binding->event;
    if (binding->event.kind == EVENT_OTHER)
        binding->event.other.cpu = in->cpu;
    return binding->step_count ? read_fields(decoder, binding, in->values) : 0;
}

static bool looks_at(const struct decode_event *schema, const char *name)
{
    for (const struct decode_field *field = schema->fields; field->name; field++)
        if (strcmp(field->name, name) == 0)
            return !field->is_idle;
    return false;
}

bool decoder_wants(const struct decoder *decoder, const char *class_name, const struct ctf_field *field)
{
    if (field->is_context)
        return strcmp(field->name, "vpid") == 0 || strcmp(field->name, "vtid") == 0;
    const struct decode_event *schema = decode_schema_find(class_name);
    return schema && is_in(decoder->set, schema->kind) && looks_at(schema, field->name);
}

enum event_kind decoder_kind_of(const char *class_name)
{
    const struct decode_event *schema = decode_schema_find(class_name);
    return schema ? schema->kind : EVENT_OTHER;
}

int decoder_create(uint64_t set, struct decoder **out)
{
    struct decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder)
        return -ENOMEM;
    decoder->set = set;
    *out = decoder;
    return 0;
}

void decoder_destroy(struct decoder *decoder)
{
    if (!decoder)
        return;
    for (size_t i = 0; i < decoder->binding_count; i++)
        free(decoder->bindings[i]);
    free(decoder->bindings);
    free(decoder->bytes);
    free(decoder);
}
