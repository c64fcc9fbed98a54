/*
 * One stream: the events of one buffer (a channel on a CPU), from however many files tracefile rings,
 * rotation chunks and overlapping snapshots have spread it over.
 *
 *     while ((state = ctf_stream_next(stream)) == 1)
 *         use(&stream->event);
 *
 * Streams share nothing that is written to, so that each may be read on a thread of its own. Memory: one
 * window, from the first event to the last.
 */
#ifndef COLLECTOR_CTF_STREAM_H
#define COLLECTOR_CTF_STREAM_H

#include "collector/ctf/ctf.h"
#include "collector/ctf/file.h"
#include "collector/ctf/sequence.h"

/* What two threads write to lies so far apart that neither takes the other's cache line, or its neighbour. */
enum { CTF_APART_BYTES = 128 };

/* Where an event is decoded into: its record, and behind that what this points to. */
struct ctf_room {
    uint64_t *words;
    size_t count, used; /* of words; with CTF_FULL `used` is what is needed, at least */
    bool is_apart;      /* the texts, too: else they are where they were read */
};

/* CTF_FULL: the room is too small, the event is read again. CTF_AGAIN: no event yet, but perhaps a warning. */
enum { CTF_FULL = 3, CTF_AGAIN };

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
    uint64_t clock; /* ticks */

    struct ctf_event event; /* the last one */
    struct ctf_room room;   /* owned; for who brings none */
};

/* Takes `files` (malloc'd, each with its first packet found) in any order; always succeeds. */
void ctf_stream_init(struct ctf_stream *stream, uint32_t number, struct ctf_file *files, size_t file_count,
                     const struct ctf_report *report);
void ctf_stream_fini(struct ctf_stream *stream);

/* No event is earlier than this, as far as the packets say; from open to the first event. */
uint64_t ctf_stream_begin_ns(const struct ctf_stream *stream);

/* 1 = stream->event is there, good until the next; 0 = the end; CTF_LATER; -ENOMEM. */
int ctf_stream_next(struct ctf_stream *stream);

/* The same, with an event that is good for as long as the room; also CTF_FULL and CTF_AGAIN. */
int ctf_stream_step(struct ctf_stream *stream, struct ctf_room *room);

#endif
