/*
 * Makes LTTng-UST the runtime's tracer. Start reading at tracer_start.
 *
 * LTTng keeps one descriptor a tracepoint and switches it on by storing to its `state`. Here these
 * descriptors lie inside the runtime's gates (runtime/emit.h), so a call site loads what LTTng stores:
 *
 *     call site -> msc_gates[e].state.on   = descriptor->state     0 | 1, written by LTTng's listener thread
 *     msc_emit  -> emit() below            -> descriptor->probes   one entry a session and channel, under RCU
 *
 * The descriptor's `signature` must equal the probe's (LTTng compares the strings and leaves the event off
 * otherwise): both are the argument list of the same line of tracepoints/events.h.
 *
 * Threads: emit runs in any thread; the constructor and the destructor run once. The library is never
 * unloaded (-z nodelete), so neither a gate nor a thread in the middle of an emit can lose its code.
 */
#include <lttng/tracepoint.h>
#include <stddef.h>
#include <string.h>

#include "runtime/emit.h"
#include "tracepoints/probes.h"

/*
 * LTTng's header calls these through a table that its destructor clears while other threads may still
 * emit. They are part of its ABI under these names, so they are linked here like any other function.
 */
#undef lttng_ust_tp_rcu_read_lock
#undef lttng_ust_tp_rcu_read_unlock
void lttng_ust_tp_rcu_read_lock(void);
void lttng_ust_tp_rcu_read_unlock(void);

_Static_assert(offsetof(struct lttng_ust_tracepoint, state) == MSC_GATE_STATE_OFFSET, "a gate is LTTng's state");
_Static_assert(sizeof(((struct lttng_ust_tracepoint *)0)->state) == sizeof(_Atomic int), "a gate is LTTng's state");
_Static_assert(sizeof(struct lttng_ust_tracepoint) <= MSC_GATE_SIZE, "a descriptor fits into a gate");

/* index_map_alloc = MSC_EVENT_MAP_ALLOC ... */
enum {
#define INDEX(NAME, name) index_##name = MSC_EVENT_##NAME,
    MSC_EVENTS(INDEX)
#undef INDEX
};

#define SIGNATURE(...) #__VA_ARGS__
#undef LTTNG_UST_TRACEPOINT_EVENT_CLASS
#undef LTTNG_UST_TRACEPOINT_EVENT_INSTANCE
#define LTTNG_UST_TRACEPOINT_EVENT_CLASS(provider, layout, args, fields)
#define LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(layout_provider, layout, provider, name, args)                             \
    [index_##name] = {                                                                                                 \
        .struct_size = sizeof(struct lttng_ust_tracepoint),                                                            \
        .provider_name = #provider,                                                                                    \
        .event_name = #name,                                                                                           \
        .tracepoint_provider_ref = &lttng_ust_tracepoint_provider_##provider,                                          \
        .signature = SIGNATURE(args),                                                                                  \
    },

static const struct lttng_ust_tracepoint blank_descriptors[] = {
#include "tracepoints/events.h"
};

enum {
    event_lines = 0
#undef LTTNG_UST_TRACEPOINT_EVENT_INSTANCE
#define LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(layout_provider, layout, provider, name, args) +1
#include "tracepoints/events.h"
};
_Static_assert((int)event_lines == (int)MSC_EVENT_COUNT, "every event has a descriptor");

/*
 * Set before LTTng sees them, so before any gate opens; constant afterwards. The second set are the gates of
 * probes in the user's own code: to LTTng, more call sites of the same events.
 */
static struct lttng_ust_tracepoint *descriptors[MSC_EVENT_COUNT];
static struct lttng_ust_tracepoint *probe_descriptors[MSC_EVENT_COUNT];

typedef void probe_fn(void *data, const void *record);

/* msc_emit_fn: what LTTng generates for each tracepoint, once for all, since every probe takes one pointer. */
static void emit(enum msc_event event, const void *record)
{
    lttng_ust_tp_rcu_read_lock();
    /* Pairs with LTTng's release when it publishes a new array of probes; the last entry has no function. */
    const struct lttng_ust_tracepoint_probe *probe = __atomic_load_n(&descriptors[event]->probes, __ATOMIC_ACQUIRE);
    for (; probe && probe->func; probe++)
        ((probe_fn *)probe->func)(probe->data, record);
    lttng_ust_tp_rcu_read_unlock();
}

static void place_descriptors(union msc_gate *gates, size_t count, struct lttng_ust_tracepoint **placed)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(gates[i].tracer, &blank_descriptors[i], sizeof blank_descriptors[i]);
        placed[i] = (void *)gates[i].tracer;
    }
}

/* ---- who listens ---- */

/*
 * LTTng asks every session that begins for the state of the process, and others that want it anew; this tracepoint
 * is how that starts, in LTTng's own thread. The functions are what LTTng's libraries call each other by, and so part
 * of their ABI, but in no header; weak, because without them only what was said before stays unsaid.
 */
static const char statedump_signature[] = "struct lttng_ust_session *, session";
int lttng_ust_tp_probe_register_queue_release(const char *provider, const char *event, void (*probe)(void), void *data,
                                              const char *signature) __attribute__((weak));
int lttng_ust_tp_probe_unregister_queue_release(const char *provider, const char *event, void (*probe)(void),
                                                void *data) __attribute__((weak));
void lttng_ust_tp_probe_prune_release_queue(void) __attribute__((weak));

static void on_statedump(void *data, void *session)
{
    (void)data;
    (void)session;
    msc_emit_new_audience();
}

static void watch_audience(void)
{
    if (lttng_ust_tp_probe_register_queue_release)
        lttng_ust_tp_probe_register_queue_release("lttng_ust_statedump", "start", (void (*)(void))on_statedump, NULL,
                                                  statedump_signature);
}

static void unwatch_audience(void)
{
    if (!lttng_ust_tp_probe_unregister_queue_release)
        return;
    lttng_ust_tp_probe_unregister_queue_release("lttng_ust_statedump", "start", (void (*)(void))on_statedump, NULL);
    if (lttng_ust_tp_probe_prune_release_queue)
        lttng_ust_tp_probe_prune_release_queue();
}

static bool started;

__attribute__((constructor)) static void tracer_start(void)
{
    union msc_gate *gates;
    if (msc_emit_register(emit, &gates))
        return; /* another tracer, or another copy of this library, is there already */
    size_t probe_count;
    union msc_gate *probe_gates = msc_emit_probe_gates(&probe_count);
    place_descriptors(gates, MSC_EVENT_COUNT, descriptors);
    place_descriptors(probe_gates, probe_count, probe_descriptors);
    probes_register();
    lttng_ust_tracepoint_module_register(descriptors, MSC_EVENT_COUNT);
    lttng_ust_tracepoint_module_register(probe_descriptors, (int)probe_count);
    watch_audience();
    started = true;
}

/* Closes every gate, after the runtime's last words. */
__attribute__((destructor)) static void tracer_stop(void)
{
    if (!started)
        return;
    msc_emit_farewell();
    unwatch_audience();
    lttng_ust_tracepoint_module_unregister(probe_descriptors);
    lttng_ust_tracepoint_module_unregister(descriptors);
    probes_unregister();
}
