/*
 * The fast path: what the events of our own provider are, once a plan has placed their fields.
 *
 *     vpid, vtid, map, map_gen, seq, key_id, rate, ... stack_length, stack[]
 *     -> a stretch of 76 bytes   8 of them to pid and tid, 36 to map and what follows, ...; a flag
 *        its tail                as many words as the stretch's last four bytes say
 *        and the record's words that no field fills
 *
 * Copies are all of one size, CTF_WIDE_BYTES, whatever they are to bring: what a copy spills behind its field is filled
 * by the next, for those of a stretch come in the order of the record, or by what is exact, which comes after them. So
 * a stretch is one bounds check and one loop without a decision in it.
 *
 * straight.c finds the programs that can be run so: whole numbers in the byte order of this machine, which is little
 * endian, at bytes. All others, and each event that has something unusual about it, are program.c's, and what comes out
 * is the same; test_ctf_program.c compares them, and tests/collector/ctf_records.c on traces of every shape. Cost:
 * bench/ctf_read.
 */
#ifndef COLLECTOR_CTF_STRAIGHT_H
#define COLLECTOR_CTF_STRAIGHT_H

#include <string.h>

#include "collector/ctf/program.h"

enum { CTF_WIDE_BYTES = 32, CTF_STRETCHES_MAX = 4 };

/* Bytes that are filled from places that are fixed relative to one another. */
struct ctf_pick {
    uint16_t at; /* in the stretch */
    uint16_t to; /* in the record */
};

/* 32 bits to a bool, which is written with what is beside it. Those of one half word follow one another. */
struct ctf_flag {
    uint16_t at, to; /* `to` is that of the half word */
    uint8_t shift;
    bool is_not;   /* true where the number is 0 */
    uint32_t keep; /* the bits of the half word that the flag before has made */
    uint32_t rest; /* its bits beside those and the bool's own */
};

struct ctf_const_word {
    uint64_t word;
    size_t to;
};

struct ctf_const_half {
    uint32_t half, to;
};

enum ctf_tail {
    TAIL_NONE,
    TAIL_WORDS,  /* all but strings: as many as the 32 bits say that the stretch ends with */
    TAIL_BYTES,  /* to a value */
    TAIL_TEXT,   /* bytes up to the first NUL */
    TAIL_STRING, /* the bytes up to a NUL, and that */
    TAIL_SKIP,
    TAIL_SKIP_STRING
};

struct ctf_stretch {
    uint32_t bytes; /* without the tail */
    uint16_t pick_count, flag_count;
    uint16_t to;            /* the tail's value */
    uint8_t tail;           /* enum ctf_tail */
    bool is_last;           /* of its event */
    uint32_t element_bytes; /* of TAIL_SKIP */
};

struct ctf_straight {
    struct ctf_stretch first;
    uint16_t record_bytes; /* whole words */
    uint16_t time_at;      /* where the event's time goes, or CTF_NO_TIME */
    uint16_t word_count, half_count;
    const struct ctf_stretch *others;
    const struct ctf_pick *picks; /* of all stretches, one after the other */
    const struct ctf_flag *flags; /* the same */
    const struct ctf_const_word *words;
    const struct ctf_const_half *halves;
};

/*
 * The straight form of a program whose fields a plan has placed, or NULL in `*out` if it has none. 0 or -ENOMEM; free()
 * ends it, and copies of it.
 */
int ctf_straight_create(const struct ctf_program *program, const struct ctf_plan *plan, struct ctf_straight **out);

/* How far a decoder has come: in the packet, and in the room behind the record for what that points to. */
struct ctf_reached {
    const uint8_t *at; /* NULL = it does not fit into the packet or the room */
    uint8_t *free;
};

static inline uint32_t ctf_raw32(const uint8_t *at)
{
    uint32_t raw;
    memcpy(&raw, at, sizeof raw);
    return raw;
}

static inline void ctf_put_value(uint8_t *record, uint32_t to, const uint8_t *data, uint64_t length)
{
    struct ctf_value value = {.text = (const char *)data, .length = (uint32_t)length};
    memcpy(record + to, &value, sizeof value);
}

/* Any tail but of words: as ctf_tail_words. */
struct ctf_reached ctf_tail_other(const struct ctf_stretch *stretch, struct ctf_reached from, const uint8_t *end,
                                  uint8_t *record, const uint8_t *room_end);

/* A stack. */
static inline struct ctf_reached ctf_tail_words(const struct ctf_stretch *stretch, struct ctf_reached from,
                                                const uint8_t *end, uint8_t *record, const uint8_t *room_end)
{
    uint64_t count = ctf_raw32(from.at - sizeof(uint32_t)), bytes = count * sizeof(uint64_t);
    if (bytes > (uint64_t)(end - from.at) || bytes > (uint64_t)(room_end - from.free))
        return (struct ctf_reached){0};
    ctf_put_value(record, stretch->to, from.free, count);
    for (uint64_t done = 0; done < bytes; done += CTF_WIDE_BYTES)
        memcpy(from.free + done, from.at + done, CTF_WIDE_BYTES);
    return (struct ctf_reached){from.at + bytes, from.free + bytes};
}

static inline void ctf_put_consts(const struct ctf_straight *straight, uint8_t *record)
{
    const struct ctf_const_word *word = straight->words;
    for (const struct ctf_const_word *end = word + straight->word_count; word != end; word++)
        memcpy(record + word->to, &word->word, sizeof word->word);
    const struct ctf_const_half *half = straight->halves;
    for (const struct ctf_const_half *end = half + straight->half_count; half != end; half++)
        memcpy(record + half->to, &half->half, sizeof half->half);
}

/* Returns behind them. What flags share a half word is not read back from it, which would cost 5 ns an event. */
static inline const struct ctf_flag *ctf_put_flags(const struct ctf_flag *flag, size_t count, const uint8_t *at,
                                                   uint8_t *record)
{
    uint32_t half = 0;
    for (const struct ctf_flag *end = flag + count; flag != end; flag++) {
        bool is_set = (ctf_raw32(at + flag->at) != 0) != flag->is_not;
        half = (half & flag->keep) | flag->rest | (uint32_t)is_set << flag->shift;
        memcpy(record + flag->to, &half, sizeof half);
    }
    return flag;
}

/*
 * Decodes from `at` into a record, for which there is room, and what that points to behind it. Tells what is behind the
 * event; NULL: it is not all before `end`, or the room is too small. CTF_SLACK_BYTES are read behind `end`, and written
 * behind record and room.
 */
static inline struct ctf_reached ctf_straight_run(const struct ctf_straight *straight, const uint8_t *at,
                                                  const uint8_t *end, uint8_t *record, const uint8_t *room_end)
{
    struct ctf_reached reached = {at, record + straight->record_bytes};
    const struct ctf_stretch *stretch = &straight->first, *next = straight->others;
    const struct ctf_pick *pick = straight->picks;
    const struct ctf_flag *flag = straight->flags;
    for (;; stretch = next++) {
        if (stretch->bytes > (uint64_t)(end - reached.at))
            return (struct ctf_reached){0};
        for (const struct ctf_pick *last = pick + stretch->pick_count; pick != last; pick++)
            memcpy(record + pick->to, reached.at + pick->at, CTF_WIDE_BYTES);
        flag = ctf_put_flags(flag, stretch->flag_count, reached.at, record);
        reached.at += stretch->bytes;
        if (stretch->tail == TAIL_WORDS)
            reached = ctf_tail_words(stretch, reached, end, record, room_end);
        else if (stretch->tail != TAIL_NONE)
            reached = ctf_tail_other(stretch, reached, end, record, room_end);
        if (!reached.at)
            return reached;
        if (stretch->is_last)
            break;
    }
    ctf_put_consts(straight, record);
    return reached;
}

#endif
