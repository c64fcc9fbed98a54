/* See timeline_parts.h: what is put on rows, and how it is made to fit. */
#include "collector/analyses/timeline_parts.h"

int timeline_fit(struct timeline_builder *timeline, struct timeline_row *row, uint64_t begin_ns, uint64_t end_ns,
                 struct timeline_span *out)
{
    if (end_ns < begin_ns)
        end_ns = begin_ns;
    uint64_t claimed_ns = end_ns - begin_ns;
    *out = (struct timeline_span){.begin_ns = begin_ns, .end_ns = end_ns};
    if (out->end_ns > timeline->now_ns)
        out->end_ns = timeline->now_ns;
    if (out->begin_ns > out->end_ns)
        out->begin_ns = out->end_ns;
    int error = nest_add(&row->nest, &out->begin_ns, &out->end_ns);
    out->cut_ns = claimed_ns - (out->end_ns - out->begin_ns);
    timeline->stats.cut += out->cut_ns > 0;
    return error;
}

int timeline_put_slice(struct timeline_builder *timeline, const struct timeline_row *row,
                       const struct timeline_span *span, struct timeline_args *args, struct timeline_slice *slice)
{
    size_t count = args->count;
    timeline_arg(args, TIMELINE_ARG_CUT_NS, span->cut_ns);
    slice->pid = row->pid;
    slice->row = row->id;
    slice->begin_ns = span->begin_ns;
    slice->end_ns = span->end_ns;
    slice->facts = timeline_args_facts(args);
    timeline->stats.written.slices++;
    timeline->stats.written.flows += slice->flow == TIMELINE_FLOW_OUT;
    int error = timeline->sink.slice(timeline->sink.self, slice);
    args->count = count; /* the next row may have more room */
    return error;
}

static bool is_same_span(const struct timeline_span *a, const struct timeline_span *b)
{
    return a->begin_ns == b->begin_ns && a->end_ns == b->end_ns && a->cut_ns == b->cut_ns;
}

/* Nearly always as one, which the sink is told once. */
int timeline_put_twice(struct timeline_builder *timeline, const struct timeline_row *other,
                       const struct timeline_span *other_span, const struct timeline_row *row,
                       const struct timeline_span *span, struct timeline_args *args, struct timeline_slice *slice)
{
    int error = 0;
    if (is_same_span(other_span, span)) {
        slice->also = (struct timeline_place){other->pid, other->id};
        timeline->stats.written.slices++;
    } else {
        struct timeline_slice alone = *slice;
        alone.flow = TIMELINE_FLOW_NONE;
        alone.flow_id = 0;
        error = timeline_put_slice(timeline, other, other_span, args, &alone);
    }
    return error ? error : timeline_put_slice(timeline, row, span, args, slice);
}

int timeline_put_instant(struct timeline_builder *timeline, const struct timeline_row *row, uint64_t time_ns,
                         const char *name, const char *category, const struct timeline_args *args)
{
    struct timeline_instant instant = {.pid = row->pid,
                                       .row = row->id,
                                       .time_ns = time_ns,
                                       .name = name,
                                       .category = category,
                                       .facts = timeline_args_facts(args)};
    timeline->stats.written.instants++;
    return timeline->sink.instant(timeline->sink.self, &instant);
}

int timeline_put_counter(struct timeline_builder *timeline, const struct timeline_group *group, uint64_t time_ns,
                         const char *name, const char *series, int64_t value)
{
    struct timeline_counter counter = {
        .pid = group->pid, .time_ns = time_ns, .name = name, .series = series, .value = value};
    timeline->stats.written.counters++;
    timeline->is_zero_marked |= time_ns <= timeline->options.base_ns;
    return timeline->sink.counter(timeline->sink.self, &counter);
}
