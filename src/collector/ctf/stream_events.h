/*
 * Events of the packet that a stream is in, from its cursor into a batch. Ours go through the fast path, as many as
 * there are; what is unusual about one is found out by reading it as any event.
 *
 * Of stream.c alone, which moves the cursor from packet to packet and sees to what cannot be read.
 */
#ifndef COLLECTOR_CTF_STREAM_EVENTS_H
#define COLLECTOR_CTF_STREAM_EVENTS_H

#include "collector/ctf/stream.h"

/* What keeps an event from being read, beside an enum ctf_result. */
enum { CTF_UNKNOWN_CLASS = CTF_DAMAGED + 1, CTF_TOO_LATE, CTF_WITHOUT_SIZE };

/*
 * Reads events until the batch is full (CTF_FULL), many were only counted (CTF_LATER), memory is out (-ENOMEM), or
 * there is no more to be read: 0, with CTF_OK in `*why` at the end of the packet, else with what keeps the event at the
 * cursor from being read.
 */
int ctf_stream_read_events(struct ctf_stream *stream, struct ctf_batch *batch, int *why);

#endif
