/*
 * Event headers: which class, and when. LTTng's two kinds are recognised by their shape and read with one load; their
 * extended forms, and any other header, go through a program.
 */
#ifndef COLLECTOR_CTF_HEADER_H
#define COLLECTOR_CTF_HEADER_H

#include <endian.h>
#include <string.h>

#include "collector/ctf/program.h"

enum { CTF_HEADER_SLOTS_MAX = 16 };

/* LTTng's kinds, but for their extended forms: one little endian number, the id in its low bits. */
struct ctf_brief {
    uint32_t bytes;     /* 0 = it is none of them */
    uint32_t id_bits;   /* the timestamp's low bits are above */
    uint32_t extended;  /* the id that says that something else follows: all its bits are set */
    uint32_t time_mask; /* of the bits of the timestamp that there are */
};

struct ctf_header {
    struct ctf_brief brief;
    struct ctf_program program;
    bool is_id[CTF_HEADER_SLOTS_MAX], is_time[CTF_HEADER_SLOTS_MAX]; /* by slot; the last present counts */
};

struct ctf_header_values {
    uint64_t id, timestamp;
    uint64_t time_mask; /* of the timestamp's bits that there are: 0 = none, UINT64_MAX = it is absolute */
};

/* Returns 0, or as ctf_compile; -ENOTSUP also with more than CTF_HEADER_SLOTS_MAX fields. */
int ctf_header_compile(const struct tsdl_type *type, enum tsdl_order order, struct arena *arena,
                       struct ctf_header *out);
void ctf_header_fini(struct ctf_header *header);

/* Moves the cursor behind the header. By the program: of any kind. The cursor has no scratch afterwards. */
enum ctf_result ctf_header_read(const struct ctf_header *header, struct ctf_cursor *cursor,
                                struct ctf_header_values *out);

static inline uint64_t ctf_brief_read(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word); /* within the slack */
    return le64toh(word);
}

/* The clock goes on by less than the bits of the timestamp hold. */
static inline uint64_t ctf_brief_clock(const struct ctf_brief *brief, uint64_t word, uint64_t clock)
{
    return clock + (((word >> brief->id_bits) - clock) & brief->time_mask);
}

#endif
