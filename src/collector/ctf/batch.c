/* See batch.h. */
#include "collector/ctf/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/trace.h"

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

/* A record of that size whose bytes behind the struct are the caller's to fill: 1, 0 or -ENOMEM. */
static int add(struct ctf_batch *batch, size_t size, struct ctf_record **out)
{
    if (size > batch->capacity && !batch->used) {
        uint8_t *bytes = malloc(size);
        if (!bytes)
            return -ENOMEM;
        free(batch->bytes);
        batch->bytes = bytes;
        batch->capacity = size;
    }
    if (size > batch->capacity - batch->used)
        return 0;
    *out = (struct ctf_record *)(void *)(batch->bytes + batch->used);
    **out = (struct ctf_record){.bytes = size};
    batch->used += size;
    return 1;
}

static const struct ctf_program *program_of(const struct ctf_event *event)
{
    return &((const struct ctf_class *)event->class)->program; /* `shown` is its first member */
}

/* What a value points to, in bytes. */
static size_t size_behind(const struct ctf_program *program, uint32_t slot, const struct ctf_value *value)
{
    return program->fields[slot].type == CTF_STRING ? value->length : value->length * sizeof(uint64_t);
}

static size_t size_of(const struct ctf_program *program, const struct ctf_value *values)
{
    size_t size = sizeof(struct ctf_record) + program->field_count * sizeof *values;
    for (size_t i = 0; i < program->pointer_count; i++)
        size += round_up(size_behind(program, program->pointers[i], &values[program->pointers[i]]));
    return size;
}

static void copy_values(const struct ctf_program *program, const struct ctf_value *from, struct ctf_value *to)
{
    uint8_t *behind = (uint8_t *)(to + program->field_count);
    memcpy(to, from, program->field_count * sizeof *to);
    for (size_t i = 0; i < program->pointer_count; i++) {
        uint32_t slot = program->pointers[i];
        size_t size = size_behind(program, slot, &from[slot]);
        if (!size)
            continue;
        memcpy(behind, from[slot].text, size);
        to[slot].text = (const char *)behind;
        behind += round_up(size);
    }
}

int ctf_batch_put_event(struct ctf_batch *batch, const struct ctf_event *event)
{
    const struct ctf_program *program = event->class ? program_of(event) : NULL;
    struct ctf_record *record;
    int state = add(batch, program ? size_of(program, event->values) : sizeof *record, &record);
    if (state != 1)
        return state;
    record->event = *event;
    if (!program)
        return 1;
    struct ctf_value *values = (struct ctf_value *)(record + 1);
    copy_values(program, event->values, values);
    record->event.values = values;
    return 1;
}

int ctf_batch_put_warning(struct ctf_batch *batch, const char *text)
{
    size_t length = strlen(text) + 1;
    struct ctf_record *record;
    int state = add(batch, sizeof *record + round_up(length), &record);
    if (state == 1)
        record->warning = memcpy(record + 1, text, length);
    return state;
}
