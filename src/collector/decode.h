/*
 * Turns CTF events into model events by name: the one place that knows the trace's field names
 * (docs/events.md). It plans, once a class, where each field goes in struct event; the reader then decodes right
 * into that.
 *
 *     static void plan(void *self, const struct ctf_event_class *class, struct ctf_plan *plan)
 *     {
 *         decode_plan(EVENT_SET_ALL, class, plan);      // of ctf_options
 *     }
 *     ...
 *     while (ctf_next(reader, &raw) == 1)
 *         use(decode_event(raw.record, raw.cpu));
 *
 * A missing field reads as zero, an unknown event becomes EVENT_OTHER. Stateless.
 */
#ifndef COLLECTOR_DECODE_H
#define COLLECTOR_DECODE_H

#include "collector/ctf/ctf.h"
#include "model/event.h"

/* Of events that are not in `set` (EVENT_SET), only kind, pid, tid and time are decoded. */
void decode_plan(uint64_t set, const struct ctf_event_class *class, struct ctf_plan *plan);

/* What events of that class become. */
enum event_kind decode_kind_of(const char *class_name);

/* The event of a reader with such a plan; of the union, only what belongs to its kind is there. Borrowed as the record.
 */
static inline const struct event *decode_event(void *record, uint32_t cpu)
{
    struct event *event = record;
    if (__builtin_expect((int32_t)(event->pid | event->tid) < 0, 0)) { /* LTTng's "unknown" */
        event->pid = (int32_t)event->pid < 0 ? 0 : event->pid;
        event->tid = (int32_t)event->tid < 0 ? 0 : event->tid;
    }
    if (event->kind == EVENT_OTHER)
        event->other.cpu = cpu;
    return event;
}

#endif
