/* See timeline_entry.h. */
#include "collector/analyses/timeline_entry.h"

/* How far in front of what is read the lines are asked for, which another processor has written. */
enum { AHEAD_BYTES = 1024 };

/* They lie at `words`. */
static struct timeline_facts facts_at(const struct timeline_entry *entry, const uint64_t *words)
{
    const void *values = words + timeline_words(entry->facts);
    return (struct timeline_facts){.keys = (const uint8_t *)words, .values = values, .count = entry->facts};
}

static int pass_slice_on(const struct timeline_sink *to, const struct timeline_entry *entry)
{
    const struct timeline_entry_slice *from = &entry->slice;
    const uint64_t *words = (const uint64_t *)(from + 1);
    const struct timeline_place *also = (const void *)words;
    words += entry->is_twice;
    struct timeline_slice slice = {.pid = from->pid,
                                   .row = from->row,
                                   .also = entry->is_twice ? *also : (struct timeline_place){0},
                                   .begin_ns = from->begin_ns,
                                   .end_ns = from->end_ns,
                                   .name = from->name,
                                   .category = from->category,
                                   .flow = entry->flow,
                                   .flow_id = entry->flow ? *words : 0,
                                   .facts = facts_at(entry, words + (entry->flow != TIMELINE_FLOW_NONE)),
                                   .is_lasting = entry->is_lasting};
    return to->slice(to->self, &slice);
}

static int pass_instant_on(const struct timeline_sink *to, const struct timeline_entry *entry)
{
    const struct timeline_entry_instant *from = &entry->instant;
    struct timeline_instant instant = {.pid = from->pid,
                                       .row = from->row,
                                       .time_ns = from->time_ns,
                                       .name = from->name,
                                       .category = from->category,
                                       .facts = facts_at(entry, (const uint64_t *)(from + 1))};
    return to->instant(to->self, &instant);
}

static int pass_on(const struct timeline_sink *to, const struct timeline_entry *entry)
{
    const struct timeline_entry_label *label = &entry->label;
    switch ((enum timeline_entry_kind)entry->kind) {
    case TIMELINE_ENTRY_SLICE:
        return pass_slice_on(to, entry);
    case TIMELINE_ENTRY_INSTANT:
        return pass_instant_on(to, entry);
    case TIMELINE_ENTRY_COUNTER:
        return to->counter(to->self, &entry->counter);
    case TIMELINE_ENTRY_PROCESS:
        return to->process(to->self, label->pid, label->name, label->sort_index);
    case TIMELINE_ENTRY_ROW:
        return to->row(to->self, label->pid, label->row, label->name, label->sort_index);
    case TIMELINE_ENTRY_METADATA:
        return to->metadata(to->self, entry->fact.key, entry->fact.value);
    }
    return 0;
}

int timeline_entries_pass_on(const uint64_t *words, size_t bytes, const struct timeline_sink *to)
{
    int error = 0;
    for (size_t at = 0; at < bytes && !error;) {
        const struct timeline_entry *entry = (const struct timeline_entry *)(const void *)((const char *)words + at);
        __builtin_prefetch((const char *)entry + AHEAD_BYTES);
        error = pass_on(to, entry);
        at += entry->bytes;
    }
    return error;
}
