/*
 * The names of docs/events.md and of LTTng's own events, and where each field belongs in struct event.
 * Data only; decode.c binds it to the classes of a trace.
 */
#ifndef COLLECTOR_DECODE_SCHEMA_H
#define COLLECTOR_DECODE_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "model/event.h"

/* The longest field list of an event, with its end mark. */
#define DECODE_FIELDS_MAX 24

enum decode_kind {
    DECODE_U64,
    DECODE_U32, /* a larger number becomes UINT32_MAX */
    DECODE_BOOL,
    DECODE_NOT,   /* a bool told the other way round */
    DECODE_TEXT,  /* string -> event_text */
    DECODE_BYTES, /* string or sequence of bytes -> event_text */
    DECODE_STACK, /* sequence of addresses -> event_stack */
};

struct decode_field {
    const char *name; /* NULL ends a list */
    uint16_t offset;  /* into struct event */
    enum decode_kind kind;
};

struct decode_event {
    const char *name; /* "provider:event" */
    enum event_kind kind;
    bool is_pic; /* a module load that does not say so: what dlopen maps is position-independent */
    const struct decode_field *fields;
};

/* The event of that name, or NULL. Static. */
const struct decode_event *decode_schema_find(const char *name);

#endif
