/*
 * All that can be known about the code of one mapped file: the file itself if it is the one that was
 * traced, and its separate debug file. One object however many processes map it. Not thread-safe.
 */
#ifndef COLLECTOR_SYMBOLIZE_FILE_H
#define COLLECTOR_SYMBOLIZE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/symbolize/symbolize_dwarf.h"
#include "collector/symbolize/symbolize_elf.h"

struct symbol_file {
    bool has_program, has_debug;
    struct elf_file program;  /* the mapped file */
    struct elf_file debug;    /* its separate debug file */
    struct dwarf_info *dwarf; /* NULL = none */
    struct ranges functions;  /* of the best symbol table; value = address of the name */
    struct ranges objects;    /* the same of variables */
    struct build_id build_id; /* what is known: the trace's, else the file's */
    const char *reason;       /* what is missing and how to mend it; "" = nothing. Static */
};

/*
 * `wanted` is the trace's build id, length 0 if it does not say. Separate debug files are looked for beside
 * the file and below `debug_dir`. Always makes an object, if an empty one with its reason: 0 or -ENOMEM.
 */
int symbol_file_create(const char *path, const struct build_id *wanted, const char *debug_dir,
                       struct symbol_file **out);
void symbol_file_destroy(struct symbol_file *file);

/* The ELF file that says where segments lie, or NULL. */
const struct elf_file *symbol_file_layout(const struct symbol_file *file);

#endif
