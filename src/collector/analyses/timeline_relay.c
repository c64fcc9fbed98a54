/*
 * See timeline_relay.h. A block belongs to the producer until it is passed, then to who drains it. The calls lie in it
 * as timeline_entry.h says.
 */
#include "collector/analyses/timeline_relay.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/timeline_entry.h"
#include "support/helper.h"

enum { RELAY_BLOCKS = 16, BLOCK_BYTES = 64 * 1024 };

struct block {
    size_t used;
    uint64_t words[BLOCK_BYTES / TIMELINE_WORD];
};

struct timeline_relay {
    struct timeline_sink front, back;
    bool has_helper;
    struct block *current; /* the producer's */
    struct helper_ring ring;
    atomic_int error;       /* of the sink */
    atomic_bool is_dropped; /* nobody wants what is there */
    struct block blocks[RELAY_BLOCKS];
};

/* After an error it goes on taking blocks, so that the producer never waits for nothing. */
static bool drain(void *self, size_t at)
{
    struct timeline_relay *relay = self;
    const struct block *block = &relay->blocks[at];
    if (relay->error || relay->is_dropped)
        return true;
    int error = timeline_entries_pass_on(block->words, block->used, &relay->back);
    if (error)
        relay->error = error;
    return true;
}

/* ---- the producer ---- */

/* Hands the current block over and begins another. 0 or the sink's error. */
static int next_block(struct timeline_relay *relay)
{
    helper_pass(&relay->ring);
    relay->current = &relay->blocks[helper_filling(&relay->ring)];
    relay->current->used = 0;
    return relay->error;
}

/* The sink sees all of it. */
static int flush(struct timeline_relay *relay)
{
    next_block(relay);
    helper_flush(&relay->ring);
    return relay->error;
}

/*
 * An entry with `size` bytes of the union and `behind` more after it. NULL: *error is the sink's, or 0 if the entry
 * would not go into a block; then the sink has seen all before it, and is the caller's to call. Inline: it is done for
 * every slice.
 */
static inline __attribute__((always_inline)) struct timeline_entry *
add(struct timeline_relay *relay, enum timeline_entry_kind kind, size_t size, size_t behind, int *error)
{
    size_t bytes = timeline_words(offsetof(struct timeline_entry, slice) + size + behind) * TIMELINE_WORD;
    if (__builtin_expect(bytes > BLOCK_BYTES - relay->current->used, 0)) {
        bool is_huge = bytes > BLOCK_BYTES;
        *error = is_huge ? flush(relay) : next_block(relay);
        if (*error || is_huge)
            return NULL;
    }
    struct timeline_entry *entry =
        (struct timeline_entry *)(void *)((char *)relay->current->words + relay->current->used);
    relay->current->used += bytes;
    entry->kind = kind;
    entry->bytes = (uint32_t)bytes;
    return entry;
}

static const char *keep(char **at, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = memcpy(*at, text, bytes);
    *at += bytes;
    return copy;
}

static size_t facts_bytes(const struct timeline_facts *facts)
{
    return (timeline_words(facts->count) + facts->count) * TIMELINE_WORD;
}

static size_t text_bytes(const struct timeline_facts *facts)
{
    size_t bytes = 0;
    for (size_t i = 0; i < facts->count; i++)
        bytes += timeline_is_text(facts->keys[i]) ? strlen(facts->values[i].text) + 1 : 0;
    return bytes;
}

/* No memcpy: its call costs more than the few of them. */
static union timeline_value *keep_facts(struct timeline_entry *entry, uint64_t *words,
                                        const struct timeline_facts *facts)
{
    uint8_t *keys = (uint8_t *)words;
    union timeline_value *values = (union timeline_value *)(void *)(words + timeline_words(facts->count));
    entry->facts = (uint8_t)facts->count;
    for (size_t i = 0; i < facts->count; i++) {
        keys[i] = facts->keys[i];
        values[i] = facts->values[i];
    }
    return values;
}

static void keep_texts(char *at, union timeline_value *values, const struct timeline_facts *facts)
{
    for (size_t i = 0; i < facts->count; i++)
        if (timeline_is_text(facts->keys[i]))
            values[i].text = keep(&at, values[i].text);
}

static int on_slice(void *self, const struct timeline_slice *slice)
{
    struct timeline_relay *relay = self;
    const struct timeline_facts *facts = &slice->facts;
    bool has_flow = slice->flow != TIMELINE_FLOW_NONE, is_twice = slice->also.row;
    size_t behind = (size_t)(is_twice + has_flow) * TIMELINE_WORD + facts_bytes(facts), texts = 0;
    if (!slice->is_lasting)
        texts = strlen(slice->name) + strlen(slice->category) + 2 + text_bytes(facts);
    int error;
    struct timeline_entry *entry =
        add(relay, TIMELINE_ENTRY_SLICE, sizeof(struct timeline_entry_slice), behind + texts, &error);
    if (!entry)
        return error ? error : relay->back.slice(relay->back.self, slice);
    uint64_t *words = (uint64_t *)(&entry->slice + 1);
    entry->slice = (struct timeline_entry_slice){.pid = slice->pid,
                                                 .row = slice->row,
                                                 .begin_ns = slice->begin_ns,
                                                 .end_ns = slice->end_ns,
                                                 .name = slice->name,
                                                 .category = slice->category};
    entry->flow = (uint8_t)slice->flow;
    entry->is_lasting = slice->is_lasting;
    entry->is_twice = is_twice;
    if (is_twice)
        memcpy(words++, &slice->also, sizeof slice->also);
    if (has_flow)
        *words++ = slice->flow_id;
    union timeline_value *values = keep_facts(entry, words, facts);
    if (slice->is_lasting)
        return 0;
    char *at = (char *)(values + facts->count);
    entry->slice.name = keep(&at, slice->name);
    entry->slice.category = keep(&at, slice->category);
    keep_texts(at, values, facts);
    return 0;
}

static int on_instant(void *self, const struct timeline_instant *instant)
{
    struct timeline_relay *relay = self;
    const struct timeline_facts *facts = &instant->facts;
    size_t texts = strlen(instant->name) + strlen(instant->category) + 2 + text_bytes(facts);
    int error;
    struct timeline_entry *entry =
        add(relay, TIMELINE_ENTRY_INSTANT, sizeof(struct timeline_entry_instant), facts_bytes(facts) + texts, &error);
    if (!entry)
        return error ? error : relay->back.instant(relay->back.self, instant);
    union timeline_value *values = keep_facts(entry, (uint64_t *)(&entry->instant + 1), facts);
    char *at = (char *)(values + facts->count);
    entry->instant = (struct timeline_entry_instant){.pid = instant->pid,
                                                     .row = instant->row,
                                                     .time_ns = instant->time_ns,
                                                     .name = keep(&at, instant->name),
                                                     .category = keep(&at, instant->category)};
    keep_texts(at, values, facts);
    return 0;
}

/* Its texts are constant. */
static int on_counter(void *self, const struct timeline_counter *counter)
{
    int error;
    struct timeline_entry *entry = add(self, TIMELINE_ENTRY_COUNTER, sizeof *counter, 0, &error);
    if (!entry)
        return error;
    entry->counter = *counter;
    return 0;
}

static int on_process(void *self, uint32_t pid, const char *name, int32_t sort_index)
{
    struct timeline_relay *relay = self;
    int error;
    struct timeline_entry *entry =
        add(relay, TIMELINE_ENTRY_PROCESS, sizeof(struct timeline_entry_label), strlen(name) + 1, &error);
    if (!entry)
        return error ? error : relay->back.process(relay->back.self, pid, name, sort_index);
    char *more = (char *)(&entry->label + 1);
    entry->label = (struct timeline_entry_label){.pid = pid, .name = keep(&more, name), .sort_index = sort_index};
    return 0;
}

static int on_row(void *self, uint32_t pid, uint32_t row, const char *name, int32_t sort_index)
{
    struct timeline_relay *relay = self;
    int error;
    struct timeline_entry *entry =
        add(relay, TIMELINE_ENTRY_ROW, sizeof(struct timeline_entry_label), strlen(name) + 1, &error);
    if (!entry)
        return error ? error : relay->back.row(relay->back.self, pid, row, name, sort_index);
    char *more = (char *)(&entry->label + 1);
    entry->label =
        (struct timeline_entry_label){.pid = pid, .row = row, .name = keep(&more, name), .sort_index = sort_index};
    return 0;
}

static int on_metadata(void *self, const char *key, const char *value)
{
    struct timeline_relay *relay = self;
    int error;
    struct timeline_entry *entry = add(relay, TIMELINE_ENTRY_METADATA, sizeof(struct timeline_entry_fact),
                                       strlen(key) + strlen(value) + 2, &error);
    if (!entry)
        return error ? error : relay->back.metadata(relay->back.self, key, value);
    char *more = (char *)(&entry->fact + 1);
    entry->fact = (struct timeline_entry_fact){.key = keep(&more, key), .value = keep(&more, value)};
    return 0;
}

/* ---- life ---- */

int timeline_relay_create(const struct timeline_sink *sink, struct helper *helper, struct timeline_relay **out)
{
    struct timeline_relay *relay = malloc(sizeof *relay);
    if (!relay)
        return -ENOMEM;
    memset(relay, 0, offsetof(struct timeline_relay, blocks));
    relay->back = *sink;
    relay->front = (struct timeline_sink){.process = on_process,
                                          .row = on_row,
                                          .slice = on_slice,
                                          .instant = on_instant,
                                          .counter = on_counter,
                                          .metadata = on_metadata,
                                          .self = relay};
    relay->current = &relay->blocks[0];
    relay->current->used = 0;
    relay->has_helper = helper;
    if (helper)
        helper_drains(helper, &relay->ring, RELAY_BLOCKS, drain, relay);
    *out = relay;
    return 0;
}

const struct timeline_sink *timeline_relay_sink(const struct timeline_relay *relay)
{
    return relay->has_helper ? &relay->front : &relay->back;
}

int timeline_relay_finish(struct timeline_relay *relay)
{
    return relay->has_helper ? flush(relay) : 0;
}

void timeline_relay_destroy(struct timeline_relay *relay)
{
    if (!relay)
        return;
    relay->is_dropped = true;
    if (relay->has_helper)
        helper_stop(&relay->ring);
    free(relay);
}
