/* See lock_snapshot.h. */
#include "model/lock_snapshot.h"

#include <stdlib.h>

void lock_snapshot_fini(struct lock_snapshot *snapshot)
{
    free(snapshot->locks);
    free(snapshot->waits);
    *snapshot = (struct lock_snapshot){0};
}

void lock_snapshots_fini(struct lock_snapshots *snapshots)
{
    for (size_t i = 0; i < snapshots->count; i++)
        lock_snapshot_fini(&snapshots->items[i]);
    free(snapshots->items);
    *snapshots = (struct lock_snapshots){0};
}

size_t lock_snapshots_blocked(const struct lock_snapshots *snapshots)
{
    size_t blocked = 0;
    for (size_t i = 0; i < snapshots->count; i++)
        for (size_t wait = 0; wait < snapshots->items[i].wait_count; wait++)
            blocked += snapshots->items[i].waits[wait].state == LOCK_WAIT_BLOCKED;
    return blocked;
}

/* The wait of that thread that blocks it now, or NULL. */
static const struct lock_snapshot_wait *wait_of(const struct lock_snapshot *snapshot, uint32_t tid)
{
    for (size_t i = 0; tid && i < snapshot->wait_count; i++)
        if (snapshot->waits[i].tid == tid && snapshot->waits[i].state == LOCK_WAIT_BLOCKED)
            return &snapshot->waits[i];
    return NULL;
}

size_t lock_snapshot_cycle(const struct lock_snapshot *snapshot, size_t first, size_t *cycle, size_t max)
{
    const struct lock_snapshot_wait *wait = &snapshot->waits[first];
    if (wait->state != LOCK_WAIT_BLOCKED)
        return 0;
    for (size_t count = 0; wait && count < max;) {
        cycle[count++] = (size_t)(wait - snapshot->waits);
        wait = wait_of(snapshot, snapshot->locks[wait->lock].holder_tid);
        if (wait == &snapshot->waits[first])
            return count;
    }
    return 0;
}
