/* See program.h. Nothing here is looked up by name, and nothing is trusted: each read is checked against `end`. */
#include "collector/ctf/program.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { BYTE = 8 };

static inline uint64_t raw64(const uint8_t *at)
{
    uint64_t raw;
    memcpy(&raw, at, sizeof raw);
    return raw;
}

static double float_of(uint32_t raw)
{
    float number;
    memcpy(&number, &raw, sizeof number);
    return (double)number;
}

/* Little endian counts bits from a byte's low end, big endian from its high end (CTF 1.8.3, 4.1.5). */
static uint64_t read_bits(const uint8_t *bytes, uint64_t at, const struct ctf_load *load)
{
    uint64_t number = 0;
    for (uint32_t got = 0; got < load->size;) {
        uint32_t skip = (uint32_t)(at % BYTE), left = load->size - got;
        uint32_t count = BYTE - skip < left ? BYTE - skip : left;
        uint8_t byte = bytes[at / BYTE];
        uint64_t part = load->is_big_endian ? (uint64_t)byte >> (BYTE - skip - count) : (uint64_t)byte >> skip;
        part &= (UINT64_C(1) << count) - 1;
        number = load->is_big_endian ? number << count | part : number | part << got;
        got += count;
        at += count;
    }
    if (load->is_signed && load->size < 64 && number >> (load->size - 1))
        number |= ~UINT64_C(0) << load->size;
    return number;
}

/* Spreads the sign bit upwards: (0xff ^ 0x80) - 0x80 = -1. Without a sign, nothing. */
static inline uint64_t extend(uint64_t number, uint64_t sign)
{
    return (number ^ sign) - sign;
}

/* Eight bytes are taken whatever the size, so that nothing depends on it but a mask: no jump to mispredict. */
static inline uint64_t load_little(const struct ctf_load *load, const uint8_t *from)
{
    return extend(le64toh(raw64(from)) & load->mask, load->sign);
}

static inline uint64_t load_whole(const struct ctf_load *load, const uint8_t *from)
{
    if (load->is_big_endian)
        return extend(be64toh(raw64(from)) >> load->shift, load->sign);
    return load_little(load, from);
}

/* The rarer kinds. */
static struct ctf_value load_other(const struct ctf_load *load, const uint8_t *bytes, uint64_t at)
{
    const uint8_t *from = bytes + at / BYTE;
    switch ((enum ctf_load_kind)load->kind) {
    case LOAD_FLOAT:
        return (struct ctf_value){.f = float_of((uint32_t)load_whole(load, from))};
    case LOAD_TEXT:
        return (struct ctf_value){.text = (const char *)from,
                                  .length = (uint32_t)strnlen((const char *)from, load->size)};
    case LOAD_BITS:
    case LOAD_WHOLE:
        break;
    }
    return (struct ctf_value){.u = read_bits(bytes, at, load)};
}

/* `at` in bits. The caller has checked that all of it is there. */
static inline __attribute__((always_inline)) struct ctf_value load_value(const struct ctf_load *load,
                                                                         const uint8_t *bytes, uint64_t at)
{
    if (__builtin_expect(load->kind == LOAD_WHOLE, 1))
        return (struct ctf_value){.u = load_whole(load, bytes + at / BYTE)};
    return load_other(load, bytes, at);
}

/* What PLAIN and RUN share: where it begins; false if it does not fit. The cursor is behind it then. */
static inline bool enter_run(const struct ctf_op *op, struct ctf_cursor *cursor, uint64_t *at)
{
    *at = ctf_align(cursor->at, op->align);
    if (*at > cursor->end || op->bits > cursor->end - *at)
        return false;
    cursor->at = *at + op->bits;
    return true;
}

/* The whole value by one store; compilers make two or three of an assignment. */
static inline void store(struct ctf_value *value, uint64_t number)
{
    typedef uint64_t pair __attribute__((vector_size(sizeof(struct ctf_value))));
    pair whole = {number, 0};
    memcpy(value, &whole, sizeof whole);
}

static inline enum ctf_result run_plain(const struct ctf_program *program, const struct ctf_op *op,
                                        struct ctf_cursor *cursor, struct ctf_value *values)
{
    uint64_t at;
    if (!enter_run(op, cursor, &at))
        return CTF_SHORT;
    const uint8_t *from = cursor->bytes + at / BYTE;
    const struct ctf_load *load = program->loads + op->first;
    for (const struct ctf_load *end = load + op->count; load != end; load++)
        store(&values[load->slot], load_little(load, from + load->at));
    return CTF_OK;
}

static inline uint64_t raw32(const uint8_t *at)
{
    uint32_t raw;
    memcpy(&raw, at, sizeof raw);
    return raw;
}

static inline uint64_t raw16(const uint8_t *at)
{
    uint16_t raw;
    memcpy(&raw, at, sizeof raw);
    return raw;
}

/* One loop a kind, in each of which nothing depends on the load but two places. */
static inline __attribute__((always_inline)) enum ctf_result run_picks(const struct ctf_program *program,
                                                                       const struct ctf_op *op,
                                                                       struct ctf_cursor *cursor,
                                                                       struct ctf_value *values)
{
    uint64_t at;
    if (!enter_run(op, cursor, &at))
        return CTF_SHORT;
    const uint8_t *from = cursor->bytes + at / BYTE;
    const struct ctf_pick *pick = program->picks + op->pick, *end = pick + op->picks[PICK_U64];
    for (; pick != end; pick++)
        store(&values[pick->slot], raw64(from + pick->at));
    for (end += op->picks[PICK_U32]; pick != end; pick++)
        store(&values[pick->slot], raw32(from + pick->at));
    for (end += op->picks[PICK_S32]; pick != end; pick++)
        store(&values[pick->slot], (uint64_t)(int32_t)raw32(from + pick->at));
    for (end += op->picks[PICK_U16]; pick != end; pick++)
        store(&values[pick->slot], raw16(from + pick->at));
    for (end += op->picks[PICK_U8]; pick != end; pick++)
        store(&values[pick->slot], from[pick->at]);
    return CTF_OK;
}

static enum ctf_result run_loads(const struct ctf_program *program, const struct ctf_op *op, struct ctf_cursor *cursor,
                                 struct ctf_value *values)
{
    uint64_t at;
    if (!enter_run(op, cursor, &at))
        return CTF_SHORT;
    const struct ctf_load *load = program->loads + op->first;
    for (const struct ctf_load *end = load + op->count; load != end; load++)
        values[load->slot] = load_value(load, cursor->bytes, at + load->at);
    return CTF_OK;
}

static enum ctf_result run_string(const struct ctf_op *op, struct ctf_cursor *cursor, struct ctf_value *values)
{
    uint64_t at = ctf_align(cursor->at, BYTE);
    if (at >= cursor->end)
        return CTF_SHORT;
    const char *text = (const char *)cursor->bytes + at / BYTE;
    size_t left = (size_t)((cursor->end - at) / BYTE);
    const char *nul = memchr(text, '\0', left);
    if (!nul || nul - text > UINT32_MAX)
        return CTF_SHORT;
    values[op->slot] = (struct ctf_value){.text = text, .length = (uint32_t)(nul - text)};
    cursor->at = at + (uint64_t)(nul - text + 1) * BYTE;
    return CTF_OK;
}

static inline uint64_t element_count(const struct ctf_op *op, const struct ctf_value *values)
{
    return op->count_is_slot ? values[op->count].u : op->count;
}

/*
 * What ARRAY, TEXT and SKIP share: where the elements begin and how many there are; false if they do not fit. The
 * cursor is behind them then; the last needs no padding after it. A count of 32 bits and a stride of at most
 * TSDL_ALIGN_MAX_BITS do not overflow the product, which is ten times as fast as a division.
 */
static inline bool enter_elements(const struct ctf_op *op, const struct ctf_value *values, struct ctf_cursor *cursor,
                                  uint64_t *at, uint64_t *count)
{
    *at = ctf_align(cursor->at, op->align);
    *count = element_count(op, values);
    if (*at > cursor->end || *count > UINT32_MAX)
        return false;
    uint64_t bits = *count ? (*count - 1) * op->stride + op->bits : 0;
    cursor->at = *at + bits;
    return bits <= cursor->end - *at;
}

static enum ctf_result run_skip(const struct ctf_op *op, struct ctf_cursor *cursor, const struct ctf_value *values)
{
    uint64_t at, count;
    return enter_elements(op, values, cursor, &at, &count) ? CTF_OK : CTF_SHORT;
}

static enum ctf_result run_text(const struct ctf_op *op, struct ctf_cursor *cursor, struct ctf_value *values)
{
    uint64_t at, count;
    if (!enter_elements(op, values, cursor, &at, &count))
        return CTF_SHORT;
    const char *text = (const char *)cursor->bytes + at / BYTE;
    values[op->slot] = (struct ctf_value){.text = text, .length = (uint32_t)strnlen(text, count)};
    return CTF_OK;
}

static bool is_native(const struct ctf_load *load)
{
    return load->is_big_endian == (BYTE_ORDER == BIG_ENDIAN);
}

static void widen(const struct ctf_load *element, const struct ctf_op *op, const uint8_t *bytes, uint64_t at,
                  uint64_t count, uint64_t *out)
{
    if (element->kind == LOAD_WHOLE && element->size == 64 && op->stride == 64 && is_native(element)) {
        memcpy(out, bytes + at / BYTE, count * sizeof *out);
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        out[i] = load_value(element, bytes, at + i * op->stride).u;
}

static enum ctf_result run_array(const struct ctf_program *program, const struct ctf_op *op, struct ctf_cursor *cursor,
                                 struct ctf_value *values)
{
    uint64_t at, count;
    if (!enter_elements(op, values, cursor, &at, &count))
        return CTF_SHORT;
    if (count > cursor->scratch_capacity - cursor->scratch_used) {
        cursor->scratch_needed = cursor->scratch_used + count;
        return CTF_SCRATCH;
    }
    uint64_t *elements = cursor->scratch + cursor->scratch_used;
    if (count)
        widen(program->loads + op->first, op, cursor->bytes, at, count, elements);
    cursor->scratch_used += count;
    values[op->slot] = (struct ctf_value){.us = elements, .length = (uint32_t)count};
    return CTF_OK;
}

static enum ctf_result run_range(const struct ctf_program *program, size_t begin, size_t end, struct ctf_cursor *cursor,
                                 struct ctf_value *values);

/* Elements without a size say nothing however many there are: one is decoded, so that the loop ends. */
static enum ctf_result run_loop(const struct ctf_program *program, size_t index, struct ctf_cursor *cursor,
                                struct ctf_value *values)
{
    const struct ctf_op *op = &program->ops[index];
    uint64_t count = element_count(op, values);
    cursor->at = ctf_align(cursor->at, op->align);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t start = cursor->at;
        enum ctf_result result = run_range(program, index + 1, op->next, cursor, values);
        if (result != CTF_OK)
            return result;
        if (cursor->at == start)
            break;
    }
    return CTF_OK;
}

static enum ctf_result run_variant(const struct ctf_program *program, const struct ctf_op *op,
                                   struct ctf_cursor *cursor, struct ctf_value *values)
{
    const struct ctf_option *options = program->options + op->first, *chosen = NULL;
    uint64_t tag = values[op->slot].u;
    for (size_t i = 0; i < op->count; i++) {
        if (!chosen && tag - options[i].first <= options[i].last - options[i].first)
            chosen = &options[i];
        for (uint32_t slot = options[i].slot; slot < options[i].slot_end; slot++)
            values[slot] = (struct ctf_value){.is_absent = true};
    }
    return chosen ? run_range(program, chosen->begin, chosen->end, cursor, values) : CTF_DAMAGED;
}

/* The ops that contain none. */
static enum ctf_result run_simple(const struct ctf_program *program, const struct ctf_op *op, struct ctf_cursor *cursor,
                                  struct ctf_value *values)
{
    switch ((enum ctf_op_kind)op->kind) {
    case OP_PICK:
        return run_picks(program, op, cursor, values);
    case OP_PLAIN:
        return run_plain(program, op, cursor, values);
    case OP_RUN:
        return run_loads(program, op, cursor, values);
    case OP_STRING:
        return run_string(op, cursor, values);
    case OP_ARRAY:
        return run_array(program, op, cursor, values);
    case OP_TEXT:
        return run_text(op, cursor, values);
    case OP_SKIP:
        return run_skip(op, cursor, values);
    case OP_LOOP:
    case OP_VARIANT:
        break;
    }
    return CTF_DAMAGED;
}

static enum ctf_result run_range(const struct ctf_program *program, size_t begin, size_t end, struct ctf_cursor *cursor,
                                 struct ctf_value *values)
{
    enum ctf_result result = CTF_OK;
    for (size_t i = begin; i < end && result == CTF_OK;) {
        const struct ctf_op *op = &program->ops[i];
        if (op->kind == OP_LOOP)
            result = run_loop(program, i, cursor, values);
        else if (op->kind == OP_VARIANT)
            result = run_variant(program, op, cursor, values);
        else
            result = run_simple(program, op, cursor, values);
        i = op->kind == OP_LOOP || op->kind == OP_VARIANT ? op->next : i + 1;
    }
    return result;
}

enum ctf_result ctf_program_run(const struct ctf_program *program, struct ctf_cursor *cursor, struct ctf_value *values)
{
    cursor->scratch_used = 0;
    if (program->is_nested)
        return run_range(program, 0, program->op_count, cursor, values);
    const struct ctf_op *op = program->ops;
    for (const struct ctf_op *end = op + program->op_count; op != end; op++) {
        enum ctf_result result =
            op->kind == OP_PICK ? run_picks(program, op, cursor, values) : run_simple(program, op, cursor, values);
        if (result != CTF_OK)
            return result;
    }
    return CTF_OK;
}

/* PICK_KINDS = it is none. */
static enum ctf_pick_kind pick_kind(const struct ctf_load *load)
{
    bool is_native = BYTE_ORDER == LITTLE_ENDIAN && load->at <= UINT16_MAX && load->slot <= UINT16_MAX;
    if (!is_native || (load->is_signed && load->size < 32))
        return PICK_KINDS;
    switch (load->size) {
    case 64:
        return PICK_U64;
    case 32:
        return load->is_signed ? PICK_S32 : PICK_U32;
    case 16:
        return PICK_U16;
    default:
        return PICK_U8;
    }
}

static void pick_kinds(const struct ctf_load *loads, struct ctf_op *op, struct ctf_pick *picks)
{
    for (enum ctf_pick_kind kind = 0; kind < PICK_KINDS; kind++) {
        op->picks[kind] = 0;
        for (uint64_t i = 0; i < op->count; i++) {
            if (pick_kind(&loads[i]) != kind)
                continue;
            *picks++ = (struct ctf_pick){.at = (uint16_t)loads[i].at, .slot = (uint16_t)loads[i].slot};
            op->picks[kind]++;
        }
    }
}

void ctf_program_pick(struct ctf_program *program)
{
    for (size_t i = 0; i < program->op_count; i++) {
        struct ctf_op *op = &program->ops[i];
        if (op->kind != OP_PLAIN && op->kind != OP_PICK)
            continue;
        const struct ctf_load *loads = program->loads + op->first;
        op->kind = op->count <= UINT16_MAX ? OP_PICK : OP_PLAIN;
        for (uint64_t k = 0; k < op->count; k++)
            if (pick_kind(&loads[k]) == PICK_KINDS)
                op->kind = OP_PLAIN;
        op->pick = op->first;
        if (op->kind == OP_PICK)
            pick_kinds(loads, op, program->picks + op->pick);
    }
}

void ctf_program_fini(struct ctf_program *program)
{
    free(program->ops);
    free(program->loads);
    free(program->picks);
    free(program->options);
    free(program->fields);
    free(program->types);
    free(program->pointers);
    *program = (struct ctf_program){0};
}
