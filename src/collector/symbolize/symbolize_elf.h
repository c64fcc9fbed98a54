/*
 * One ELF file on disk: where its segments belong, its build id, its function symbols, and where its
 * separate debug file lies. Nothing in it is trusted. Not thread-safe.
 */
#ifndef COLLECTOR_SYMBOLIZE_ELF_H
#define COLLECTOR_SYMBOLIZE_ELF_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/symbolize/symbolize_ranges.h"
#include "model/process.h"

struct build_id {
    uint8_t bytes[PROCESS_BUILD_ID_MAX];
    uint32_t length; /* 0 = none */
};

bool build_id_equal(const struct build_id *a, const struct build_id *b);

/* A PT_LOAD, in whole pages. */
struct elf_segment {
    uint64_t start, limit; /* addresses in the file's own terms */
    uint64_t file_offset;  /* of `start` */
};

struct elf_file {
    int fd;
    Elf *elf;
    bool is_copied;         /* what is read of it lies in memory of its own */
    uint64_t first_address; /* of the first PT_LOAD: what the trace's base stands for */
    struct build_id build_id;
};

/* 0, or a negative errno: what open(2) says, -ENOEXEC = not an ELF file that can be mapped. */
int elf_file_open(const char *path, struct elf_file *out);
void elf_file_close(struct elf_file *file); /* of one that was opened */

/* The segment that holds the address. */
bool elf_file_segment(const struct elf_file *file, uint64_t address, struct elf_segment *out);

/* Whether there is a section of that name with content in this very file. */
bool elf_file_has_section(const struct elf_file *file, const char *name);

/*
 * Makes the sections of debug information that nobody here reads look empty (where variables are, macros), if the file
 * is copied: libdw reads, and inflates, all that there are.
 */
void elf_file_hide_unread(const struct elf_file *file);

/* .gnu_debuglink: the name (borrowed) and the CRC of the debug file. */
bool elf_file_debug_link(const struct elf_file *file, const char **name, uint32_t *crc);

/* Whether the CRC of the file's bytes is that one. Reads all of it. */
bool elf_file_has_crc(const struct elf_file *file, uint32_t crc);

enum elf_symbols { ELF_FUNCTIONS, ELF_OBJECTS };

/*
 * Adds the functions, or the variables, of a symbol table (SHT_SYMTAB or SHT_DYNSYM), each with the address of
 * its name as the value; the names are borrowed from the file. -ENOENT: there is no such table or none in it.
 */
int elf_file_symbols(const struct elf_file *file, uint32_t section_type, enum elf_symbols which, struct ranges *out);

#endif
