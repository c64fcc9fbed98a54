/*
 * Hands a timeline on to a sink that a helper works for, so that events are analysed while the slices before them are
 * written.
 *
 *     struct timeline_relay *relay;
 *     int error = timeline_relay_create(&sink, helper, &relay);
 *     produce(timeline_relay_sink(relay));             // copies, and helps to drain while the ring is full
 *     error = timeline_relay_finish(relay);            // all of it has arrived, or the sink's error
 *     timeline_relay_destroy(relay);
 *
 *     producer -> block, block, block (a ring of RELAY_BLOCKS) -> helper -> sink
 *
 * The sink sees the same calls in the same order, one at a time, by either thread. Of a slice that is_lasting only the
 * addresses of its texts are copied, so these must last until timeline_relay_finish. An error of the sink comes back
 * with a later call. Without a helper the producer calls the sink itself. Memory: the ring. Cost: bench/convert.
 */
#ifndef COLLECTOR_TIMELINE_RELAY_H
#define COLLECTOR_TIMELINE_RELAY_H

#include "model/timeline.h"

struct timeline_relay; /* opaque */
struct helper;

/* `sink` is copied; `helper` is borrowed, NULL = there is none. 0 or -ENOMEM. */
int timeline_relay_create(const struct timeline_sink *sink, struct helper *helper, struct timeline_relay **out);

/* Borrowed. */
const struct timeline_sink *timeline_relay_sink(const struct timeline_relay *relay);

/* Waits until the sink has seen everything; once, after the last call. 0 or the sink's error. */
int timeline_relay_finish(struct timeline_relay *relay);

/* Legal without a finish: what the sink has not seen yet is dropped. */
void timeline_relay_destroy(struct timeline_relay *relay);

#endif
