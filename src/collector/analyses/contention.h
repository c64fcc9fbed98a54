/*
 * Contention: lock events in, charges and waits aggregated by (lock, stack) out (model/contention.h).
 *
 *     struct contention *contention;
 *     int error = contention_create(stacks, &contention);
 *     while (...)
 *         error = contention_apply(contention, &event);
 *     struct contention_view *view;
 *     error = contention_view_create(contention, &view);
 *
 * The order of the events does not matter, but that names of threads and maps are told before they matter. Sums are
 * exact (2^-16 of a contention or of a nanosecond) until the view rounds each part of a site once; at weight 1
 * nothing is ever rounded. Memory is bounded by the threads, and the distinct (lock, kind, stack, mode, result,
 * wait bucket, name of a thread). Not thread-safe.
 */
#ifndef COLLECTOR_ANALYSES_CONTENTION_H
#define COLLECTOR_ANALYSES_CONTENTION_H

#include "model/contention.h"
#include "model/event.h"
#include "model/lock_snapshot.h"
#include "model/stacks.h"
#include "model/symbols.h"

struct contention; /* opaque */

/* `stacks` is borrowed. 0 or -ENOMEM. */
int contention_create(struct stacks *stacks, struct contention **out);
void contention_destroy(struct contention *contention);

/* Of these it takes fields, the rest it ignores. */
#define CONTENTION_EVENTS                                                                                              \
    (EVENT_SET(EVENT_LOCK_RELEASE) | EVENT_SET(EVENT_LOCK_WAIT) | EVENT_SET(EVENT_LOCK_TOTALS) |                       \
     EVENT_SET(EVENT_LOCK_HOLD) | EVENT_SET(EVENT_LOCK_INVENTORY) | EVENT_SET(EVENT_SAMPLER_CONFIG) |                  \
     EVENT_SET(EVENT_THREAD_START) | EVENT_SET(EVENT_MAP_ALLOC) | EVENT_SET(EVENT_MAP_INVENTORY) |                     \
     EVENT_SET(EVENT_LOG))

/* 0 or -ENOMEM. */
int contention_apply(struct contention *contention, const struct event *event);

/*
 * What a process' page says had not ended when its events were over; to be called once a process, after its last
 * event. Its totals count as lock_totals do. Interns the stacks of the waits, and notes their ids in `snapshot`.
 * 0 or -ENOMEM.
 */
int contention_apply_snapshot(struct contention *contention, struct lock_snapshot *snapshot);

/* A view that lives on its own, but for the names, which are borrowed from `contention`. 0 or -ENOMEM. */
int contention_view_create(const struct contention *contention, struct contention_view **out);
/*
 * Gives each contended lock its title (lock_title.h). `stacks` and `symbols` (which this may let open files) are
 * borrowed for the call; `end_ns` is a time at which all that was mapped is known. 0 or -ENOMEM.
 */
int contention_view_name(struct contention_view *view, const struct stacks *stacks, const struct symbols *symbols,
                         uint64_t end_ns);

void contention_view_destroy(struct contention_view *view);

#endif
