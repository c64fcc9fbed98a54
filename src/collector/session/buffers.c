/* See buffers.h. */
#include "collector/session/buffers.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>

/* Bookkeeping of a ring, and metadata of a process, rounded up. */
enum { RING_OVERHEAD_BYTES = 8192, PROCESS_OVERHEAD_BYTES = 65536 };

struct buffers buffers_of_ring(uint64_t ring_bytes)
{
    uint64_t rounded = BUFFERS_RING_MIN;
    while (rounded < ring_bytes && rounded < BUFFERS_RING_MAX)
        rounded *= 2;
    return (struct buffers){.bytes = rounded / BUFFERS_EVENTS_COUNT, .count = BUFFERS_EVENTS_COUNT};
}

static uint64_t ring_bytes(struct buffers buffers)
{
    return (buffers.count + 1) * buffers.bytes + RING_OVERHEAD_BYTES;
}

uint64_t buffers_process_bytes(struct buffers events, unsigned cpus)
{
    return cpus * (ring_bytes(events) + ring_bytes(BUFFERS_META)) + PROCESS_OVERHEAD_BYTES;
}

int buffers_check(const char *folder, struct buffers events, uint64_t *processes, struct diag *diag)
{
    struct statvfs status;
    if (statvfs(folder, &status))
        return diag_errno(diag, errno, "cannot see how much room %s has", folder);
    uint64_t free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    uint64_t needed = buffers_process_bytes(events, (unsigned)get_nprocs_conf());
    *processes = free_bytes / needed;
    if (*processes)
        return 0;
    return diag_set(diag, -ENOSPC,
                    "%s has %" PRIu64 " KiB left, the buffers of one process take %" PRIu64
                    " KiB: make it larger (mount -o remount,size=1G %s; docker run --shm-size=1g) or the buffers "
                    "smaller (--buffer)",
                    folder, free_bytes / 1024, needed / 1024, folder);
}
