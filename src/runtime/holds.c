/* See holds.h. */
#include "runtime/holds.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/emit.h"
#include "runtime/interpose.h"
#include "runtime/locks.h"
#include "runtime/page.h"
#include "runtime/sampler.h"
#include "runtime/stack.h"

int msc_lock_holds_timed;

struct held {
    const void *lock; /* compared, never followed */
    uint64_t begin_ns;
};

/* In the order of their acquisition. */
static __thread struct {
    struct held held[HOLDS_MAX];
    uint32_t count;
} own __attribute__((tls_model("initial-exec")));

static _Atomic uint64_t forgotten;

/* The latest one of that lock, or NULL. */
static struct held *find(const void *lock)
{
    for (uint32_t i = own.count; i-- > 0;)
        if (own.held[i].lock == lock)
            return &own.held[i];
    return NULL;
}

static void take_out(const struct held *held)
{
    size_t at = (size_t)(held - own.held);
    own.count--;
    memmove(&own.held[at], &own.held[at + 1], (own.count - at) * sizeof own.held[0]);
}

void holds_begin(const void *lock, enum msc_lock_mode mode)
{
    if (msc_guard || !msc_gate_on(MSC_EVENT_LOCK_HOLD) ||
        atomic_load_explicit(&page.header.control.off, memory_order_relaxed))
        return;
    struct held *stale = mode == MSC_MODE_EXCLUSIVE ? find(lock) : NULL;
    if (stale) /* another thread gave it back */
        take_out(stale);
    if (own.count == HOLDS_MAX) {
        take_out(&own.held[0]);
        atomic_fetch_add_explicit(&forgotten, 1, memory_order_relaxed);
    }
    own.held[own.count++] = (struct held){lock, clock_now_ns()};
}

void holds_end(const void *lock, enum msc_lock_mode mode, struct msc_ev_lock_hold *out)
{
    out->weight = 0;
    struct held *held = msc_guard ? NULL : find(lock);
    if (!held)
        return;
    uint64_t begin_ns = held->begin_ns, hold_ns = clock_now_ns() - begin_ns;
    take_out(held);
    if (msc_gate_on(MSC_EVENT_LOCK_HOLD))
        *out = (struct msc_ev_lock_hold){.lock = (uintptr_t)lock,
                                         .mode = (uint32_t)mode,
                                         .begin_ns = begin_ns,
                                         .hold_ns = hold_ns,
                                         .weight = sampler_draw(hold_ns)};
}

void holds_describe(struct page_lock *entry, enum msc_lock_kind kind, struct msc_ev_lock_hold *out)
{
    out->kind = (uint32_t)kind;
    out->name = "";
    if (!entry || atomic_load_explicit(&entry->lock, memory_order_relaxed) != out->lock)
        return; /* no room, or it made room for another lock at this moment */
    out->lock_gen = atomic_load_explicit(&entry->gen, memory_order_relaxed);
    out->hold_seq = lock_hold(entry);
    out->name = lock_name(entry);
}

void holds_tell(struct msc_ev_lock_hold *event, const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    event->stack = stack_capture_from(pcs, frame);
    msc_emit(MSC_EVENT_LOCK_HOLD, event);
}

void holds_say_farewell(void)
{
    char text[128];
    uint64_t count = atomic_load_explicit(&forgotten, memory_order_relaxed);
    if (count == 0)
        return;
    snprintf(text, sizeof text, "%" PRIu64 " holds were not timed: their threads held more than %d locks", count,
             HOLDS_MAX);
    interpose_note(text);
}
