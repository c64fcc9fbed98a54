/*
 * See timeline_relay.h. A block belongs to the producer until it is handed over, then to the thread until it is given
 * back; `filled` and `drained` count how often that happened, and their difference says whose each block is.
 * The calls lie in it as timeline_entry.h says.
 */
#include "collector/analyses/timeline_relay.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/timeline_entry.h"

enum { RELAY_BLOCKS = 16, BLOCK_BYTES = 64 * 1024 };

struct block {
    size_t used;
    uint64_t words[BLOCK_BYTES / TIMELINE_WORD];
};

struct timeline_relay {
    struct timeline_sink front, back;
    bool has_thread, is_over; /* the thread is there; it was told to end, and has */
    pthread_t thread;
    struct block *current; /* the producer's */
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t may_drain, may_fill;
    uint64_t filled, drained; /* blocks, since the beginning */
    bool is_last;             /* nothing comes after `filled` */
    bool is_dropped;          /* nobody wants what is there */
    bool is_thread_idle, is_producer_idle;
    int error; /* of the sink */
    struct block blocks[RELAY_BLOCKS];
};

/* With the mutex held. */
static uint64_t pending(const struct timeline_relay *relay)
{
    return relay->filled - relay->drained;
}

/* ---- the thread ---- */

/* The next block, or NULL at the end. With the mutex held. */
static struct block *await_filled(struct timeline_relay *relay)
{
    while (!pending(relay) && !relay->is_last) {
        relay->is_thread_idle = true;
        pthread_cond_wait(&relay->may_drain, &relay->mutex);
    }
    relay->is_thread_idle = false;
    return pending(relay) ? &relay->blocks[relay->drained % RELAY_BLOCKS] : NULL;
}

/*
 * After an error it goes on taking blocks, so that the producer never waits for nothing. To wake the other side takes
 * as long as to drain a block, or fill one: both are woken to half a ring.
 */
static void *work(void *self)
{
    struct timeline_relay *relay = self;
    struct block *block;
    pthread_mutex_lock(&relay->mutex);
    while ((block = await_filled(relay))) {
        bool is_wanted = !relay->error && !relay->is_dropped;
        pthread_mutex_unlock(&relay->mutex);
        int error = is_wanted ? timeline_entries_pass_on(block->words, block->used, &relay->back) : 0;
        pthread_mutex_lock(&relay->mutex);
        relay->drained++;
        if (error)
            relay->error = error;
        if (relay->is_producer_idle && pending(relay) <= RELAY_BLOCKS / 2)
            pthread_cond_signal(&relay->may_fill);
    }
    pthread_mutex_unlock(&relay->mutex);
    return NULL;
}

/* ---- the producer ---- */

/* Until at most so many blocks are on their way. With the mutex held. */
static void await_drained(struct timeline_relay *relay, uint64_t most)
{
    while (pending(relay) > most) {
        relay->is_producer_idle = true;
        pthread_cond_wait(&relay->may_fill, &relay->mutex);
    }
    relay->is_producer_idle = false;
}

/* Hands the current block over and begins another, once at most `most` are on their way. 0 or the sink's error. */
static int next_block(struct timeline_relay *relay, uint64_t most)
{
    pthread_mutex_lock(&relay->mutex);
    relay->filled++;
    if (relay->is_thread_idle && (pending(relay) >= RELAY_BLOCKS / 2 || most < RELAY_BLOCKS / 2))
        pthread_cond_signal(&relay->may_drain);
    await_drained(relay, most);
    int error = relay->error;
    relay->current = &relay->blocks[relay->filled % RELAY_BLOCKS];
    pthread_mutex_unlock(&relay->mutex);
    relay->current->used = 0;
    return error;
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
        *error = next_block(relay, is_huge ? 0 : RELAY_BLOCKS - 1);
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
    bool has_flow = slice->flow != TIMELINE_FLOW_NONE;
    size_t behind = has_flow * TIMELINE_WORD + facts_bytes(facts), texts = 0;
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

/* Signals are the main thread's business. */
static bool start_thread(struct timeline_relay *relay)
{
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) || CPU_COUNT(&cpus) < 2)
        return false;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    bool is_started = !pthread_create(&relay->thread, NULL, work, relay);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_started;
}

int timeline_relay_create(const struct timeline_sink *sink, struct timeline_relay **out)
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
    pthread_mutex_init(&relay->mutex, NULL); /* none of them fails with default attributes */
    pthread_cond_init(&relay->may_drain, NULL);
    pthread_cond_init(&relay->may_fill, NULL);
    relay->has_thread = start_thread(relay);
    *out = relay;
    return 0;
}

const struct timeline_sink *timeline_relay_sink(const struct timeline_relay *relay)
{
    return relay->has_thread ? &relay->front : &relay->back;
}

static int end_thread(struct timeline_relay *relay, bool is_dropped)
{
    if (!relay->has_thread || relay->is_over)
        return relay->error;
    pthread_mutex_lock(&relay->mutex);
    relay->filled++;
    relay->is_last = true;
    relay->is_dropped = is_dropped;
    pthread_cond_signal(&relay->may_drain);
    pthread_mutex_unlock(&relay->mutex);
    pthread_join(relay->thread, NULL);
    relay->is_over = true;
    return relay->error;
}

int timeline_relay_finish(struct timeline_relay *relay)
{
    return end_thread(relay, false);
}

void timeline_relay_destroy(struct timeline_relay *relay)
{
    if (!relay)
        return;
    end_thread(relay, true);
    pthread_cond_destroy(&relay->may_fill);
    pthread_cond_destroy(&relay->may_drain);
    pthread_mutex_destroy(&relay->mutex);
    free(relay);
}
