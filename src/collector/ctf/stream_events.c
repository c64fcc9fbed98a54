/* See stream_events.h. */
#include "collector/ctf/stream_events.h"

#include <string.h>

#include "collector/ctf/straight.h"

enum { BYTE = 8, WORD = sizeof(uint64_t), COUNTED_MAX = 65536 };

/* ---- any event ---- */

static enum ctf_result read_header(const struct ctf_header *header, struct ctf_cursor *cursor,
                                   struct ctf_header_values *out)
{
    const struct ctf_brief *brief = &header->brief;
    uint64_t at = ctf_align(cursor->at, BYTE), bits = (uint64_t)brief->bytes * BYTE;
    if (bits && at <= cursor->end && cursor->end - at >= bits) {
        uint64_t word = ctf_brief_read(cursor->bytes + at / BYTE);
        *out = (struct ctf_header_values){word & brief->extended, word >> brief->id_bits, brief->time_mask};
        cursor->at = at + bits;
        if (out->id != brief->extended)
            return CTF_OK;
        cursor->at = at;
    }
    return ctf_header_read(header, cursor, out);
}

static size_t whole_words(size_t bytes)
{
    return (bytes + WORD - 1) / WORD * WORD;
}

static struct ctf_value *text_of(const struct ctf_program *program, size_t index, uint8_t *record)
{
    return (struct ctf_value *)(void *)(record + program->texts[index]);
}

static size_t text_bytes(const struct ctf_program *program, uint8_t *record)
{
    size_t bytes = 0;
    for (size_t i = 0; i < program->text_count; i++)
        bytes += whole_words(text_of(program, i, record)->length);
    return bytes;
}

/* Copies what lies in the packet behind the record and its elements. */
static void move_texts(const struct ctf_program *program, uint8_t *record, uint8_t *to)
{
    for (size_t i = 0; i < program->text_count; i++) {
        struct ctf_value *value = text_of(program, i, record);
        if (value->length)
            value->text = memcpy(to, value->text, value->length);
        to += whole_words(value->length);
    }
}

/* `*bytes` is what the entry takes; with CTF_SCRATCH, what it takes at least. */
static enum ctf_result read_fields(struct ctf_stream *stream, const struct ctf_program *program,
                                   const struct ctf_batch *batch, size_t *bytes)
{
    struct ctf_cursor *cursor = &stream->cursor;
    uint8_t *record = (uint8_t *)(ctf_batch_free(batch) + 1);
    size_t room = batch->capacity - batch->used;
    *bytes = sizeof(struct ctf_entry) + program->record_bytes;
    if (*bytes > room)
        return CTF_SCRATCH;
    cursor->scratch = (uint64_t *)(void *)(record + program->record_bytes);
    cursor->scratch_capacity = (room - *bytes) / WORD;
    enum ctf_result result = ctf_program_run(program, cursor, record);
    *bytes += (result == CTF_SCRATCH ? cursor->scratch_needed : cursor->scratch_used) * WORD;
    if (result != CTF_OK)
        return result;
    uint8_t *texts = (uint8_t *)ctf_batch_free(batch) + *bytes;
    *bytes += text_bytes(program, record);
    if (*bytes > room)
        return CTF_SCRATCH;
    move_texts(program, record, texts);
    return CTF_OK;
}

/* Decodes into the batch, in front of what is free. CTF_OK, or why not. */
static int try_event(struct ctf_stream *stream, const struct ctf_batch *batch, const struct ctf_class **out,
                     size_t *bytes)
{
    const struct ctf_packet *packet = &stream->file->packet;
    struct ctf_header_values header;
    int result = (int)read_header(&packet->stream->header, &stream->cursor, &header);
    if (result != CTF_OK)
        return result;
    const struct ctf_class *class = ctf_find_class(packet->stream, header.id);
    if (!class)
        return CTF_UNKNOWN_CLASS;
    stream->clock += (header.timestamp - stream->clock) & header.time_mask;
    if (stream->clock > packet->end)
        return CTF_TOO_LATE;
    *out = class;
    return (int)read_fields(stream, &class->program, batch, bytes);
}

static inline void count_event(struct ctf_tally *tally, int which, uint64_t time_ns)
{
    tally->events[which]++;
    tally->first_ns = time_ns < tally->first_ns ? time_ns : tally->first_ns;
    tally->last_ns = time_ns > tally->last_ns ? time_ns : tally->last_ns;
}

static inline void put_entry(struct ctf_entry *entry, const struct ctf_class *class, uint64_t time_ns, size_t bytes,
                             uint32_t cpu)
{
    if (class->program.time_at != CTF_NO_TIME)
        memcpy((uint8_t *)(entry + 1) + class->program.time_at, &time_ns, sizeof time_ns);
    *entry = (struct ctf_entry){.class = &class->shown, .time_ns = time_ns, .bytes = (uint32_t)bytes, .cpu = cpu};
}

/* An event that was decoded where it belongs. */
static void keep_event(struct ctf_stream *stream, struct ctf_batch *batch, const struct ctf_class *class, size_t bytes)
{
    uint64_t time_ns = ctf_to_ns(stream->file->trace, stream->clock);
    struct ctf_entry *entry = ctf_batch_free(batch);
    stream->events++;
    if (class->tally != CTF_DELIVER) {
        stream->counted++;
        count_event(&stream->tally, class->tally, time_ns);
        return;
    }
    stream->counted = 0;
    put_entry(entry, class, time_ns, bytes, stream->file->packet.cpu);
    batch->used += bytes;
}

/* 1 = it is in the batch, or counted, or there is room for it now; else as ctf_stream_read_events. */
static int read_event(struct ctf_stream *stream, struct ctf_batch *batch, int *why)
{
    const struct ctf_class *class;
    uint64_t at = stream->cursor.at;
    size_t bytes = 0;
    int result = try_event(stream, batch, &class, &bytes);
    if (result == CTF_OK && stream->cursor.at != at) {
        keep_event(stream, batch, class, bytes);
        return 1;
    }
    stream->cursor.at = at;
    if (result == CTF_SCRATCH) {
        int state = ctf_batch_make_room(batch, bytes);
        return state ? state : 1;
    }
    *why = result == CTF_OK ? CTF_WITHOUT_SIZE : result;
    return 0;
}

/* ---- the fast path ---- */

/* Events for as long as there is nothing unusual about them; what there is, read_event() finds out. */
static void read_straight(struct ctf_stream *stream, struct ctf_batch *batch)
{
    struct ctf_cursor *cursor = &stream->cursor;
    const struct ctf_file *file = stream->file;
    const struct ctf_packet *packet = &file->packet;
    const struct ctf_brief brief = packet->stream->header.brief;
    if (cursor->at % BYTE || cursor->at >= cursor->end || !ctf_ticks_are_ns(file->trace))
        return;
    const struct ctf_straight_class *straights = packet->stream->straights;
    const size_t straight_count = packet->stream->straight_count;
    const uint64_t last = packet->end, shift_ns = (uint64_t)file->trace->shift_ns;
    const uint32_t cpu = packet->cpu;
    const uint8_t *at = cursor->bytes + cursor->at / BYTE, *end = cursor->bytes + cursor->end / BYTE;
    uint8_t *out = batch->bytes + batch->used, *const out_end = batch->bytes + batch->capacity;
    uint64_t clock = stream->clock, events = 0;
    while (end - at >= (ptrdiff_t)brief.bytes) {
        uint64_t word = ctf_brief_read(at), id = word & brief.extended, now = ctf_brief_clock(&brief, word, clock);
        if (id >= straight_count)
            break;
        const struct ctf_straight *straight = &straights[id].straight;
        if (now > last || (size_t)(out_end - out) < sizeof(struct ctf_entry) + straight->record_bytes)
            break;
        uint8_t *record = out + sizeof(struct ctf_entry);
        struct ctf_reached reached = ctf_straight_run(straight, at + brief.bytes, end, record, out_end);
        if (!reached.at)
            break;
        at = reached.at;
        clock = now;
        events++;
        const struct ctf_class *class = straights[id].class;
        if (class->tally != CTF_DELIVER) {
            count_event(&stream->tally, class->tally, now + shift_ns);
            if (++stream->counted == COUNTED_MAX)
                break;
            continue;
        }
        stream->counted = 0;
        put_entry((struct ctf_entry *)(void *)out, class, now + shift_ns, (size_t)(reached.free - out), cpu);
        out = reached.free;
    }
    cursor->at = (uint64_t)(at - cursor->bytes) * BYTE;
    batch->used = (size_t)(out - batch->bytes);
    stream->clock = clock;
    stream->events += events;
}

/* ---- the packet ---- */

static bool is_at_end(const struct ctf_stream *stream)
{
    return stream->ends_with_content && stream->cursor.at >= stream->cursor.end;
}

int ctf_stream_read_events(struct ctf_stream *stream, struct ctf_batch *batch, int *why)
{
    int state = 1;
    while (state == 1) {
        read_straight(stream, batch);
        if (stream->counted == COUNTED_MAX) {
            stream->counted = 0;
            return CTF_LATER;
        }
        if (is_at_end(stream)) {
            *why = CTF_OK;
            return 0;
        }
        state = read_event(stream, batch, why);
    }
    return state;
}
