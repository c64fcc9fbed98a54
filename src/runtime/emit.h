/*
 * The seam between the runtime and a tracer.
 *
 * A call site asks msc_gate_on(EVENT): one relaxed load and a branch. While a tracer listens to that
 * event the site builds its record on the stack and calls msc_emit(). The runtime knows no tracer; the
 * tracer (libmapscope-lttng, or a test) registers one function.
 *
 * A gate's memory is lent to the tracer: LTTng keeps its tracepoint descriptor in it, whose `state`
 * field is what the call site loads. So LTTng switches a call site on by itself, with no copy to keep in
 * step and no second load. A tracer without such a descriptor (tests) just sets `on`.
 *
 * Thread safety: msc_emit may be called from any thread; register once, from a constructor.
 * Cost: bench/tracepoint.
 */
#ifndef MSC_RUNTIME_EMIT_H
#define MSC_RUNTIME_EMIT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "mapscope/api.h"
#include "runtime/event.h"

#define MSC_GATE_SIZE 128
#define MSC_GATE_STATE_OFFSET 24

union msc_gate {
    unsigned char tracer[MSC_GATE_SIZE]; /* the tracer's descriptor */
    struct {
        unsigned char before[MSC_GATE_STATE_OFFSET];
        _Atomic int on; /* set by the tracer while the event is wanted */
    } state;
};

/* Hidden, so that a call site needs no second load to find its gate. */
extern union msc_gate msc_gates[MSC_EVENT_COUNT] __attribute__((visibility("hidden")));

static inline bool msc_gate_on(enum msc_event event)
{
    return MSC_TRACE && __builtin_expect(atomic_load_explicit(&msc_gates[event].state.on, memory_order_relaxed), 0);
}

/* `record` is the struct that runtime/event.h names for `event`; borrowed for the call. */
typedef void msc_emit_fn(enum msc_event event, const void *record);

/*
 * Installs the tracer and lends it the gates (MSC_EVENT_COUNT of them, indexed by enum msc_event).
 * The first tracer wins; a later call returns -EBUSY and changes nothing. Exported to tracers only.
 */
__attribute__((visibility("default"))) int msc_emit_register(msc_emit_fn *fn, union msc_gate **gates);

/*
 * A second set of gates, for the macros of mapscope/probe.h: *count of them, for the first events of
 * enum msc_event. The tracer lends itself to them too. Exported to tracers only.
 */
__attribute__((visibility("default"))) union msc_gate *msc_emit_probe_gates(size_t *count);

/*
 * The last moment to emit: calls what msc_emit_at_farewell was given (lock totals, say). Exported to
 * tracers, which call it from their destructor with the gates still open. A destructor of the runtime's
 * own would come too late: a library is finalised after those that depend on it.
 */
__attribute__((visibility("default"))) void msc_emit_farewell(void);
void msc_emit_at_farewell(void (*fn)(void)); /* one function, from a constructor */

/*
 * Which audience the tracer has: 1, and one more whenever there may be somebody who has heard nothing yet: a session
 * begins, or asks for the state of the process anew (lttng regenerate statedump). What is said but once (names of
 * threads, settings, the maps there are) remembers to whom it was said, and is said again to another one:
 *
 *     if (told != emit_audience_now()) ...         where an event goes out anyway: one more load
 *
 * Raised in a thread of the tracer's, which may see it an instant after the gates opened. Relaxed: nothing is
 * published with it.
 */
extern _Atomic uint32_t emit_audience __attribute__((visibility("hidden")));

static inline uint32_t emit_audience_now(void)
{
    return atomic_load_explicit(&emit_audience, memory_order_relaxed);
}

/* Whether `*told`, the audience that was told last (0 = none), is another one; says so to one of the threads that ask.
 */
static inline bool emit_is_news(uint32_t *told)
{
    uint32_t now = emit_audience_now(), before = __atomic_load_n(told, __ATOMIC_RELAXED);
    return before != now && __atomic_compare_exchange_n(told, &before, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* Exported to tracers. Any thread; what was given below is called in it. */
__attribute__((visibility("default"))) void msc_emit_new_audience(void);

/*
 * Once, from a constructor: called with each new audience, in the tracer's thread, which has the time that threads of
 * the program have not. It emits with msc_emit_unannounced: that thread is none of the program's.
 */
void msc_emit_at_audience(void (*fn)(void));

/* For tests: takes the tracer away and closes every gate. */
void msc_emit_reset(void);

/*
 * Hands `record` to the tracer; does nothing without one. Keeps errno, and is no cancellation point whatever
 * the tracer does. Emitting from inside an emit (the tracer took an instrumented lock, say) is dropped: a
 * thread is inside at most one emit.
 */
void msc_emit(enum msc_event event, const void *record);

/* The same, without a word of the calling thread or the settings before it. */
void msc_emit_unannounced(enum msc_event event, const void *record);

#endif
