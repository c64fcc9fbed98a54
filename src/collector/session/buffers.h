/*
 * How much memory the tracer's buffers take. They lie in /dev/shm, which in a container is often too
 * small; the daemon then fails without saying why.
 */
#ifndef COLLECTOR_SESSION_BUFFERS_H
#define COLLECTOR_SESSION_BUFFERS_H

#include <stdint.h>

#include "support/diag.h"

/* A channel has one ring a CPU (and a traced process): `count` parts of `bytes` each, both powers of two. */
struct buffers {
    uint64_t bytes, count;
};

/* Channel `meta`: modules and libraries of a process. Small, but never crowded out by the others. */
#define BUFFERS_META ((struct buffers){64 * 1024, 2})

enum { BUFFERS_EVENTS_COUNT = 4 };
#define BUFFERS_RING_DEFAULT UINT64_C(1048576)
#define BUFFERS_RING_MIN UINT64_C(65536)
#define BUFFERS_RING_MAX (UINT64_C(1) << 32)

/* Channel `ev` for a ring of `ring_bytes` (rounded up to a power of two) in four parts. */
struct buffers buffers_of_ring(uint64_t ring_bytes);

/* What one traced process takes of /dev/shm: the tracer keeps one part a ring more than we ask for. */
uint64_t buffers_process_bytes(struct buffers events, unsigned cpus);

/*
 * Whether `folder` (/dev/shm) has room for one process: 0, -ENOSPC with what to do in `diag`, or that it
 * cannot be read. `*processes` = how many it has room for.
 */
int buffers_check(const char *folder, struct buffers events, uint64_t *processes, struct diag *diag);

#endif
