/*
 * The fast path: what the events of our own provider are, once a plan has placed their fields.
 *
 *     vpid, vtid, map, map_gen, seq, key_id, rate, ... stack_length, stack[]
 *     -> a run of PICKs      32 bytes: map to key_id; 4 bytes each: vpid, vtid, rate; ...
 *        WORDS               as many as the 32 bits say that the run ends with
 *        and the record's consts: the words that no field fills
 *
 * A run is sorted by kind of pick (enum ctf_pick_kind), so that of a field nothing is left but from where and to
 * where, and copied in one loop a kind; words that are neighbours in the packet and in the record go as one. A length
 * is read where it stands and never stored. Each operation still checks that it ends before the packet does.
 *
 * pick.c finds the operations that can be done so: whole numbers in the byte order of this machine, which is little
 * endian, at bytes. All others are program.c's, and what comes out is the same; test_ctf_program.c compares them.
 * Cost: bench/ctf_read.
 */
#ifndef COLLECTOR_CTF_PICK_H
#define COLLECTOR_CTF_PICK_H

#include <string.h>

#include "collector/ctf/program.h"

/* Finds the picks, once the program is written or has been changed: the loads remain what counts. */
void ctf_program_pick(struct ctf_program *program);

static inline uint64_t ctf_raw32(const uint8_t *at)
{
    uint32_t raw;
    memcpy(&raw, at, sizeof raw);
    return raw;
}

static inline struct ctf_value *ctf_value_at(uint8_t *record, uint32_t to)
{
    return (struct ctf_value *)(void *)(record + to);
}

static inline uint64_t *ctf_word_at(uint8_t *record, uint32_t to)
{
    return (uint64_t *)(void *)(record + to);
}

static inline uint32_t *ctf_half_at(uint8_t *record, uint32_t to)
{
    return (uint32_t *)(void *)(record + to);
}

static inline bool *ctf_flag_at(uint8_t *record, uint32_t to)
{
    return (bool *)(void *)(record + to);
}

/* What PLAIN and RUN share: where it begins; false if it does not fit. The cursor is behind it then. */
static inline bool ctf_enter_run(const struct ctf_op *op, struct ctf_cursor *cursor, uint64_t *at)
{
    *at = ctf_align(cursor->at, op->align);
    if (*at > cursor->end || op->bits > cursor->end - *at)
        return false;
    cursor->at = *at + op->bits;
    return true;
}

static inline void ctf_copy_rare_picks(const struct ctf_op *op, const struct ctf_pick *pick, const uint8_t *from,
                                       uint8_t *record)
{
    const struct ctf_pick *end = pick;
    for (end += op->picks[PICK_NOT]; pick != end; pick++)
        *ctf_flag_at(record, pick->to) = ctf_raw32(from + pick->at) == 0;
    for (end += op->picks[PICK_U32]; pick != end; pick++)
        *ctf_word_at(record, pick->to) = ctf_raw32(from + pick->at);
    for (end += op->picks[PICK_S32]; pick != end; pick++)
        *ctf_word_at(record, pick->to) = (uint64_t)(int32_t)ctf_raw32(from + pick->at);
}

/* One loop a kind, in each of which nothing depends on the load but two places. */
static inline enum ctf_result ctf_run_picks(const struct ctf_program *program, const struct ctf_op *op,
                                            struct ctf_cursor *cursor, uint8_t *record)
{
    uint64_t at;
    if (!ctf_enter_run(op, cursor, &at))
        return CTF_SHORT;
    const uint8_t *from = cursor->bytes + at / 8;
    const struct ctf_pick *pick = program->picks + op->first, *end = pick;
    for (end += op->picks[PICK_32]; pick != end; pick++)
        memcpy(record + pick->to, from + pick->at, 4 * sizeof(uint64_t));
    for (end += op->picks[PICK_16]; pick != end; pick++)
        memcpy(record + pick->to, from + pick->at, 2 * sizeof(uint64_t));
    for (end += op->picks[PICK_8]; pick != end; pick++)
        memcpy(record + pick->to, from + pick->at, sizeof(uint64_t));
    for (end += op->picks[PICK_4]; pick != end; pick++)
        memcpy(record + pick->to, from + pick->at, sizeof(uint32_t));
    for (end += op->picks[PICK_FLAG]; pick != end; pick++)
        *ctf_flag_at(record, pick->to) = ctf_raw32(from + pick->at) != 0;
    if (op->rare_picks)
        ctf_copy_rare_picks(op, pick, from, record);
    return CTF_OK;
}

/* What stands before is right behind a run, which has been read: it is there, and at a byte. */
static inline uint64_t ctf_count_before(const struct ctf_cursor *cursor)
{
    return ctf_raw32(cursor->bytes + cursor->at / 8 - sizeof(uint32_t));
}

/* A stack: of run_array nothing but what it can be. */
static inline enum ctf_result ctf_run_words(const struct ctf_op *op, struct ctf_cursor *cursor, uint8_t *record)
{
    uint64_t count = ctf_count_before(cursor), bits = count * 64;
    if (bits > cursor->end - cursor->at)
        return CTF_SHORT;
    if (count > cursor->scratch_capacity - cursor->scratch_used) {
        cursor->scratch_needed = cursor->scratch_used + count;
        return CTF_SCRATCH;
    }
    uint64_t *elements = cursor->scratch + cursor->scratch_used;
    *ctf_value_at(record, op->to) = (struct ctf_value){.us = elements, .length = (uint32_t)count};
    if (count)
        memcpy(elements, cursor->bytes + cursor->at / 8, count * sizeof *elements);
    cursor->scratch_used += count;
    cursor->at += bits;
    return CTF_OK;
}

/* As ctf_program_run, inline. */
static inline enum ctf_result ctf_run_fast(const struct ctf_program *program, struct ctf_cursor *cursor, void *record)
{
    cursor->scratch_used = 0;
    const struct ctf_const *consts = program->consts;
    for (size_t i = 0, count = program->const_count; i < count; i++)
        ((uint64_t *)record)[consts[i].at] = consts[i].word;
    if (program->is_nested)
        return ctf_run_nested(program, cursor, record);
    const struct ctf_op *ops = program->ops;
    enum ctf_result result = CTF_OK;
    for (size_t i = 0, count = program->op_count; i < count && result == CTF_OK; i++) {
        const struct ctf_op *op = &ops[i];
        if (op->kind == OP_PICK)
            result = ctf_run_picks(program, op, cursor, record);
        else if (op->kind == OP_WORDS)
            result = ctf_run_words(op, cursor, record);
        else
            result = ctf_run_op(program, op, cursor, record);
    }
    return result;
}

#endif
