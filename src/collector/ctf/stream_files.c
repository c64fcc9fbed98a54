/* See stream_files.h. */
#include "collector/ctf/stream_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
static int advance(struct ctf_stream *stream, size_t at)
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

int ctf_stream_drop_copies(struct ctf_stream *stream)
{
    while (stream->first + 1 < stream->file_count &&
           is_same_packet(ctf_stream_current(stream), ctf_stream_current(stream) + 1)) {
        struct ctf_file *file = ctf_stream_current(stream);
        bool is_worse = file->is_cut && file[1].packet.content_bits >= file->packet.content_bits;
        int error = advance(stream, is_worse ? stream->first : stream->first + 1);
        if (error)
            return error;
    }
    return 0;
}

int ctf_stream_pass_packet(struct ctf_stream *stream)
{
    return advance(stream, stream->first);
}

static int by_order(const void *a, const void *b)
{
    uint64_t left = order_of(a), right = order_of(b);
    return left < right ? -1 : left > right;
}

void ctf_stream_sort_files(struct ctf_stream *stream)
{
    qsort(stream->files, stream->file_count, sizeof *stream->files, by_order);
    for (size_t i = 0; i < stream->file_count; i++) {
        stream->done_bytes += stream->files[i].next;
        take_note_of_damage(stream, &stream->files[i]);
    }
}
