/*
 * Decoded events of one stream, one after the other, with all they point to: they stand alone, and may be read on
 * another thread while the stream goes on. What was said about damage between two events lies between them.
 *
 *     header: event, record or values, elements, texts   header: warning   header: event, ...   |   room
 *
 * Streams decode right into it (stream.h). Not thread-safe: it belongs to who fills it, then to who reads it.
 */
#ifndef COLLECTOR_CTF_BATCH_H
#define COLLECTOR_CTF_BATCH_H

#include "collector/ctf/program.h"

/* What two threads write to lies so far apart that neither takes the other's cache line, or its neighbour. */
enum { CTF_APART_BYTES = 128 };

struct ctf_entry {
    const struct ctf_event_class *class; /* NULL = what is behind this is a warning */
    uint64_t time_ns;
    uint32_t bytes; /* to the next entry */
    uint32_t cpu;
};

struct ctf_batch {
    _Alignas(CTF_APART_BYTES) struct ctf_batch *next; /* in a list of the owner's */
    uint8_t *bytes;                                   /* owned; entries; CTF_SLACK_BYTES more than capacity */
    size_t used, capacity;
    int state;           /* what follows: 1 or CTF_LATER = another batch, 0 = nothing, or a negative errno */
    uint64_t done_bytes; /* of the stream's files, when it was filled */
};

/* 0 or -ENOMEM. */
int ctf_batch_create(size_t capacity, struct ctf_batch **out);
void ctf_batch_destroy(struct ctf_batch *batch);
void ctf_batch_clear(struct ctf_batch *batch);

/* So that an entry of `bytes`, its header included, has room: 0, CTF_FULL or -ENOMEM. An empty batch makes some. */
enum { CTF_FULL = 3 };
int ctf_batch_make_room(struct ctf_batch *batch, size_t bytes);

/* 1, CTF_FULL or -ENOMEM. */
int ctf_batch_put_warning(struct ctf_batch *batch, const char *text);

/* Where the next entry goes, for which room was made. */
static inline struct ctf_entry *ctf_batch_free(const struct ctf_batch *batch)
{
    return (struct ctf_entry *)(void *)(batch->bytes + batch->used);
}

#endif
