/* See stream.h. Start at ctf_stream_fill. */
#include "collector/ctf/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/straight.h"

enum {
    BYTE = 8,
    COUNTED_MAX = 65536,

    ALIGN_BYTES = TSDL_ALIGN_MAX_BITS / BYTE,
    WORD = sizeof(uint64_t)
};

static const uint64_t second_ns = 1000000000;

static struct ctf_file *current(const struct ctf_stream *stream)
{
    return &stream->files[stream->first];
}

static bool ticks_are_ns(const struct ctf_trace *trace)
{
    uint64_t frequency = trace->declared.clock.frequency_hz;
    return !frequency || frequency == second_ns;
}

static uint64_t to_ns(const struct ctf_trace *trace, uint64_t ticks)
{
    uint64_t frequency = trace->declared.clock.frequency_hz;
    if (!ticks_are_ns(trace))
        ticks = (uint64_t)((unsigned __int128)ticks * second_ns / frequency);
    return ticks + (uint64_t)trace->shift_ns;
}

/* ---- the order of files ---- */

static uint64_t order_of(const struct ctf_file *file)
{
    return file->packet.has_sequence ? file->packet.sequence : file->packet.begin;
}

/* files[at] may have become too late for its place. */
static void move_back(struct ctf_stream *stream, size_t at)
{
    for (; at + 1 < stream->file_count; at++) {
        struct ctf_file *file = &stream->files[at], next = file[1];
        if (order_of(&next) >= order_of(file))
            return;
        file[1] = *file;
        *file = next;
    }
}

static void remove_file(struct ctf_stream *stream, size_t at)
{
    struct ctf_file gone = stream->files[at];
    memmove(stream->files + stream->first + 1, stream->files + stream->first,
            (at - stream->first) * sizeof *stream->files);
    stream->files[stream->first++] = gone;
}

static void take_note_of_damage(struct ctf_stream *stream, struct ctf_file *file)
{
    stream->damaged_packets += file->damaged;
    file->damaged = 0;
}

/* Puts files[at] where its next packet belongs, or away. */
static int advance_file(struct ctf_stream *stream, size_t at)
{
    struct ctf_file *file = &stream->files[at];
    uint64_t before = file->next;
    int state = ctf_file_next(file, &stream->window, stream->report);
    stream->done_bytes += file->next - before;
    take_note_of_damage(stream, file);
    if (state < 0 && state != -ENOMEM) {
        stream->skipped_files++;
        ctf_file_warn(file, stream->report, FILE_UNREADABLE, file->next, strerror(-state));
        state = 0;
    }
    if (state == 1)
        move_back(stream, at);
    else if (state == 0)
        remove_file(stream, at);
    return state < 0 ? state : 0;
}

static bool is_same_packet(const struct ctf_file *a, const struct ctf_file *b)
{
    return a->packet.has_sequence && b->packet.has_sequence && a->packet.sequence == b->packet.sequence &&
           a->packet.begin == b->packet.begin;
}

/* Snapshots overlap: of one packet in several files the most complete copy stays. */
static int drop_copies(struct ctf_stream *stream)
{
    while (stream->first + 1 < stream->file_count && is_same_packet(current(stream), current(stream) + 1)) {
        struct ctf_file *file = current(stream);
        bool is_worse = file->is_cut && file[1].packet.content_bits >= file->packet.content_bits;
        int error = advance_file(stream, is_worse ? stream->first : stream->first + 1);
        if (error)
            return error;
    }
    return 0;
}

/* ---- packets ---- */

/* Once a packet: what follows from the first damage is not told again. */
static __attribute__((cold, noinline)) void damage(struct ctf_stream *stream, enum ctf_file_damage kind,
                                                   const char *what)
{
    struct ctf_file *file = stream->file;
    if (stream->is_damage_counted)
        return;
    stream->is_damage_counted = true;
    stream->damaged_packets++;
    ctf_file_warn(file, stream->report, kind, file->packet.offset, what);
}

/*
 * Shows the packet from `*at` on, the bit where the event at hand begins or goes on, and rebases `*at`. 1, or
 * 0 when there is nothing more to be seen: the file has become shorter, or the event is absurdly large.
 */
static int show_from(struct ctf_stream *stream, uint64_t *at)
{
    const struct ctf_packet *packet = &stream->file->packet;
    uint64_t skipped = *at / BYTE / ALIGN_BYTES * ALIGN_BYTES;
    uint64_t rest_bits = packet->content_bits - (stream->base + skipped) * BYTE;
    uint64_t rest = (rest_bits + BYTE - 1) / BYTE;
    uint64_t want = skipped ? CTF_WINDOW_BYTES : stream->cursor.end / BYTE * 2 + CTF_WINDOW_BYTES;
    want = want < rest ? want : rest;
    size_t available;
    int error = want > CTF_WINDOW_BYTES_MAX
                    ? -EFBIG
                    : ctf_window_at(&stream->window, stream->file->path, packet->offset + stream->base + skipped,
                                    (size_t)want, &stream->cursor.bytes, &available);
    if (error == -ENOMEM)
        return error;
    if (error || available < want) {
        damage(stream, FILE_UNREADABLE, error ? strerror(-error) : "the file has become shorter");
        if (error)
            return 0;
    }
    bool is_all = available >= rest;
    stream->base += skipped;
    *at -= skipped * BYTE;
    stream->ends_with_content = is_all || available < want;
    stream->cursor.end = is_all ? rest_bits : (uint64_t)available * BYTE;
    return 1;
}

/* What keeps an event from being read, beside an enum ctf_result. */
enum { UNKNOWN_CLASS = CTF_DAMAGED + 1, TOO_LATE, WITHOUT_SIZE };

/* CTF_AGAIN = from the rebased `*at`; 0 = the rest of the packet cannot be read; -ENOMEM. */
static __attribute__((cold, noinline)) int recover(struct ctf_stream *stream, int result, uint64_t *at)
{
    static const char *const damages[] = {
        [CTF_SHORT] = "event runs past the end of its packet",
        [CTF_DAMAGED] = "damaged event",
        [UNKNOWN_CLASS] = "event of an unknown or refused class",
        [TOO_LATE] = "event later than its packet", /* padding that is read as an event: the clock has wrapped */
        [WITHOUT_SIZE] = "events without a size",   /* endless */
    };
    if (result == CTF_SHORT && !stream->ends_with_content) {
        int state = show_from(stream, at);
        return state == 1 ? CTF_AGAIN : state;
    }
    damage(stream, result == UNKNOWN_CLASS ? FILE_UNKNOWN_EVENT : FILE_EVENT, damages[result]);
    return 0;
}

static void release_buffers(struct ctf_stream *stream)
{
    ctf_window_fini(&stream->window);
    stream->cursor = (struct ctf_cursor){0};
}

/* CTF_AGAIN = in a packet; 0 = there are no more; -ENOMEM. */
static __attribute__((noinline)) int open_packet(struct ctf_stream *stream)
{
    int error = drop_copies(stream);
    if (error)
        return error;
    if (stream->first == stream->file_count) {
        release_buffers(stream);
        return 0;
    }
    const struct ctf_packet *packet = &current(stream)->packet;
    ctf_sequence_note(&stream->sequence, packet, stream->damaged_packets - stream->damaged_noted);
    stream->damaged_noted = stream->damaged_packets;
    stream->is_in_packet = true;
    stream->file = current(stream);
    stream->is_damage_counted = current(stream)->is_cut;
    stream->clock = packet->begin;
    stream->base = 0;
    stream->cursor.at = packet->start_bits;
    stream->cursor.end = 0;
    stream->ends_with_content = false;
    return CTF_AGAIN;
}

/* CTF_AGAIN or -ENOMEM. */
static __attribute__((noinline)) int close_packet(struct ctf_stream *stream)
{
    stream->is_in_packet = false;
    int error = advance_file(stream, stream->first);
    return error ? error : CTF_AGAIN;
}

/* What comes of it when no event could be read from `at` on. */
static __attribute__((noinline)) int go_on(struct ctf_stream *stream, int result, uint64_t at)
{
    int state = recover(stream, result, &at);
    stream->cursor.at = at;
    return state ? state : close_packet(stream);
}

static bool is_at_end(const struct ctf_stream *stream)
{
    return stream->ends_with_content && stream->cursor.at >= stream->cursor.end;
}

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
        return UNKNOWN_CLASS;
    stream->clock += (header.timestamp - stream->clock) & header.time_mask;
    if (stream->clock > packet->end)
        return TOO_LATE;
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
    uint64_t time_ns = ctf_stream_now_ns(stream);
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

/* 1 = it is in the batch, or counted, or there is room for it now; CTF_FULL, CTF_AGAIN or -ENOMEM. */
static int read_event(struct ctf_stream *stream, struct ctf_batch *batch)
{
    const struct ctf_class *class;
    uint64_t at = stream->cursor.at;
    size_t bytes = 0;
    int result = try_event(stream, batch, &class, &bytes);
    if (result == CTF_SCRATCH) {
        stream->cursor.at = at;
        int state = ctf_batch_make_room(batch, bytes);
        return state ? state : 1;
    }
    if (result == CTF_OK && stream->cursor.at == at)
        result = WITHOUT_SIZE;
    if (result != CTF_OK)
        return go_on(stream, result, at);
    keep_event(stream, batch, class, bytes);
    return 1;
}

/* ---- the fast path ---- */

/* Events for as long as there is nothing unusual about them; what there is, read_event() finds out. */
static void read_straight(struct ctf_stream *stream, struct ctf_batch *batch)
{
    struct ctf_cursor *cursor = &stream->cursor;
    const struct ctf_file *file = stream->file;
    const struct ctf_packet *packet = &file->packet;
    const struct ctf_brief brief = packet->stream->header.brief;
    if (cursor->at % BYTE || cursor->at >= cursor->end || !ticks_are_ns(file->trace))
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

int ctf_stream_fill(struct ctf_stream *stream, struct ctf_batch *batch)
{
    int state = 1;
    while (state == 1) {
        if (!stream->is_in_packet)
            return open_packet(stream);
        read_straight(stream, batch);
        if (stream->counted == COUNTED_MAX) {
            stream->counted = 0;
            return CTF_LATER;
        }
        state = is_at_end(stream) ? close_packet(stream) : read_event(stream, batch);
    }
    return state;
}

/* ---- life ---- */

static int by_order(const void *a, const void *b)
{
    uint64_t left = order_of(a), right = order_of(b);
    return left < right ? -1 : left > right;
}

void ctf_stream_init(struct ctf_stream *stream, uint32_t number, struct ctf_file *files, size_t file_count,
                     const struct ctf_report *report)
{
    *stream = (struct ctf_stream){.files = files, .file_count = file_count, .report = report, .number = number};
    stream->tally.first_ns = UINT64_MAX;
    ctf_window_init(&stream->window);
    qsort(files, file_count, sizeof *files, by_order);
    for (size_t i = 0; i < file_count; i++) {
        stream->done_bytes += files[i].next;
        take_note_of_damage(stream, &files[i]);
    }
}

void ctf_stream_fini(struct ctf_stream *stream)
{
    release_buffers(stream);
    free(stream->files);
    stream->files = NULL;
}

uint64_t ctf_stream_now_ns(const struct ctf_stream *stream)
{
    return stream->file ? to_ns(stream->file->trace, stream->clock) : 0;
}

uint64_t ctf_stream_begin_ns(const struct ctf_stream *stream)
{
    return to_ns(current(stream)->trace, current(stream)->packet.begin);
}
