/*
 * Decoded events of one stream, one after the other, that stand alone: with all they point to, so that they
 * can be read on another thread while the stream goes on. What was said about damage between two events lies
 * between them. The stream decodes into it: nothing is copied.
 *
 *     record: event, record or values, elements, texts   record: warning   record: event, ...   |   room
 *
 * Not thread-safe: it belongs to who fills it, then to who reads it.
 */
#ifndef COLLECTOR_CTF_BATCH_H
#define COLLECTOR_CTF_BATCH_H

#include "collector/ctf/stream.h"

struct ctf_record {
    struct ctf_event event; /* without a class: what is behind the record is a warning */
    size_t bytes;           /* to the next record */
};

struct ctf_batch {
    _Alignas(CTF_APART_BYTES) struct ctf_batch *next; /* in a list of the owner's */
    uint8_t *bytes;                                   /* owned; records */
    size_t used, capacity;
    size_t at;           /* of the record to be read next */
    int state;           /* what follows: 1 or CTF_LATER = another batch, 0 = nothing, or a negative errno */
    uint64_t done_bytes; /* of the stream's files, when it was filled */
};

/* 0 or -ENOMEM. */
int ctf_batch_create(size_t capacity, struct ctf_batch **out);
void ctf_batch_destroy(struct ctf_batch *batch);
void ctf_batch_clear(struct ctf_batch *batch);

/*
 * 1 = the stream's next event is in; CTF_FULL = there is no room (an empty batch makes some); 0, CTF_LATER, CTF_AGAIN
 * and -ENOMEM as ctf_stream_step. Of a warning: 1, CTF_FULL or -ENOMEM.
 */
int ctf_batch_put_event(struct ctf_batch *batch, struct ctf_stream *stream);
int ctf_batch_put_warning(struct ctf_batch *batch, const char *text);

/* NULL = it is an event. */
static inline const char *ctf_record_warning(const struct ctf_record *record)
{
    return record->event.class ? NULL : (const char *)(record + 1);
}

/* The record to be read next, or NULL. Good until the batch is cleared. */
static inline const struct ctf_record *ctf_batch_record(const struct ctf_batch *batch)
{
    return batch->at < batch->used ? (const struct ctf_record *)(const void *)(batch->bytes + batch->at) : NULL;
}

#endif
