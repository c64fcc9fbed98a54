/* See batch.h. */
#include "collector/ctf/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = sizeof(uint64_t) };

int ctf_batch_create(size_t capacity, struct ctf_batch **out)
{
    struct ctf_batch *batch = aligned_alloc(CTF_APART_BYTES, sizeof *batch);
    uint8_t *bytes = batch ? malloc(capacity + CTF_SLACK_BYTES) : NULL;
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
    batch->used = 0;
}

int ctf_batch_make_room(struct ctf_batch *batch, size_t bytes)
{
    if (bytes <= batch->capacity - batch->used)
        return 0;
    if (batch->used)
        return CTF_FULL;
    uint8_t *larger = malloc(bytes + CTF_SLACK_BYTES);
    if (!larger)
        return -ENOMEM;
    free(batch->bytes);
    batch->bytes = larger;
    batch->capacity = bytes;
    return 0;
}

int ctf_batch_put_warning(struct ctf_batch *batch, const struct ctf_report *report, const char *text)
{
    size_t length = strlen(text) + 1;
    size_t bytes = sizeof(struct ctf_entry) + sizeof(struct ctf_warning) + (length + WORD - 1) / WORD * WORD;
    int state = ctf_batch_make_room(batch, bytes);
    if (state)
        return state;
    struct ctf_entry *entry = ctf_batch_free(batch);
    *entry = (struct ctf_entry){.bytes = (uint32_t)bytes};
    struct ctf_warning *warning = (struct ctf_warning *)(void *)(entry + 1);
    warning->report = report;
    memcpy(warning->text, text, length);
    batch->used += bytes;
    return 1;
}
