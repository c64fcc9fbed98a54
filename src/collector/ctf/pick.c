/* See pick.h: which operations of a program are the fast path. */
#include "collector/ctf/pick.h"

#include <endian.h>

enum { BYTE = 8, PICKS_MAX = UINT8_MAX };

/* What is copied as it is. */
static const uint32_t copied_bytes[] = {[PICK_32] = 32, [PICK_16] = 16, [PICK_8] = 8, [PICK_4] = 4};

/* PICK_KINDS = it is none. */
static enum ctf_pick_kind pick_kind(const struct ctf_load *load)
{
    bool is_near = BYTE_ORDER == LITTLE_ENDIAN && load->at <= UINT16_MAX && load->to <= UINT16_MAX;
    if (is_near && load->size == 64 && load->form == CTF_U64)
        return PICK_8;
    if (!is_near || load->size != 32)
        return PICK_KINDS;
    switch ((enum ctf_form)load->form) {
    case CTF_U64:
        return load->is_signed ? PICK_S32 : PICK_U32;
    case CTF_U32:
        return load->is_signed ? PICK_KINDS : PICK_4;
    case CTF_S32:
        return load->is_signed ? PICK_4 : PICK_KINDS;
    case CTF_FLAG:
        return PICK_FLAG;
    case CTF_NOT:
        return PICK_NOT;
    default:
        return PICK_KINDS;
    }
}

static enum ctf_pick_kind widest(uint32_t bytes)
{
    enum ctf_pick_kind kind = PICK_32;
    while (kind < PICK_4 && bytes < copied_bytes[kind])
        kind++;
    return kind;
}

/* Loads from here on that are only copied, neighbours in the packet and in the record. Returns their bytes. */
static uint32_t join_neighbours(const struct ctf_load **load, const struct ctf_load *end)
{
    const struct ctf_load *first = *load;
    uint32_t bytes = 0;
    while (*load != end && pick_kind(*load) <= PICK_4 && (*load)->at == first->at + bytes &&
           (*load)->to == first->to + bytes)
        bytes += (*load)++->size / BYTE;
    return bytes;
}

/* The run's picks in the order of its loads, of which there are at least as many. Returns how many. */
static size_t list_picks(const struct ctf_program *program, const struct ctf_op *op, struct ctf_pick *picks,
                         enum ctf_pick_kind *kinds)
{
    const struct ctf_load *load = program->loads + op->first, *end = load + op->count;
    size_t count = 0;
    while (load != end) {
        struct ctf_pick pick = {.at = (uint16_t)load->at, .to = (uint16_t)load->to};
        uint32_t bytes = join_neighbours(&load, end);
        if (!bytes) {
            picks[count] = pick;
            kinds[count++] = pick_kind(load++);
        }
        while (bytes) {
            enum ctf_pick_kind kind = kinds[count] = widest(bytes);
            picks[count++] = pick;
            pick.at = (uint16_t)(pick.at + copied_bytes[kind]);
            pick.to = (uint16_t)(pick.to + copied_bytes[kind]);
            bytes -= copied_bytes[kind];
        }
    }
    return count;
}

/* Sorted by kind, as they are copied. */
static void pick_run(const struct ctf_program *program, struct ctf_op *op)
{
    struct ctf_pick listed[PICKS_MAX], *next = program->picks + op->first;
    enum ctf_pick_kind kinds[PICKS_MAX];
    size_t count = list_picks(program, op, listed, kinds);
    op->rare_picks = 0;
    for (enum ctf_pick_kind kind = 0; kind < PICK_KINDS; kind++) {
        op->picks[kind] = 0;
        for (size_t i = 0; i < count; i++) {
            if (kinds[i] != kind)
                continue;
            *next++ = listed[i];
            op->picks[kind]++;
            op->rare_picks = (uint8_t)(op->rare_picks + (kind >= PICK_RARE));
        }
    }
}

static bool is_picked(const struct ctf_program *program, const struct ctf_op *op)
{
    bool is_picked = (op->kind == OP_PLAIN || op->kind == OP_PICK) && op->count <= PICKS_MAX;
    for (uint64_t i = 0; is_picked && i < op->count; i++)
        is_picked = pick_kind(&program->loads[op->first + i]) != PICK_KINDS;
    return is_picked;
}

static bool is_read_once(const struct ctf_program *program, uint64_t count)
{
    size_t readers = 0;
    for (size_t i = 0; i < program->op_count; i++)
        readers += program->ops[i].count_from == COUNT_READ && program->ops[i].count == count;
    return readers == 1;
}

/* The length of the array is what its run ends with. */
static bool ends_with_count(const struct ctf_program *program, const struct ctf_op *run, const struct ctf_op *array)
{
    if ((run->kind != OP_PLAIN && run->kind != OP_PICK) || !run->count || array->count_from != COUNT_READ)
        return false;
    const struct ctf_load *last = &program->loads[run->first + run->count - 1];
    bool is_last = ((uint64_t)last->at + sizeof(uint32_t)) * BYTE == run->bits;
    return is_last && last->to == array->count && last->form == CTF_U64 && last->size == 32 && !last->is_signed &&
           array->align <= BYTE;
}

static bool is_words(const struct ctf_program *program, const struct ctf_op *array)
{
    const struct ctf_load *element = &program->loads[array->first];
    return array->kind == OP_ARRAY && element->kind == LOAD_WHOLE && element->size == 64 && array->stride == 64 &&
           element->is_big_endian == (BYTE_ORDER == BIG_ENDIAN);
}

/* Reads the length where it stands rather than by way of the record. */
static void join_count(const struct ctf_program *program, struct ctf_op *run, struct ctf_op *array)
{
    bool is_array =
        array->kind == OP_ARRAY || array->kind == OP_TEXT || array->kind == OP_BYTES || array->kind == OP_SKIP;
    if (BYTE_ORDER != LITTLE_ENDIAN || !is_array || !ends_with_count(program, run, array) ||
        !is_read_once(program, array->count))
        return;
    run->count--;
    array->count_from = COUNT_BEFORE;
    if (is_words(program, array))
        array->kind = OP_WORDS;
}

void ctf_program_pick(struct ctf_program *program)
{
    for (size_t i = 1; i < program->op_count && !program->is_nested; i++)
        join_count(program, &program->ops[i - 1], &program->ops[i]);
    for (size_t i = 0; i < program->op_count; i++) {
        struct ctf_op *op = &program->ops[i];
        bool is_pick = is_picked(program, op);
        if (op->kind == OP_PICK || is_pick)
            op->kind = is_pick ? OP_PICK : OP_PLAIN;
        if (is_pick)
            pick_run(program, op);
    }
}
