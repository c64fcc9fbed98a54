/* See chrome_rules.h. Reads event by event, keeps what spans events in lists, judges those at the end. */
#include "exporters/chrome_rules.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/json_reader.h"
#include "support/vec.h"

enum { DEPTH_MAX = 512, NS_PER_US = 1000 };

#define FLOW_ID_MIN (UINT64_C(1) << 32)

struct event {
    char phase;
    bool has_pid, has_tid, has_ts, has_dur, has_bind_id, flow_out, flow_in;
    uint64_t pid, tid, ts_ns, dur_ns, bind_id;
    struct json_text name, scope;
    bool has_args, args_name, args_sort_index; /* of an M */
    size_t args_count, args_numbers;
};

struct span {
    uint64_t pid, tid, begin_ns, end_ns;
    size_t offset; /* of the event in the file */
};

struct flow_end {
    uint64_t id, ts_ns;
    bool is_out;
};

struct place {
    uint64_t pid, tid; /* tid 0 = the process */
};

struct spans {
    struct span *items;
    size_t count, capacity;
};

struct flow_ends {
    struct flow_end *items;
    size_t count, capacity;
};

struct places {
    struct place *items;
    size_t count, capacity;
};

struct rules {
    struct json_reader reader;
    struct diag *diag;
    struct chrome_counts *counts;
    struct spans spans;
    struct flow_ends flow_ends;
    struct places named, used;
};

static void read_integer(struct json_reader *reader, uint64_t max, const char *complaint, uint64_t *out, bool *has)
{
    const char *at = reader->at;
    if (json_text_u64(json_read_number(reader), max, out))
        *has = true;
    else {
        reader->at = at;
        json_fail(reader, complaint);
    }
}

/* "123.456", nothing else. */
static void read_time(struct json_reader *reader, uint64_t *ns, bool *has)
{
    struct json_text text = json_read_number(reader);
    uint64_t us = 0, fraction = 0;
    bool good = text.length >= 5 && text.at[text.length - 4] == '.' &&
                json_text_u64((struct json_text){text.at, text.length - 4}, INT64_MAX / NS_PER_US - 1, &us) &&
                json_text_u64((struct json_text){text.at + text.length - 3, 3}, 999, &fraction);
    if (!good)
        json_fail(reader, "a time is not microseconds with three decimals");
    *ns = us * NS_PER_US + fraction;
    *has = true;
}

static void read_args(struct json_reader *reader, struct event *event)
{
    struct json_text key;
    event->has_args = true;
    json_enter(reader, '{');
    while (json_next_key(reader, &key)) {
        char first = json_peek(reader);
        bool is_number = first == '-' || (first >= '0' && first <= '9');
        event->args_count++;
        event->args_numbers += is_number;
        event->args_sort_index |= is_number && json_text_is(key, "sort_index");
        if (json_text_is(key, "name") && first == '"')
            event->args_name = json_read_string(reader).length > 0;
        else
            json_skip(reader);
    }
}

static void read_field(struct json_reader *reader, struct json_text key, struct event *event)
{
    if (json_text_is(key, "ph")) {
        struct json_text phase = json_read_string(reader);
        event->phase = phase.length == 1 ? phase.at[0] : '?';
    } else if (json_text_is(key, "pid"))
        read_integer(reader, UINT32_MAX, "a pid is not a uint32", &event->pid, &event->has_pid);
    else if (json_text_is(key, "tid"))
        read_integer(reader, UINT32_MAX, "a tid is not a uint32", &event->tid, &event->has_tid);
    else if (json_text_is(key, "bind_id"))
        read_integer(reader, INT64_MAX, "a bind_id is not an int64", &event->bind_id, &event->has_bind_id);
    else if (json_text_is(key, "ts"))
        read_time(reader, &event->ts_ns, &event->has_ts);
    else if (json_text_is(key, "dur"))
        read_time(reader, &event->dur_ns, &event->has_dur);
    else if (json_text_is(key, "name"))
        event->name = json_read_string(reader);
    else if (json_text_is(key, "s"))
        event->scope = json_read_string(reader);
    else if (json_text_is(key, "flow_out"))
        event->flow_out = json_read_bool(reader);
    else if (json_text_is(key, "flow_in"))
        event->flow_in = json_read_bool(reader);
    else if (json_text_is(key, "args"))
        read_args(reader, event);
    else if (json_text_is(key, "cat"))
        json_read_string(reader);
    else
        json_fail(reader, "a field that nobody reads");
}

static int add_place(struct places *places, uint64_t pid, uint64_t tid)
{
    int error = VEC_RESERVE(places->items, places->count, places->capacity, 1);
    if (!error)
        places->items[places->count++] = (struct place){.pid = pid, .tid = tid};
    return error;
}

static const char *judge_label(const struct event *event)
{
    bool thread_name = json_text_is(event->name, "thread_name");
    bool thread_sort = json_text_is(event->name, "thread_sort_index");
    if ((thread_name || thread_sort) && !event->has_tid)
        return "an M of a thread without tid";
    if (thread_name || json_text_is(event->name, "process_name"))
        return event->args_name ? NULL : "an M without a name";
    if (thread_sort || json_text_is(event->name, "process_sort_index"))
        return event->args_sort_index ? NULL : "an M without a sort index";
    return "an M that nobody reads";
}

static const char *judge_flow(const struct event *event)
{
    if (!event->has_bind_id)
        return event->flow_in || event->flow_out ? "a flow without bind_id" : NULL;
    if (event->phase != 'X')
        return "a bind_id on something that is no slice";
    if (event->flow_in == event->flow_out)
        return "a bind_id with no direction, or with both";
    return event->bind_id < FLOW_ID_MIN ? "a bind_id below 2^32" : NULL;
}

static const char *judge_event(const struct event *event)
{
    if (!event->phase || !strchr("XiCM", event->phase))
        return "a phase other than X, i, C and M";
    if (!event->has_pid)
        return "no pid";
    if (event->has_tid && event->tid == 0)
        return "tid 0";
    if (event->phase == 'M')
        return judge_label(event);
    if (!event->has_ts)
        return "no ts";
    if (event->name.length == 0)
        return "no name";
    if (event->phase == 'C')
        return event->args_count && event->args_numbers == event->args_count ? NULL : "a counter without a number";
    if (!event->has_tid)
        return "no tid";
    if (event->has_dur != (event->phase == 'X'))
        return "a dur is missing, or is on an instant";
    if (event->phase == 'i' && !json_text_is(event->scope, "t"))
        return "an instant that is not a thread's";
    return judge_flow(event);
}

static int keep_slice(struct rules *rules, const struct event *event, size_t offset)
{
    struct spans *spans = &rules->spans;
    int error = VEC_RESERVE(spans->items, spans->count, spans->capacity, 1);
    if (error)
        return error;
    spans->items[spans->count++] = (struct span){.pid = event->pid,
                                                 .tid = event->tid,
                                                 .begin_ns = event->ts_ns,
                                                 .end_ns = event->ts_ns + event->dur_ns,
                                                 .offset = offset};
    if (!event->has_bind_id)
        return 0;
    struct flow_ends *ends = &rules->flow_ends;
    error = VEC_RESERVE(ends->items, ends->count, ends->capacity, 1);
    if (error)
        return error;
    ends->items[ends->count++] =
        (struct flow_end){.id = event->bind_id, .ts_ns = event->ts_ns, .is_out = event->flow_out};
    rules->counts->flows += event->flow_out;
    return 0;
}

static int keep_event(struct rules *rules, const struct event *event, size_t offset)
{
    struct chrome_counts *counts = rules->counts;
    uint64_t tid = event->has_tid ? event->tid : 0;
    switch (event->phase) {
    case 'M':
        counts->labels++;
        return event->args_name ? add_place(&rules->named, event->pid, tid) : 0;
    case 'C':
        counts->counters++;
        return add_place(&rules->used, event->pid, 0);
    case 'i':
        counts->instants++;
        return add_place(&rules->used, event->pid, tid);
    default:
        counts->slices++;
        int error = add_place(&rules->used, event->pid, tid);
        return error ? error : keep_slice(rules, event, offset);
    }
}

static int read_event(struct rules *rules)
{
    struct json_reader *reader = &rules->reader;
    struct event event = {.name = {"", 0}, .scope = {"", 0}};
    struct json_text key;
    json_peek(reader);
    size_t offset = (size_t)(reader->at - reader->begin);
    json_enter(reader, '{');
    while (json_next_key(reader, &key))
        read_field(reader, key, &event);
    if (reader->error)
        return 0;
    const char *complaint = judge_event(&event);
    if (complaint)
        return diag_set(rules->diag, -EINVAL, "the event at byte %zu: %s", offset, complaint);
    return keep_event(rules, &event, offset);
}

static int read_events(struct rules *rules)
{
    int error = 0;
    json_enter(&rules->reader, '[');
    while (!error && json_next_element(&rules->reader))
        error = read_event(rules);
    return error;
}

static int read_file(struct rules *rules)
{
    struct json_reader *reader = &rules->reader;
    struct json_text key;
    int error = 0;
    if (json_peek(reader) == '{' && reader->at != reader->begin)
        json_fail(reader, "something stands before the first bracket");
    json_enter(reader, '{');
    for (bool is_first = true; !error && json_next_key(reader, &key); is_first = false) {
        bool is_events = json_text_is(key, "traceEvents");
        if (is_first != is_events)
            json_fail(reader, "traceEvents is not the first key, or comes twice");
        else if (is_events)
            error = read_events(rules);
        else
            json_skip(reader);
    }
    if (error)
        return error;
    json_expect_end(reader);
    if (reader->error)
        return diag_set(rules->diag, -EINVAL, "byte %td: %s", reader->at - reader->begin, reader->error);
    return 0;
}

static int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_place(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    return a->pid != b->pid ? order(a->pid, b->pid) : order(a->tid, b->tid);
}

/* As the importer takes them: by time, of equal ones the longest first. */
static int by_begin(const void *left, const void *right)
{
    const struct span *a = left, *b = right;
    if (a->pid != b->pid)
        return order(a->pid, b->pid);
    if (a->tid != b->tid)
        return order(a->tid, b->tid);
    return a->begin_ns != b->begin_ns ? order(a->begin_ns, b->begin_ns) : order(b->end_ns, a->end_ns);
}

static int by_flow(const void *left, const void *right)
{
    const struct flow_end *a = left, *b = right;
    if (a->id != b->id)
        return order(a->id, b->id);
    return a->is_out != b->is_out ? b->is_out - a->is_out : order(a->ts_ns, b->ts_ns);
}

static int check_nesting(struct rules *rules)
{
    struct spans *spans = &rules->spans;
    const struct span *open[DEPTH_MAX];
    size_t depth = 0;
    if (spans->count)
        qsort(spans->items, spans->count, sizeof *spans->items, by_begin);
    for (size_t i = 0; i < spans->count; i++) {
        const struct span *span = &spans->items[i];
        if (depth && (open[0]->pid != span->pid || open[0]->tid != span->tid))
            depth = 0;
        while (depth && open[depth - 1]->end_ns <= span->begin_ns)
            depth--;
        if (depth && open[depth - 1]->end_ns < span->end_ns)
            return diag_set(rules->diag, -EINVAL, "the slices at bytes %zu and %zu overlap", open[depth - 1]->offset,
                            span->offset);
        if (depth == DEPTH_MAX)
            return diag_set(rules->diag, -EINVAL, "the slice at byte %zu is nested too deeply", span->offset);
        open[depth++] = span;
    }
    return 0;
}

static const char *judge_ends(const struct flow_end *ends, size_t count)
{
    if (!ends[0].is_out)
        return "has no flow_out";
    if (count == 1)
        return "has no flow_in";
    if (ends[1].is_out)
        return "has two flow_outs";
    return ends[1].ts_ns < ends[0].ts_ns ? "arrives before it begins" : NULL;
}

static int check_flows(struct rules *rules)
{
    struct flow_ends *ends = &rules->flow_ends;
    if (ends->count)
        qsort(ends->items, ends->count, sizeof *ends->items, by_flow);
    for (size_t first = 0, next; first < ends->count; first = next) {
        for (next = first + 1; next < ends->count && ends->items[next].id == ends->items[first].id;)
            next++;
        const char *complaint = judge_ends(&ends->items[first], next - first);
        if (complaint)
            return diag_set(rules->diag, -EINVAL, "bind_id %llu %s", (unsigned long long)ends->items[first].id,
                            complaint);
    }
    return 0;
}

static bool is_named(const struct rules *rules, uint64_t pid, uint64_t tid)
{
    struct place place = {.pid = pid, .tid = tid};
    const struct places *named = &rules->named;
    return named->count && bsearch(&place, named->items, named->count, sizeof place, by_place);
}

static int check_names(struct rules *rules)
{
    struct places *named = &rules->named;
    if (named->count)
        qsort(named->items, named->count, sizeof *named->items, by_place);
    for (size_t i = 0; i < rules->used.count; i++) {
        const struct place *used = &rules->used.items[i];
        if (!is_named(rules, used->pid, 0) || !is_named(rules, used->pid, used->tid))
            return diag_set(rules->diag, -EINVAL, "pid %llu, tid %llu has no name", (unsigned long long)used->pid,
                            (unsigned long long)used->tid);
    }
    return 0;
}

int chrome_rules_check(const char *bytes, size_t size, struct diag *diag, struct chrome_counts *counts)
{
    *counts = (struct chrome_counts){0};
    struct rules rules = {.reader = json_reader_over(bytes, size), .diag = diag, .counts = counts};
    int error = read_file(&rules);
    if (!error)
        error = check_nesting(&rules);
    if (!error)
        error = check_flows(&rules);
    if (!error)
        error = check_names(&rules);
    free(rules.spans.items);
    free(rules.flow_ends.items);
    free(rules.named.items);
    free(rules.used.items);
    return error;
}
