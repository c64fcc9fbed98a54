/* See pick.h: which operations of a program are the fast path. */
#include "collector/ctf/pick.h"

#include <endian.h>

enum { BYTE = 8, WORD = sizeof(uint64_t), PICKS_MAX = UINT8_MAX };

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

/* Those of one kind. Returns how many. */
static size_t gather(const struct ctf_load *loads, size_t count, enum ctf_pick_kind kind, struct ctf_pick *picks)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        if (pick_kind(&loads[i]) == kind)
            picks[found++] = (struct ctf_pick){.at = (uint16_t)loads[i].at, .to = (uint16_t)loads[i].to};
    return found;
}

/* How many words from here on are neighbours in the packet and in the record. */
static size_t count_neighbours(const struct ctf_pick *picks, size_t count)
{
    size_t same = 1;
    while (same < count && picks[same].at == picks[0].at + same * WORD && picks[same].to == picks[0].to + same * WORD)
        same++;
    return same;
}

/* Moves those of the words to `picks` that begin a group of so many neighbours, and closes ranks. Returns how many. */
static size_t take_groups(struct ctf_pick *words, size_t *count, size_t size, struct ctf_pick *picks)
{
    size_t taken = 0, left = 0;
    for (size_t i = 0; i < *count;) {
        bool is_group = count_neighbours(words + i, *count - i) >= size;
        if (is_group)
            picks[taken++] = words[i];
        else
            words[left++] = words[i];
        i += is_group ? size : 1;
    }
    *count = left;
    return taken;
}

/* PICK_32, PICK_16 and PICK_8. Returns how many these are. */
static size_t pick_words(const struct ctf_program *program, struct ctf_op *op)
{
    struct ctf_pick words[PICKS_MAX], *picks = program->picks + op->first, *next = picks;
    size_t left = gather(program->loads + op->first, op->count, PICK_8, words);
    for (enum ctf_pick_kind kind = PICK_32; kind <= PICK_8; kind++) {
        size_t taken = take_groups(words, &left, (size_t)4 >> kind, next);
        op->picks[kind] = (uint8_t)taken;
        next += taken;
    }
    return (size_t)(next - picks);
}

static void pick_run(const struct ctf_program *program, struct ctf_op *op)
{
    size_t next = pick_words(program, op);
    op->rare_picks = 0;
    for (enum ctf_pick_kind kind = PICK_8 + 1; kind < PICK_KINDS; kind++) {
        struct ctf_pick *picks = program->picks + op->first + next;
        size_t found = gather(program->loads + op->first, op->count, kind, picks);
        op->picks[kind] = (uint8_t)found;
        op->rare_picks = (uint8_t)(op->rare_picks + (kind >= PICK_RARE ? found : 0));
        next += found;
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
