/* See symbolize_file.h. The order in which debug files are looked for is gdb's: build id, then debug link. */
#include "collector/symbolize/symbolize_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char reason_kernel[] = "the kernel's own code: it has no file";
static const char reason_gone[] = "the file is gone: convert where it was recorded, or install its debug symbols";
static const char reason_unreadable[] = "the file cannot be read: check its permissions";
static const char reason_not_elf[] = "not an ELF file: it was replaced, or is damaged";
static const char reason_differs[] = "build id differs: the file was rebuilt or replaced";
static const char reason_no_lines[] = "no line numbers: install its debug symbols or build with -g";
static const char reason_stripped[] = "stripped: install its debug symbols or build with -g";

static bool has_dwarf(const struct elf_file *elf)
{
    return elf_file_has_section(elf, ".debug_info") || elf_file_has_section(elf, ".zdebug_info");
}

/* The file itself */

static const char *reason_of(int error)
{
    switch (error) {
    case -ENOENT:
    case -ENOTDIR:
        return reason_gone;
    case -ENOEXEC:
        return reason_not_elf;
    default:
        return reason_unreadable;
    }
}

static void open_program(struct symbol_file *file, const char *path)
{
    if (path[0] == '[') {
        file->reason = reason_kernel;
        return;
    }
    struct elf_file elf;
    int error = elf_file_open(path, &elf);
    if (error) {
        file->reason = reason_of(error);
        return;
    }
    if (file->build_id.length && !build_id_equal(&file->build_id, &elf.build_id)) {
        elf_file_close(&elf);
        file->reason = reason_differs;
        return;
    }
    file->build_id = elf.build_id;
    file->program = elf;
    file->has_program = true;
}

/* Its debug file */

/* Takes `path` (NULL = no memory for it). `crc`: what the link says; NULL = found by its build id. */
static int try_debug(struct symbol_file *file, char *path, const uint32_t *crc)
{
    if (!path)
        return -ENOMEM;
    struct elf_file elf;
    int error = file->has_debug ? -EEXIST : elf_file_open(path, &elf);
    free(path);
    if (error)
        return 0;
    bool is_same =
        file->build_id.length || !crc ? build_id_equal(&elf.build_id, &file->build_id) : elf_file_has_crc(&elf, *crc);
    if (!is_same || !has_dwarf(&elf)) {
        elf_file_close(&elf);
        return 0;
    }
    file->debug = elf;
    file->has_debug = true;
    return 0;
}

/* To be freed; NULL = no memory. */
__attribute__((format(printf, 1, 2))) static char *print_path(const char *format, ...)
{
    char *path;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&path, format, arguments);
    va_end(arguments);
    return length < 0 ? NULL : path;
}

static int find_by_build_id(struct symbol_file *file, const char *debug_dir)
{
    if (file->build_id.length < 2)
        return 0;
    char hex[2 * PROCESS_BUILD_ID_MAX + 1];
    for (uint32_t i = 0; i < file->build_id.length; i++)
        snprintf(hex + 2 * i, 3, "%02x", file->build_id.bytes[i]);
    return try_debug(file, print_path("%s/.build-id/%.2s/%s.debug", debug_dir, hex, hex + 2), NULL);
}

static int find_by_link(struct symbol_file *file, const char *path, const char *debug_dir)
{
    const char *name, *slash = strrchr(path, '/');
    uint32_t crc;
    if (!slash || !file->has_program || !elf_file_debug_link(&file->program, &name, &crc))
        return 0;
    int length = (int)(slash - path);
    int error = try_debug(file, print_path("%.*s/%s", length, path, name), &crc);
    if (!error)
        error = try_debug(file, print_path("%.*s/.debug/%s", length, path, name), &crc);
    if (!error)
        error = try_debug(file, print_path("%s%.*s/%s", debug_dir, length, path, name), &crc);
    return error;
}

static int find_debug(struct symbol_file *file, const char *path, const char *debug_dir)
{
    if (file->has_program && has_dwarf(&file->program))
        return 0;
    int error = find_by_build_id(file, debug_dir);
    return error ? error : find_by_link(file, path, debug_dir);
}

/* What they hold */

/* From the best table that has any: *section_type says which; untouched if none has. */
static int read_table(struct symbol_file *file, enum elf_symbols which, struct ranges *out, uint32_t *section_type)
{
    static const uint32_t types[] = {SHT_SYMTAB, SHT_DYNSYM};
    int error = -ENOENT;
    for (int i = 0; i < 2 && error == -ENOENT; i++) {
        if (file->has_debug)
            error = elf_file_symbols(&file->debug, types[i], which, out);
        if (file->has_program && error == -ENOENT)
            error = elf_file_symbols(&file->program, types[i], which, out);
        if (!error)
            *section_type = types[i];
    }
    return error == -ENOENT ? 0 : error;
}

static int read_tables(struct symbol_file *file)
{
    uint32_t functions = SHT_NULL, objects = SHT_NULL;
    int error = read_table(file, ELF_FUNCTIONS, &file->functions, &functions);
    if (!error)
        error = read_table(file, ELF_OBJECTS, &file->objects, &objects);
    if (!file->dwarf && functions != SHT_NULL)
        file->reason = functions == SHT_SYMTAB ? reason_no_lines : reason_stripped;
    return error;
}

static int read_symbols(struct symbol_file *file)
{
    if (!file->has_program && !file->has_debug)
        return 0;
    const struct elf_file *best = file->has_debug ? &file->debug : &file->program;
    elf_file_hide_unread(best);
    int error = dwarf_info_create(best->elf, &file->dwarf);
    if (error && error != -ENOENT)
        return error;
    file->reason = file->dwarf ? "" : reason_stripped;
    return read_tables(file);
}

int symbol_file_create(const char *path, const struct build_id *wanted, const char *debug_dir, struct symbol_file **out)
{
    struct symbol_file *file = calloc(1, sizeof *file);
    if (!file)
        return -ENOMEM;
    file->build_id = *wanted;
    file->reason = "";
    open_program(file, path);
    int error = find_debug(file, path, debug_dir);
    if (!error)
        error = read_symbols(file);
    if (error) {
        symbol_file_destroy(file);
        return error;
    }
    *out = file;
    return 0;
}

void symbol_file_destroy(struct symbol_file *file)
{
    if (!file)
        return;
    dwarf_info_destroy(file->dwarf);
    ranges_fini(&file->functions);
    ranges_fini(&file->objects);
    if (file->has_program)
        elf_file_close(&file->program);
    if (file->has_debug)
        elf_file_close(&file->debug);
    free(file);
}

const struct elf_file *symbol_file_layout(const struct symbol_file *file)
{
    if (file->has_program)
        return &file->program;
    return file->has_debug ? &file->debug : NULL;
}
