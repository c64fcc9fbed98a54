/* See stream.h. Start at ctf_stream_fill. The order of packets: stream_files.c; events: stream_events.c. */
#include "collector/ctf/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/stream_events.h"
#include "collector/ctf/stream_files.h"

enum { BYTE = 8, ALIGN_BYTES = TSDL_ALIGN_MAX_BITS / BYTE };

/* ---- what cannot be read ---- */

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
 * Shows the packet from the cursor on, where the event at hand begins or goes on, and rebases it. 1, or 0 when
 * there is nothing more to be seen: the file has become shorter, or the event is absurdly large.
 */
static int show_more(struct ctf_stream *stream)
{
    const struct ctf_packet *packet = &stream->file->packet;
    uint64_t skipped = stream->cursor.at / BYTE / ALIGN_BYTES * ALIGN_BYTES;
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
    stream->cursor.at -= skipped * BYTE;
    stream->ends_with_content = is_all || available < want;
    stream->cursor.end = is_all ? rest_bits : (uint64_t)available * BYTE;
    return 1;
}

/* CTF_AGAIN = from the cursor, there is more now; 0 = the rest of the packet cannot be read; -ENOMEM. */
static __attribute__((cold, noinline)) int recover(struct ctf_stream *stream, int why)
{
    static const char *const damages[] = {
        [CTF_SHORT] = "event runs past the end of its packet",
        [CTF_DAMAGED] = "damaged event",
        [CTF_UNKNOWN_CLASS] = "event of an unknown or refused class",
        [CTF_TOO_LATE] = "event later than its packet", /* padding that is read as an event: the clock has wrapped */
        [CTF_WITHOUT_SIZE] = "events without a size",   /* endless */
    };
    if (why == CTF_SHORT && !stream->ends_with_content) {
        int state = show_more(stream);
        return state == 1 ? CTF_AGAIN : state;
    }
    damage(stream, why == CTF_UNKNOWN_CLASS ? FILE_UNKNOWN_EVENT : FILE_EVENT, damages[why]);
    return 0;
}

/* ---- packets ---- */

static void release_buffers(struct ctf_stream *stream)
{
    ctf_window_fini(&stream->window);
    stream->cursor = (struct ctf_cursor){0};
}

/* CTF_AGAIN = in a packet; 0 = there are no more; -ENOMEM. */
static __attribute__((noinline)) int open_packet(struct ctf_stream *stream)
{
    int error = ctf_stream_drop_copies(stream);
    if (error)
        return error;
    if (stream->first == stream->file_count) {
        release_buffers(stream);
        return 0;
    }
    const struct ctf_packet *packet = &ctf_stream_current(stream)->packet;
    ctf_sequence_note(&stream->sequence, packet, stream->damaged_packets - stream->damaged_noted);
    stream->damaged_noted = stream->damaged_packets;
    stream->is_in_packet = true;
    stream->file = ctf_stream_current(stream);
    stream->is_damage_counted = ctf_stream_current(stream)->is_cut;
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
    int error = ctf_stream_pass_packet(stream);
    return error ? error : CTF_AGAIN;
}

/* What comes of it when no event could be read. */
static __attribute__((noinline)) int go_on(struct ctf_stream *stream, int why)
{
    int state = recover(stream, why);
    return state ? state : close_packet(stream);
}

int ctf_stream_fill(struct ctf_stream *stream, struct ctf_batch *batch)
{
    int why;
    if (!stream->is_in_packet)
        return open_packet(stream);
    int state = ctf_stream_read_events(stream, batch, &why);
    if (state)
        return state;
    return why == CTF_OK ? close_packet(stream) : go_on(stream, why);
}

/* ---- life ---- */

void ctf_stream_init(struct ctf_stream *stream, uint32_t number, struct ctf_file *files, size_t file_count,
                     const struct ctf_report *report)
{
    *stream = (struct ctf_stream){.files = files, .file_count = file_count, .report = report, .number = number};
    stream->tally.first_ns = UINT64_MAX;
    ctf_window_init(&stream->window);
    ctf_stream_sort_files(stream);
}

void ctf_stream_fini(struct ctf_stream *stream)
{
    release_buffers(stream);
    free(stream->files);
    stream->files = NULL;
}

uint64_t ctf_stream_now_ns(const struct ctf_stream *stream)
{
    return stream->file ? ctf_to_ns(stream->file->trace, stream->clock) : 0;
}

uint64_t ctf_stream_begin_ns(const struct ctf_stream *stream)
{
    return ctf_to_ns(ctf_stream_current(stream)->trace, ctf_stream_current(stream)->packet.begin);
}
