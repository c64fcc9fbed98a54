/* The start of a packet: header and context, checked. */
#ifndef COLLECTOR_CTF_PACKET_H
#define COLLECTOR_CTF_PACKET_H

#include "collector/ctf/trace.h"

enum { CTF_MAGIC_BYTES = 4, CTF_PACKET_START_BYTES = 4096 /* more than header and context ever take */ };

struct ctf_packet {
    uint64_t offset;     /* in its file, bytes */
    uint64_t bytes;      /* as it says itself, padding included */
    uint64_t start_bits; /* where its first event is */
    uint64_t content_bits;
    const struct ctf_stream_class *stream;
    uint64_t begin, end;     /* clock ticks; no event is later than its packet's end */
    uint64_t instance;       /* of the stream; has_instance */
    uint64_t sequence;       /* has_sequence */
    uint64_t discarded;      /* counter of discarded_bits bits, 0 = none */
    uint32_t discarded_bits; /* a 32-bit program's wraps */
    uint32_t cpu;
    bool has_instance, has_sequence;
};

enum ctf_packet_state {
    PACKET_GOOD,
    PACKET_CUT, /* good, but its size is wrong, or more than what is left of the file */
    PACKET_BAD  /* no packet; out->bytes is set if a size could be read, else 0 */
};

/*
 * Reads the start of a packet from `available` bytes (CTF_PACKET_START_BYTES, or what the file has), with
 * `left` bytes to the file's end and CTF_SLACK_BYTES readable behind them. `out->offset` is left alone.
 */
enum ctf_packet_state ctf_packet_parse(const struct ctf_trace *trace, const uint8_t *bytes, size_t available,
                                       uint64_t left, struct ctf_packet *out);

/* Whether a stream's magic number is there, in either byte order. */
bool ctf_packet_has_magic(const uint8_t bytes[CTF_MAGIC_BYTES]);

#endif
