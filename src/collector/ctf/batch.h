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
#include "collector/ctf/report.h"

/* What two threads write to lies so far apart that neither takes the other's cache line, or its neighbour. */
enum { CTF_APART_BYTES = 128 };

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

/* For `report`, which is borrowed. 1, CTF_FULL or -ENOMEM. */
int ctf_batch_put_warning(struct ctf_batch *batch, const struct ctf_report *report, const char *text);

/* What lies behind the entry of a warning. */
struct ctf_warning {
    const struct ctf_report *report;
    char text[]; /* NUL-terminated */
};

/* Where the next entry goes, for which room was made. */
static inline struct ctf_entry *ctf_batch_free(const struct ctf_batch *batch)
{
    return (struct ctf_entry *)(void *)(batch->bytes + batch->used);
}

#endif
