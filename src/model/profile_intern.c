/* See profile_intern.h. */
#include "model/profile_intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/profile_limits.h"
#include "support/utf8.h"
#include "support/vec.h"

/* Page zero is never mapped: the addresses of frames that are no code. */
enum { PSEUDO_START = 1, PSEUDO_LIMIT = 4096 };

/* Keys compare as bytes: no padding. */
struct location_key {
    uint64_t address;
    uint32_t pid, module, skip, function; /* module: id, 0 = none; function: of a pseudo-frame, else 0 */
};

struct function_key {
    str_id name, system_name, file;
    uint32_t start_line;
};

int profile_intern_init(struct profile_intern *tables)
{
    *tables = (struct profile_intern){.pseudo_address = PSEUDO_START};
    hashmap_init(&tables->mapping_ids, sizeof(uint32_t), sizeof(uint32_t));
    hashmap_init(&tables->function_ids, sizeof(struct function_key), sizeof(uint32_t));
    hashmap_init(&tables->location_ids, sizeof(struct location_key), sizeof(uint32_t));
    tables->profile = calloc(1, sizeof *tables->profile);
    if (!tables->profile)
        return -ENOMEM;
    return strtab_create(&tables->profile->strings);
}

void profile_intern_fini(struct profile_intern *tables)
{
    profile_destroy(tables->profile);
    free(tables->modules);
    hashmap_fini(&tables->mapping_ids);
    hashmap_fini(&tables->function_ids);
    hashmap_fini(&tables->location_ids);
}

static uint32_t fail(struct profile_intern *tables, int error)
{
    if (!tables->error)
        tables->error = error;
    return 0;
}

/* The largest length up to `max` that ends between two characters of well-formed text longer than `max`. */
static size_t whole_characters(const char *text, size_t max)
{
    while (max && ((unsigned char)text[max] & 0xC0) == 0x80)
        max--;
    return max;
}

static size_t cut(char *text, size_t max)
{
    static const char mark[] = "...";
    size_t length = strlen(text);
    if (length <= max)
        return length;
    size_t kept = whole_characters(text, max - (sizeof mark - 1));
    memcpy(text + kept, mark, sizeof mark - 1);
    return kept + sizeof mark - 1;
}

static str_id intern_bytes(struct profile_intern *tables, const char *text, size_t length)
{
    str_id id;
    int error = strtab_intern(tables->profile->strings, text, length, &id);
    return error ? fail(tables, error) : id;
}

str_id profile_intern_string(struct profile_intern *tables, const char *text, size_t max)
{
    size_t length = strlen(text);
    if (tables->error)
        return 0;
    if (length <= max && utf8_is_valid(text, length))
        return intern_bytes(tables, text, length);
    char *clean = utf8_sanitize(text, length);
    if (!clean)
        return fail(tables, -ENOMEM);
    str_id id = intern_bytes(tables, clean, cut(clean, max));
    free(clean);
    return id;
}

static str_id intern_name(struct profile_intern *tables, const char *text)
{
    return profile_intern_string(tables, text, PROFILE_STRING_MAX);
}

/* Appends a mapping of `module` (NULL = none). Returns its id. */
static uint32_t add_mapping(struct profile_intern *tables, const struct profile_mapping *mapping,
                            const struct symbol_module *module)
{
    struct profile *profile = tables->profile;
    int error = VEC_RESERVE(profile->mappings, profile->mapping_count, tables->mapping_capacity, 1);
    if (!error)
        error = VEC_RESERVE(tables->modules, profile->mapping_count, tables->module_capacity, 1);
    if (error)
        return fail(tables, error);
    tables->modules[profile->mapping_count] = module;
    profile->mappings[profile->mapping_count++] = *mapping;
    return (uint32_t)profile->mapping_count;
}

static struct profile_mapping mapping_of(struct profile_intern *tables, const struct symbol_module *module)
{
    return (struct profile_mapping){
        .start = module->start,
        .limit = module->limit,
        .file_offset = module->file_offset,
        .file = intern_name(tables, module->path),
        .build_id = intern_name(tables, module->build_id),
    };
}

static uint32_t new_mapping(struct profile_intern *tables, uint32_t pid, const struct symbol_module *module)
{
    struct profile_mapping mapping = mapping_of(tables, module);
    bool is_main = tables->has_main && !tables->modules[0] && pid == tables->main_pid &&
                   module->start >= tables->main_base && module->start < tables->main_limit;
    if (!is_main)
        return add_mapping(tables, &mapping, module);
    tables->profile->mappings[0] = mapping;
    tables->modules[0] = module;
    return 1;
}

/* The id of the mapping that the location lies in, 0 = none. */
static uint32_t intern_mapping(struct profile_intern *tables, uint32_t pid, const struct symbol_location *location)
{
    const struct symbol_module *module = location->module;
    if (!module || location->address < module->start || location->address >= module->limit)
        return 0;
    bool is_new;
    uint32_t *id = hashmap_put(&tables->mapping_ids, &module->id, &is_new);
    if (!id)
        return fail(tables, -ENOMEM);
    if (is_new)
        *id = new_mapping(tables, pid, module);
    return *id;
}

static uint32_t intern_function(struct profile_intern *tables, const struct symbol_frame *frame)
{
    struct function_key key = {
        .name = intern_name(tables, frame->function),
        .system_name = intern_name(tables, frame->system_name),
        .file = intern_name(tables, frame->file),
        .start_line = frame->start_line,
    };
    struct profile *profile = tables->profile;
    bool is_new;
    uint32_t *id = hashmap_put(&tables->function_ids, &key, &is_new);
    if (!id || VEC_RESERVE(profile->functions, profile->function_count, tables->function_capacity, 1))
        return fail(tables, -ENOMEM);
    if (is_new) {
        profile->functions[profile->function_count++] = (struct profile_function){
            .name = key.name, .system_name = key.system_name, .file = key.file, .start_line = key.start_line};
        *id = (uint32_t)profile->function_count;
    }
    return *id;
}

static void add_line(struct profile_intern *tables, uint32_t function, uint32_t line)
{
    struct profile *profile = tables->profile;
    int error = VEC_RESERVE(profile->lines, profile->line_count, tables->line_capacity, 1);
    if (error)
        fail(tables, error);
    else
        profile->lines[profile->line_count++] = (struct profile_line){.function = function, .line = line};
}

static uint32_t add_location(struct profile_intern *tables, const struct profile_location *location)
{
    struct profile *profile = tables->profile;
    int error = VEC_RESERVE(profile->locations, profile->location_count, tables->location_capacity, 1);
    if (error)
        return fail(tables, error);
    profile->locations[profile->location_count++] = *location;
    return (uint32_t)profile->location_count;
}

static uint32_t new_location(struct profile_intern *tables, uint32_t pid, const struct symbol_location *location,
                             uint32_t skip)
{
    struct profile_location new = {.mapping = intern_mapping(tables, pid, location),
                                   .address = location->address,
                                   .first_line = (uint32_t)tables->profile->line_count,
                                   .line_count = location->frame_count - skip};
    for (uint32_t i = skip; i < location->frame_count; i++)
        add_line(tables, intern_function(tables, &location->frames[i]), location->frames[i].line);
    return add_location(tables, &new);
}

uint32_t profile_intern_location(struct profile_intern *tables, uint32_t pid, const struct symbol_location *location,
                                 uint32_t skip)
{
    if (tables->error)
        return 0;
    struct location_key key = {
        .address = location->address, .pid = pid, .module = location->module ? location->module->id : 0, .skip = skip};
    bool is_new;
    uint32_t *id = hashmap_put(&tables->location_ids, &key, &is_new);
    if (!id)
        return fail(tables, -ENOMEM);
    if (is_new)
        *id = new_location(tables, pid, location, skip);
    return *id;
}

static uint32_t pseudo_mapping(struct profile_intern *tables)
{
    if (tables->pseudo_mapping == 0) {
        struct profile_mapping mapping = {.start = PSEUDO_START,
                                          .limit = PSEUDO_LIMIT,
                                          .file = intern_name(tables, "[mapscope]"),
                                          .has_functions = true};
        tables->pseudo_mapping = add_mapping(tables, &mapping, NULL);
    }
    return tables->pseudo_mapping;
}

uint32_t profile_intern_pseudo(struct profile_intern *tables, const char *name)
{
    if (tables->error)
        return 0;
    struct symbol_frame frame = {.function = name, .system_name = name, .file = ""};
    struct location_key key = {.function = intern_function(tables, &frame)};
    bool is_new;
    uint32_t *id = hashmap_put(&tables->location_ids, &key, &is_new);
    if (!id || tables->pseudo_address >= PSEUDO_LIMIT)
        return fail(tables, id ? -EOVERFLOW : -ENOMEM);
    if (is_new) {
        struct profile_location location = {.mapping = pseudo_mapping(tables),
                                            .address = tables->pseudo_address++,
                                            .first_line = (uint32_t)tables->profile->line_count,
                                            .line_count = 1};
        add_line(tables, key.function, 0);
        *id = add_location(tables, &location);
    }
    return *id;
}

static void hex(char *out, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        *out++ = "0123456789abcdef"[bytes[i] >> 4];
        *out++ = "0123456789abcdef"[bytes[i] & 15];
    }
    *out = '\0';
}

void profile_intern_main(struct profile_intern *tables, uint32_t pid, const struct process_module *module)
{
    char build_id[2 * PROCESS_BUILD_ID_MAX + 1];
    uint64_t most = UINT64_MAX - module->base, size = module->size < most ? module->size : most;
    if (size == 0)
        return;
    hex(build_id, module->build_id, module->build_id_length);
    struct profile_mapping mapping = {.start = module->base,
                                      .limit = module->base + size,
                                      .file = intern_name(tables, module->path),
                                      .build_id = intern_name(tables, build_id)};
    tables->has_main = add_mapping(tables, &mapping, NULL) == 1;
    tables->main_pid = pid;
    tables->main_base = mapping.start;
    tables->main_limit = mapping.limit;
}

void profile_intern_finish(struct profile_intern *tables)
{
    for (size_t i = 0; i < tables->profile->mapping_count; i++) {
        const struct symbol_module *module = tables->modules[i];
        if (!module)
            continue;
        tables->profile->mappings[i].has_functions = module->has_functions;
        tables->profile->mappings[i].has_files = module->has_files;
        tables->profile->mappings[i].has_lines = module->has_lines;
        tables->profile->mappings[i].has_inlines = module->has_inlines;
    }
}
