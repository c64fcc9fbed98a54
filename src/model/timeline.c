/* See timeline.h: the checking sink. Everything is kept in plain lists and judged by sorting them at the end. */
#include "model/timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "support/vec.h"

struct span {
    uint32_t pid, row;
    uint64_t begin_ns, end_ns;
};

struct flow_end {
    uint64_t id, begin_ns;
    bool is_out;
};

/* A process (row 0) or a row that was named, or written to. */
struct place {
    uint32_t pid, row;
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

struct timeline_check {
    struct timeline_sink sink, next; /* next.slice NULL = nothing behind */
    struct diag *diag;
    struct spans spans;
    struct flow_ends flow_ends;
    struct places named, used;
    struct timeline_counts counts;
};

static int add_place(struct places *places, uint32_t pid, uint32_t row)
{
    int error = VEC_RESERVE(places->items, places->count, places->capacity, 1);
    if (!error)
        places->items[places->count++] = (struct place){.pid = pid, .row = row};
    return error;
}

static int note_use(struct timeline_check *check, uint32_t pid, uint32_t row)
{
    const struct places *used = &check->used;
    const struct place *last = used->count ? &used->items[used->count - 1] : NULL;
    if (last && last->pid == pid && last->row == row)
        return 0; /* most calls are for the row of the one before */
    return add_place(&check->used, pid, row);
}

static int check_row(struct timeline_check *check, uint32_t pid, uint32_t row, const char *what)
{
    if (row == 0)
        return diag_set(check->diag, -EINVAL, "%s on row 0 of process %" PRIu32, what, pid);
    return note_use(check, pid, row);
}

static int on_process(void *self, uint32_t pid, const char *name, int32_t sort_index)
{
    struct timeline_check *check = self;
    int error = add_place(&check->named, pid, 0);
    if (error || !check->next.process)
        return error;
    return check->next.process(check->next.self, pid, name, sort_index);
}

static int on_row(void *self, uint32_t pid, uint32_t row, const char *name, int32_t sort_index)
{
    struct timeline_check *check = self;
    if (row == 0)
        return diag_set(check->diag, -EINVAL, "row 0 of process %" PRIu32 " is named", pid);
    int error = add_place(&check->named, pid, row);
    if (error || !check->next.row)
        return error;
    return check->next.row(check->next.self, pid, row, name, sort_index);
}

static int add_flow_end(struct timeline_check *check, const struct timeline_slice *slice)
{
    if (slice->flow == TIMELINE_FLOW_NONE)
        return 0;
    if (slice->flow_id < TIMELINE_FLOW_FIRST)
        return diag_set(check->diag, -EINVAL, "%s: flow id %" PRIu64 " is too small", slice->name, slice->flow_id);
    struct flow_ends *ends = &check->flow_ends;
    int error = VEC_RESERVE(ends->items, ends->count, ends->capacity, 1);
    if (error)
        return error;
    ends->items[ends->count++] = (struct flow_end){
        .id = slice->flow_id, .begin_ns = slice->begin_ns, .is_out = slice->flow == TIMELINE_FLOW_OUT};
    check->counts.flows += slice->flow == TIMELINE_FLOW_OUT;
    return 0;
}

static int add_slice(struct timeline_check *check, const struct timeline_slice *slice)
{
    if (slice->end_ns < slice->begin_ns)
        return diag_set(check->diag, -EINVAL, "%s ends before it begins", slice->name);
    int error = check_row(check, slice->pid, slice->row, slice->name);
    if (!error)
        error = add_flow_end(check, slice);
    if (!error)
        error = VEC_RESERVE(check->spans.items, check->spans.count, check->spans.capacity, 1);
    if (error)
        return error;
    check->spans.items[check->spans.count++] =
        (struct span){.pid = slice->pid, .row = slice->row, .begin_ns = slice->begin_ns, .end_ns = slice->end_ns};
    check->counts.slices++;
    return 0;
}

/* Where it stands on two rows, it is held against the rules on each, and goes on as one. */
static int on_slice(void *self, const struct timeline_slice *slice)
{
    struct timeline_check *check = self;
    struct timeline_slice first, second;
    bool is_twice = timeline_slice_split(slice, &first, &second);
    int error = is_twice ? add_slice(check, &first) : 0;
    if (!error)
        error = add_slice(check, is_twice ? &second : slice);
    if (error)
        return error;
    return check->next.slice ? check->next.slice(check->next.self, slice) : 0;
}

static int on_instant(void *self, const struct timeline_instant *instant)
{
    struct timeline_check *check = self;
    int error = check_row(check, instant->pid, instant->row, instant->name);
    if (error)
        return error;
    check->counts.instants++;
    return check->next.instant ? check->next.instant(check->next.self, instant) : 0;
}

static int on_counter(void *self, const struct timeline_counter *counter)
{
    struct timeline_check *check = self;
    int error = note_use(check, counter->pid, 0);
    if (error)
        return error;
    check->counts.counters++;
    return check->next.counter ? check->next.counter(check->next.self, counter) : 0;
}

static int on_metadata(void *self, const char *key, const char *value)
{
    struct timeline_check *check = self;
    return check->next.metadata ? check->next.metadata(check->next.self, key, value) : 0;
}

int timeline_check_create(const struct timeline_sink *next, struct diag *diag, struct timeline_check **out)
{
    struct timeline_check *check = calloc(1, sizeof *check);
    if (!check)
        return -ENOMEM;
    check->diag = diag;
    if (next)
        check->next = *next;
    check->sink = (struct timeline_sink){.process = on_process,
                                         .row = on_row,
                                         .slice = on_slice,
                                         .instant = on_instant,
                                         .counter = on_counter,
                                         .metadata = on_metadata,
                                         .self = check};
    *out = check;
    return 0;
}

void timeline_check_destroy(struct timeline_check *check)
{
    if (!check)
        return;
    free(check->spans.items);
    free(check->flow_ends.items);
    free(check->named.items);
    free(check->used.items);
    free(check);
}

const struct timeline_sink *timeline_check_sink(const struct timeline_check *check)
{
    return &check->sink;
}

struct timeline_counts timeline_check_counts(const struct timeline_check *check)
{
    return check->counts;
}

static int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_row(uint32_t pid_a, uint32_t row_a, uint32_t pid_b, uint32_t row_b)
{
    return pid_a != pid_b ? order(pid_a, pid_b) : order(row_a, row_b);
}

/* Parents before their children. */
static int by_begin(const void *left, const void *right)
{
    const struct span *a = left, *b = right;
    int rows = by_row(a->pid, a->row, b->pid, b->row);
    if (rows)
        return rows;
    return a->begin_ns != b->begin_ns ? order(a->begin_ns, b->begin_ns) : order(b->end_ns, a->end_ns);
}

static int by_flow(const void *left, const void *right)
{
    const struct flow_end *a = left, *b = right;
    if (a->id != b->id)
        return order(a->id, b->id);
    return a->is_out != b->is_out ? b->is_out - a->is_out : order(a->begin_ns, b->begin_ns);
}

static int by_place(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    return by_row(a->pid, a->row, b->pid, b->row);
}

static int overlap(struct timeline_check *check, const struct span *a, const struct span *b)
{
    return diag_set(check->diag, -EINVAL,
                    "process %" PRIu32 ", row %" PRIu32 ": [%" PRIu64 ", %" PRIu64 ") and [%" PRIu64 ", %" PRIu64
                    ") overlap",
                    a->pid, a->row, a->begin_ns, a->end_ns, b->begin_ns, b->end_ns);
}

/* `open` has room for every span: the slices of the row that have not ended, outermost first. */
static int check_nesting_with(struct timeline_check *check, const struct span **open)
{
    size_t depth = 0;
    for (size_t i = 0; i < check->spans.count; i++) {
        const struct span *span = &check->spans.items[i];
        if (depth && by_row(open[0]->pid, open[0]->row, span->pid, span->row))
            depth = 0;
        while (depth && open[depth - 1]->end_ns <= span->begin_ns)
            depth--;
        if (depth && open[depth - 1]->end_ns < span->end_ns)
            return overlap(check, open[depth - 1], span);
        open[depth++] = span;
    }
    return 0;
}

static int check_nesting(struct timeline_check *check)
{
    struct spans *spans = &check->spans;
    if (!spans->count)
        return 0;
    qsort(spans->items, spans->count, sizeof *spans->items, by_begin);
    const struct span **open = calloc(spans->count, sizeof *open);
    if (!open)
        return -ENOMEM;
    int error = check_nesting_with(check, open);
    free(open);
    return error;
}

static int check_flow(struct timeline_check *check, const struct flow_end *ends, size_t count)
{
    if (!ends[0].is_out)
        return diag_set(check->diag, -EINVAL, "flow %" PRIu64 " comes from nowhere", ends[0].id);
    if (count == 1)
        return diag_set(check->diag, -EINVAL, "flow %" PRIu64 " leads nowhere", ends[0].id);
    if (ends[1].is_out)
        return diag_set(check->diag, -EINVAL, "flow %" PRIu64 " begins twice", ends[0].id);
    if (ends[1].begin_ns < ends[0].begin_ns)
        return diag_set(check->diag, -EINVAL, "flow %" PRIu64 " arrives before it begins", ends[0].id);
    return 0;
}

static int check_flows(struct timeline_check *check)
{
    struct flow_ends *ends = &check->flow_ends;
    if (ends->count)
        qsort(ends->items, ends->count, sizeof *ends->items, by_flow);
    int error = 0;
    for (size_t first = 0, next; first < ends->count && !error; first = next) {
        for (next = first + 1; next < ends->count && ends->items[next].id == ends->items[first].id;)
            next++;
        error = check_flow(check, &ends->items[first], next - first);
    }
    return error;
}

static int check_named(struct timeline_check *check, uint32_t pid, uint32_t row)
{
    struct place place = {.pid = pid, .row = row};
    const struct places *named = &check->named;
    if (named->count && bsearch(&place, named->items, named->count, sizeof place, by_place))
        return 0;
    return diag_set(check->diag, -EINVAL, "process %" PRIu32 ", row %" PRIu32 ": never named", pid, row);
}

static int check_names(struct timeline_check *check)
{
    struct places *named = &check->named;
    if (named->count)
        qsort(named->items, named->count, sizeof *named->items, by_place);
    for (size_t i = 1; i < named->count; i++)
        if (by_place(&named->items[i - 1], &named->items[i]) == 0)
            return diag_set(check->diag, -EINVAL, "process %" PRIu32 ", row %" PRIu32 ": named twice",
                            named->items[i].pid, named->items[i].row);
    int error = 0;
    for (size_t i = 0; i < check->used.count && !error; i++) {
        error = check_named(check, check->used.items[i].pid, check->used.items[i].row);
        if (!error)
            error = check_named(check, check->used.items[i].pid, 0);
    }
    return error;
}

int timeline_check_finish(struct timeline_check *check)
{
    int error = check_nesting(check);
    if (!error)
        error = check_flows(check);
    return error ? error : check_names(check);
}
