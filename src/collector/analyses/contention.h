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
 * The order of the events does not matter: streams need no merge. Sums are exact (2^-16 of a contention or
 * of a nanosecond) until the view rounds each site once; at weight 1 nothing is ever rounded. Memory is
 * bounded by the distinct (lock, stack, mode, result, wait bucket). Not thread-safe.
 */
#ifndef COLLECTOR_ANALYSES_CONTENTION_H
#define COLLECTOR_ANALYSES_CONTENTION_H

#include "model/contention.h"
#include "model/event.h"
#include "model/stacks.h"

struct contention; /* opaque */

/* `stacks` is borrowed. 0 or -ENOMEM. */
int contention_create(struct stacks *stacks, struct contention **out);
void contention_destroy(struct contention *contention);

/* Of these it takes fields, the rest it ignores. */
#define CONTENTION_EVENTS                                                                                              \
    (EVENT_SET(EVENT_LOCK_RELEASE) | EVENT_SET(EVENT_LOCK_WAIT) | EVENT_SET(EVENT_LOCK_TOTALS) |                       \
     EVENT_SET(EVENT_SAMPLER_CONFIG))

/* 0 or -ENOMEM. */
int contention_apply(struct contention *contention, const struct event *event);

/* A snapshot that lives on its own, but for the names, which are borrowed from `contention`. 0 or -ENOMEM. */
int contention_view_create(const struct contention *contention, struct contention_view **out);
void contention_view_destroy(struct contention_view *view);

#endif
