/* See file.h. */
#include "collector/ctf/file.h"

#include <errno.h>

enum { BYTE = 8, STEP_BYTES = 4096 };

void ctf_file_warn(struct ctf_file *file, const struct ctf_report *report, enum ctf_file_damage kind, uint64_t offset,
                   const char *what)
{
    if (file->warned & (unsigned)kind)
        return;
    file->warned |= (unsigned)kind;
    ctf_warn(report, "%s: %s at byte %llu", file->path, what, (unsigned long long)offset);
}

/* The state of what is at `offset`, as enum ctf_packet_state, or a negative errno. */
static int parse_at(const struct ctf_file *file, struct ctf_window *window, uint64_t offset, struct ctf_packet *out)
{
    uint64_t left = file->size - offset;
    size_t want = left < CTF_PACKET_START_BYTES ? (size_t)left : CTF_PACKET_START_BYTES, available;
    const uint8_t *bytes;
    int error = ctf_window_at(window, file->path, offset, want, &bytes, &available);
    if (error)
        return error;
    out->offset = offset;
    return (int)ctf_packet_parse(file->trace, bytes, available < want ? available : want, left, out);
}

/* 1, 0, or a negative errno. */
static int has_magic(const struct ctf_file *file, struct ctf_window *window, uint64_t offset)
{
    const uint8_t *bytes;
    size_t available;
    int error = ctf_window_at(window, file->path, offset, CTF_MAGIC_BYTES, &bytes, &available);
    return error ? error : available >= CTF_MAGIC_BYTES && ctf_packet_has_magic(bytes);
}

/* The first packet behind `from` at a multiple of the step, or the file's end. */
static int search(const struct ctf_file *file, struct ctf_window *window, uint64_t from, uint64_t *out)
{
    uint64_t at = (from / STEP_BYTES + 1) * STEP_BYTES;
    for (; at < file->size && file->size - at >= CTF_MAGIC_BYTES; at += STEP_BYTES) {
        struct ctf_packet packet;
        int state = has_magic(file, window, at);
        if (state > 0) {
            state = parse_at(file, window, at, &packet);
            if (state >= 0 && state != PACKET_BAD)
                break;
        }
        if (state < 0)
            return state;
    }
    *out = at < file->size && file->size - at >= CTF_MAGIC_BYTES ? at : file->size;
    return 0;
}

/* From a bad packet to the next: by its size if that leads to one, else by searching. */
static int resynchronise(const struct ctf_file *file, struct ctf_window *window, const struct ctf_packet *bad,
                         uint64_t *out)
{
    uint64_t left = file->size - bad->offset;
    if (bad->bytes && bad->bytes <= left) {
        uint64_t behind = bad->offset + bad->bytes;
        int found = behind == file->size ? 1 : has_magic(file, window, behind);
        if (found > 0)
            *out = behind;
        if (found)
            return found < 0 ? found : 0;
    }
    return search(file, window, bad->offset, out);
}

/* A packet that claims more than the file has: what is there of it ends at the next packet, or with the file. */
static int accept_cut(struct ctf_file *file, struct ctf_window *window, const struct ctf_report *report)
{
    uint64_t end;
    int error = search(file, window, file->packet.offset, &end);
    if (error)
        return error;
    uint64_t bits = (end - file->packet.offset) * BYTE;
    if (file->packet.content_bits > bits)
        file->packet.content_bits = bits;
    file->is_cut = true;
    file->damaged++;
    file->next = end;
    ctf_file_warn(file, report, FILE_CUT, file->packet.offset, "packet cut");
    return 1;
}

static int skip_bad(struct ctf_file *file, struct ctf_window *window, const struct ctf_report *report,
                    const struct ctf_packet *bad)
{
    file->damaged++;
    ctf_file_warn(file, report, FILE_DAMAGED, bad->offset, "damaged packet");
    return resynchronise(file, window, bad, &file->next);
}

/*
 * LTTng makes a packet as large as its content rounded up to whole steps. One that claims more, with another
 * packet right where it should end, has a damaged size that would hide that other. 1, 0 or a negative errno.
 */
static int hides_another(const struct ctf_file *file, struct ctf_window *window, const struct ctf_packet *packet,
                         uint64_t *end)
{
    uint64_t content_bytes = (packet->content_bits + BYTE - 1) / BYTE;
    uint64_t rounded = (content_bytes + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
    struct ctf_packet other;
    *end = packet->offset + rounded;
    if (rounded >= packet->bytes)
        return 0;
    int state = has_magic(file, window, *end);
    if (state > 0)
        state = parse_at(file, window, *end, &other);
    else if (state == 0)
        state = PACKET_BAD;
    return state < 0 ? state : state != PACKET_BAD;
}

static int accept_good(struct ctf_file *file, struct ctf_window *window, const struct ctf_report *report)
{
    uint64_t end;
    int hides = hides_another(file, window, &file->packet, &end);
    if (hides < 0)
        return hides;
    file->next = hides ? end : file->packet.offset + file->packet.bytes;
    if (hides) {
        file->damaged++;
        ctf_file_warn(file, report, FILE_DAMAGED, file->packet.offset, "packet with a damaged size");
    }
    return 1;
}

int ctf_file_next(struct ctf_file *file, struct ctf_window *window, const struct ctf_report *report)
{
    file->is_cut = false;
    while (file->next < file->size) {
        struct ctf_packet packet = {0};
        int state = parse_at(file, window, file->next, &packet);
        if (state == PACKET_BAD)
            state = skip_bad(file, window, report, &packet);
        else if (state >= 0) {
            file->packet = packet;
            return (state == PACKET_CUT ? accept_cut : accept_good)(file, window, report);
        }
        if (state < 0)
            return state;
    }
    return 0;
}
