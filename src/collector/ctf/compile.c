/* See compile.h. Walks the types, one function a kind; what it appends to is compiler.h's. */
#include "collector/ctf/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/compiler.h"

enum { BYTE = 8, OPTIONS_MAX = 256 };

static void emit(struct compiler *compiler, const struct tsdl_type *type, const char *name);

/* ---- numbers and text ---- */

static enum ctf_load_kind kind_of(const struct tsdl_type *type, bool at_byte)
{
    bool is_whole = type->size >= BYTE && (type->size & (type->size - 1)) == 0;
    if (!at_byte || !is_whole)
        return LOAD_BITS;
    return type->kind == TSDL_FLOAT && type->size == 32 ? LOAD_FLOAT : LOAD_WHOLE;
}

static struct ctf_load number_load(const struct compiler *compiler, const struct tsdl_type *type, bool at_byte)
{
    enum tsdl_order order = type->order == TSDL_NATIVE ? compiler->order : type->order;
    uint64_t highest = UINT64_C(1) << (type->size - 1);
    return (struct ctf_load){.kind = (uint8_t)kind_of(type, at_byte),
                             .is_signed = type->is_signed,
                             .is_big_endian = order == TSDL_BIG,
                             .shift = (uint8_t)(64 - type->size),
                             .size = type->size,
                             .mask = highest | (highest - 1),
                             .sign = type->is_signed ? highest : 0};
}

static void emit_number(struct compiler *compiler, const struct tsdl_type *type, const char *name)
{
    uint32_t at = compiler_place(compiler, type->align, type->size);
    bool at_byte = compiler->known >= BYTE && at % BYTE == 0;
    struct ctf_load load = number_load(compiler, type, at_byte);
    if (type->kind == TSDL_FLOAT && load.kind == LOAD_BITS)
        compiler_fail(compiler, -ENOTSUP); /* nobody writes floats between bytes */
    load.at = at;
    load.to = compiler_add_slot(compiler, type, name);
    compiler_add_run_load(compiler, load);
}

static bool is_text(const struct tsdl_type *type)
{
    const struct tsdl_type *element = type->element;
    return element->kind == TSDL_INTEGER && element->is_text && element->size == BYTE && element->align == BYTE;
}

static bool is_number(const struct tsdl_type *type)
{
    return type->kind == TSDL_INTEGER || type->kind == TSDL_FLOAT || type->kind == TSDL_ENUM;
}

static uint32_t add_text_slot(struct compiler *compiler, const struct tsdl_type *type, const char *name)
{
    uint32_t slot = compiler_add_slot(compiler, type, name);
    if (!compiler->error)
        compiler->slots[slot].field.type = CTF_STRING;
    return slot;
}

/* char procname[17]: of a fixed size, so it stays in the run. */
static void emit_fixed_text(struct compiler *compiler, const struct tsdl_type *type, const char *name)
{
    if (type->length > RUN_BITS_MAX / BYTE)
        compiler_fail(compiler, -ENOTSUP);
    uint32_t at = compiler_place(compiler, BYTE, type->length * BYTE);
    uint32_t slot = add_text_slot(compiler, type, name);
    compiler_add_run_load(compiler,
                          (struct ctf_load){.kind = LOAD_TEXT, .to = slot, .size = (uint32_t)type->length, .at = at});
}

static void emit_string(struct compiler *compiler, const struct tsdl_type *type, const char *name)
{
    uint32_t slot = compiler_add_slot(compiler, type, name);
    compiler_add_varying(compiler, (struct ctf_op){.kind = OP_STRING, .align = BYTE, .to = slot}, BYTE);
}

/* ---- arrays and sequences ---- */

/* How many: a constant, or the slot of the length, which needs no showing then. */
static void set_count(struct compiler *compiler, const struct tsdl_type *type, struct ctf_op *op)
{
    op->count = type->length;
    if (type->kind == TSDL_ARRAY)
        return;
    struct compiler_slot *length = compiler_find_slot(compiler, type->tag);
    if (!length)
        return;
    length->is_hidden = true;
    op->count_from = COUNT_READ;
    op->count = (uint64_t)(length - compiler->slots);
}

static void emit_text_sequence(struct compiler *compiler, const struct tsdl_type *type, const char *name)
{
    struct ctf_op op = {.kind = OP_TEXT, .align = BYTE, .stride = BYTE, .bits = BYTE};
    set_count(compiler, type, &op);
    op.to = add_text_slot(compiler, type, name);
    compiler_add_varying(compiler, op, BYTE);
}

static void emit_numbers(struct compiler *compiler, const struct tsdl_type *type, const char *name)
{
    const struct tsdl_type *element = type->element;
    uint32_t stride = (uint32_t)ctf_align(element->size, element->align);
    uint32_t lowest = element->size & (0 - element->size);
    uint32_t behind = lowest < element->align ? lowest : element->align;
    struct ctf_op op = {.kind = OP_ARRAY, .align = element->align, .stride = stride, .bits = element->size};
    set_count(compiler, type, &op);
    op.to = compiler_add_slot(compiler, type, name);
    compiler_close_run(compiler);
    op.first = (uint32_t)compiler->program.load_count;
    struct ctf_load load = number_load(compiler, element, element->align >= BYTE && stride % BYTE == 0);
    if (element->kind == TSDL_FLOAT && load.kind == LOAD_BITS)
        compiler_fail(compiler, -ENOTSUP);
    compiler_add_load(compiler, load);
    compiler_add_varying(compiler, op, behind);
}

/* Elements that are no numbers: decoded one by one into hidden slots, to get past them. */
static void emit_loop(struct compiler *compiler, const struct tsdl_type *type, const char *name)
{
    struct ctf_op op = {.kind = OP_LOOP, .align = type->align};
    set_count(compiler, type, &op);
    size_t index = compiler->program.op_count;
    compiler_add_varying(compiler, op, 1);
    compiler->loops++;
    emit(compiler, type->element, name);
    compiler->loops--;
    compiler_close_run(compiler);
    compiler->known = 1;
    if (!compiler->error)
        compiler->program.ops[index].next = (uint32_t)compiler->program.op_count;
}

static void emit_array(struct compiler *compiler, const struct tsdl_type *type, const char *name)
{
    if (is_text(type))
        (type->kind == TSDL_ARRAY ? emit_fixed_text : emit_text_sequence)(compiler, type, name);
    else if (is_number(type->element))
        emit_numbers(compiler, type, name);
    else
        emit_loop(compiler, type, name);
}

/* ---- structures and variants ---- */

static void emit_members(struct compiler *compiler, const struct tsdl_type *type)
{
    compiler_place(compiler, type->align, 0);
    for (size_t i = 0; i < type->member_count && !compiler->error; i++)
        emit(compiler, type->members[i].type, type->members[i].name);
}

/* "outer." becomes "outer.name." for what is inside. Returns the prefix to go back to. */
static const char *enter(struct compiler *compiler, const char *name)
{
    const char *outer = compiler->prefix;
    const char *shown = compiler_name(compiler, name);
    size_t bytes = strlen(shown);
    char *prefix = arena_alloc(compiler->arena, bytes + 2);
    if (!prefix) {
        compiler_fail(compiler, -ENOMEM);
        return outer;
    }
    memcpy(prefix, shown, bytes);
    memcpy(prefix + bytes, ".", 2);
    compiler->prefix = prefix;
    return outer;
}

static void emit_struct(struct compiler *compiler, const struct tsdl_type *type, const char *name)
{
    const char *outer = enter(compiler, name);
    emit_members(compiler, type);
    compiler->prefix = outer;
}

static const struct tsdl_member *find_option(const struct tsdl_type *variant, const char *label)
{
    for (size_t i = 0; i < variant->member_count; i++)
        if (strcmp(variant->members[i].name, label) == 0)
            return &variant->members[i];
    return NULL;
}

/* One label's ops, from a place whose alignment nothing is known about. */
static void emit_option(struct compiler *compiler, const struct tsdl_member *option, size_t index)
{
    struct ctf_option bounds = {.begin = (uint32_t)compiler->program.op_count, .to = (uint32_t)compiler->slot_count};
    compiler->known = 1;
    emit(compiler, option->type, option->name);
    compiler_close_run(compiler);
    bounds.end = (uint32_t)compiler->program.op_count;
    bounds.to_end = (uint32_t)compiler->slot_count;
    if (compiler->error)
        return;
    bounds.first = compiler->program.options[index].first;
    bounds.last = compiler->program.options[index].last;
    compiler->program.options[index] = bounds;
}

/* A table entry for each of the tag's labels that has an option, in the tag's order. Returns their number. */
static size_t add_options(struct compiler *compiler, const struct tsdl_type *type, const struct tsdl_type *labels)
{
    size_t first = compiler->program.option_count;
    for (size_t i = 0; i < labels->label_count && !compiler->error; i++) {
        const struct tsdl_label *label = &labels->labels[i];
        if (find_option(type, label->name))
            compiler_add_option(compiler, (struct ctf_option){.first = label->first, .last = label->last});
    }
    return compiler->program.option_count - first;
}

static void emit_options(struct compiler *compiler, const struct tsdl_type *type, const struct tsdl_type *labels,
                         size_t first)
{
    for (size_t i = 0; i < labels->label_count && !compiler->error; i++) {
        const struct tsdl_member *option = find_option(type, labels->labels[i].name);
        if (option)
            emit_option(compiler, option, first++);
    }
}

/* The options' ops follow the variant's own, one after the other; the last `next` leads behind them all. */
static void emit_variant(struct compiler *compiler, const struct tsdl_type *type, const char *name)
{
    const struct compiler_slot *tag = compiler_find_slot(compiler, type->tag);
    if (!tag || tag->type->kind != TSDL_ENUM || type->member_count > OPTIONS_MAX) {
        compiler_fail(compiler, -ENOTSUP);
        return;
    }
    const struct tsdl_type *labels = tag->type;
    size_t index = compiler->program.op_count;
    struct ctf_op op = {
        .kind = OP_VARIANT, .to = (uint32_t)(tag - compiler->slots), .first = (uint32_t)compiler->program.option_count};
    compiler_add_varying(compiler, op, 1);
    size_t count = add_options(compiler, type, labels);
    const char *outer = enter(compiler, name);
    emit_options(compiler, type, labels, op.first);
    compiler->prefix = outer;
    compiler->known = 1;
    if (compiler->error)
        return;
    compiler->program.ops[index].count = count;
    compiler->program.ops[index].next = (uint32_t)compiler->program.op_count;
}

static void emit_here(struct compiler *compiler, const struct tsdl_type *type, const char *name)
{
    switch (type->kind) {
    case TSDL_INTEGER:
    case TSDL_FLOAT:
    case TSDL_ENUM:
        emit_number(compiler, type, name);
        break;
    case TSDL_STRING:
        emit_string(compiler, type, name);
        break;
    case TSDL_ARRAY:
    case TSDL_SEQUENCE:
        emit_array(compiler, type, name);
        break;
    case TSDL_STRUCT:
        emit_struct(compiler, type, name);
        break;
    case TSDL_VARIANT:
        emit_variant(compiler, type, name);
        break;
    }
}

static void emit(struct compiler *compiler, const struct tsdl_type *type, const char *name)
{
    if (compiler->depth == TSDL_DEPTH_MAX)
        compiler_fail(compiler, -ENOTSUP);
    if (compiler->error)
        return;
    compiler->depth++;
    emit_here(compiler, type, name);
    compiler->depth--;
}

static void emit_part(struct compiler *compiler, const struct ctf_part *part)
{
    if (!part->type)
        return;
    if (part->type->kind != TSDL_STRUCT) {
        compiler_fail(compiler, -ENOTSUP);
        return;
    }
    compiler->is_context = part->is_context;
    emit_members(compiler, part->type);
}

int ctf_compile(const struct ctf_part *parts, size_t count, enum tsdl_order order, struct arena *arena,
                struct ctf_program *out)
{
    struct compiler compiler = {.order = order, .arena = arena, .prefix = "", .known = 1};
    for (size_t i = 0; i < count; i++)
        emit_part(&compiler, &parts[i]);
    compiler_finish(&compiler);
    free(compiler.slots);
    if (compiler.error)
        ctf_program_fini(&compiler.program);
    else
        *out = compiler.program;
    return compiler.error;
}
