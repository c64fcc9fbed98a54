/* See sequence.h. */
#include "collector/ctf/sequence.h"

/* A gap beyond this is a damaged number: at a packet a microsecond it would be two weeks. */
static const uint64_t gap_max = UINT64_C(1) << 40;

static void note_discarded(struct ctf_sequence *sequence, uint64_t counter, uint32_t bits)
{
    uint64_t mask = bits < 64 ? (UINT64_C(1) << bits) - 1 : ~UINT64_C(0);
    uint64_t step = (counter - sequence->discarded_events) & mask;
    if (step <= mask / 2)
        sequence->discarded_events += step;
}

static void note_number(struct ctf_sequence *sequence, uint64_t number, uint64_t damaged)
{
    if (number >= sequence->expected) {
        uint64_t gap = number - sequence->expected;
        if (gap > gap_max)
            return;
        sequence->lost_packets += gap > damaged ? gap - damaged : 0;
    }
    sequence->expected = number + 1;
}

void ctf_sequence_note(struct ctf_sequence *sequence, const struct ctf_packet *packet, uint64_t damaged)
{
    if (packet->has_sequence)
        note_number(sequence, packet->sequence, damaged);
    if (packet->discarded_bits)
        note_discarded(sequence, packet->discarded, packet->discarded_bits);
}
