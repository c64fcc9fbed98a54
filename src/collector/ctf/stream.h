/*
 * One stream: the events of one buffer (a channel on a CPU), from however many files tracefile rings,
 * rotation chunks and overlapping snapshots have spread it over.
 *
 *     do
 *         state = ctf_stream_fill(stream, batch);     // until there is something to be said, or the batch is full
 *     while (state == CTF_AGAIN);
 *
 * Streams share nothing that is written to, so that each may be read on a thread of its own. Memory: one
 * window, from the first event to the last.
 */
#ifndef COLLECTOR_CTF_STREAM_H
#define COLLECTOR_CTF_STREAM_H

#include "collector/ctf/batch.h"
#include "collector/ctf/ctf.h"
#include "collector/ctf/file.h"
#include "collector/ctf/sequence.h"

/* No event yet, but perhaps a warning. */
enum { CTF_AGAIN = CTF_FULL + 1 };

struct ctf_stream {
    _Alignas(
        CTF_APART_BYTES) struct ctf_file *files; /* owned; [first, count) have a packet ahead, lowest number first */
    size_t first, file_count;
    const struct ctf_report *report;
    uint32_t number;
    struct ctf_window window;
    struct ctf_sequence sequence;
    uint64_t events, damaged_packets, skipped_files, done_bytes;
    struct ctf_tally tally;
    uint32_t counted;       /* since the last event that was not only counted */
    uint64_t damaged_noted; /* of damaged_packets, those that `sequence` knows of */

    bool is_in_packet, is_damage_counted;
    struct ctf_file *file;  /* files[first], while in a packet */
    bool ends_with_content; /* the cursor's end is the content's, not only the window's */
    uint64_t base;          /* of the cursor's bytes in the packet; a multiple of the largest alignment */
    struct ctf_cursor cursor;
    uint64_t clock; /* ticks, of the last event */
};

/* Takes `files` (malloc'd, each with its first packet found) in any order; always succeeds. */
void ctf_stream_init(struct ctf_stream *stream, uint32_t number, struct ctf_file *files, size_t file_count,
                     const struct ctf_report *report);
void ctf_stream_fini(struct ctf_stream *stream);

/* No event is earlier than this, as far as the packets say; from open to the first event. */
uint64_t ctf_stream_begin_ns(const struct ctf_stream *stream);

/* The time of the last event that was read; none that follows should be earlier. */
uint64_t ctf_stream_now_ns(const struct ctf_stream *stream);

/*
 * Decodes events into the batch, until something is to be said or done: CTF_FULL = it is full; CTF_AGAIN = there may be
 * a warning, which comes before the next event; 0 = the end; CTF_LATER = many were only counted; -ENOMEM.
 */
int ctf_stream_fill(struct ctf_stream *stream, struct ctf_batch *batch);

#endif
