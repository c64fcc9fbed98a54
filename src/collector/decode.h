/*
 * Turns CTF events into model events by name: the one place that knows the trace's field names
 * (docs/events.md). Classes are bound once, on first sight; after that decoding is table look-ups.
 * A missing field reads as zero, an unknown event becomes EVENT_OTHER. Not thread-safe.
 */
#ifndef COLLECTOR_DECODE_H
#define COLLECTOR_DECODE_H

#include "collector/ctf/ctf.h"
#include "model/event.h"

struct decoder; /* opaque */

/* Of events that are not in `set` (EVENT_SET), only kind, pid, tid and time are decoded. 0 or -ENOMEM. */
int decoder_create(uint64_t set, struct decoder **out);
void decoder_destroy(struct decoder *decoder);

/* For ctf_options.wants: whether the decoder looks at that field of that class. */
bool decoder_wants(const struct decoder *decoder, const char *class_name, const struct ctf_field *field);

/* What events of that class become. */
enum event_kind decoder_kind_of(const char *class_name);

/* 0, or -ENOMEM. `*out` is borrowed until the next call. Cost: a load and a store a field. */
int decoder_decode(struct decoder *decoder, const struct ctf_event *in, const struct event **out);

#endif
