/*
 * See chrome.h. The rules of the format that are not obvious, as Perfetto's importer has them: the first key
 * must be traceEvents; the whole file is lost to a surrogate escape, a NaN or a missing bracket; an X and a
 * B/E in one file do not mix; small flow ids collide with the importer's own; an M with an empty name is an
 * error; a number above 2^63-1 becomes another one.
 */
#include "exporters/chrome/chrome.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/chrome/json.h"
#include "exporters/chrome/phrase.h"
#include "support/vec.h"

struct fact {
    char *key, *value; /* owned */
};

struct chrome {
    struct timeline_sink sink;
    struct chrome_options options;
    bool has_events;
    struct fact *facts;
    size_t fact_count, fact_capacity;
    struct outbuf *out;      /* borrowed */
    struct phrases rows;     /* (row, pid): what each slice of it begins with */
    struct phrases names;    /* (name, category) of lasting slices */
    struct phrases texts;    /* (text, lead) of lasting slices */
    struct phrases counters; /* (name, series) */
};

/* The cursor behind the comma. */
static char *begin_event(struct chrome *chrome)
{
    char *at = json_begin(chrome->out);
    if (chrome->has_events)
        at = JSON_PUT(at, ",\n");
    chrome->has_events = true;
    return at;
}

static int end_event(struct chrome *chrome, char *at)
{
    *at++ = '}';
    json_end(chrome->out, at);
    return chrome->out->error;
}

/* Since the writer's `total` was that, in an event that had begun before: what it wrote first is gone. */
static bool was_flushed(const struct chrome *chrome, uint64_t total)
{
    return chrome->out->total != total;
}

/* Up to where readers, who multiply microseconds by a thousand again, have 64 bits with a sign. */
#define TIME_MAX_NS ((uint64_t)INT64_MAX - 2 * DIGITS_THOUSAND)

static uint64_t since_base(const struct chrome *chrome, uint64_t time_ns)
{
    uint64_t base_ns = chrome->options.base_ns, since_ns = time_ns > base_ns ? time_ns - base_ns : 0;
    return since_ns < TIME_MAX_NS ? since_ns : TIME_MAX_NS;
}

static char *put_place(char *at, uint32_t pid, uint32_t row)
{
    at = JSON_PUT(at, ",\"pid\":");
    at = json_u64(at, pid);
    if (row == 0)
        return at;
    at = JSON_PUT(at, ",\"tid\":");
    return json_u64(at, row);
}

/* An empty name is an error in an M, and unreadable elsewhere. */
static const char *visible(const char *name)
{
    return name[0] ? name : "(unnamed)";
}

static uint64_t address_of(const void *lasting)
{
    return (uintptr_t)lasting;
}

static char *put_name(struct outbuf *out, char *at, const char *name, const char *category)
{
    at = JSON_PUT(at, ",\"name\":");
    at = json_string(out, at, visible(name));
    at = JSON_PUT(at, ",\"cat\":");
    return json_string(out, at, category);
}

PHRASE_RENDERER char *render_name(struct chrome *chrome, char *at, const char *name, const char *category)
{
    const uint64_t total = chrome->out->total;
    char *end = put_name(chrome->out, at, name, category);
    return was_flushed(chrome, total) ? end
                                      : phrase_keep(&chrome->names, address_of(name), address_of(category), at, end);
}

static char *put_lasting_name(struct chrome *chrome, char *at, const char *name, const char *category)
{
    const struct phrase *phrase = phrase_find(&chrome->names, address_of(name), address_of(category));
    return phrase ? phrase_copy(phrase, at) : render_name(chrome, at, name, category);
}

static char *put_flow(char *at, const struct timeline_slice *slice)
{
    if (slice->flow == TIMELINE_FLOW_NONE)
        return at;
    at = JSON_PUT(at, ",\"bind_id\":");
    at = json_u64(at, slice->flow_id);
    return slice->flow == TIMELINE_FLOW_OUT ? JSON_PUT(at, ",\"flow_out\":true") : JSON_PUT(at, ",\"flow_in\":true");
}

/* What a fact begins with, copied whole: up to a number's digits or a text, or all of it. */
enum { LEAD_BYTES = 30 };

struct lead {
    char text[LEAD_BYTES];
    uint8_t length;
    uint8_t kind; /* enum timeline_arg_kind */
};

#define LEAD_INT(text) "\"" text "\":"
#define LEAD_HEX(text) "\"" text "\":\"0x"
#define LEAD_TRUE(text) "\"" text "\":true"
#define LEAD_TEXT(text) "\"" text "\":"

static const struct lead leads[TIMELINE_KEY_COUNT] = {
#define LEAD(name, its_kind, its_text)                                                                                 \
    [TIMELINE_ARG_##name] = {.text = LEAD_##its_kind(its_text),                                                        \
                             .length = sizeof LEAD_##its_kind(its_text) - 1,                                           \
                             .kind = TIMELINE_KIND_##its_kind},
    TIMELINE_KEYS(LEAD)
#undef LEAD
};

static inline char *put_lead(char *at, const struct lead *lead)
{
    memcpy(at, lead->text, LEAD_BYTES);
    return at + lead->length;
}

PHRASE_RENDERER char *render_text(struct chrome *chrome, char *at, const struct lead *lead, const char *text)
{
    const uint64_t total = chrome->out->total;
    char *end = json_string(chrome->out, put_lead(at, lead), text);
    return was_flushed(chrome, total) ? end : phrase_keep(&chrome->texts, address_of(text), address_of(lead), at, end);
}

static inline char *put_text(struct chrome *chrome, char *at, const struct lead *lead, const char *text,
                             bool is_lasting)
{
    if (!is_lasting)
        return json_string(chrome->out, put_lead(at, lead), text);
    const struct phrase *phrase = phrase_find(&chrome->texts, address_of(text), address_of(lead));
    return phrase ? phrase_copy(phrase, at) : render_text(chrome, at, lead, text);
}

static inline char *put_fact(struct chrome *chrome, char *at, const struct lead *lead, union timeline_value value,
                             bool is_lasting)
{
    at = json_reserve(chrome->out, at, JSON_MARGIN);
    if (lead->kind == TIMELINE_KIND_TEXT)
        return put_text(chrome, at, lead, value.text, is_lasting);
    at = put_lead(at, lead);
    if (lead->kind == TIMELINE_KIND_INT)
        return json_u64(at, value.number);
    if (lead->kind == TIMELINE_KIND_TRUE)
        return at;
    at = digits_put_hex(at, value.number);
    *at++ = '"';
    return at;
}

static char *put_facts(struct chrome *chrome, char *at, const struct timeline_facts *facts, bool are_lasting)
{
    if (!facts->count)
        return at;
    at = JSON_PUT(at, ",\"args\":{");
    for (size_t i = 0; i < facts->count; i++) {
        at = put_fact(chrome, at, &leads[facts->keys[i]], facts->values[i], are_lasting);
        *at++ = ',';
    }
    at[-1] = '}';
    return at;
}

PHRASE_RENDERER char *render_row(struct chrome *chrome, char *at, uint32_t pid, uint32_t row)
{
    char *end = JSON_PUT(at, "{\"ph\":\"X\"");
    end = put_place(end, pid, row);
    end = JSON_PUT(end, ",\"ts\":");
    return phrase_keep(&chrome->rows, row, pid, at, end);
}

static char *put_row(struct chrome *chrome, char *at, uint32_t pid, uint32_t row)
{
    const struct phrase *phrase = phrase_find(&chrome->rows, row, pid);
    return phrase ? phrase_copy(phrase, at) : render_row(chrome, at, pid, row);
}

static char *put_span(const struct chrome *chrome, char *at, const struct timeline_slice *slice)
{
    uint64_t begin_ns = since_base(chrome, slice->begin_ns), end_ns = since_base(chrome, slice->end_ns);
    at = json_microseconds(at, begin_ns);
    at = JSON_PUT(at, ",\"dur\":");
    return json_microseconds(at, end_ns - begin_ns);
}

static char *put_title(struct chrome *chrome, char *at, const struct timeline_slice *slice)
{
    return slice->is_lasting ? put_lasting_name(chrome, at, slice->name, slice->category)
                             : put_name(chrome->out, at, slice->name, slice->category);
}

static int put_slice(struct chrome *chrome, const struct timeline_slice *slice)
{
    char *at = begin_event(chrome);
    at = put_row(chrome, at, slice->pid, slice->row);
    at = put_span(chrome, at, slice);
    at = put_title(chrome, at, slice);
    at = put_flow(at, slice);
    at = put_facts(chrome, at, &slice->facts, slice->is_lasting);
    return end_event(chrome, at);
}

/*
 * `first` as it is written, and the same again from those bytes, with the row and the flow of `second`; unless they
 * were flushed meanwhile, or there is no room.
 */
static int put_both(struct chrome *chrome, const struct timeline_slice *first, const struct timeline_slice *second)
{
    struct outbuf *out = chrome->out;
    char *at = begin_event(chrome);
    const uint64_t total = out->total;
    at = put_row(chrome, at, first->pid, first->row);
    const char *span = at;
    at = put_span(chrome, at, first);
    at = put_title(chrome, at, first);
    const char *facts = at;
    at = put_facts(chrome, at, &first->facts, first->is_lasting);
    size_t size = (uintptr_t)at - (uintptr_t)span;
    if (was_flushed(chrome, total) || (size_t)(out->bytes + out->capacity - at) < size + JSON_MARGIN) {
        end_event(chrome, at);
        return put_slice(chrome, second);
    }
    const char *end = at;
    at = JSON_PUT(at, "},\n");
    at = put_row(chrome, at, second->pid, second->row);
    at = json_put(at, span, (size_t)(facts - span));
    at = put_flow(at, second);
    at = json_put(at, facts, (size_t)(end - facts));
    return end_event(chrome, at);
}

static int on_slice(void *self, const struct timeline_slice *slice)
{
    struct timeline_slice first, second;
    if (!timeline_slice_split(slice, &first, &second))
        return put_slice(self, slice);
    return put_both(self, &first, &second);
}

static int on_instant(void *self, const struct timeline_instant *instant)
{
    struct chrome *chrome = self;
    char *at = begin_event(chrome);
    at = JSON_PUT(at, "{\"ph\":\"i\",\"s\":\"t\"");
    at = put_place(at, instant->pid, instant->row);
    at = JSON_PUT(at, ",\"ts\":");
    at = json_microseconds(at, since_base(chrome, instant->time_ns));
    at = put_name(chrome->out, at, instant->name, instant->category);
    at = put_facts(chrome, at, &instant->facts, false);
    return end_event(chrome, at);
}

PHRASE_RENDERER char *render_counted(struct chrome *chrome, char *at, const char *name, const char *series)
{
    const uint64_t total = chrome->out->total;
    char *end = JSON_PUT(at, ",\"name\":");
    end = json_string(chrome->out, end, name);
    end = JSON_PUT(end, ",\"args\":{");
    end = json_string(chrome->out, end, series);
    *end++ = ':';
    return was_flushed(chrome, total) ? end
                                      : phrase_keep(&chrome->counters, address_of(name), address_of(series), at, end);
}

static char *put_counted(struct chrome *chrome, char *at, const struct timeline_counter *counter)
{
    uint64_t name = address_of(counter->name), series = address_of(counter->series);
    const struct phrase *phrase = phrase_find(&chrome->counters, name, series);
    return phrase ? phrase_copy(phrase, at) : render_counted(chrome, at, counter->name, counter->series);
}

static int on_counter(void *self, const struct timeline_counter *counter)
{
    struct chrome *chrome = self;
    char *at = begin_event(chrome);
    at = JSON_PUT(at, "{\"ph\":\"C\"");
    at = put_place(at, counter->pid, 0);
    at = JSON_PUT(at, ",\"ts\":");
    at = json_microseconds(at, since_base(chrome, counter->time_ns));
    at = put_counted(chrome, at, counter);
    at = json_i64(at, counter->value);
    *at++ = '}';
    return end_event(chrome, at);
}

/* Up to its args' value: {"ph":"M",...,"name":"thread_name","args":{"name": */
static char *begin_label(struct chrome *chrome, uint32_t pid, uint32_t row, const char *what)
{
    char *at = begin_event(chrome);
    at = JSON_PUT(at, "{\"ph\":\"M\"");
    at = put_place(at, pid, row);
    at = row ? JSON_PUT(at, ",\"name\":\"thread_") : JSON_PUT(at, ",\"name\":\"process_");
    at = json_put(at, what, strlen(what));
    at = JSON_PUT(at, "\",\"args\":{");
    at = json_string(chrome->out, at, what);
    *at++ = ':';
    return at;
}

/* Two M events: the name of a process (row 0) or a row, and where it stands among the others. */
static int put_label(struct chrome *chrome, uint32_t pid, uint32_t row, const char *name, int32_t sort_index)
{
    char *at = begin_label(chrome, pid, row, "name");
    at = json_string(chrome->out, at, visible(name));
    *at++ = '}';
    end_event(chrome, at);
    at = begin_label(chrome, pid, row, "sort_index");
    at = json_i64(at, sort_index);
    *at++ = '}';
    return end_event(chrome, at);
}

static int on_process(void *self, uint32_t pid, const char *name, int32_t sort_index)
{
    return put_label(self, pid, 0, name, sort_index);
}

static int on_row(void *self, uint32_t pid, uint32_t row, const char *name, int32_t sort_index)
{
    return put_label(self, pid, row, name, sort_index);
}

/* Kept: the metadata comes behind the events. */
static int on_metadata(void *self, const char *key, const char *value)
{
    struct chrome *chrome = self;
    int error = VEC_RESERVE(chrome->facts, chrome->fact_count, chrome->fact_capacity, 1);
    if (error)
        return error;
    struct fact fact = {.key = strdup(key), .value = strdup(value)};
    if (!fact.key || !fact.value) {
        free(fact.key);
        free(fact.value);
        return -ENOMEM;
    }
    chrome->facts[chrome->fact_count++] = fact;
    return 0;
}

int chrome_create(struct outbuf *out, const struct chrome_options *options, struct chrome **out_chrome)
{
    struct chrome *chrome = calloc(1, sizeof *chrome);
    if (!chrome)
        return -ENOMEM;
    chrome->sink = (struct timeline_sink){.process = on_process,
                                          .row = on_row,
                                          .slice = on_slice,
                                          .instant = on_instant,
                                          .counter = on_counter,
                                          .metadata = on_metadata,
                                          .self = chrome};
    chrome->options = *options;
    chrome->out = out;
    json_end(out, JSON_PUT(json_begin(out), "{\"traceEvents\":[\n"));
    *out_chrome = chrome;
    return 0;
}

void chrome_destroy(struct chrome *chrome)
{
    if (!chrome)
        return;
    for (size_t i = 0; i < chrome->fact_count; i++) {
        free(chrome->facts[i].key);
        free(chrome->facts[i].value);
    }
    free(chrome->facts);
    free(chrome);
}

const struct timeline_sink *chrome_sink(const struct chrome *chrome)
{
    return &chrome->sink;
}

int chrome_finish(struct chrome *chrome)
{
    struct outbuf *out = chrome->out;
    const struct chrome_options *options = &chrome->options;
    char *at = json_begin(out);
    at = JSON_PUT(at, "\n],\"metadata\":{\"clock\":\"CLOCK_MONOTONIC\",\"base_ns\":");
    at = json_u64(at, options->base_ns);
    if (options->clock_offset_ns) {
        at = JSON_PUT(at, ",\"base_epoch_ns\":");
        at = json_i64(at, (int64_t)(options->base_ns + (uint64_t)options->clock_offset_ns));
    }
    for (size_t i = 0; i < chrome->fact_count; i++) {
        *at++ = ',';
        at = json_string(out, at, chrome->facts[i].key);
        *at++ = ':';
        at = json_string(out, at, chrome->facts[i].value);
    }
    at = JSON_PUT(at, "}}\n");
    json_end(out, at);
    return out->error;
}
