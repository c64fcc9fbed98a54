/* See select.h. */
#include "collector/ctf/select.h"

#include <errno.h>
#include <stdlib.h>

/* Which slots are read: by the consumer, or as a length by an op. */
static bool *read_slots(const struct ctf_program *program, const char *class_name, ctf_wants_fn *wants, void *self)
{
    bool *is_read = calloc(program->slot_count + 1, sizeof *is_read);
    if (!is_read)
        return NULL;
    for (size_t i = 0; i < program->field_count; i++)
        is_read[i] = wants(self, class_name, &program->fields[i]);
    for (size_t i = 0; i < program->op_count; i++)
        if (program->ops[i].count_is_slot)
            is_read[program->ops[i].count] = true;
    return is_read;
}

/* The run keeps its size: where it ends does not change. */
static void drop_loads(const struct ctf_program *program, struct ctf_op *run, const bool *is_read)
{
    struct ctf_load *loads = program->loads + run->first;
    uint64_t kept = 0;
    for (uint64_t i = 0; i < run->count; i++)
        if (is_read[loads[i].slot])
            loads[kept++] = loads[i];
    run->count = kept;
}

/* A string has to be looked through anyway, for its end. */
static void select_op(const struct ctf_program *program, struct ctf_op *op, const bool *is_read)
{
    if (op->kind == OP_PLAIN || op->kind == OP_RUN)
        drop_loads(program, op, is_read);
    else if (op->kind != OP_STRING && !is_read[op->slot])
        op->kind = OP_SKIP;
}

int ctf_select(struct ctf_program *program, const char *class_name, ctf_wants_fn *wants, void *self)
{
    if (program->is_nested)
        return 0;
    bool *is_read = read_slots(program, class_name, wants, self);
    if (!is_read)
        return -ENOMEM;
    for (size_t i = 0; i < program->op_count; i++)
        select_op(program, &program->ops[i], is_read);
    free(is_read);
    return 0;
}
