/* See symbolize_mapping.h. Files first, then mappings, then the modules of profiles. */
#include "collector/symbolize/symbolize_mapping.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/symbolize/symbolize_opener.h"
#include "collector/symbolize/symbolize_text.h"
#include "support/vec.h"

/* What a profile calls a module: one executable segment of a mapping. */
struct view {
    struct symbol_module module;
    struct view *next; /* of the same mapping */
};

struct mapping_key {
    uint64_t base, loaded_ns, pid;
};

static const char *build_id_text(struct mappings *mappings, const struct build_id *id)
{
    char hex[2 * PROCESS_BUILD_ID_MAX + 1] = "";
    for (uint32_t i = 0; i < id->length; i++)
        snprintf(hex + 2 * i, 3, "%02x", id->bytes[i]);
    return text_intern(mappings->texts, hex);
}

/* ---- files ---- */

/* The id of a file as the trace knows it: another build id is another file. */
static int file_key(struct mappings *mappings, const struct process_module *module, const struct build_id *wanted,
                    str_id *out)
{
    const char *hex = build_id_text(mappings, wanted);
    char *key;
    if (!hex || asprintf(&key, "%s %s", hex, module->path) < 0)
        return -ENOMEM;
    int error = strtab_intern(mappings->file_keys, key, strlen(key), out);
    free(key);
    return error;
}

/* *is_new: it was not asked for before. NULL = no memory. */
static struct symbol_request *request_of(struct mappings *mappings, const struct process_module *module, bool *is_new)
{
    struct build_id wanted = {.length = module->build_id_length};
    memcpy(wanted.bytes, module->build_id, module->build_id_length);
    str_id key;
    if (file_key(mappings, module, &wanted, &key))
        return NULL;
    struct symbol_request **known = hashmap_put(&mappings->files, &key, NULL);
    *is_new = known && !*known;
    if (!*is_new)
        return known ? *known : NULL;
    struct symbol_request *request = malloc(sizeof *request);
    if (!request || symbol_request_init(request, module->path, &wanted, mappings->debug_dir)) {
        free(request);
        return NULL;
    }
    return *known = request;
}

static int open_file(struct mappings *mappings, const struct process_module *module, const struct symbol_file **out)
{
    bool is_new;
    struct symbol_request *request = request_of(mappings, module, &is_new);
    return request ? symbol_opener_open(mappings->opener, request, out) : -ENOMEM;
}

void mappings_expect(struct mappings *mappings, const struct process_module *module)
{
    bool is_new = false;
    struct symbol_request *request = request_of(mappings, module, &is_new);
    if (request && is_new)
        symbol_opener_expect(mappings->opener, request);
}

/* ---- mappings ---- */

static struct mapping *add_mapping(struct mappings *mappings, uint32_t pid, const struct process_module *module)
{
    struct mapping *mapping = arena_alloc(&mappings->memory, sizeof *mapping);
    if (!mapping)
        return NULL;
    bool fits = module->size <= UINT64_MAX - module->base;
    *mapping =
        (struct mapping){.pid = pid, .base = module->base, .limit = fits ? module->base + module->size : UINT64_MAX};
    mapping->path = text_intern(mappings->texts, module->path);
    if (!mapping->path || open_file(mappings, module, &mapping->file))
        return NULL;
    mapping->id = ++mappings->count;
    return mapping;
}

struct mapping *mappings_get(struct mappings *mappings, uint32_t pid, const struct process_module *module)
{
    struct mapping_key key = {.base = module->base, .loaded_ns = module->loaded_ns, .pid = pid};
    struct mapping **known = hashmap_put(&mappings->known, &key, NULL);
    if (known && !*known)
        *known = add_mapping(mappings, pid, module);
    return known ? *known : NULL;
}

uint64_t mapping_file_address(const struct mapping *mapping, uint64_t address)
{
    const struct elf_file *elf = symbol_file_layout(mapping->file);
    return address - mapping->base + (elf ? elf->first_address : 0);
}

/* ---- modules of profiles ---- */

static struct elf_segment segment_of(const struct mapping *mapping, uint64_t address)
{
    const struct elf_file *elf = symbol_file_layout(mapping->file);
    uint64_t own = mapping_file_address(mapping, address);
    struct elf_segment segment;
    if (!elf || !elf_file_segment(elf, own, &segment) || segment.limit - own > UINT64_MAX - address)
        return (struct elf_segment){.start = mapping->base, .limit = mapping->limit};
    if (!mapping->file->has_program) /* debug files have other offsets: as linkers lay programs out */
        segment.file_offset = segment.start - elf->first_address;
    segment.start += address - own;
    segment.limit += address - own;
    return segment;
}

static struct view *add_view(struct mappings *mappings, struct mapping *mapping, const struct elf_segment *segment)
{
    const struct symbol_file *file = mapping->file;
    const char *build_id = build_id_text(mappings, &file->build_id);
    struct view *view = arena_alloc(&mappings->memory, sizeof *view);
    if (!build_id || !view || VEC_RESERVE(mappings->modules, mappings->module_count, mappings->module_capacity, 1))
        return NULL;
    bool has_dwarf = file->dwarf != NULL;
    *view = (struct view){.next = mapping->views,
                          .module = {.id = (uint32_t)mappings->module_count + 1,
                                     .pid = mapping->pid,
                                     .start = segment->start,
                                     .limit = segment->limit,
                                     .file_offset = segment->file_offset,
                                     .path = mapping->path,
                                     .build_id = build_id,
                                     .has_functions = has_dwarf || file->functions.count > 0,
                                     .has_files = has_dwarf,
                                     .has_lines = has_dwarf,
                                     .has_inlines = has_dwarf,
                                     .reason = file->reason}};
    mapping->views = view;
    mappings->modules[mappings->module_count++] = &view->module;
    return view;
}

struct symbol_module *mappings_module(struct mappings *mappings, struct mapping *mapping, uint64_t address)
{
    struct elf_segment segment = segment_of(mapping, address);
    for (struct view *view = mapping->views; view; view = view->next)
        if (view->module.start == segment.start)
            return &view->module;
    struct view *added = add_view(mappings, mapping, &segment);
    return added ? &added->module : NULL;
}

/* ---- life ---- */

int mappings_init(struct mappings *mappings, struct strtab *texts)
{
    *mappings = (struct mappings){.texts = texts, .debug_dir = "/usr/lib/debug"};
    arena_init(&mappings->memory);
    hashmap_init(&mappings->files, sizeof(str_id), sizeof(struct symbol_request *));
    hashmap_init(&mappings->known, sizeof(struct mapping_key), sizeof(struct mapping *));
    int error = strtab_create(&mappings->file_keys);
    return error ? error : symbol_opener_create(&mappings->opener);
}

void mappings_fini(struct mappings *mappings)
{
    symbol_opener_destroy(mappings->opener);
    const void *key;
    void *place;
    for (size_t at = 0; hashmap_next(&mappings->files, &at, &key, &place);) {
        struct symbol_request *request = *(struct symbol_request **)place;
        if (request)
            symbol_request_fini(request);
        free(request);
    }
    hashmap_fini(&mappings->files);
    hashmap_fini(&mappings->known);
    strtab_destroy(mappings->file_keys);
    free(mappings->modules);
    arena_fini(&mappings->memory);
}
