/*
 * When a recording ends by itself: after a time, or when its trace has grown to a size. The size is looked
 * at once a second at most, and sooner the faster it grows: each time for half of what is left at the
 * speed so far. What the tracer still has in its buffers comes on top.
 *
 *     limits_begin(&limits, 0, 1000, now);      // 1000 bytes
 *     limits_note_size(&limits, 0, now);        // looked: look again in a second
 *     limits_note_size(&limits, 500, now + 1s); // 500 B/s: again in half a second
 */
#ifndef COLLECTOR_SESSION_LIMITS_H
#define COLLECTOR_SESSION_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

struct limits {
    uint64_t end_ns;     /* CLOCK_MONOTONIC, as all times here; UINT64_MAX = never */
    uint64_t max_bytes;  /* 0 = any size */
    uint64_t look_ns;    /* when the size is due to be looked at; UINT64_MAX = never */
    uint64_t seen_bytes; /* at the last look */
    uint64_t seen_ns;
};

enum limits_reached { LIMITS_NONE, LIMITS_DURATION, LIMITS_SIZE };

/* `duration_ns` and `max_bytes`: 0 = no such limit. */
void limits_begin(struct limits *limits, uint64_t duration_ns, uint64_t max_bytes, uint64_t now_ns);

/* When something is to be done next; UINT64_MAX = never. */
uint64_t limits_due_ns(const struct limits *limits);

/* Whether limits_note_size is to be called now. */
bool limits_wants_size(const struct limits *limits, uint64_t now_ns);
void limits_note_size(struct limits *limits, uint64_t bytes, uint64_t now_ns);

enum limits_reached limits_reached(const struct limits *limits, uint64_t now_ns);

#endif
