/* See batch.h. */
#include "collector/ctf/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = sizeof(uint64_t) };

int ctf_batch_create(size_t capacity, struct ctf_batch **out)
{
    struct ctf_batch *batch = aligned_alloc(CTF_APART_BYTES, sizeof *batch);
    uint8_t *bytes = batch ? malloc(capacity) : NULL;
    if (!bytes) {
        free(batch);
        return -ENOMEM;
    }
    *batch = (struct ctf_batch){.bytes = bytes, .capacity = capacity};
    *out = batch;
    return 0;
}

void ctf_batch_destroy(struct ctf_batch *batch)
{
    if (!batch)
        return;
    free(batch->bytes);
    free(batch);
}

void ctf_batch_clear(struct ctf_batch *batch)
{
    batch->used = batch->at = 0;
}

static size_t round_up(size_t size)
{
    return (size + WORD - 1) / WORD * WORD;
}

/* So that `size` bytes are free: 0, CTF_FULL or -ENOMEM. An empty batch grows. */
static int make_room(struct ctf_batch *batch, size_t size)
{
    if (size <= batch->capacity - batch->used)
        return 0;
    if (batch->used)
        return CTF_FULL;
    uint8_t *bytes = malloc(size);
    if (!bytes)
        return -ENOMEM;
    free(batch->bytes);
    batch->bytes = bytes;
    batch->capacity = size;
    return 0;
}

static struct ctf_record *next_record(const struct ctf_batch *batch)
{
    return (struct ctf_record *)(void *)(batch->bytes + batch->used);
}

/* Decodes into what is free. As ctf_stream_step; with CTF_FULL record->bytes would do, so far. */
static int try_event(const struct ctf_batch *batch, struct ctf_stream *stream, struct ctf_record *record)
{
    struct ctf_room room = {.words = (uint64_t *)(void *)(record + 1),
                            .count = (batch->capacity - batch->used - sizeof *record) / WORD,
                            .is_apart = true};
    int state = ctf_stream_step(stream, &room);
    record->event = stream->event;
    record->bytes = sizeof *record + room.used * WORD;
    return state;
}

int ctf_batch_put_event(struct ctf_batch *batch, struct ctf_stream *stream)
{
    size_t size = sizeof(struct ctf_record);
    int state;
    do {
        state = make_room(batch, size);
        if (state)
            return state;
        state = try_event(batch, stream, next_record(batch));
        size = next_record(batch)->bytes;
    } while (state == CTF_FULL);
    if (state == 1)
        batch->used += size;
    return state;
}

int ctf_batch_put_warning(struct ctf_batch *batch, const char *text)
{
    size_t length = strlen(text) + 1, size = sizeof(struct ctf_record) + round_up(length);
    int state = make_room(batch, size);
    if (state)
        return state;
    struct ctf_record *record = next_record(batch);
    record->event.class = NULL;
    memcpy(record + 1, text, length);
    record->bytes = size;
    batch->used += size;
    return 1;
}
