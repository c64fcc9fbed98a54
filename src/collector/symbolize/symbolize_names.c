/* See symbolize_names.h. */
#include "collector/symbolize/symbolize_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/symbolize/symbolize_demangle.h"
#include "collector/symbolize/symbolize_text.h"

static const char *intern_file(struct strtab *texts, const struct dwarf_frame *frame)
{
    if (!frame->file)
        return "";
    char *joined;
    if (frame->file[0] == '/' || !frame->directory || !frame->directory[0])
        return text_intern(texts, frame->file);
    if (asprintf(&joined, "%s/%s", frame->directory, frame->file) < 0)
        return NULL;
    return text_intern_taken(texts, joined);
}

/* What stands for a name where there is none: where the code lies. */
static const char *intern_offset(struct strtab *texts, const struct mapping *mapping, uint64_t address)
{
    char *text;
    int length;
    if (mapping) {
        const char *slash = strrchr(mapping->path, '/');
        const char *name = slash ? slash + 1 : mapping->path;
        length = asprintf(&text, "%s+0x%" PRIx64, name, address - mapping->base);
    } else {
        length = asprintf(&text, "0x%" PRIx64, address);
    }
    return length < 0 ? NULL : text_intern_taken(texts, text);
}

/* `name` stands for a symbol that the demangler refuses: no C++ name (but an alias, as in glibc), or too much. */
static void name_by_symbol(struct strtab *texts, struct symbol_frame *frame, const char *symbol, const char *name)
{
    frame->system_name = text_intern(texts, symbol);
    frame->function = text_intern_taken(texts, demangle(symbol));
    if (!frame->function)
        frame->function = name && name[0] ? text_intern(texts, name) : frame->system_name;
}

static void name_by_scope(struct strtab *texts, struct symbol_frame *frame, const struct dwarf_frame *known)
{
    char *text;
    bool is_done = asprintf(&text, "%s%s", known->scope, known->name) >= 0;
    frame->system_name = text_intern(texts, known->name);
    frame->function = is_done ? text_intern_taken(texts, text) : NULL;
}

/* The name of the symbol that covers the address, else NULL. */
static const char *find_symbol(const struct mapping *mapping, uint64_t address)
{
    const struct range *found = ranges_find(&mapping->file->functions, mapping_file_address(mapping, address));
    return found ? (const char *)(uintptr_t)found->value : NULL;
}

/*
 * By what the debug information says, else, for the function that holds the code, by the symbol table.
 * False if neither knows a name.
 */
static bool set_names(struct strtab *texts, const struct mapping *mapping, uint64_t address,
                      const struct dwarf_frame *known, bool is_outermost, struct symbol_frame *frame)
{
    const char *symbol = known->linkage_name;
    if (!symbol && known->name && known->name[0]) {
        name_by_scope(texts, frame, known);
        return true;
    }
    if (!symbol && is_outermost && mapping)
        symbol = find_symbol(mapping, address);
    if (symbol && symbol[0])
        name_by_symbol(texts, frame, symbol, known->name);
    else
        frame->function = frame->system_name = intern_offset(texts, mapping, address);
    return symbol && symbol[0];
}

bool names_frame(struct strtab *texts, const struct mapping *mapping, uint64_t address, const struct dwarf_frame *known,
                 bool is_outermost, struct symbol_frame *out, bool *is_named)
{
    *out = (struct symbol_frame){.line = known->line, .start_line = known->start_line};
    out->file = intern_file(texts, known);
    *is_named = set_names(texts, mapping, address, known, is_outermost, out);
    return out->file && out->function && out->system_name;
}

/* "name+0x10", "name" at its beginning. */
static const char *intern_symbol_offset(struct strtab *texts, const char *symbol, uint64_t offset)
{
    char *name = demangle(symbol), *text;
    int length = offset ? asprintf(&text, "%s+0x%" PRIx64, name ? name : symbol, offset)
                        : asprintf(&text, "%s", name ? name : symbol);
    free(name);
    return length < 0 ? NULL : text_intern_taken(texts, text);
}

const char *names_object(struct strtab *texts, const struct mapping *mapping, uint64_t address)
{
    uint64_t own = mapping_file_address(mapping, address);
    const struct range *found = ranges_find(&mapping->file->objects, own);
    if (found)
        return intern_symbol_offset(texts, (const char *)(uintptr_t)found->value, own - found->low);
    return intern_offset(texts, mapping, address);
}
