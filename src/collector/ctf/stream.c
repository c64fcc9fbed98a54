/* See stream.h. Start at ctf_stream_step. */
#include "collector/ctf/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/pick.h"

enum {
    BYTE = 8,
    COUNTED_MAX = 65536,
    ALIGN_BYTES = TSDL_ALIGN_MAX_BITS / BYTE,
    WORD = sizeof(uint64_t),
    ROOM_WORDS = 512
};

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

/* What keeps an event from being read, beside an enum ctf_result. */
enum { UNKNOWN_CLASS = CTF_DAMAGED + 1, TOO_LATE, WITHOUT_SIZE };

/*
 * CTF_AGAIN = from the rebased `*at`; 0 = the rest of the packet cannot be read; CTF_FULL; -ENOMEM.
 */
static __attribute__((cold, noinline)) int recover(struct ctf_stream *stream, int result, uint64_t *at)
{
    static const char *const damages[] = {
        [CTF_SHORT] = "event runs past the end of its packet",
        [CTF_DAMAGED] = "damaged event",
        [UNKNOWN_CLASS] = "event of an unknown or refused class",
        [TOO_LATE] = "event later than its packet", /* padding that is read as an event: the clock has wrapped */
        [WITHOUT_SIZE] = "events without a size",   /* endless */
    };
    if (result == CTF_SCRATCH)
        return CTF_FULL;
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
    free(stream->room.words);
    stream->room = (struct ctf_room){0};
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
    stream->event.stream = stream->number;
    stream->event.cpu = packet->cpu;
    return CTF_AGAIN;
}

/* CTF_AGAIN or -ENOMEM. */
static __attribute__((noinline)) int close_packet(struct ctf_stream *stream)
{
    stream->is_in_packet = false;
    int error = advance_file(stream, stream->first);
    return error ? error : CTF_AGAIN;
}

/* ---- events ---- */

static inline void set_clock(struct ctf_stream *stream, const struct ctf_header_values *header)
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

/* Copies what lies in the packet behind the record and its elements. False if there is no room. */
static __attribute__((noinline)) bool move_texts(const struct ctf_program *program, struct ctf_room *room)
{
    for (size_t i = 0; i < program->text_count; i++) {
        struct ctf_value *value = (struct ctf_value *)(void *)((uint8_t *)room->words + program->texts[i]);
        uint64_t *to = room->words + room->used;
        room->used += (value->length + (size_t)WORD - 1) / WORD;
        if (room->used > room->count)
            return false;
        if (value->length)
            value->text = memcpy(to, value->text, value->length);
    }
    return true;
}

static inline enum ctf_result read_fields(struct ctf_stream *stream, const struct ctf_program *program,
                                          struct ctf_room *room)
{
    struct ctf_cursor *cursor = &stream->cursor;
    size_t record_words = program->record_bytes / WORD;
    room->used = record_words;
    if (__builtin_expect(record_words > room->count, 0))
        return CTF_SCRATCH;
    cursor->scratch = room->words + record_words;
    cursor->scratch_capacity = room->count - record_words;
    enum ctf_result result = ctf_run_fast(program, cursor, room->words);
    room->used += result == CTF_SCRATCH ? cursor->scratch_needed : cursor->scratch_used;
    if (room->is_apart && program->text_count && result == CTF_OK && !move_texts(program, room))
        return CTF_SCRATCH;
    return result;
}

/* CTF_OK, or why not. */
static inline int read_event(struct ctf_stream *stream, struct ctf_room *room)
{
    const struct ctf_file *file = stream->file;
    struct ctf_header_values header;
    enum ctf_result result = ctf_header_read(&file->packet.stream->header, &stream->cursor, &header);
    if (result != CTF_OK)
        return result;
    const struct ctf_class *class = ctf_find_class(file->packet.stream, header.id);
    if (!class)
        return UNKNOWN_CLASS;
    set_clock(stream, &header);
    if (stream->clock > file->packet.end)
        return TOO_LATE;
    stream->event.time_ns = to_ns(file->trace, stream->clock);
    stream->event.class = &class->shown;
    stream->event.record = room->words;
    return read_fields(stream, &class->program, room);
}

/* 1 = it was only counted. */
static inline bool count_event(struct ctf_stream *stream)
{
    struct ctf_tally *tally = &stream->tally;
    int which = ((const struct ctf_class *)stream->event.class)->tally; /* `shown` is its first member */
    uint64_t time_ns = stream->event.time_ns;
    stream->events++;
    if (which == CTF_DELIVER)
        return false;
    tally->events[which]++;
    tally->first_ns = time_ns < tally->first_ns ? time_ns : tally->first_ns;
    tally->last_ns = time_ns > tally->last_ns ? time_ns : tally->last_ns;
    return true;
}

/* What comes of it when no event could be read from `at` on. */
static __attribute__((noinline)) int go_on(struct ctf_stream *stream, int result, uint64_t at)
{
    int state = recover(stream, result, &at);
    stream->cursor.at = at;
    return state ? state : close_packet(stream);
}

/* Inlined into both that an event may come by: calls cost as much as they do. */
static inline __attribute__((always_inline)) int step(struct ctf_stream *stream, struct ctf_room *room)
{
    if (!stream->is_in_packet)
        return open_packet(stream);
    for (; stream->counted < COUNTED_MAX; stream->counted++) {
        uint64_t at = stream->cursor.at;
        if (is_at_end(stream))
            return close_packet(stream);
        int result = read_event(stream, room);
        if (result == CTF_OK && stream->cursor.at == at)
            result = WITHOUT_SIZE;
        if (__builtin_expect(result != CTF_OK, 0))
            return go_on(stream, result, at);
        if (!count_event(stream)) {
            stream->counted = 0;
            return 1;
        }
    }
    stream->counted = 0;
    return CTF_LATER;
}

int ctf_stream_step(struct ctf_stream *stream, struct ctf_room *room)
{
    return step(stream, room);
}

static __attribute__((noinline)) int enlarge(struct ctf_room *room)
{
    size_t count = room->used * 2 > ROOM_WORDS ? room->used * 2 : ROOM_WORDS;
    uint64_t *words = malloc(count * sizeof *words);
    if (!words)
        return -ENOMEM;
    free(room->words);
    *room = (struct ctf_room){.words = words, .count = count};
    return 0;
}

int ctf_stream_next(struct ctf_stream *stream)
{
    int state;
    do {
        state = step(stream, &stream->room);
        if (state == CTF_FULL)
            state = enlarge(&stream->room) ? -ENOMEM : CTF_AGAIN;
    } while (state == CTF_AGAIN);
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
