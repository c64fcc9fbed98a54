/* See contention_tell.h. */
#include "runtime/contention_tell.h"

#include "base/tsc_clock.h"
#include "runtime/emit.h"
#include "runtime/locks.h"
#include "runtime/sampler.h"
#include "runtime/stack.h"
#include "runtime/waits.h"

static void tell_wait(struct page_wait *slot, uint64_t lock, const char *name)
{
    uint64_t weight = msc_gate_on(MSC_EVENT_LOCK_WAIT) ? sampler_draw(waits_length(slot)) : 0;
    if (weight) {
        uintptr_t pcs[MSC_STACK_MAX];
        struct msc_ev_lock_wait event;
        waits_describe(slot, &event);
        event.lock = lock;
        event.name = name;
        event.weight = weight;
        event.stack = waits_stack(slot, pcs);
        msc_emit(MSC_EVENT_LOCK_WAIT, &event);
    }
    waits_free(slot);
}

void tell_now(struct page_lock *entry, struct page_wait *slot)
{
    tell_wait(slot, atomic_load_explicit(&entry->lock, memory_order_relaxed), lock_name(entry));
}

void contention_tell(struct contention_release *release, const void *frame)
{
    struct msc_ev_lock_release *event = &release->event;
    tsc_clock_refresh(event->release_ns);
    if (release->slot)
        tell_wait(release->slot, event->lock, event->name);
    uint64_t contended_ns = event->charge_ns + event->handoff_ns;
    if (contended_ns == 0 || !msc_gate_on(MSC_EVENT_LOCK_RELEASE))
        return;
    event->weight = sampler_draw(contended_ns);
    if (event->weight == 0)
        return;
    uintptr_t pcs[MSC_STACK_MAX];
    event->stack = stack_capture_from(pcs, frame);
    msc_emit(MSC_EVENT_LOCK_RELEASE, event);
}
