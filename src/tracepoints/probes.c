/*
 * See probes.h. LTTng's headers generate everything here, but for one thing: they would register the
 * provider in a constructor and take it back in a destructor, at a moment that the link order decides.
 * The runtime's last words (tracer.c) need the probes, so registering is left to tracer.c.
 */
#include "tracepoints/probes.h"

#include <lttng/tracepoint.h>

#undef LTTNG_UST_DECLARE_CONSTRUCTOR_DESTRUCTOR
#define LTTNG_UST_DECLARE_CONSTRUCTOR_DESTRUCTOR(name, constructor, destructor, ...)                                   \
    void probes_register(void)                                                                                         \
    {                                                                                                                  \
        constructor();                                                                                                 \
    }                                                                                                                  \
    void probes_unregister(void)                                                                                       \
    {                                                                                                                  \
        destructor();                                                                                                  \
    }

#define LTTNG_UST_TRACEPOINT_PROVIDER_HIDDEN_DEFINITION
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_PROVIDER mapscope
#define LTTNG_UST_TRACEPOINT_INCLUDE "tracepoints/events.h"
#include <lttng/tracepoint-event.h>
