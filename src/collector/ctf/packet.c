/* See packet.h. The packet's uuid is not compared: a damaged one must not cost its events. */
#include "collector/ctf/packet.h"

#include <string.h>

enum { BYTE = 8, SCRATCH = 256 };

static const uint32_t magic = 0xC1FC1FC1;

bool ctf_packet_has_magic(const uint8_t bytes[CTF_MAGIC_BYTES])
{
    static const uint8_t little[] = {0xC1, 0x1F, 0xFC, 0xC1}, big[] = {0xC1, 0xFC, 0x1F, 0xC1};
    return memcmp(bytes, little, CTF_MAGIC_BYTES) == 0 || memcmp(bytes, big, CTF_MAGIC_BYTES) == 0;
}

/* The numbers of a part by name; `has` says which of them there are. */
struct numbers {
    uint64_t of[PACKET_FIELDS];
    bool has[PACKET_FIELDS];
};

static bool read_part(const struct ctf_packet_part *part, struct ctf_cursor *cursor, struct numbers *numbers)
{
    struct ctf_value values[CTF_PACKET_SLOTS_MAX];
    if (ctf_program_run(&part->program, cursor, values) != CTF_OK)
        return false;
    for (size_t i = 0; i < PACKET_FIELDS; i++) {
        int slot = part->slots[i];
        if (slot == CTF_NO_SLOT)
            continue;
        numbers->of[i] = values[slot].u;
        numbers->has[i] = true;
    }
    return true;
}

/* Sizes in bits; both default to what is left of the file. */
static enum ctf_packet_state check_sizes(const struct numbers *numbers, uint64_t left, struct ctf_packet *out)
{
    uint64_t bits = numbers->has[PACKET_BITS] ? numbers->of[PACKET_BITS] : left * BYTE;
    uint64_t content = numbers->has[PACKET_CONTENT_BITS] ? numbers->of[PACKET_CONTENT_BITS] : bits;
    out->content_bits = content;
    if (bits < out->start_bits)
        return PACKET_BAD;
    out->bytes = bits / BYTE;
    if (content < out->start_bits || content > bits)
        return PACKET_BAD;
    return bits % BYTE || out->bytes > left ? PACKET_CUT : PACKET_GOOD;
}

static uint32_t discarded_bits(const struct ctf_stream_class *stream)
{
    int slot = stream->context.slots[PACKET_DISCARDED];
    return slot == CTF_NO_SLOT ? 0 : stream->context.program.types[slot]->size;
}

static void take_numbers(const struct numbers *numbers, struct ctf_packet *out)
{
    out->begin = numbers->of[PACKET_BEGIN];
    out->end = numbers->of[PACKET_END];
    if (out->end < out->begin) /* none, or 0: lttng-crash found the packet unfinished */
        out->end = UINT64_MAX;
    out->instance = numbers->of[PACKET_INSTANCE_ID];
    out->has_instance = numbers->has[PACKET_INSTANCE_ID];
    out->sequence = numbers->of[PACKET_SEQUENCE];
    out->has_sequence = numbers->has[PACKET_SEQUENCE];
    out->discarded = numbers->of[PACKET_DISCARDED];
    out->discarded_bits = discarded_bits(out->stream);
    out->cpu = (uint32_t)(numbers->has[PACKET_CPU] ? numbers->of[PACKET_CPU] : out->instance);
}

enum ctf_packet_state ctf_packet_parse(const struct ctf_trace *trace, const uint8_t *bytes, size_t available,
                                       uint64_t left, struct ctf_packet *out)
{
    uint64_t scratch[SCRATCH];
    struct ctf_cursor cursor = {
        .bytes = bytes, .end = (uint64_t)available * BYTE, .scratch = scratch, .scratch_capacity = SCRATCH};
    struct numbers numbers = {0};
    *out = (struct ctf_packet){.offset = out->offset};
    if (!read_part(&trace->header, &cursor, &numbers))
        return PACKET_BAD;
    bool is_marked = !numbers.has[PACKET_MAGIC] || numbers.of[PACKET_MAGIC] == magic;
    out->stream = ctf_trace_stream(trace, numbers.of[PACKET_STREAM_ID]);
    if (!out->stream || !read_part(&out->stream->context, &cursor, &numbers))
        return PACKET_BAD;
    out->start_bits = cursor.at;
    take_numbers(&numbers, out);
    enum ctf_packet_state state = check_sizes(&numbers, left, out);
    return is_marked ? state : PACKET_BAD;
}
