/*
 * See plan.h. Until now each slot has the offset slot * VALUE_BYTES, which tells it from the others; here each
 * operation gets its final one.
 */
#include "collector/ctf/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/straight.h"

enum { BYTE = 8, WORD = sizeof(uint64_t), VALUE_BYTES = sizeof(struct ctf_value) };

/* Where a slot goes. */
struct target {
    uint32_t to;
    uint8_t form;
    bool is_read; /* it says how many of something there are, or which option there is */
};

static struct target *target_of(struct target *targets, uint64_t offset)
{
    return &targets[offset / VALUE_BYTES];
}

static void mark_read(const struct ctf_program *program, struct target *targets)
{
    for (size_t i = 0; i < program->op_count; i++) {
        const struct ctf_op *op = &program->ops[i];
        if (op->count_from == COUNT_READ)
            target_of(targets, op->count)->is_read = true;
        if (op->kind == OP_VARIANT)
            target_of(targets, op->to)->is_read = true;
    }
}

/* An option's values have to stay side by side: they are marked absent together. */
static void forget_options(const struct ctf_program *program, struct ctf_place *places)
{
    for (size_t i = 0; i < program->option_count; i++)
        for (uint32_t to = program->options[i].to; to < program->options[i].to_end; to += VALUE_BYTES)
            places[to / VALUE_BYTES].form = CTF_LEFT_OUT;
}

/* Only texts are bytes where they lie, and arrays of bytes. */
static bool holds_bytes(const struct ctf_program *program, size_t field)
{
    const struct tsdl_type *element = program->types[field]->element;
    bool is_bytes = element && element->kind == TSDL_INTEGER && element->size == BYTE && element->align == BYTE;
    return program->fields[field].type == CTF_STRING || is_bytes;
}

static size_t form_bytes(enum ctf_form form)
{
    switch (form) {
    case CTF_U64:
        return sizeof(uint64_t);
    case CTF_U32:
    case CTF_S32:
        return sizeof(uint32_t);
    case CTF_FLAG:
    case CTF_NOT:
        return sizeof(bool);
    default:
        return VALUE_BYTES;
    }
}

/* Has a place, of the kind that the field can be put in. */
static bool is_placed(const struct ctf_program *program, const struct ctf_plan *plan, size_t field)
{
    const struct ctf_place *place = &plan->places[field];
    enum ctf_form form = (enum ctf_form)place->form;
    if (form == CTF_LEFT_OUT || place->offset + form_bytes(form) > plan->size)
        return false;
    return form != CTF_BYTES || holds_bytes(program, field);
}

static void take_places(const struct ctf_program *program, const struct ctf_plan *plan, struct target *targets)
{
    for (size_t i = 0; i < program->field_count; i++) {
        if (targets[i].is_read || !is_placed(program, plan, i))
            continue;
        targets[i].to = plan->places[i].offset;
        targets[i].form = plan->places[i].form;
    }
}

static bool is_string(const struct ctf_program *program, size_t slot)
{
    return slot < program->field_count && program->types[slot]->kind == TSDL_STRING;
}

/* The others that are read all the same, in the order of the slots; a string for its end. */
static void hide_rest(struct ctf_program *program, struct target *targets)
{
    for (size_t i = 0; i < program->slot_count; i++) {
        struct target *target = &targets[i];
        if (target->form || !(program->is_nested || target->is_read || is_string(program, i)))
            continue;
        target->to = (uint32_t)program->record_bytes;
        target->form = program->is_nested || !target->is_read ? CTF_VALUE : CTF_U64;
        program->record_bytes += VALUE_BYTES;
    }
}

/* The run keeps its size: where it ends does not change. */
static void place_loads(const struct ctf_program *program, struct ctf_op *run, struct target *targets)
{
    if (!run->count) /* there may be no loads at all */
        return;
    struct ctf_load *loads = program->loads + run->first;
    uint64_t kept = 0;
    for (uint64_t i = 0; i < run->count; i++) {
        const struct target *target = target_of(targets, loads[i].to);
        if (!target->form)
            continue;
        loads[kept] = loads[i];
        loads[kept].to = target->to;
        loads[kept++].form = target->form;
    }
    run->count = kept;
}

static void place_op(const struct ctf_program *program, struct ctf_op *op, struct target *targets)
{
    if (op->kind == OP_PLAIN || op->kind == OP_RUN) {
        place_loads(program, op, targets);
        return;
    }
    const struct target *target = target_of(targets, op->to);
    if (op->kind == OP_ARRAY && target->form == CTF_BYTES)
        op->kind = OP_BYTES;
    if ((op->kind == OP_ARRAY || op->kind == OP_TEXT) && !target->form)
        op->kind = OP_SKIP;
    if (op->kind != OP_LOOP)
        op->to = target->to;
    if (op->count_from == COUNT_READ)
        op->count = target_of(targets, op->count)->to;
}

/* Those of one option have been hidden side by side. */
static void place_options(struct ctf_program *program, struct target *targets)
{
    for (size_t i = 0; i < program->option_count; i++) {
        struct ctf_option *option = &program->options[i];
        uint32_t bytes = option->to_end - option->to;
        option->to = bytes ? target_of(targets, option->to)->to : 0;
        option->to_end = option->to + bytes;
    }
}

static void list_texts(struct ctf_program *program, const struct target *targets, const struct ctf_plan *plan)
{
    program->text_count = 0;
    for (size_t i = 0; i < program->field_count; i++) {
        bool is_shown = targets[i].form && targets[i].to < plan->size;
        if (is_shown && (targets[i].form == CTF_BYTES || program->fields[i].type == CTF_STRING))
            program->texts[program->text_count++] = targets[i].to;
    }
}

/* The words of the record that are not filled whole by one field. */
static void list_consts(struct ctf_program *program, const struct target *targets, const struct ctf_plan *plan)
{
    bool is_filled[CTF_PLAN_BYTES / WORD] = {false};
    for (size_t i = 0; i < program->field_count; i++) {
        size_t bytes = form_bytes((enum ctf_form)targets[i].form), first = targets[i].to / WORD;
        bool is_shown = targets[i].form && targets[i].to < plan->size;
        for (size_t k = 0; is_shown && k < bytes / WORD; k++)
            is_filled[first + k] = true;
    }
    for (size_t i = 0; i * WORD < plan->size; i++)
        if (!is_filled[i])
            program->consts[program->const_count++] = (struct ctf_const){.word = plan->blank[i], .at = i};
}

static void place_all(struct ctf_program *program, const struct ctf_plan *plan, struct target *targets)
{
    mark_read(program, targets);
    forget_options(program, plan->places);
    take_places(program, plan, targets);
    hide_rest(program, targets);
    for (size_t i = 0; i < program->op_count; i++)
        place_op(program, &program->ops[i], targets);
    place_options(program, targets);
    list_texts(program, targets, plan);
    list_consts(program, targets, plan);
}

int ctf_plan(struct ctf_program *program, const struct ctf_event_class *class, ctf_plan_fn *plan, void *self)
{
    struct ctf_plan made = {.places = calloc(program->field_count + 1, sizeof *made.places), .time_at = CTF_NO_TIME};
    struct target *targets = calloc(program->slot_count + 1, sizeof *targets);
    program->consts = calloc(CTF_PLAN_BYTES / WORD, sizeof *program->consts);
    int error = made.places && targets && program->consts ? 0 : -ENOMEM;
    if (!error && plan)
        plan(self, class, &made);
    if (!error) {
        made.size = (made.size + WORD - 1) / WORD * WORD;
        program->record_bytes = made.size;
        program->time_at = made.time_at;
        place_all(program, &made, targets);
        error = ctf_straight_create(program, &made, &program->straight);
    }
    free(targets);
    free(made.places);
    return error;
}
