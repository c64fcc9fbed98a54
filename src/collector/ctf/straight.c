/* See straight.h. Start at ctf_straight_create: it goes through a program's operations and gives up at the first other.
 */
#include "collector/ctf/straight.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

enum {
    BYTE = 8,
    WORD = sizeof(uint64_t),
    HALF = sizeof(uint32_t),
    FIELDS_MAX = 128,
    HALVES_MAX = CTF_PLAN_BYTES / HALF,
    NO_COUNT = UINT32_MAX
};

/* Bytes of the record that belong to someone; those that are written by now, or only behind all picks. */
enum owner { OWNER_NONE, OWNER_NOW, OWNER_LATER };

struct builder {
    const struct ctf_program *program;
    const struct ctf_plan *plan;
    struct ctf_stretch stretches[CTF_STRETCHES_MAX];
    struct ctf_pick picks[FIELDS_MAX];
    struct ctf_flag flags[FIELDS_MAX];
    struct ctf_const_word words[HALVES_MAX];
    struct ctf_const_half halves[HALVES_MAX];
    size_t stretch_count, pick_count, flag_count, word_count, half_count;

    struct ctf_pick copied[FIELDS_MAX]; /* of the stretch at hand, in the order of the record */
    uint8_t copied_bytes[FIELDS_MAX];
    size_t copied_count;
    uint32_t count_to; /* where the program puts the number that the stretch ends with, or NO_COUNT */

    uint8_t owners[CTF_PLAN_BYTES + CTF_WIDE_BYTES]; /* enum owner */
    size_t record_bytes; /* with what is spilled behind it when there is something behind it */
    bool failed;         /* it is none */
};

static size_t whole_words(size_t bytes)
{
    return (bytes + WORD - 1) / WORD * WORD;
}

/* ---- the record ---- */

static void own(struct builder *builder, size_t to, size_t bytes, enum owner owner)
{
    if (to + bytes > builder->plan->size) {
        builder->failed = true;
        return;
    }
    for (size_t i = to; i < to + bytes; i++) {
        builder->failed = builder->failed || builder->owners[i];
        builder->owners[i] = (uint8_t)owner;
    }
}

/* What would be spilled onto is not there yet. */
static bool may_spill(const struct builder *builder, size_t to)
{
    for (size_t i = to; i < to + CTF_WIDE_BYTES; i++)
        if (builder->owners[i] == OWNER_NOW)
            return false;
    return true;
}

/* ---- stretches ---- */

static struct ctf_stretch *stretch_at_hand(struct builder *builder)
{
    return &builder->stretches[builder->stretch_count];
}

/* In the order of the record. */
static void add_copied(struct builder *builder, size_t at, size_t to, uint8_t bytes)
{
    size_t i = builder->copied_count++;
    for (; i > 0 && builder->copied[i - 1].to > to; i--) {
        builder->copied[i] = builder->copied[i - 1];
        builder->copied_bytes[i] = builder->copied_bytes[i - 1];
    }
    builder->copied[i] = (struct ctf_pick){(uint16_t)at, (uint16_t)to};
    builder->copied_bytes[i] = bytes;
}

/* The last flag of that half word in the stretch at hand, or NULL. */
static struct ctf_flag *flag_beside(struct builder *builder, size_t half_to)
{
    struct ctf_flag *flag = builder->flags + builder->flag_count;
    for (uint16_t left = stretch_at_hand(builder)->flag_count; left > 0; left--)
        if ((--flag)->to == half_to)
            return flag;
    return NULL;
}

static void add_flag(struct builder *builder, size_t at, size_t to, bool is_not)
{
    size_t half_to = to / HALF * HALF;
    uint32_t shift = (uint32_t)(to - half_to) * BYTE, others = ~(UINT32_C(0xff) << shift);
    uint32_t blank = ctf_raw32((const uint8_t *)builder->plan->blank + half_to);
    struct ctf_flag *beside = flag_beside(builder, half_to), *end = builder->flags + builder->flag_count++;
    struct ctf_flag *flag = beside ? beside + 1 : end;
    memmove(flag + 1, flag, (size_t)(end - flag) * sizeof *flag);
    *flag = (struct ctf_flag){.at = (uint16_t)at,
                              .to = (uint16_t)half_to,
                              .shift = (uint8_t)shift,
                              .is_not = is_not,
                              .keep = beside ? others : 0,
                              .rest = beside ? 0 : blank & others};
    stretch_at_hand(builder)->flag_count++;
}

/* How many bytes of the packet are the field as the record has it; 0 = it is not so. */
static uint8_t same_bytes(const struct ctf_load *load)
{
    if (load->form == CTF_U64)
        return load->size == 64 ? WORD : 0;
    bool is_half = (load->form == CTF_U32 && !load->is_signed) || (load->form == CTF_S32 && load->is_signed);
    return is_half && load->size == 32 ? HALF : 0;
}

/* `at` in the stretch. */
static void add_load(struct builder *builder, const struct ctf_load *load, size_t at)
{
    uint8_t bytes = same_bytes(load);
    bool is_flag = (load->form == CTF_FLAG || load->form == CTF_NOT) && load->size == 32;
    bool is_near = at + CTF_WIDE_BYTES <= UINT16_MAX && load->to % (is_flag ? 1 : HALF) == 0;
    bool has_room = builder->copied_count < FIELDS_MAX && builder->flag_count < FIELDS_MAX;
    if (load->kind != LOAD_WHOLE || load->is_big_endian || !is_near || !has_room)
        builder->failed = true;
    else if (load->to >= builder->plan->size && load->size == 32 && !load->is_signed)
        builder->count_to = at + HALF == stretch_at_hand(builder)->bytes ? load->to : NO_COUNT;
    else if (is_flag)
        add_flag(builder, at, load->to, load->form == CTF_NOT);
    else if (bytes)
        add_copied(builder, at, load->to, bytes);
    else
        builder->failed = true;
}

static void add_run(struct builder *builder, const struct ctf_op *op)
{
    struct ctf_stretch *stretch = stretch_at_hand(builder);
    uint64_t begin = stretch->bytes, unit = op->kind == OP_PLAIN ? 1 : BYTE;
    if (op->align > BYTE || op->bits % BYTE || begin + op->bits / BYTE > UINT16_MAX) {
        builder->failed = true;
        return;
    }
    stretch->bytes += (uint32_t)(op->bits / BYTE);
    builder->count_to = NO_COUNT;
    for (uint64_t i = 0; i < op->count; i++) {
        const struct ctf_load *load = &builder->program->loads[op->first + i];
        builder->failed = builder->failed || load->at % unit;
        add_load(builder, load, begin + load->at / unit);
    }
}

/* Neighbours in the packet and in the record go together, as far as a copy reaches. */
static void list_picks(struct builder *builder)
{
    for (size_t i = 0; i < builder->copied_count;) {
        struct ctf_pick pick = builder->copied[i];
        size_t bytes = 0;
        while (i < builder->copied_count && builder->copied[i].at == pick.at + bytes &&
               builder->copied[i].to == pick.to + bytes && bytes + builder->copied_bytes[i] <= CTF_WIDE_BYTES)
            bytes += builder->copied_bytes[i++];
        builder->failed = builder->failed || !may_spill(builder, pick.to);
        builder->picks[builder->pick_count++] = pick;
        stretch_at_hand(builder)->pick_count++;
        if (builder->stretch_count > 0 && builder->record_bytes < (size_t)pick.to + CTF_WIDE_BYTES)
            builder->record_bytes = whole_words((size_t)pick.to + CTF_WIDE_BYTES);
    }
}

static void end_stretch(struct builder *builder, enum ctf_tail tail, size_t to)
{
    bool is_placed = tail != TAIL_NONE && tail != TAIL_SKIP && tail != TAIL_SKIP_STRING;
    if (builder->failed)
        return;
    list_picks(builder);
    for (size_t i = 0; i < builder->copied_count; i++)
        own(builder, builder->copied[i].to, builder->copied_bytes[i], OWNER_NOW);
    for (size_t i = builder->flag_count - stretch_at_hand(builder)->flag_count; i < builder->flag_count; i++)
        if (!builder->flags[i].keep) /* the first of its half word owns it */
            own(builder, builder->flags[i].to, HALF, OWNER_NOW);
    if (is_placed)
        own(builder, to, sizeof(struct ctf_value), OWNER_NOW);
    stretch_at_hand(builder)->tail = (uint8_t)tail;
    stretch_at_hand(builder)->to = (uint16_t)to;
    builder->stretch_count++;
    builder->copied_count = 0;
    builder->count_to = NO_COUNT;
}

static bool is_words(const struct builder *builder, const struct ctf_op *array)
{
    const struct ctf_load *element = &builder->program->loads[array->first];
    return element->kind == LOAD_WHOLE && element->size == 64 && array->stride == 64 && !element->is_big_endian;
}

/* TAIL_NONE = it cannot be one. */
static enum ctf_tail tail_of(const struct builder *builder, const struct ctf_op *op)
{
    switch ((enum ctf_op_kind)op->kind) {
    case OP_STRING:
        return op->to < builder->plan->size ? TAIL_STRING : TAIL_SKIP_STRING;
    case OP_ARRAY:
        return is_words(builder, op) ? TAIL_WORDS : TAIL_NONE;
    case OP_TEXT:
        return TAIL_TEXT;
    case OP_BYTES:
        return TAIL_BYTES;
    case OP_SKIP:
        return op->stride % BYTE == 0 && op->stride == op->bits ? TAIL_SKIP : TAIL_NONE;
    default:
        return TAIL_NONE;
    }
}

static void add_tail(struct builder *builder, const struct ctf_op *op)
{
    enum ctf_tail tail = tail_of(builder, op);
    bool is_counted = op->count_from == COUNT_READ && op->count == builder->count_to;
    if (tail == TAIL_NONE || op->align > BYTE || (op->kind != OP_STRING && !is_counted)) {
        builder->failed = true;
        return;
    }
    stretch_at_hand(builder)->element_bytes = op->stride / BYTE;
    end_stretch(builder, tail, op->to);
}

static void add_op(struct builder *builder, const struct ctf_op *op)
{
    if (builder->stretch_count == CTF_STRETCHES_MAX)
        builder->failed = true;
    else if (op->kind == OP_PLAIN || op->kind == OP_RUN)
        add_run(builder, op);
    else
        add_tail(builder, op);
}

/* ---- constants ---- */

static bool is_free(const struct builder *builder, size_t to, size_t bytes)
{
    for (size_t i = to; i < to + bytes; i++)
        if (builder->owners[i])
            return false;
    return true;
}

static void list_consts(struct builder *builder)
{
    const uint8_t *blank = (const uint8_t *)builder->plan->blank;
    for (size_t to = 0; to < builder->plan->size; to += WORD) {
        if (is_free(builder, to, WORD)) {
            builder->words[builder->word_count++] = (struct ctf_const_word){builder->plan->blank[to / WORD], to};
            continue;
        }
        for (size_t at = to; at < to + WORD; at += HALF)
            if (is_free(builder, at, HALF))
                builder->halves[builder->half_count++] = (struct ctf_const_half){ctf_raw32(blank + at), (uint32_t)at};
    }
}

/* ---- the whole ---- */

static void find(struct builder *builder)
{
    const struct ctf_program *program = builder->program;
    builder->count_to = NO_COUNT;
    builder->record_bytes = builder->plan->size;
    builder->failed = BYTE_ORDER != LITTLE_ENDIAN || program->is_nested || builder->plan->size % WORD;
    if (builder->plan->time_at != CTF_NO_TIME)
        own(builder, builder->plan->time_at, sizeof(uint64_t), OWNER_LATER);
    for (size_t i = 0; i < program->op_count && !builder->failed; i++)
        add_op(builder, &program->ops[i]);
    if (builder->stretch_count == 0 || (builder->stretch_count < CTF_STRETCHES_MAX && stretch_at_hand(builder)->bytes))
        end_stretch(builder, TAIL_NONE, 0);
    if (builder->failed)
        return;
    builder->stretches[builder->stretch_count - 1].is_last = true;
    list_consts(builder);
}

/* Copies an array behind what there is. Returns where it is. */
static const void *append(uint8_t **free, const void *items, size_t bytes)
{
    void *to = memcpy(*free, items, bytes);
    *free += whole_words(bytes);
    return to;
}

static struct ctf_straight *pack(const struct builder *builder)
{
    size_t stretch_bytes = (builder->stretch_count - 1) * sizeof *builder->stretches,
           pick_bytes = builder->pick_count * sizeof *builder->picks,
           word_bytes = builder->word_count * sizeof *builder->words,
           half_bytes = builder->half_count * sizeof *builder->halves,
           flag_bytes = builder->flag_count * sizeof *builder->flags;
    struct ctf_straight *straight = malloc(sizeof *straight + whole_words(stretch_bytes) + whole_words(pick_bytes) +
                                           whole_words(word_bytes) + whole_words(half_bytes) + whole_words(flag_bytes));
    if (!straight)
        return NULL;
    uint8_t *free = (uint8_t *)(straight + 1);
    *straight = (struct ctf_straight){.first = builder->stretches[0],
                                      .record_bytes = (uint16_t)builder->record_bytes,
                                      .time_at = builder->plan->time_at,
                                      .word_count = (uint16_t)builder->word_count,
                                      .half_count = (uint16_t)builder->half_count};
    straight->others = append(&free, builder->stretches + 1, stretch_bytes);
    straight->picks = append(&free, builder->picks, pick_bytes);
    straight->flags = append(&free, builder->flags, flag_bytes);
    straight->words = append(&free, builder->words, word_bytes);
    straight->halves = append(&free, builder->halves, half_bytes);
    return straight;
}

int ctf_straight_create(const struct ctf_program *program, const struct ctf_plan *plan, struct ctf_straight **out)
{
    struct builder builder = {.program = program, .plan = plan};
    find(&builder);
    struct ctf_straight *straight = builder.failed ? NULL : pack(&builder);
    if (!builder.failed && !straight)
        return -ENOMEM;
    *out = straight;
    return 0;
}

/* ---- running ---- */

/* The bytes that the tail takes, and how many of them are kept. False if they do not fit. */
static bool measure_tail(const struct ctf_stretch *stretch, const uint8_t *at, const uint8_t *end, uint64_t *bytes,
                         uint64_t *kept)
{
    uint64_t left = (uint64_t)(end - at);
    if (stretch->tail == TAIL_STRING || stretch->tail == TAIL_SKIP_STRING) {
        const uint8_t *nul = memchr(at, '\0', left);
        *kept = nul ? (uint64_t)(nul - at) : 0;
        *bytes = *kept + 1;
        return nul && *kept <= UINT32_MAX;
    }
    uint64_t count = ctf_raw32(at - sizeof(uint32_t));
    *bytes = stretch->tail == TAIL_SKIP ? count * stretch->element_bytes : count;
    if (*bytes > left)
        return false;
    *kept = stretch->tail == TAIL_TEXT ? strnlen((const char *)at, count) : count;
    return true;
}

struct ctf_reached ctf_tail_other(const struct ctf_stretch *stretch, struct ctf_reached from, const uint8_t *end,
                                  uint8_t *record, const uint8_t *room_end)
{
    uint64_t bytes, kept;
    if (!measure_tail(stretch, from.at, end, &bytes, &kept))
        return (struct ctf_reached){0};
    if (stretch->tail == TAIL_SKIP || stretch->tail == TAIL_SKIP_STRING)
        return (struct ctf_reached){from.at + bytes, from.free};
    size_t room = whole_words(kept);
    if (room > (uint64_t)(room_end - from.free))
        return (struct ctf_reached){0};
    ctf_put_value(record, stretch->to, from.free, kept);
    memcpy(from.free, from.at, kept);
    return (struct ctf_reached){from.at + bytes, from.free + room};
}
