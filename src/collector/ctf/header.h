/*
 * Event headers: which class, and when. LTTng's two kinds are recognised by their shape and read with one or
 * two loads; their extended forms, and any other header, go through a program.
 */
#ifndef COLLECTOR_CTF_HEADER_H
#define COLLECTOR_CTF_HEADER_H

#include <endian.h>
#include <string.h>

#include "collector/ctf/program.h"

enum { CTF_HEADER_SLOTS_MAX = 16 };

enum ctf_header_kind {
    HEADER_LARGE,   /* u16 id, u32 timestamp; id 65535 = extended */
    HEADER_COMPACT, /* u32: 5 bits of id, 27 of timestamp; id 31 = extended */
    HEADER_OTHER
};

struct ctf_header {
    enum ctf_header_kind kind;
    struct ctf_program program;
    bool is_id[CTF_HEADER_SLOTS_MAX], is_time[CTF_HEADER_SLOTS_MAX]; /* by slot; the last present counts */
};

struct ctf_header_values {
    uint64_t id, timestamp;
    uint32_t timestamp_bits; /* 0 = there is none; 64 = absolute */
};

/* Returns 0, or as ctf_compile; -ENOTSUP also with more than CTF_HEADER_SLOTS_MAX fields. */
int ctf_header_compile(const struct tsdl_type *type, enum tsdl_order order, struct arena *arena,
                       struct ctf_header *out);
void ctf_header_fini(struct ctf_header *header);

/* By the program; `header` of any kind. The cursor has no scratch afterwards. */
enum ctf_result ctf_header_read_other(const struct ctf_header *header, struct ctf_cursor *cursor,
                                      struct ctf_header_values *out);

enum { LARGE_BITS = 48, LARGE_EXTENDED = 65535, COMPACT_BITS = 32, COMPACT_ID_BITS = 5, COMPACT_EXTENDED = 31 };

static inline bool ctf_header_read_large(struct ctf_cursor *cursor, uint64_t at, struct ctf_header_values *out)
{
    uint64_t word;
    memcpy(&word, cursor->bytes + at / 8, sizeof word); /* two bytes of slack */
    word = le64toh(word);
    *out = (struct ctf_header_values){word & LARGE_EXTENDED, (uint32_t)(word >> 16), 32};
    cursor->at = at + LARGE_BITS;
    return out->id != LARGE_EXTENDED;
}

static inline bool ctf_header_read_compact(struct ctf_cursor *cursor, uint64_t at, struct ctf_header_values *out)
{
    uint32_t word;
    memcpy(&word, cursor->bytes + at / 8, sizeof word);
    word = le32toh(word);
    *out = (struct ctf_header_values){word & COMPACT_EXTENDED, word >> COMPACT_ID_BITS, 32 - COMPACT_ID_BITS};
    cursor->at = at + COMPACT_BITS;
    return out->id != COMPACT_EXTENDED;
}

/* Moves the cursor behind the header. Cost: ~1 ns for LTTng's kinds. */
static inline enum ctf_result ctf_header_read(const struct ctf_header *header, struct ctf_cursor *cursor,
                                              struct ctf_header_values *out)
{
    uint64_t start = cursor->at, at = ctf_align(start, 8);
    bool has_room = at <= cursor->end && cursor->end - at >= LARGE_BITS; /* else the program finds out */
    if (has_room && header->kind == HEADER_LARGE && ctf_header_read_large(cursor, at, out))
        return CTF_OK;
    if (has_room && header->kind == HEADER_COMPACT && ctf_header_read_compact(cursor, at, out))
        return CTF_OK;
    struct ctf_header_values other; /* so that those of the fast path stay in registers */
    cursor->at = start;
    enum ctf_result result = ctf_header_read_other(header, cursor, &other);
    *out = other;
    return result;
}

#endif
