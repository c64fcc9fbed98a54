/* See stream.h. Start at ctf_stream_peek. */
#include "collector/ctf/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BYTE = 8, COUNTED_MAX = 65536, ALIGN_BYTES = TSDL_ALIGN_MAX_BITS / BYTE, SCRATCH_START = 256 };

static const uint64_t second_ns = 1000000000;

static struct ctf_file *current(const struct ctf_stream *stream)
{
    return &stream->files[stream->first];
}

static uint64_t to_ns(const struct ctf_trace *trace, uint64_t ticks)
{
    uint64_t frequency = trace->declared.clock.frequency_hz;
    if (frequency && frequency != second_ns)
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

/* 1 = decode again from the rebased `*at`; 0 = the rest of the packet cannot be decoded; -ENOMEM. */
static __attribute__((cold, noinline)) int recover(struct ctf_stream *stream, enum ctf_result result, uint64_t *at)
{
    if (result == CTF_SCRATCH) {
        size_t capacity = stream->cursor.scratch_needed * 2;
        uint64_t *scratch = malloc(capacity * sizeof *scratch);
        if (!scratch)
            return -ENOMEM;
        free(stream->cursor.scratch);
        stream->cursor.scratch = scratch;
        stream->cursor.scratch_capacity = capacity;
        return 1;
    }
    if (result == CTF_SHORT && !stream->ends_with_content)
        return show_from(stream, at);
    damage(stream, FILE_EVENT, result == CTF_SHORT ? "event runs past the end of its packet" : "damaged event");
    return 0;
}

static int make_buffers(struct ctf_stream *stream)
{
    size_t slot_count = 1;
    for (size_t i = 0; i < stream->file_count; i++)
        if (stream->files[i].trace->slot_count > slot_count)
            slot_count = stream->files[i].trace->slot_count;
    stream->values = calloc(slot_count, sizeof *stream->values);
    stream->cursor.scratch = malloc(SCRATCH_START * sizeof *stream->cursor.scratch);
    stream->cursor.scratch_capacity = SCRATCH_START;
    return stream->values && stream->cursor.scratch ? 0 : -ENOMEM;
}

static void release_buffers(struct ctf_stream *stream)
{
    ctf_window_fini(&stream->window);
    free(stream->values);
    free(stream->cursor.scratch);
    stream->values = NULL;
    stream->cursor = (struct ctf_cursor){0};
}

/* 1 = in a packet; 0 = there are no more; -ENOMEM. */
static __attribute__((noinline)) int open_packet(struct ctf_stream *stream)
{
    int error = stream->values ? 0 : make_buffers(stream);
    if (!error)
        error = drop_copies(stream);
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
    return 1;
}

static __attribute__((noinline)) int close_packet(struct ctf_stream *stream)
{
    stream->is_in_packet = false;
    return advance_file(stream, stream->first);
}

/* ---- events ---- */

static void set_clock(struct ctf_stream *stream, const struct ctf_header_values *header)
{
    if (header->timestamp_bits == 64) {
        stream->clock = header->timestamp;
    } else if (header->timestamp_bits) { /* the low bits: the clock has gone on by less than they hold */
        uint64_t mask = (UINT64_C(1) << header->timestamp_bits) - 1;
        stream->clock += (header->timestamp - stream->clock) & mask;
    }
}

static bool is_at_end(const struct ctf_stream *stream)
{
    return stream->ends_with_content && stream->cursor.at >= stream->cursor.end;
}

/* 1 = the header of an event was read; 0 = the packet is done with; -ENOMEM. */
static int read_header(struct ctf_stream *stream)
{
    const struct ctf_file *file = stream->file;
    struct ctf_header_values header;
    uint64_t at = stream->cursor.at;
    enum ctf_result result = CTF_SHORT;
    while (!is_at_end(stream)) {
        result = ctf_header_read(&file->packet.stream->header, &stream->cursor, &header);
        if (result == CTF_OK)
            break;
        int state = recover(stream, result, &at);
        if (state != 1)
            return state;
        stream->cursor.at = at;
    }
    if (result != CTF_OK)
        return 0;
    stream->event_at = stream->base * BYTE + at;
    stream->class = ctf_find_class(file->packet.stream, header.id);
    if (!stream->class) {
        damage(stream, FILE_UNKNOWN_EVENT, "event of an unknown or refused class");
        return 0;
    }
    set_clock(stream, &header);
    if (stream->clock > file->packet.end) { /* padding read as an event has a time of 0: the clock has wrapped */
        damage(stream, FILE_EVENT, "event later than its packet");
        return 0;
    }
    stream->time_ns = to_ns(file->trace, stream->clock);
    stream->is_ready = true;
    return 1;
}

/* Once its header was read. 1 = decoded into stream->values; 0 = damaged, the packet is closed; -ENOMEM. */
static inline int read_fields(struct ctf_stream *stream)
{
    uint64_t at = stream->cursor.at;
    enum ctf_result result;
    stream->is_ready = false;
    while ((result = ctf_program_run(&stream->class->program, &stream->cursor, stream->values)) != CTF_OK) {
        int state = recover(stream, result, &at);
        if (state < 0)
            return state;
        if (state == 0)
            return close_packet(stream);
        stream->cursor.at = at;
    }
    if (stream->base * BYTE + stream->cursor.at == stream->event_at) { /* without a bit of its own: endless */
        damage(stream, FILE_EVENT, "events without a size");
        return close_packet(stream);
    }
    stream->events++;
    return 1;
}

/* The event peeked at. 0 or -ENOMEM. */
static int count_event(struct ctf_stream *stream)
{
    struct ctf_tally *tally = &stream->tally;
    int state = read_fields(stream);
    if (state != 1)
        return state;
    tally->events[stream->class->tally]++;
    if (stream->time_ns < tally->first_ns)
        tally->first_ns = stream->time_ns;
    if (stream->time_ns > tally->last_ns)
        tally->last_ns = stream->time_ns;
    return 0;
}

int ctf_stream_peek(struct ctf_stream *stream)
{
    for (uint32_t counted = 0; counted < COUNTED_MAX;) {
        int state = stream->is_in_packet ? 1 : open_packet(stream);
        if (state != 1)
            return state;
        state = read_header(stream);
        if (state == 1 && stream->class->tally == CTF_DELIVER)
            return 1;
        counted += state == 1;
        if (state == 1)
            state = count_event(stream);
        else if (state == 0)
            state = close_packet(stream);
        if (state)
            return state;
    }
    return CTF_LATER;
}

static void fill_event(const struct ctf_stream *stream, struct ctf_event *out)
{
    const struct ctf_file *file = stream->file;
    *out = (struct ctf_event){.time_ns = stream->time_ns,
                              .class = &stream->class->shown,
                              .values = stream->values,
                              .trace_pid = file->trace->declared.vpid,
                              .stream = stream->number,
                              .cpu = file->packet.cpu};
}

int ctf_stream_take(struct ctf_stream *stream, struct ctf_event *out)
{
    int state = read_fields(stream);
    if (state == 1)
        fill_event(stream, out);
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

uint64_t ctf_stream_begin_ns(const struct ctf_stream *stream)
{
    return to_ns(current(stream)->trace, current(stream)->packet.begin);
}
