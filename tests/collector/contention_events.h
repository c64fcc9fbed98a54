/* Events of locks, and the contention analysis that they are applied to. */
#ifndef TESTS_COLLECTOR_CONTENTION_EVENTS_H
#define TESTS_COLLECTOR_CONTENTION_EVENTS_H

#include "support/cmocka_main.h"

#include <string.h>

#include "collector/analyses/contention.h"

enum { PID = 10, ONE = EVENT_WEIGHT_ONE };

struct fixture {
    struct stacks *stacks;
    struct contention *contention;
    struct contention_view *view;
};

static inline void init(struct fixture *f)
{
    *f = (struct fixture){0};
    assert_int_equal(stacks_create(&f->stacks), 0);
    assert_int_equal(contention_create(f->stacks, &f->contention), 0);
}

static inline void fini(struct fixture *f)
{
    contention_view_destroy(f->view);
    contention_destroy(f->contention);
    stacks_destroy(f->stacks);
}

static inline const struct contention_view *view_of(struct fixture *f)
{
    contention_view_destroy(f->view);
    assert_int_equal(contention_view_create(f->contention, &f->view), 0);
    return f->view;
}

static inline struct event_text text_of(const char *text)
{
    return (struct event_text){text, (uint32_t)strlen(text)};
}

static inline void apply(struct fixture *f, struct event event, uint64_t site)
{
    event.pid = event.pid ? event.pid : PID;
    event.stack = (struct event_stack){&site, site ? 1 : 0};
    assert_int_equal(contention_apply(f->contention, &event), 0);
}

static inline struct event release_event(uint64_t lock, uint64_t charge_ns, uint64_t handoff_ns, uint64_t weight)
{
    return (struct event){.kind = EVENT_LOCK_RELEASE,
                          .lock_release = {.lock = {lock, 1},
                                           .charge_ns = charge_ns,
                                           .handoff_ns = handoff_ns,
                                           .weight = weight,
                                           .name = text_of("cache")}};
}

static inline struct event wait_event(uint64_t lock, uint64_t wait_ns, uint32_t result, uint64_t weight)
{
    return (struct event){.kind = EVENT_LOCK_WAIT,
                          .lock_wait = {.lock = {lock, 1}, .wait_ns = wait_ns, .result = result, .weight = weight}};
}

static inline struct event totals_event(uint64_t lock, uint64_t ops, uint64_t max_ns)
{
    return (struct event){.kind = EVENT_LOCK_TOTALS,
                          .lock_totals = {.lock = {lock, 1}, .ops = ops, .contentions = ops / 2, .max_ns = max_ns}};
}

#endif
