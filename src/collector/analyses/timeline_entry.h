/*
 * Calls of a timeline's sink as they lie in memory, one behind the other. What crosses from one processor to another is
 * paid for by the line: so an entry has only what is set.
 *
 *     a slice:   head, place, times, name and category | other place | flow | keys, a byte each | values | texts that
 *                                                        if it has them                                    do not last
 *
 * Names, categories and texts are addresses: of what lasts, or of what lies behind the values. Each part begins at a
 * word. Private to timeline_relay.c, which writes them.
 */
#ifndef COLLECTOR_TIMELINE_ENTRY_H
#define COLLECTOR_TIMELINE_ENTRY_H

#include "model/timeline.h"

enum { TIMELINE_WORD = sizeof(uint64_t) };

static inline size_t timeline_words(size_t bytes)
{
    return (bytes + TIMELINE_WORD - 1) / TIMELINE_WORD;
}

enum timeline_entry_kind {
    TIMELINE_ENTRY_SLICE,
    TIMELINE_ENTRY_INSTANT,
    TIMELINE_ENTRY_COUNTER,
    TIMELINE_ENTRY_PROCESS,
    TIMELINE_ENTRY_ROW,
    TIMELINE_ENTRY_METADATA
};

struct timeline_entry_label {
    uint32_t pid, row;
    const char *name;
    int32_t sort_index;
};

struct timeline_entry_fact {
    const char *key, *value;
};

struct timeline_entry_slice {
    uint32_t pid, row;
    uint64_t begin_ns, end_ns;
    const char *name, *category;
};

struct timeline_entry_instant {
    uint32_t pid, row;
    uint64_t time_ns;
    const char *name, *category;
};

struct timeline_entry {
    uint32_t bytes; /* to the next */
    uint8_t kind;   /* enum timeline_entry_kind */
    uint8_t flow;   /* enum timeline_flow */
    uint8_t facts;  /* at most TIMELINE_ARGS_MAX */
    bool is_lasting : 1, is_twice : 1;
    union {
        struct timeline_entry_slice slice;
        struct timeline_entry_instant instant;
        struct timeline_counter counter;
        struct timeline_entry_label label;
        struct timeline_entry_fact fact;
    };
};

/* Makes the calls again, until one fails. 0 or its error. */
int timeline_entries_pass_on(const uint64_t *words, size_t bytes, const struct timeline_sink *to);

#endif
