/*
 * See symbolize_dwarf.h. Start reading at dwarf_info_frames.
 *
 * Two indexes of our own, because libdw 0.188 finds a unit through .debug_aranges only, which clang does
 * not write, and finds a function by walking its whole unit again for each address. A hostile file can
 * make trees of DIEs endless (DW_AT_sibling may point anywhere): every walk has a budget of steps.
 */
#include "collector/symbolize/symbolize_dwarf.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collector/symbolize/symbolize_ranges.h"
#include "support/arena.h"
#include "support/hashmap.h"
#include "support/vec.h"

enum { DEPTH_MAX = 64, STEPS_MAX = 1 << 23, RANGES_MAX = 1 << 22 };

struct unit {
    Dwarf_Die skeleton; /* has the addresses and lines */
    Dwarf_Die die;      /* has the functions: the same unless the unit is split */
    bool is_indexed;
    struct ranges functions; /* value = index into `dies` */
    Dwarf_Die *dies;
    size_t die_count, die_capacity;
    struct hashmap scopes; /* address of a DIE without linkage name -> const char *, its scope */
};

/* A namespace, class or function on the way down to a function. */
struct scope {
    const struct scope *outer;
    Dwarf_Die *die;
};

/* One walk through a unit. */
struct walk {
    struct arena *memory;
    struct unit *unit;
    unsigned steps; /* left */
};

struct dwarf_info {
    Dwarf *dwarf;
    struct arena scopes;
    struct unit *units;
    size_t unit_count, unit_capacity;
    struct ranges unit_ranges; /* value = index into `units` */
};

static int add_ranges(Dwarf_Die *die, struct ranges *ranges, uint64_t value)
{
    Dwarf_Addr base, low, high;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &low, &high)) > 0 && ranges->count < RANGES_MAX;) {
        int error = ranges_add(ranges, low, high, 0, value);
        if (error)
            return error;
    }
    return 0;
}

/* Units */

static int add_unit(struct dwarf_info *info, Dwarf_Die *die, Dwarf_Die *split)
{
    int error = VEC_RESERVE(info->units, info->unit_count, info->unit_capacity, 1);
    if (!error)
        error = add_ranges(die, &info->unit_ranges, info->unit_count);
    if (error)
        return error;
    struct unit *unit = &info->units[info->unit_count++];
    *unit = (struct unit){.skeleton = *die, .die = split->addr ? *split : *die};
    hashmap_init(&unit->scopes, sizeof(void *), sizeof(char *));
    return 0;
}

static int index_units(struct dwarf_info *info)
{
    Dwarf_CU *cu = NULL;
    Dwarf_Die die, split;
    uint8_t type;
    while (dwarf_get_units(info->dwarf, cu, &cu, NULL, &type, &die, &split) == 0) {
        if (type != DW_UT_compile && type != DW_UT_skeleton)
            continue;
        int error = add_unit(info, &die, &split);
        if (error)
            return error;
    }
    ranges_sort(&info->unit_ranges);
    return 0;
}

int dwarf_info_create(Elf *elf, struct dwarf_info **out)
{
    struct dwarf_info *info = calloc(1, sizeof *info);
    if (!info)
        return -ENOMEM;
    arena_init(&info->scopes);
    info->dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
    int error = info->dwarf ? index_units(info) : -ENOENT;
    if (!error && info->unit_ranges.count == 0)
        error = -ENOENT;
    if (error) {
        dwarf_info_destroy(info);
        return error;
    }
    *out = info;
    return 0;
}

void dwarf_info_destroy(struct dwarf_info *info)
{
    if (!info)
        return;
    for (size_t i = 0; i < info->unit_count; i++) {
        ranges_fini(&info->units[i].functions);
        hashmap_fini(&info->units[i].scopes);
        free(info->units[i].dies);
    }
    free(info->units);
    ranges_fini(&info->unit_ranges);
    arena_fini(&info->scopes);
    dwarf_end(info->dwarf);
    free(info);
}

/* Walking DIEs */

/* The first child, or false. */
static bool first_child(Dwarf_Die *die, Dwarf_Die *child, unsigned *steps)
{
    return *steps > 0 && (*steps)-- > 0 && dwarf_child(die, child) == 0;
}

static bool next_sibling(Dwarf_Die *die, unsigned *steps)
{
    Dwarf_Die next;
    if (*steps == 0 || dwarf_siblingof(die, &next) != 0 || (uintptr_t)next.addr <= (uintptr_t)die->addr)
        return false;
    --*steps;
    *die = next;
    return true;
}

/* What a DIE says */

static const char *string_of(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    return dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
}

static uint64_t number_of(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    Dwarf_Word number = 0;
    return dwarf_formudata(dwarf_attr(die, name, &attribute), &number) == 0 ? number : 0;
}

static const char *linkage_name_of(Dwarf_Die *die)
{
    const char *name = string_of(die, DW_AT_linkage_name);
    return name ? name : string_of(die, DW_AT_MIPS_linkage_name);
}

/* Functions of a unit */

static const char *scope_name(const struct scope *scope)
{
    const char *name = string_of(scope->die, DW_AT_name);
    return name ? name : dwarf_tag(scope->die) == DW_TAG_namespace ? "(anonymous namespace)" : "(anonymous)";
}

/* "a::b::", or NULL without memory. */
static const char *print_scope(struct arena *memory, const struct scope *innermost)
{
    size_t length = 0;
    for (const struct scope *scope = innermost; scope; scope = scope->outer)
        length += strlen(scope_name(scope)) + 2;
    char *text = arena_alloc(memory, length + 1);
    if (!text)
        return NULL;
    text[length] = '\0';
    for (const struct scope *scope = innermost; scope; scope = scope->outer) {
        size_t part = strlen(scope_name(scope));
        length -= part + 2;
        memcpy(text + length, scope_name(scope), part);
        memcpy(text + length + part, "::", 2);
    }
    return text;
}

/* What has internal linkage has no linkage name: its scope must be remembered on the way to it. */
static int note_scope(struct walk *walk, Dwarf_Die *die, const struct scope *scope)
{
    if (!scope || linkage_name_of(die))
        return 0;
    const char **place = hashmap_put(&walk->unit->scopes, &die->addr, NULL);
    if (!place)
        return -ENOMEM;
    *place = print_scope(walk->memory, scope);
    return *place ? 0 : -ENOMEM;
}

static int add_function(struct walk *walk, Dwarf_Die *die, const struct scope *scope)
{
    struct unit *unit = walk->unit;
    size_t known = unit->functions.count;
    int error = note_scope(walk, die, scope);
    if (!error)
        error = VEC_RESERVE(unit->dies, unit->die_count, unit->die_capacity, 1);
    if (!error)
        error = add_ranges(die, &unit->functions, unit->die_count);
    if (unit->functions.count > known) /* it has code */
        unit->dies[unit->die_count++] = *die;
    return error;
}

/* Whether functions may lie inside. Lambdas and local classes have theirs within functions. */
static bool holds_functions(int tag)
{
    return tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
           tag == DW_TAG_union_type || tag == DW_TAG_module || tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block;
}

static int index_functions(struct walk *walk, Dwarf_Die *parent, const struct scope *scope, unsigned depth)
{
    Dwarf_Die die;
    if (depth == DEPTH_MAX || !first_child(parent, &die, &walk->steps))
        return 0;
    int error = 0;
    do {
        int tag = dwarf_tag(&die);
        const struct scope inner = {.outer = scope, .die = &die};
        if (tag == DW_TAG_subprogram)
            error = add_function(walk, &die, scope);
        if (!error && holds_functions(tag))
            error = index_functions(walk, &die, tag == DW_TAG_lexical_block ? scope : &inner, depth + 1);
    } while (!error && next_sibling(&die, &walk->steps));
    return error;
}

/* Without memory a unit has the functions that were found so far. */
static void index_unit(struct dwarf_info *info, struct unit *unit)
{
    struct walk walk = {.memory = &info->scopes, .unit = unit, .steps = STEPS_MAX};
    index_functions(&walk, &unit->die, NULL, 0);
    ranges_sort(&unit->functions);
    unit->is_indexed = true;
}

static Dwarf_Die *find_function(struct dwarf_info *info, struct unit *unit, uint64_t address)
{
    if (!unit->is_indexed)
        index_unit(info, unit);
    const struct range *found = ranges_find(&unit->functions, address);
    return found ? &unit->dies[found->value] : NULL;
}

/* Inlined functions */

/* Goes from a function into the block or inlined call that holds the address; false at the innermost. */
static bool descend(Dwarf_Die *die, uint64_t address, unsigned *steps)
{
    Dwarf_Die child;
    if (!first_child(die, &child, steps))
        return false;
    do {
        int tag = dwarf_tag(&child);
        bool is_scope = tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine || tag == DW_TAG_try_block ||
                        tag == DW_TAG_catch_block;
        if (is_scope && dwarf_haspc(&child, address) > 0) {
            *die = child;
            return true;
        }
    } while (next_sibling(&child, steps));
    return false;
}

/* Fills the function and the calls inlined at the address, outermost first. */
static size_t find_calls(Dwarf_Die *function, uint64_t address, Dwarf_Die calls[DWARF_FRAMES_MAX])
{
    unsigned steps = STEPS_MAX;
    size_t count = 0;
    calls[count++] = *function;
    Dwarf_Die die = *function;
    while (count < DWARF_FRAMES_MAX && descend(&die, address, &steps))
        if (dwarf_tag(&die) == DW_TAG_inlined_subroutine)
            calls[count++] = die;
    return count;
}

/* What a frame says */

/* A function's code, its abstract instance and its declaration are up to three DIEs; one has the scope. */
static const char *scope_of(const struct unit *unit, Dwarf_Die *function)
{
    Dwarf_Die die = *function;
    for (int hops = 0; hops < 4; hops++) {
        const char *const *scope = hashmap_find(&unit->scopes, &die.addr);
        if (scope)
            return *scope;
        Dwarf_Attribute attribute;
        Dwarf_Attribute *next = dwarf_attr(&die, DW_AT_abstract_origin, &attribute);
        if (!next)
            next = dwarf_attr(&die, DW_AT_specification, &attribute);
        if (!next || !dwarf_formref_die(next, &die))
            break;
    }
    return "";
}

static void set_function(struct dwarf_frame *frame, const struct unit *unit, Dwarf_Die *die)
{
    frame->name = string_of(die, DW_AT_name);
    frame->linkage_name = linkage_name_of(die);
    if (!frame->linkage_name)
        frame->scope = scope_of(unit, die);
    int line;
    if (dwarf_decl_line(die, &line) == 0 && line > 0)
        frame->start_line = (uint32_t)line;
}

/* The place in the source that the code at the address was made for. */
static void set_line(struct dwarf_frame *frame, struct unit *unit, uint64_t address)
{
    Dwarf_Line *line = dwarf_getsrc_die(&unit->skeleton, address);
    int number;
    if (!line || dwarf_lineno(line, &number) != 0)
        return;
    frame->file = dwarf_linesrc(line, NULL, NULL);
    frame->line = number > 0 ? (uint32_t)number : 0;
}

/* The place from which `call` was inlined: where its caller is. */
static void set_call_line(struct dwarf_frame *frame, struct unit *unit, Dwarf_Die *call)
{
    Dwarf_Files *files;
    size_t file_count;
    uint64_t file = number_of(call, DW_AT_call_file), line = number_of(call, DW_AT_call_line);
    if (dwarf_getsrcfiles(&unit->die, &files, &file_count) == 0 && file < file_count)
        frame->file = dwarf_filesrc(files, file, NULL, NULL);
    frame->line = line <= INT32_MAX ? (uint32_t)line : 0;
}

size_t dwarf_info_frames(struct dwarf_info *info, uint64_t address, struct dwarf_frame frames[DWARF_FRAMES_MAX])
{
    const struct range *found = ranges_find(&info->unit_ranges, address);
    if (!found)
        return 0;
    struct unit *unit = &info->units[found->value];
    Dwarf_Die *function = find_function(info, unit, address);
    Dwarf_Die calls[DWARF_FRAMES_MAX];
    size_t count = function ? find_calls(function, address, calls) : 1;
    const char *directory = string_of(&unit->skeleton, DW_AT_comp_dir);
    for (size_t i = 0; i < count; i++) {
        frames[i] = (struct dwarf_frame){.scope = "", .directory = directory};
        if (function)
            set_function(&frames[i], unit, &calls[count - 1 - i]);
        if (i == 0)
            set_line(&frames[i], unit, address);
        else
            set_call_line(&frames[i], unit, &calls[count - i]);
    }
    return count;
}
