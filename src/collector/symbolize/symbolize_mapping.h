/*
 * What processes have mapped: the file of each mapping, opened once however many share it, and the modules that
 * profiles know.
 *
 *     pid 7: 0x7f00000 libc.so.6  ----+   mapping       file, shared
 *     pid 8: 0x7e00000 libc.so.6  ----+-> libc.so.6 of this build id
 *              its executable segment     a module of the profile, with what is known of it
 *
 * Mappings and modules live as long as the table. Not thread-safe.
 */
#ifndef COLLECTOR_SYMBOLIZE_MAPPING_H
#define COLLECTOR_SYMBOLIZE_MAPPING_H

#include "collector/symbolize/symbolize_file.h"
#include "model/process.h"
#include "model/symbols.h"
#include "support/arena.h"
#include "support/hashmap.h"
#include "support/strtab.h"

struct mapping {
    uint32_t id; /* 1.. */
    uint32_t pid;
    uint64_t base, limit;
    const struct symbol_file *file;
    const char *path;   /* UTF-8 */
    struct view *views; /* of its segments, those that were asked for */
};

struct mappings {
    struct strtab *texts; /* borrowed */
    const char *debug_dir;
    struct arena memory;      /* mappings, views */
    struct strtab *file_keys; /* path and build id */
    struct hashmap files;     /* id of file_keys -> struct symbol_request *, owned */
    struct symbol_opener *opener;
    struct hashmap known; /* module in a process -> struct mapping * */
    uint32_t count;
    const struct symbol_module **modules; /* in order of first use */
    size_t module_count, module_capacity;
};

/* 0 or -ENOMEM; mappings_fini is due either way. */
int mappings_init(struct mappings *mappings, struct strtab *texts);
void mappings_fini(struct mappings *mappings);

/* Its file is opened meanwhile, most likely, if it was not asked for before. */
void mappings_expect(struct mappings *mappings, const struct process_module *module);

/* The mapping of a process's module; its file is open. NULL = no memory. */
struct mapping *mappings_get(struct mappings *mappings, uint32_t pid, const struct process_module *module);

/* The module of the profile, for the segment that holds the address. NULL = no memory. */
struct symbol_module *mappings_module(struct mappings *mappings, struct mapping *mapping, uint64_t address);

/* The address as the file counts: libraries and PIE are moved as a whole, others not at all. */
uint64_t mapping_file_address(const struct mapping *mapping, uint64_t address);

#endif
