/* See emit.h. */
#include "runtime/emit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "runtime/config.h"
#include "runtime/contention.h"
#include "runtime/thread.h"

union msc_gate msc_gates[MSC_EVENT_COUNT] __attribute__((aligned(64)));
MSC_PRIVATE_NAME(contention_gates, msc_gates);

_Atomic uint32_t emit_audience = 1;

/* Written once by msc_emit_register (release), read by msc_emit (acquire). */
static _Atomic(msc_emit_fn *) emitter;

int msc_emit_register(msc_emit_fn *fn, union msc_gate **gates)
{
    msc_emit_fn *none = NULL;
    if (!atomic_compare_exchange_strong_explicit(&emitter, &none, fn, memory_order_release, memory_order_relaxed))
        return -EBUSY;
    *gates = msc_gates;
    return 0;
}

static void (*at_audience)(void); /* set before main, by the runtime itself */

void msc_emit_at_audience(void (*fn)(void))
{
    at_audience = fn;
}

void msc_emit_new_audience(void)
{
    atomic_fetch_add_explicit(&emit_audience, 1, memory_order_relaxed);
    if (at_audience)
        at_audience();
}

static void (*farewell)(void); /* set before main, by the runtime itself */

void msc_emit_at_farewell(void (*fn)(void))
{
    farewell = fn;
}

void msc_emit_farewell(void)
{
    if (farewell)
        farewell();
}

void msc_emit_reset(void)
{
    memset(msc_gates, 0, sizeof msc_gates);
    atomic_store_explicit(&emitter, NULL, memory_order_release);
}

static void emit(enum msc_event event, const void *record, bool is_announced)
{
    msc_emit_fn *fn = atomic_load_explicit(&emitter, memory_order_acquire);
    if (!fn || msc_guard)
        return;
    int kept_errno = errno, kept_cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &kept_cancel); /* a tracer may write to a pipe */
    if (is_announced) {
        thread_announce();
        config_announce();
    }
    msc_guard++;
    fn(event, record);
    msc_guard--;
    pthread_setcancelstate(kept_cancel, NULL);
    errno = kept_errno;
}

void msc_emit(enum msc_event event, const void *record)
{
    emit(event, record, true);
}

void msc_emit_unannounced(enum msc_event event, const void *record)
{
    emit(event, record, false);
}
