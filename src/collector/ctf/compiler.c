/* See compiler.h. */
#include "collector/ctf/compiler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/vec.h"

enum { BYTE = 8, ITEMS_MAX = 8192 };

void compiler_fail(struct compiler *compiler, int error)
{
    if (!compiler->error)
        compiler->error = error;
}

/* Whether one more item may be appended to a list, with room made for it. */
static bool may_add(struct compiler *compiler, size_t count, int reserved)
{
    if (reserved)
        compiler_fail(compiler, reserved);
    if (count >= ITEMS_MAX)
        compiler_fail(compiler, -ENOTSUP);
    return !compiler->error;
}

static void add_op(struct compiler *compiler, struct ctf_op op)
{
    struct ctf_program *program = &compiler->program;
    int reserved = VEC_RESERVE(program->ops, program->op_count, compiler->op_capacity, 1);
    if (may_add(compiler, program->op_count, reserved))
        program->ops[program->op_count++] = op;
}

void compiler_add_load(struct compiler *compiler, struct ctf_load load)
{
    struct ctf_program *program = &compiler->program;
    int reserved = VEC_RESERVE(program->loads, program->load_count, compiler->load_capacity, 1);
    if (may_add(compiler, program->load_count, reserved))
        program->loads[program->load_count++] = load;
}

void compiler_add_option(struct compiler *compiler, struct ctf_option option)
{
    struct ctf_program *program = &compiler->program;
    int reserved = VEC_RESERVE(program->options, program->option_count, compiler->option_capacity, 1);
    if (may_add(compiler, program->option_count, reserved))
        program->options[program->option_count++] = option;
}

/* ---- slots ---- */

static enum ctf_type value_type(const struct tsdl_type *type)
{
    switch (type->kind) {
    case TSDL_FLOAT:
        return CTF_FLOAT;
    case TSDL_ENUM:
        return CTF_ENUM;
    case TSDL_STRING:
        return CTF_STRING;
    case TSDL_INTEGER:
        return type->is_signed ? CTF_SIGNED : CTF_UNSIGNED;
    default:
        return CTF_SEQUENCE;
    }
}

const char *compiler_name(struct compiler *compiler, const char *name)
{
    name += *name == '_';
    size_t prefix_bytes = strlen(compiler->prefix), name_bytes = strlen(name);
    char *path = arena_alloc(compiler->arena, prefix_bytes + name_bytes + 1);
    if (!path) {
        compiler_fail(compiler, -ENOMEM);
        return "";
    }
    memcpy(path, compiler->prefix, prefix_bytes);
    memcpy(path + prefix_bytes, name, name_bytes + 1);
    return path;
}

static const struct ctf_labels *make_labels(struct compiler *compiler, const struct tsdl_type *type)
{
    struct ctf_labels *labels = arena_alloc(compiler->arena, sizeof *labels);
    if (!labels)
        compiler_fail(compiler, -ENOMEM);
    else
        *labels = (struct ctf_labels){type->labels, type->label_count};
    return labels;
}

static struct ctf_field make_field(struct compiler *compiler, const struct tsdl_type *type, const char *name)
{
    const struct tsdl_type *element = type->element ? type->element : type;
    struct ctf_field field = {
        .name = compiler_name(compiler, name),
        .type = value_type(type),
        .element = element->kind == TSDL_FLOAT ? CTF_FLOAT
                   : element->is_signed        ? CTF_SIGNED
                                               : CTF_UNSIGNED,
        .bits = (uint8_t)type->size,
        .base = element->base,
        .is_context = compiler->is_context,
    };
    if (type->kind == TSDL_ENUM)
        field.labels = make_labels(compiler, type);
    return field;
}

uint32_t compiler_add_slot(struct compiler *compiler, const struct tsdl_type *type, const char *name)
{
    struct compiler_slot slot = {
        .field = make_field(compiler, type, name), .type = type, .raw_name = name, .is_hidden = compiler->loops > 0};
    int reserved = VEC_RESERVE(compiler->slots, compiler->slot_count, compiler->slot_capacity, 1);
    if (may_add(compiler, compiler->slot_count, reserved))
        compiler->slots[compiler->slot_count++] = slot;
    return (uint32_t)compiler->slot_count - 1;
}

struct compiler_slot *compiler_find_slot(struct compiler *compiler, const char *path)
{
    const char *dot = path ? strrchr(path, '.') : NULL;
    const char *name = dot ? dot + 1 : path;
    for (size_t i = compiler->slot_count; name && i-- > 0;) {
        const struct tsdl_type *type = compiler->slots[i].type;
        if (strcmp(compiler->slots[i].raw_name, name) == 0 && (type->kind == TSDL_INTEGER || type->kind == TSDL_ENUM))
            return &compiler->slots[i];
    }
    compiler_fail(compiler, -ENOTSUP);
    return NULL;
}

/* ---- runs ---- */

static struct ctf_op *open_op(struct compiler *compiler)
{
    return &compiler->program.ops[compiler->program.op_count - 1];
}

void compiler_close_run(struct compiler *compiler)
{
    if (!compiler->run_is_open)
        return;
    uint64_t bits = open_op(compiler)->bits;
    uint32_t lowest = (uint32_t)(bits & (0 - bits));
    if (bits && lowest < compiler->known)
        compiler->known = lowest;
    compiler->run_is_open = false;
}

static void open_run(struct compiler *compiler, uint32_t align)
{
    if (compiler->run_is_open && open_op(compiler)->bits == 0) {
        open_op(compiler)->align = compiler->known = align; /* an empty one takes the stricter alignment */
        return;
    }
    compiler_close_run(compiler);
    add_op(compiler, (struct ctf_op){.kind = OP_RUN, .align = align, .first = (uint32_t)compiler->program.load_count});
    if (align > compiler->known)
        compiler->known = align;
    compiler->run_is_open = !compiler->error;
}

uint32_t compiler_place(struct compiler *compiler, uint32_t align, uint64_t bits)
{
    if (!compiler->run_is_open || align > compiler->known)
        open_run(compiler, align);
    if (compiler->error)
        return 0;
    struct ctf_op *run = open_op(compiler);
    uint64_t at = ctf_align(run->bits, align);
    if (bits > RUN_BITS_MAX || at > RUN_BITS_MAX) {
        compiler_fail(compiler, -ENOTSUP);
        return 0;
    }
    run->bits = at + bits;
    return (uint32_t)at;
}

void compiler_add_run_load(struct compiler *compiler, struct ctf_load load)
{
    compiler_add_load(compiler, load);
    if (!compiler->error)
        open_op(compiler)->count++;
}

void compiler_add_varying(struct compiler *compiler, struct ctf_op op, uint32_t known)
{
    compiler_close_run(compiler);
    add_op(compiler, op);
    compiler->known = known;
}

/* ---- the final numbering ---- */

/* Visible slots keep their order and come first. */
static void number_slots(struct compiler *compiler)
{
    uint32_t visible = 0;
    for (size_t i = 0; i < compiler->slot_count; i++) {
        struct compiler_slot *slot = &compiler->slots[i];
        slot->visible_before = slot->final = visible;
        visible += !slot->is_hidden;
    }
    for (size_t i = 0; i < compiler->slot_count; i++) {
        struct compiler_slot *slot = &compiler->slots[i];
        if (slot->is_hidden)
            slot->final = visible + (uint32_t)i - slot->visible_before;
    }
    compiler->program.field_count = visible;
    compiler->program.slot_count = compiler->slot_count;
}

static uint32_t visible_before(const struct compiler *compiler, uint32_t slot)
{
    bool is_end = slot == compiler->slot_count;
    return is_end ? (uint32_t)compiler->program.field_count : compiler->slots[slot].visible_before;
}

static uint32_t offset_of(const struct compiler *compiler, uint64_t slot)
{
    return compiler->slots[slot].final * (uint32_t)sizeof(struct ctf_value);
}

/* From here on places are offsets into a record of values. */
static void place_op(const struct compiler *compiler, struct ctf_op *op)
{
    if (op->kind != OP_RUN && op->kind != OP_LOOP)
        op->to = offset_of(compiler, op->to);
    if (op->count_from == COUNT_READ)
        op->count = offset_of(compiler, op->count);
    for (size_t i = 0; op->kind == OP_RUN && i < op->count; i++) {
        struct ctf_load *load = &compiler->program.loads[op->first + i];
        load->to = offset_of(compiler, load->to);
        load->form = CTF_VALUE;
    }
}

static void place(struct compiler *compiler)
{
    struct ctf_program *program = &compiler->program;
    for (size_t i = 0; i < program->op_count; i++)
        place_op(compiler, &program->ops[i]);
    for (size_t i = 0; i < program->option_count; i++) {
        struct ctf_option *option = &program->options[i];
        option->to = visible_before(compiler, option->to) * (uint32_t)sizeof(struct ctf_value);
        option->to_end = visible_before(compiler, option->to_end) * (uint32_t)sizeof(struct ctf_value);
    }
    program->record_bytes = program->slot_count * sizeof(struct ctf_value);
    program->time_at = CTF_NO_TIME;
}

static void list_fields(struct compiler *compiler)
{
    struct ctf_program *program = &compiler->program;
    program->fields = calloc(program->field_count + 1, sizeof *program->fields);
    program->types = calloc(program->field_count + 1, sizeof *program->types);
    program->texts = calloc(program->field_count + 1, sizeof *program->texts);
    if (!program->fields || !program->types || !program->texts) {
        compiler_fail(compiler, -ENOMEM);
        return;
    }
    for (size_t i = 0; i < compiler->slot_count; i++) {
        const struct compiler_slot *slot = &compiler->slots[i];
        if (slot->is_hidden)
            continue;
        program->fields[slot->final] = slot->field;
        program->types[slot->final] = slot->type;
        if (slot->field.type == CTF_STRING)
            program->texts[program->text_count++] = offset_of(compiler, i);
    }
}

static bool is_plain(const struct ctf_program *program, const struct ctf_op *op)
{
    bool is_plain = op->kind == OP_RUN && op->align % BYTE == 0;
    for (size_t i = 0; is_plain && i < op->count; i++) {
        const struct ctf_load *load = &program->loads[op->first + i];
        is_plain = load->kind == LOAD_WHOLE && !load->is_big_endian;
    }
    return is_plain;
}

/* Runs that need no decision at any field are told apart here, not in the hot loop. */
static void mark_plain_runs(struct ctf_program *program)
{
    for (size_t i = 0; i < program->op_count; i++) {
        struct ctf_op *op = &program->ops[i];
        program->is_nested = program->is_nested || op->kind == OP_LOOP || op->kind == OP_VARIANT;
        if (!is_plain(program, op))
            continue;
        op->kind = OP_PLAIN;
        for (size_t k = 0; k < op->count; k++)
            program->loads[op->first + k].at /= BYTE;
    }
}

void compiler_finish(struct compiler *compiler)
{
    if (compiler->error)
        return;
    number_slots(compiler);
    place(compiler);
    list_fields(compiler);
    mark_plain_runs(&compiler->program);
}
