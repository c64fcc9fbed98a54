/* See wakeup.h. */
#include "runtime/wakeup.h"

#include "runtime/emit.h"
#include "runtime/stack.h"

void wakeup_tell(const void *cond, const struct wakeup *wakeup, const void *frame)
{
    if (wakeup->woken == 0 || !msc_gate_on(MSC_EVENT_COND_SIGNAL))
        return;
    uintptr_t pcs[MSC_STACK_MAX];
    struct msc_ev_cond_signal event = {.cond = (uintptr_t)cond,
                                       .lock = wakeup->lock,
                                       .lock_gen = wakeup->lock_gen,
                                       .begin_ns = wakeup->begin_ns,
                                       .woken = wakeup->woken,
                                       .stack = stack_capture_from(pcs, frame)};
    msc_emit(MSC_EVENT_COND_SIGNAL, &event);
}
