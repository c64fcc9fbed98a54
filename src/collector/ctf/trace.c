/* See trace.h. */
#include "collector/ctf/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/compile.h"
#include "collector/ctf/plan.h"

enum { STRAIGHT_IDS_MAX = 1024, DENSE_IDS_MAX = 65536, FIELDS_MAX = 1 << 22, FIELDS_OF_REFUSED = 8192 };

static const char *const packet_fields[PACKET_FIELDS] = {
    [PACKET_MAGIC] = "magic",
    [PACKET_STREAM_ID] = "stream_id",
    [PACKET_INSTANCE_ID] = "stream_instance_id",
    [PACKET_BEGIN] = "timestamp_begin",
    [PACKET_END] = "timestamp_end",
    [PACKET_CONTENT_BITS] = "content_size",
    [PACKET_BITS] = "packet_size",
    [PACKET_SEQUENCE] = "packet_seq_num",
    [PACKET_DISCARDED] = "events_discarded",
    [PACKET_CPU] = "cpu_id",
};

static int find_slot(const struct ctf_program *program, const char *name)
{
    for (size_t i = 0; i < program->field_count; i++)
        if (program->types[i]->kind == TSDL_INTEGER && strcmp(program->fields[i].name, name) == 0)
            return (int)i;
    return CTF_NO_SLOT;
}

static int compile_packet_part(struct tsdl_trace *declared, const struct tsdl_type *type, struct ctf_packet_part *out)
{
    struct ctf_packet_part part;
    int error = ctf_compile(&(struct ctf_part){.type = type}, 1, declared->order, &declared->arena, &part.program);
    if (error)
        return error;
    for (size_t i = 0; i < PACKET_FIELDS; i++)
        part.slots[i] = find_slot(&part.program, packet_fields[i]);
    *out = part;
    return part.program.slot_count <= CTF_PACKET_SLOTS_MAX ? 0 : -ENOTSUP;
}

static int by_id(const void *a, const void *b)
{
    const struct ctf_class *left = a, *right = b;
    if (left->shown.id != right->shown.id)
        return left->shown.id < right->shown.id ? -1 : 1;
    return left->shown.index < right->shown.index ? -1 : 1; /* the first of two stays the first */
}

/* The first class of an id counts; there should be no second. */
static int index_classes(struct ctf_stream_class *stream)
{
    qsort(stream->classes, stream->class_count, sizeof *stream->classes, by_id);
    for (size_t i = 0; i < stream->class_count; i++)
        if (stream->classes[i].shown.id < DENSE_IDS_MAX)
            stream->by_id_count = (size_t)stream->classes[i].shown.id + 1;
    stream->by_id = calloc(stream->by_id_count + 1, sizeof(struct ctf_class *));
    if (!stream->by_id)
        return -ENOMEM;
    for (size_t i = stream->class_count; i-- > 0;)
        if (stream->classes[i].shown.id < DENSE_IDS_MAX)
            stream->by_id[stream->classes[i].shown.id] = &stream->classes[i];
    return 0;
}

static int find_by_id(const void *key, const void *item)
{
    uint64_t id = *(const uint64_t *)key, other = ((const struct ctf_class *)item)->shown.id;
    return id < other ? -1 : id > other;
}

const struct ctf_class *ctf_find_sparse(const struct ctf_stream_class *stream, uint64_t id)
{
    if (id < DENSE_IDS_MAX)
        return NULL;
    return bsearch(&id, stream->classes, stream->class_count, sizeof *stream->classes, find_by_id);
}

static int compile_event(struct ctf_trace *trace, const struct tsdl_stream *stream, const struct tsdl_event *event,
                         struct ctf_class *out)
{
    struct tsdl_trace *declared = &trace->declared;
    const struct ctf_part parts[] = {{stream->event_context, true}, {event->context, true}, {event->fields, false}};
    int error = ctf_compile(parts, sizeof parts / sizeof parts[0], declared->order, &declared->arena, &out->program);
    if (error)
        return error;
    out->shown = (struct ctf_event_class){.name = event->name,
                                          .id = event->id,
                                          .fields = out->program.fields,
                                          .field_count = out->program.field_count,
                                          .trace_pid = declared->vpid};
    out->tally = CTF_DELIVER;
    return 0;
}

/* Compiling costs as much as the fields an event has: a hostile file may not have it done without end. */
struct budget {
    size_t fields_left;
    uint32_t next_index;
};

static int compile_or_refuse(struct ctf_trace *trace, const struct tsdl_stream *stream, const struct tsdl_event *event,
                             struct budget *budget, struct ctf_class *out)
{
    int error = budget->fields_left ? compile_event(trace, stream, event, out) : -ENOTSUP;
    size_t cost = error ? FIELDS_OF_REFUSED : out->program.slot_count + 1;
    budget->fields_left = cost < budget->fields_left ? budget->fields_left - cost : 0;
    if (error == -ENOTSUP && trace->refused_classes++ == 0)
        trace->refused_name = event->name;
    if (!error)
        out->shown.index = budget->next_index++;
    return error;
}

static int compile_events(struct ctf_trace *trace, const struct tsdl_stream *declared, struct budget *budget,
                          struct ctf_stream_class *stream)
{
    const struct tsdl_trace *all = &trace->declared;
    size_t count = 0;
    for (size_t i = 0; i < all->event_count; i++)
        count += all->events[i].stream_id == declared->id;
    stream->classes = calloc(count + 1, sizeof *stream->classes);
    if (!stream->classes)
        return -ENOMEM;
    for (size_t i = 0; i < all->event_count; i++) {
        if (all->events[i].stream_id != declared->id)
            continue;
        int error = compile_or_refuse(trace, declared, &all->events[i], budget, &stream->classes[stream->class_count]);
        if (error && error != -ENOTSUP)
            return error;
        stream->class_count += !error;
    }
    return index_classes(stream);
}

static int compile_stream(struct ctf_trace *trace, const struct tsdl_stream *declared, struct budget *budget,
                          struct ctf_stream_class *stream)
{
    stream->id = declared->id;
    int error = compile_packet_part(&trace->declared, declared->packet_context, &stream->context);
    if (!error)
        error =
            ctf_header_compile(declared->event_header, trace->declared.order, &trace->declared.arena, &stream->header);
    if (!error)
        error = compile_events(trace, declared, budget, stream);
    return error;
}

static int compile_streams(struct ctf_trace *trace, struct budget *budget)
{
    const struct tsdl_trace *declared = &trace->declared;
    int error = compile_packet_part(&trace->declared, declared->packet_header, &trace->header);
    trace->streams = calloc(declared->stream_count + 1, sizeof *trace->streams);
    if (!trace->streams)
        return -ENOMEM;
    for (size_t i = 0; i < declared->stream_count && !error; i++)
        error = compile_stream(trace, &declared->streams[i], budget, &trace->streams[trace->stream_count++]);
    return error == -ENOTSUP ? -EBADMSG : error;
}

int ctf_trace_create(const char *text, size_t length, uint32_t *next_index, struct diag *diag, struct ctf_trace **out)
{
    struct ctf_trace *trace = calloc(1, sizeof *trace);
    if (!trace)
        return diag_errno(diag, ENOMEM, "metadata");
    int error = tsdl_parse(text, length, diag, &trace->declared);
    if (error) {
        free(trace);
        return error;
    }
    struct budget budget = {FIELDS_MAX, *next_index};
    error = compile_streams(trace, &budget);
    if (error) {
        ctf_trace_destroy(trace);
        return diag_errno(diag, -error, "headers of packets or events");
    }
    *next_index = budget.next_index;
    *out = trace;
    return 0;
}

static int plan_class(struct ctf_class *class, const struct ctf_options *options)
{
    if (options->tally)
        class->tally = options->tally(options->self, class->shown.name);
    bool is_counted = class->tally != CTF_DELIVER;
    if (!is_counted && !options->plan)
        return 0;
    return ctf_plan(&class->program, &class->shown, is_counted ? NULL : options->plan, options->self);
}

static void list_straight(const struct ctf_class *class, struct ctf_straight_class *out)
{
    static const struct ctf_straight none = {.first.bytes = UINT32_MAX};
    *out = (struct ctf_straight_class){class && class->program.straight ? *class->program.straight : none, class};
}

static int list_straights(struct ctf_stream_class *stream)
{
    size_t count = stream->by_id_count, extended = stream->header.brief.extended;
    count = count < extended ? count : extended;
    count = count < STRAIGHT_IDS_MAX ? count : STRAIGHT_IDS_MAX;
    stream->straights = malloc((count + 1) * sizeof *stream->straights);
    if (!stream->straights)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        list_straight(stream->by_id[i], &stream->straights[i]);
    stream->straight_count = count;
    return 0;
}

int ctf_trace_plan(struct ctf_trace *trace, const struct ctf_options *options)
{
    int error = 0;
    for (size_t i = 0; i < trace->stream_count && !error; i++) {
        struct ctf_stream_class *stream = &trace->streams[i];
        for (size_t k = 0; k < stream->class_count && !error; k++)
            error = plan_class(&stream->classes[k], options);
        if (!error)
            error = list_straights(stream);
    }
    return error;
}

static void stream_fini(struct ctf_stream_class *stream)
{
    ctf_program_fini(&stream->context.program);
    ctf_header_fini(&stream->header);
    for (size_t i = 0; i < stream->class_count; i++)
        ctf_program_fini(&stream->classes[i].program);
    free(stream->classes);
    free(stream->by_id);
    free(stream->straights);
}

void ctf_trace_destroy(struct ctf_trace *trace)
{
    if (!trace)
        return;
    for (size_t i = 0; i < trace->stream_count; i++)
        stream_fini(&trace->streams[i]);
    free(trace->streams);
    ctf_program_fini(&trace->header.program);
    tsdl_fini(&trace->declared);
    free(trace);
}

const struct ctf_stream_class *ctf_trace_stream(const struct ctf_trace *trace, uint64_t id)
{
    for (size_t i = 0; i < trace->stream_count; i++)
        if (trace->streams[i].id == id)
            return &trace->streams[i];
    return NULL;
}
