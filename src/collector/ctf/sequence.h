/* What a stream's packets say about what is missing between them. Plain arithmetic. */
#ifndef COLLECTOR_CTF_SEQUENCE_H
#define COLLECTOR_CTF_SEQUENCE_H

#include "collector/ctf/packet.h"

struct ctf_sequence {
    uint64_t expected;         /* number of the next packet */
    uint64_t lost_packets;     /* missing numbers, damaged packets not among them */
    uint64_t discarded_events; /* the highest counter seen, unwrapped */
};

/*
 * Takes note of a packet, in the order of the numbers. `damaged` packets were skipped right before it: they
 * explain that many missing numbers.
 *
 * LTTng-UST 2.13 finishes sub-buffers out of order, each with the counter as it was when it began, so the
 * counter may step back: its maximum counts. 83811, 0, 90000 -> 90000. A 32-bit counter wraps: a step of
 * less than half its range is forward, more is back.
 */
void ctf_sequence_note(struct ctf_sequence *sequence, const struct ctf_packet *packet, uint64_t damaged);

#endif
