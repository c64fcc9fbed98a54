/*
 * Which packet of a stream comes next: its files, each with one packet ahead, in the order of those packets.
 *
 *     files:   [ ended | ended | packet 7 | packet 8 | packet 11 ]
 *                                first: the current file
 *
 * Passing packet 7 finds that file's next one, and moves the file behind those that come before. Of stream.c alone.
 */
#ifndef COLLECTOR_CTF_STREAM_FILES_H
#define COLLECTOR_CTF_STREAM_FILES_H

#include "collector/ctf/stream.h"

/* The file of the next packet, if first < file_count. */
static inline struct ctf_file *ctf_stream_current(const struct ctf_stream *stream)
{
    return &stream->files[stream->first];
}

/* Once, at first: puts the files in order, and takes note of what was found out about them. */
void ctf_stream_sort_files(struct ctf_stream *stream);

/* The current packet is done with: the next one is current. 0 or -ENOMEM. */
int ctf_stream_pass_packet(struct ctf_stream *stream);

/* Snapshots overlap: of one packet in several files the most complete copy stays, and is current. 0 or -ENOMEM. */
int ctf_stream_drop_copies(struct ctf_stream *stream);

#endif
