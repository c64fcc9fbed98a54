/* See select.h. */
#include "collector/ctf/select.h"

#include <errno.h>
#include <stdlib.h>

/* Of each slot of a program: whether it is wanted or read as a length, and its number afterwards. */
struct choice {
    bool *is_wanted, *is_read;
    uint32_t *number;
};

static void choice_fini(struct choice *choice)
{
    free(choice->is_wanted);
    free(choice->is_read);
    free(choice->number);
}

static int choice_init(struct choice *choice, size_t count)
{
    *choice = (struct choice){.is_wanted = calloc(count + 1, sizeof *choice->is_wanted),
                              .is_read = calloc(count + 1, sizeof *choice->is_read),
                              .number = calloc(count + 1, sizeof *choice->number)};
    if (choice->is_wanted && choice->is_read && choice->number)
        return 0;
    choice_fini(choice);
    return -ENOMEM;
}

static void ask(struct choice *choice, const struct ctf_program *program, const char *class_name, ctf_wants_fn *wants,
                void *self)
{
    for (size_t i = 0; i < program->field_count; i++)
        choice->is_read[i] = choice->is_wanted[i] = wants && wants(self, class_name, &program->fields[i]);
    for (size_t i = 0; i < program->op_count; i++)
        if (program->ops[i].count_is_slot)
            choice->is_read[program->ops[i].count] = true;
}

/* What is wanted comes first, as the fields do that are shown. Returns how many these are. */
static size_t number_slots(struct choice *choice, size_t count)
{
    uint32_t next = 0;
    for (size_t i = 0; i < count; i++)
        if (choice->is_wanted[i])
            choice->number[i] = next++;
    size_t wanted = next;
    for (size_t i = 0; i < count; i++)
        if (!choice->is_wanted[i])
            choice->number[i] = next++;
    return wanted;
}

/* The run keeps its size: where it ends does not change. */
static void select_loads(const struct ctf_program *program, struct ctf_op *run, const struct choice *choice)
{
    struct ctf_load *loads = program->loads + run->first;
    uint64_t kept = 0;
    for (uint64_t i = 0; i < run->count; i++) {
        if (!choice->is_read[loads[i].slot])
            continue;
        loads[kept] = loads[i];
        loads[kept].slot = choice->number[loads[kept].slot];
        kept++;
    }
    run->count = kept;
}

/* A string has to be looked through anyway, for its end. */
static void select_op(const struct ctf_program *program, struct ctf_op *op, const struct choice *choice)
{
    if (op->kind == OP_PICK || op->kind == OP_PLAIN || op->kind == OP_RUN) {
        select_loads(program, op, choice);
        return;
    }
    if (op->kind != OP_STRING && !choice->is_read[op->slot])
        op->kind = OP_SKIP;
    op->slot = choice->number[op->slot];
    if (op->count_is_slot)
        op->count = choice->number[op->count];
}

static void select_fields(struct ctf_program *program, const struct choice *choice)
{
    size_t pointers = 0;
    for (size_t i = 0; i < program->pointer_count; i++)
        if (choice->is_wanted[program->pointers[i]])
            program->pointers[pointers++] = choice->number[program->pointers[i]];
    program->pointer_count = pointers;
    for (size_t i = 0; i < program->field_count; i++) {
        if (!choice->is_wanted[i])
            continue;
        program->fields[choice->number[i]] = program->fields[i];
        program->types[choice->number[i]] = program->types[i];
    }
}

int ctf_select(struct ctf_program *program, const char *class_name, ctf_wants_fn *wants, void *self)
{
    struct choice choice;
    if (program->is_nested)
        return 0;
    if (choice_init(&choice, program->slot_count))
        return -ENOMEM;
    ask(&choice, program, class_name, wants, self);
    size_t wanted = number_slots(&choice, program->slot_count);
    for (size_t i = 0; i < program->op_count; i++)
        select_op(program, &program->ops[i], &choice);
    select_fields(program, &choice);
    program->field_count = wanted;
    ctf_program_pick(program);
    choice_fini(&choice);
    return 0;
}
