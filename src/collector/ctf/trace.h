/*
 * One trace: its metadata compiled into what packets and events are read with. Immutable once created, so
 * that streams may share it between threads.
 */
#ifndef COLLECTOR_CTF_TRACE_H
#define COLLECTOR_CTF_TRACE_H

#include "collector/ctf/header.h"
#include "collector/ctf/program.h"
#include "collector/ctf/straight.h"
#include "collector/ctf/tsdl.h"

/* What a packet's header and context say, by name. */
enum ctf_packet_field {
    PACKET_MAGIC,
    PACKET_STREAM_ID,
    PACKET_INSTANCE_ID,
    PACKET_BEGIN,
    PACKET_END,
    PACKET_CONTENT_BITS,
    PACKET_BITS,
    PACKET_SEQUENCE,
    PACKET_DISCARDED,
    PACKET_CPU,
    PACKET_FIELDS
};

enum { CTF_PACKET_SLOTS_MAX = 64, CTF_NO_SLOT = -1 };

/* A packet's header, or its context: where each field is, CTF_NO_SLOT if it has none. */
struct ctf_packet_part {
    struct ctf_program program;
    int slots[PACKET_FIELDS];
};

struct ctf_class {
    struct ctf_event_class shown; /* the part that consumers see; first, so that a batch finds the rest */
    struct ctf_program program;
    int tally; /* where its events are only counted, or CTF_DELIVER */
};

/* What the hot loop needs of a class, side by side. One without a straight form is longer than any packet. */
struct ctf_straight_class {
    struct ctf_straight straight;
    const struct ctf_class *class;
};

struct ctf_stream_class {
    uint64_t id;
    struct ctf_packet_part context;
    struct ctf_header header;
    struct ctf_class *classes; /* owned, ascending by id */
    size_t class_count;
    struct ctf_class **by_id; /* owned, for ids below by_id_count; NULL = unknown */
    size_t by_id_count;
    struct ctf_straight_class *straights; /* owned, by id */
    size_t straight_count;                /* of them, below the id of an extended header; 0 before ctf_trace_plan */
};

struct ctf_trace {
    struct tsdl_trace declared;
    struct ctf_packet_part header;
    struct ctf_stream_class *streams; /* owned */
    size_t stream_count;
    size_t refused_classes;   /* events with fields that cannot be read */
    const char *refused_name; /* the first of them; borrowed from `declared` */
    bool is_known;            /* not from metadata of its own: nothing is known of its clock */
    int64_t shift_ns;         /* to the reader's common clock; set by the reader */
};

/*
 * Compiles metadata text. Event classes are numbered from `*next_index` on. Returns 0; -EBADMSG: not TSDL,
 * or headers that cannot be read; -ENOMEM. The cause is in `diag`.
 */
int ctf_trace_create(const char *text, size_t length, uint32_t *next_index, struct diag *diag, struct ctf_trace **out);

/* Has events counted or decoded into records as the options say (ctf.h); before the first is read. 0 or -ENOMEM. */
int ctf_trace_plan(struct ctf_trace *trace, const struct ctf_options *options);

void ctf_trace_destroy(struct ctf_trace *trace);

static inline bool ctf_ticks_are_ns(const struct ctf_trace *trace)
{
    uint64_t frequency = trace->declared.clock.frequency_hz;
    return !frequency || frequency == 1000000000;
}

/* On the reader's common clock. */
static inline uint64_t ctf_to_ns(const struct ctf_trace *trace, uint64_t ticks)
{
    if (!ctf_ticks_are_ns(trace))
        ticks = (uint64_t)((unsigned __int128)ticks * 1000000000 / trace->declared.clock.frequency_hz);
    return ticks + (uint64_t)trace->shift_ns;
}

/* NULL if there is none. */
const struct ctf_stream_class *ctf_trace_stream(const struct ctf_trace *trace, uint64_t id);

const struct ctf_class *ctf_find_sparse(const struct ctf_stream_class *stream, uint64_t id);

/* The class of an event id, or NULL. */
static inline const struct ctf_class *ctf_find_class(const struct ctf_stream_class *stream, uint64_t id)
{
    return id < stream->by_id_count ? stream->by_id[id] : ctf_find_sparse(stream, id);
}

#endif
