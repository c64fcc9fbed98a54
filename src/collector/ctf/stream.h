/*
 * One stream: the events of one buffer (a channel on a CPU), from however many files tracefile rings,
 * rotation chunks and overlapping snapshots have spread it over.
 *
 *     while ((state = ctf_stream_peek(stream)) == 1)   // the next event's class and time are known
 *         if (ctf_stream_take(stream, &event) == 1)    // its fields too
 *             use(&event);
 *
 * Streams share nothing that is written to, so that each may be read on a thread of its own. Memory: one
 * window, from the first peek to the last.
 */
#ifndef COLLECTOR_CTF_STREAM_H
#define COLLECTOR_CTF_STREAM_H

#include "collector/ctf/ctf.h"
#include "collector/ctf/file.h"
#include "collector/ctf/sequence.h"

/* What two threads write to lies so far apart that neither takes the other's cache line, or its neighbour. */
enum { CTF_APART_BYTES = 128 };

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
    uint64_t damaged_noted; /* of damaged_packets, those that `sequence` knows of */

    bool is_in_packet, is_damage_counted;
    struct ctf_file *file;    /* files[first], while in a packet */
    bool ends_with_content;   /* the cursor's end is the content's, not only the window's */
    uint64_t base;            /* of the cursor's bytes in the packet; a multiple of the largest alignment */
    struct ctf_cursor cursor; /* owns its scratch */
    uint64_t clock;           /* ticks */

    bool is_ready;                 /* an event was peeked at and not taken */
    const struct ctf_class *class; /* of that event */
    uint64_t time_ns;
    uint64_t event_at;        /* bit of the packet where it begins */
    struct ctf_value *values; /* owned */
};

/* Takes `files` (malloc'd, each with its first packet found) in any order; always succeeds. */
void ctf_stream_init(struct ctf_stream *stream, uint32_t number, struct ctf_file *files, size_t file_count,
                     const struct ctf_report *report);
void ctf_stream_fini(struct ctf_stream *stream);

/* No event is earlier than this, as far as the packets say; from open to the first peek. */
uint64_t ctf_stream_begin_ns(const struct ctf_stream *stream);

/* 1 = stream->class and time_ns are the next event's; 0 = the end; CTF_LATER = not yet; -ENOMEM. */
int ctf_stream_peek(struct ctf_stream *stream);

/* 1 = decoded into `out`; 0 = damaged and dropped with the rest of its packet: peek again; -ENOMEM. */
int ctf_stream_take(struct ctf_stream *stream, struct ctf_event *out);

#endif
