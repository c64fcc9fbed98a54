/*
 * The declarations of a trace: what its TSDL text says, as types and blocks in the text's order and with
 * nothing resolved beyond names. Source: CTF 1.8.3, section 7 and appendix C, as far as LTTng 2.13 writes it.
 * All of it lives in the arena of struct tsdl_trace. Plain data.
 */
#ifndef COLLECTOR_CTF_TSDL_H
#define COLLECTOR_CTF_TSDL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/arena.h"
#include "support/diag.h"

enum tsdl_kind {
    TSDL_INTEGER,
    TSDL_FLOAT,
    TSDL_STRING,
    TSDL_ENUM,
    TSDL_STRUCT,
    TSDL_VARIANT,
    TSDL_ARRAY,
    TSDL_SEQUENCE
};

enum tsdl_order { TSDL_NATIVE, TSDL_LITTLE, TSDL_BIG };

struct tsdl_member {
    const char *name; /* as written, underscore and all */
    const struct tsdl_type *type;
};

/* A label of an enumeration and the values it stands for, first and last included; signed if the enum is. */
struct tsdl_label {
    const char *name;
    uint64_t first, last;
};

/* Everything deeper than this is refused, so that walking a type may recurse. */
enum { TSDL_DEPTH_MAX = 16, TSDL_ALIGN_MAX_BITS = 4096 };

struct tsdl_type {
    enum tsdl_kind kind;
    uint32_t align; /* bits, a power of two up to TSDL_ALIGN_MAX_BITS */

    uint32_t size; /* INTEGER, ENUM: 1 to 64 bits. FLOAT: 32 or 64 */
    enum tsdl_order order;
    uint8_t base;
    bool is_signed, is_text, is_clock; /* is_clock: mapped to a clock's value */

    const struct tsdl_label *labels; /* ENUM */
    size_t label_count;

    const struct tsdl_member *members; /* STRUCT; the options of a VARIANT */
    size_t member_count;

    const char *tag; /* the field that selects a VARIANT's option, or counts a SEQUENCE: a dotted path */
    const struct tsdl_type *element; /* ARRAY, SEQUENCE */
    uint64_t length;                 /* ARRAY */
};

struct tsdl_event {
    const char *name;
    uint64_t id, stream_id;
    const struct tsdl_type *context, *fields; /* NULL = none */
};

struct tsdl_stream {
    uint64_t id;
    const struct tsdl_type *packet_context, *event_header, *event_context; /* NULL = none */
};

struct tsdl_clock {
    uint8_t uuid[16]; /* zeros = not said */
    uint64_t frequency_hz;
    int64_t offset_s, offset; /* offset in ticks */
};

struct tsdl_trace {
    struct arena arena;
    enum tsdl_order order; /* never NATIVE */
    uint8_t uuid[16];
    bool has_uuid;
    const struct tsdl_type *packet_header; /* NULL = none */
    struct tsdl_clock clock;               /* the first declared */
    int64_t vpid;                          /* env.vpid, -1 = none */
    struct tsdl_stream *streams;           /* owned, as events */
    size_t stream_count, stream_capacity;
    struct tsdl_event *events;
    size_t event_count, event_capacity;
};

/*
 * Parses `length` bytes of text. Returns 0; -EBADMSG with line and cause in `diag`; -ENOMEM. `*out` is
 * the caller's to tsdl_fini on success only.
 */
int tsdl_parse(const char *text, size_t length, struct diag *diag, struct tsdl_trace *out);
void tsdl_fini(struct tsdl_trace *trace);

#endif
