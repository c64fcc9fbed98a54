/* See program.h. Nothing here is looked up by name, and nothing is trusted: each read is checked against `end`. */
#include "collector/ctf/program.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { BYTE = 8 };

static inline struct ctf_value *value_at(uint8_t *record, uint32_t to)
{
    return (struct ctf_value *)(void *)(record + to);
}

static inline uint64_t *word_at(uint8_t *record, uint32_t to)
{
    return (uint64_t *)(void *)(record + to);
}

static inline uint32_t *half_at(uint8_t *record, uint32_t to)
{
    return (uint32_t *)(void *)(record + to);
}

static inline bool *flag_at(uint8_t *record, uint32_t to)
{
    return (bool *)(void *)(record + to);
}

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

static inline uint32_t clamp_u32(uint64_t number)
{
    return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

static inline int32_t clamp_s32(int64_t number)
{
    return number > INT32_MAX ? INT32_MAX : number < INT32_MIN ? INT32_MIN : (int32_t)number;
}

/* An unsigned number above INT64_MAX is not a negative one. */
static inline int32_t to_s32(const struct ctf_load *load, uint64_t number)
{
    return !load->is_signed && number > INT32_MAX ? INT32_MAX : clamp_s32((int64_t)number);
}

/* `value` is a number, but in CTF_VALUE and CTF_BYTES. */
static inline void put(uint8_t *record, const struct ctf_load *load, struct ctf_value value)
{
    switch ((enum ctf_form)load->form) {
    case CTF_VALUE:
    case CTF_BYTES:
        *value_at(record, load->to) = value;
        return;
    case CTF_U64:
        *word_at(record, load->to) = value.u;
        return;
    case CTF_U32:
        *half_at(record, load->to) = clamp_u32(value.u);
        return;
    case CTF_S32:
        *half_at(record, load->to) = (uint32_t)to_s32(load, value.u);
        return;
    case CTF_FLAG:
        *flag_at(record, load->to) = value.u != 0;
        return;
    case CTF_NOT:
        *flag_at(record, load->to) = value.u == 0;
        return;
    case CTF_LEFT_OUT:
        return;
    }
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

static enum ctf_result run_plain(const struct ctf_program *program, const struct ctf_op *op, struct ctf_cursor *cursor,
                                 uint8_t *record)
{
    uint64_t at;
    if (!enter_run(op, cursor, &at))
        return CTF_SHORT;
    const uint8_t *from = cursor->bytes + at / BYTE;
    for (size_t i = op->first; i < op->first + op->count; i++) {
        const struct ctf_load *load = &program->loads[i];
        put(record, load, (struct ctf_value){.u = load_little(load, from + load->at)});
    }
    return CTF_OK;
}

static enum ctf_result run_loads(const struct ctf_program *program, const struct ctf_op *op, struct ctf_cursor *cursor,
                                 uint8_t *record)
{
    uint64_t at;
    if (!enter_run(op, cursor, &at))
        return CTF_SHORT;
    for (size_t i = op->first; i < op->first + op->count; i++) {
        const struct ctf_load *load = &program->loads[i];
        put(record, load, load_value(load, cursor->bytes, at + load->at));
    }
    return CTF_OK;
}

static enum ctf_result run_string(const struct ctf_op *op, struct ctf_cursor *cursor, uint8_t *record)
{
    uint64_t at = ctf_align(cursor->at, BYTE);
    if (at >= cursor->end)
        return CTF_SHORT;
    const char *text = (const char *)cursor->bytes + at / BYTE;
    size_t left = (size_t)((cursor->end - at) / BYTE);
    const char *nul = memchr(text, '\0', left);
    if (!nul || nul - text > UINT32_MAX)
        return CTF_SHORT;
    *value_at(record, op->to) = (struct ctf_value){.text = text, .length = (uint32_t)(nul - text)};
    cursor->at = at + (uint64_t)(nul - text + 1) * BYTE;
    return CTF_OK;
}

static inline uint64_t element_count(const struct ctf_op *op, uint8_t *record)
{
    return op->count_from == COUNT_READ ? *word_at(record, (uint32_t)op->count) : op->count;
}

/*
 * What arrays share: where the elements begin and how many there are; false if they do not fit. The
 * cursor is behind them then; the last needs no padding after it. A count of 32 bits and a stride of at most
 * TSDL_ALIGN_MAX_BITS do not overflow the product, which is ten times as fast as a division.
 */
static inline bool enter_elements(const struct ctf_op *op, uint8_t *record, struct ctf_cursor *cursor, uint64_t *at,
                                  uint64_t *count)
{
    *at = ctf_align(cursor->at, op->align);
    *count = element_count(op, record);
    if (*at > cursor->end || *count > UINT32_MAX)
        return false;
    uint64_t bits = *count ? (*count - 1) * op->stride + op->bits : 0;
    cursor->at = *at + bits;
    return bits <= cursor->end - *at;
}

static enum ctf_result run_skip(const struct ctf_op *op, struct ctf_cursor *cursor, uint8_t *record)
{
    uint64_t at, count;
    return enter_elements(op, record, cursor, &at, &count) ? CTF_OK : CTF_SHORT;
}

static enum ctf_result run_text(const struct ctf_op *op, struct ctf_cursor *cursor, uint8_t *record)
{
    uint64_t at, count;
    if (!enter_elements(op, record, cursor, &at, &count))
        return CTF_SHORT;
    const char *text = (const char *)cursor->bytes + at / BYTE;
    *value_at(record, op->to) = (struct ctf_value){.text = text, .length = (uint32_t)strnlen(text, count)};
    return CTF_OK;
}

static enum ctf_result run_bytes(const struct ctf_op *op, struct ctf_cursor *cursor, uint8_t *record)
{
    uint64_t at, count;
    if (!enter_elements(op, record, cursor, &at, &count))
        return CTF_SHORT;
    const char *text = (const char *)cursor->bytes + at / BYTE;
    *value_at(record, op->to) = (struct ctf_value){.text = text, .length = (uint32_t)count};
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
                                 uint8_t *record)
{
    uint64_t at, count;
    if (!enter_elements(op, record, cursor, &at, &count))
        return CTF_SHORT;
    if (count > cursor->scratch_capacity - cursor->scratch_used) {
        cursor->scratch_needed = cursor->scratch_used + count;
        return CTF_SCRATCH;
    }
    uint64_t *elements = cursor->scratch + cursor->scratch_used;
    if (count)
        widen(program->loads + op->first, op, cursor->bytes, at, count, elements);
    cursor->scratch_used += count;
    *value_at(record, op->to) = (struct ctf_value){.us = elements, .length = (uint32_t)count};
    return CTF_OK;
}

static enum ctf_result run_range(const struct ctf_program *program, size_t begin, size_t end, struct ctf_cursor *cursor,
                                 uint8_t *record);

/* Elements without a size say nothing however many there are: one is decoded, so that the loop ends. */
static enum ctf_result run_loop(const struct ctf_program *program, size_t index, struct ctf_cursor *cursor,
                                uint8_t *record)
{
    const struct ctf_op *op = &program->ops[index];
    uint64_t count = element_count(op, record);
    cursor->at = ctf_align(cursor->at, op->align);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t start = cursor->at;
        enum ctf_result result = run_range(program, index + 1, op->next, cursor, record);
        if (result != CTF_OK)
            return result;
        if (cursor->at == start)
            break;
    }
    return CTF_OK;
}

static enum ctf_result run_variant(const struct ctf_program *program, const struct ctf_op *op,
                                   struct ctf_cursor *cursor, uint8_t *record)
{
    const struct ctf_option *options = program->options + op->first, *chosen = NULL;
    uint64_t tag = value_at(record, op->to)->u;
    for (size_t i = 0; i < op->count; i++) {
        if (!chosen && tag - options[i].first <= options[i].last - options[i].first)
            chosen = &options[i];
        for (uint32_t to = options[i].to; to < options[i].to_end; to += sizeof(struct ctf_value))
            *value_at(record, to) = (struct ctf_value){.is_absent = true};
    }
    return chosen ? run_range(program, chosen->begin, chosen->end, cursor, record) : CTF_DAMAGED;
}

/* The ops that contain none. */
static enum ctf_result run_op(const struct ctf_program *program, const struct ctf_op *op, struct ctf_cursor *cursor,
                              uint8_t *record)
{
    switch ((enum ctf_op_kind)op->kind) {
    case OP_PLAIN:
        return run_plain(program, op, cursor, record);
    case OP_RUN:
        return run_loads(program, op, cursor, record);
    case OP_STRING:
        return run_string(op, cursor, record);
    case OP_ARRAY:
        return run_array(program, op, cursor, record);
    case OP_TEXT:
        return run_text(op, cursor, record);
    case OP_BYTES:
        return run_bytes(op, cursor, record);
    case OP_SKIP:
        return run_skip(op, cursor, record);
    case OP_LOOP:
    case OP_VARIANT:
        break;
    }
    return CTF_DAMAGED;
}

static enum ctf_result run_range(const struct ctf_program *program, size_t begin, size_t end, struct ctf_cursor *cursor,
                                 uint8_t *record)
{
    enum ctf_result result = CTF_OK;
    for (size_t i = begin; i < end && result == CTF_OK;) {
        const struct ctf_op *op = &program->ops[i];
        if (op->kind == OP_LOOP)
            result = run_loop(program, i, cursor, record);
        else if (op->kind == OP_VARIANT)
            result = run_variant(program, op, cursor, record);
        else
            result = run_op(program, op, cursor, record);
        i = op->kind == OP_LOOP || op->kind == OP_VARIANT ? op->next : i + 1;
    }
    return result;
}

enum ctf_result ctf_program_run(const struct ctf_program *program, struct ctf_cursor *cursor, void *record)
{
    cursor->scratch_used = 0;
    for (size_t i = 0; i < program->const_count; i++)
        *word_at(record, (uint32_t)(program->consts[i].at * sizeof(uint64_t))) = program->consts[i].word;
    return run_range(program, 0, program->op_count, cursor, record);
}

void ctf_program_fini(struct ctf_program *program)
{
    free(program->ops);
    free(program->loads);
    free(program->straight);
    free(program->options);
    free(program->fields);
    free(program->types);
    free(program->consts);
    free(program->texts);
    *program = (struct ctf_program){0};
}
