/* The probes that LTTng's macros make of tracepoints/events.h: what writes a record into the ring buffer. */
#ifndef TRACEPOINTS_PROBES_H
#define TRACEPOINTS_PROBES_H

/* Makes the provider known to LTTng, once however often it is called; unregister undoes one call. */
void probes_register(void);
void probes_unregister(void);

/* LTTng's mark of the provider: a descriptor refers to it, so that the linker keeps the probes. */
extern int lttng_ust_tracepoint_provider_mapscope __attribute__((visibility("hidden")));

#endif
