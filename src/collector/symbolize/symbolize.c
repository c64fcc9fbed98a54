/*
 * See symbolize.h. Start reading at resolve. Three caches: mappings (a module in a process), files (shared
 * by the processes that map them) and locations (an address in a mapping). All text is interned as UTF-8.
 */
#include "collector/symbolize/symbolize.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/symbolize/symbolize_demangle.h"
#include "collector/symbolize/symbolize_opener.h"
#include "model/stacks.h"
#include "support/arena.h"
#include "support/hashmap.h"
#include "support/strtab.h"
#include "support/utf8.h"
#include "support/vec.h"

/* What a profile calls a module: one executable segment of a mapping. */
struct view {
    struct symbol_module module;
    struct view *next; /* of the same mapping */
};

struct mapping {
    uint32_t id; /* 1.. */
    uint32_t pid;
    uint64_t base, limit;
    const struct symbol_file *file;
    const char *path; /* UTF-8 */
    struct view *views;
};

struct mapping_key {
    uint64_t base, loaded_ns, pid;
};

struct location_key {
    uint64_t owner; /* mapping id, or 2^32 + pid where there is no mapping */
    uint64_t address;
};

struct symbolizer {
    const struct process_table *processes;
    const char *debug_dir;
    struct arena memory;      /* mappings, views, locations, frames */
    struct strtab *strings;   /* everything that is handed out */
    struct strtab *file_keys; /* path and build id */
    struct hashmap files;     /* id of file_keys -> struct symbol_request *, owned */
    struct symbol_opener *opener;
    struct hashmap mappings;  /* mapping_key -> struct mapping * */
    struct hashmap locations; /* location_key -> struct symbol_location * */
    uint32_t mapping_count;
    const struct symbol_module **modules;
    size_t module_count, module_capacity;
    struct symbol_location no_memory;
};

static const struct symbol_frame frame_no_memory = {
    .function = "[out of memory]", .system_name = "[out of memory]", .file = ""};

static const struct symbol_frame frame_cut = {.function = STACK_CUT_NAME, .system_name = STACK_CUT_NAME, .file = ""};
static const struct symbol_location location_cut = {.frames = &frame_cut, .frame_count = 1};

/* Text */

static const char *intern(struct symbolizer *symbolizer, const char *text)
{
    char *clean = utf8_sanitize(text, strlen(text));
    str_id id;
    int error = clean ? strtab_intern(symbolizer->strings, clean, strlen(clean), &id) : -ENOMEM;
    free(clean);
    return error ? NULL : strtab_text(symbolizer->strings, id);
}

/* Takes `text`; NULL stays NULL. */
static const char *intern_taken(struct symbolizer *symbolizer, char *text)
{
    const char *interned = text ? intern(symbolizer, text) : NULL;
    free(text);
    return interned;
}

static const char *intern_file(struct symbolizer *symbolizer, const struct dwarf_frame *frame)
{
    if (!frame->file)
        return "";
    char *joined;
    if (frame->file[0] == '/' || !frame->directory || !frame->directory[0])
        return intern(symbolizer, frame->file);
    if (asprintf(&joined, "%s/%s", frame->directory, frame->file) < 0)
        return NULL;
    return intern_taken(symbolizer, joined);
}

static const char *intern_build_id(struct symbolizer *symbolizer, const struct build_id *id)
{
    char hex[2 * PROCESS_BUILD_ID_MAX + 1] = "";
    for (uint32_t i = 0; i < id->length; i++)
        snprintf(hex + 2 * i, 3, "%02x", id->bytes[i]);
    return intern(symbolizer, hex);
}

/* Mappings and their files */

/* The id of a file as the trace knows it: another build id is another file. */
static int file_key(struct symbolizer *symbolizer, const struct process_module *module, const struct build_id *wanted,
                    str_id *out)
{
    const char *hex = intern_build_id(symbolizer, wanted);
    char *key;
    if (!hex || asprintf(&key, "%s %s", hex, module->path) < 0)
        return -ENOMEM;
    int error = strtab_intern(symbolizer->file_keys, key, strlen(key), out);
    free(key);
    return error;
}

/* *is_new: it was not asked for before. NULL = no memory. */
static struct symbol_request *request_of(struct symbolizer *symbolizer, const struct process_module *module,
                                         bool *is_new)
{
    struct build_id wanted = {.length = module->build_id_length};
    memcpy(wanted.bytes, module->build_id, module->build_id_length);
    str_id key;
    if (file_key(symbolizer, module, &wanted, &key))
        return NULL;
    struct symbol_request **known = hashmap_put(&symbolizer->files, &key, NULL);
    *is_new = known && !*known;
    if (!*is_new)
        return known ? *known : NULL;
    struct symbol_request *request = malloc(sizeof *request);
    if (!request || symbol_request_init(request, module->path, &wanted, symbolizer->debug_dir)) {
        free(request);
        return NULL;
    }
    return *known = request;
}

static int open_file(struct symbolizer *symbolizer, const struct process_module *module, const struct symbol_file **out)
{
    bool is_new;
    struct symbol_request *request = request_of(symbolizer, module, &is_new);
    return request ? symbol_opener_open(symbolizer->opener, request, out) : -ENOMEM;
}

static struct mapping *add_mapping(struct symbolizer *symbolizer, uint32_t pid, const struct process_module *module)
{
    struct mapping *mapping = arena_alloc(&symbolizer->memory, sizeof *mapping);
    if (!mapping)
        return NULL;
    bool fits = module->size <= UINT64_MAX - module->base;
    *mapping =
        (struct mapping){.pid = pid, .base = module->base, .limit = fits ? module->base + module->size : UINT64_MAX};
    mapping->path = intern(symbolizer, module->path);
    if (!mapping->path || open_file(symbolizer, module, &mapping->file))
        return NULL;
    mapping->id = ++symbolizer->mapping_count;
    return mapping;
}

/* NULL = no memory. */
static struct mapping *mapping_of(struct symbolizer *symbolizer, uint32_t pid, const struct process_module *module)
{
    struct mapping_key key = {.base = module->base, .loaded_ns = module->loaded_ns, .pid = pid};
    struct mapping **known = hashmap_put(&symbolizer->mappings, &key, NULL);
    if (known && !*known)
        *known = add_mapping(symbolizer, pid, module);
    return known ? *known : NULL;
}

/* The address as the file counts: libraries and PIE are moved as a whole, others not at all. */
static uint64_t file_address(const struct mapping *mapping, uint64_t address)
{
    const struct elf_file *elf = symbol_file_layout(mapping->file);
    return address - mapping->base + (elf ? elf->first_address : 0);
}

/* Views: the modules of a profile */

static struct elf_segment segment_of(const struct mapping *mapping, uint64_t address)
{
    const struct elf_file *elf = symbol_file_layout(mapping->file);
    uint64_t own = file_address(mapping, address);
    struct elf_segment segment;
    if (!elf || !elf_file_segment(elf, own, &segment) || segment.limit - own > UINT64_MAX - address)
        return (struct elf_segment){.start = mapping->base, .limit = mapping->limit};
    if (!mapping->file->has_program) /* debug files have other offsets: as linkers lay programs out */
        segment.file_offset = segment.start - elf->first_address;
    segment.start += address - own;
    segment.limit += address - own;
    return segment;
}

static struct view *add_view(struct symbolizer *symbolizer, struct mapping *mapping, const struct elf_segment *segment)
{
    const struct symbol_file *file = mapping->file;
    const char *build_id = intern_build_id(symbolizer, &file->build_id);
    struct view *view = arena_alloc(&symbolizer->memory, sizeof *view);
    if (!build_id || !view ||
        VEC_RESERVE(symbolizer->modules, symbolizer->module_count, symbolizer->module_capacity, 1))
        return NULL;
    bool has_dwarf = file->dwarf != NULL;
    *view = (struct view){.next = mapping->views,
                          .module = {.id = (uint32_t)symbolizer->module_count + 1,
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
    symbolizer->modules[symbolizer->module_count++] = &view->module;
    return view;
}

static struct view *view_of(struct symbolizer *symbolizer, struct mapping *mapping, uint64_t address)
{
    struct elf_segment segment = segment_of(mapping, address);
    for (struct view *view = mapping->views; view; view = view->next)
        if (view->module.start == segment.start)
            return view;
    return add_view(symbolizer, mapping, &segment);
}

/* Frames */

/* What stands for a name where there is none: where the code lies. */
static const char *intern_offset(struct symbolizer *symbolizer, const struct mapping *mapping, uint64_t address)
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
    return length < 0 ? NULL : intern_taken(symbolizer, text);
}

/* `name` stands for a symbol that the demangler refuses: no C++ name (but an alias, as in glibc), or too much. */
static void name_by_symbol(struct symbolizer *symbolizer, struct symbol_frame *frame, const char *symbol,
                           const char *name)
{
    frame->system_name = intern(symbolizer, symbol);
    frame->function = intern_taken(symbolizer, demangle(symbol));
    if (!frame->function)
        frame->function = name && name[0] ? intern(symbolizer, name) : frame->system_name;
}

static void name_by_scope(struct symbolizer *symbolizer, struct symbol_frame *frame, const struct dwarf_frame *known)
{
    char *text;
    bool is_done = asprintf(&text, "%s%s", known->scope, known->name) >= 0;
    frame->system_name = intern(symbolizer, known->name);
    frame->function = is_done ? intern_taken(symbolizer, text) : NULL;
}

/* The name of the symbol that covers the address, else NULL. */
static const char *find_symbol(const struct mapping *mapping, uint64_t address)
{
    const struct range *found = ranges_find(&mapping->file->functions, file_address(mapping, address));
    return found ? (const char *)(uintptr_t)found->value : NULL;
}

/*
 * By what the debug information says, else, for the function that holds the code, by the symbol table.
 * False if neither knows a name.
 */
static bool set_names(struct symbolizer *symbolizer, const struct mapping *mapping, uint64_t address,
                      const struct dwarf_frame *known, bool is_outermost, struct symbol_frame *frame)
{
    const char *symbol = known->linkage_name;
    if (!symbol && known->name && known->name[0]) {
        name_by_scope(symbolizer, frame, known);
        return true;
    }
    if (!symbol && is_outermost && mapping)
        symbol = find_symbol(mapping, address);
    if (symbol && symbol[0])
        name_by_symbol(symbolizer, frame, symbol, known->name);
    else
        frame->function = frame->system_name = intern_offset(symbolizer, mapping, address);
    return symbol && symbol[0];
}

/* The module says that it has what every one of its addresses had. */
static void note_missing(struct symbol_module *module, const struct symbol_frame *frame, bool is_named)
{
    module->has_functions &= is_named;
    module->has_files &= frame->file[0] != '\0';
    module->has_lines &= frame->line != 0;
}

static bool fill_frames(struct symbolizer *symbolizer, const struct mapping *mapping, struct symbol_module *module,
                        uint64_t address, const struct dwarf_frame *known, struct symbol_frame *frames, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct symbol_frame *frame = &frames[i];
        *frame = (struct symbol_frame){.line = known[i].line, .start_line = known[i].start_line};
        frame->file = intern_file(symbolizer, &known[i]);
        bool is_named = set_names(symbolizer, mapping, address, &known[i], i == count - 1, frame);
        if (!frame->file || !frame->function || !frame->system_name)
            return false;
        if (module)
            note_missing(module, frame, is_named);
    }
    return true;
}

/* Locations */

/* `mapping` may be NULL. Returns NULL when memory is out. */
static const struct symbol_location *add_location(struct symbolizer *symbolizer, struct mapping *mapping,
                                                  uint64_t address)
{
    struct dwarf_frame known[DWARF_FRAMES_MAX];
    size_t count = 0;
    struct view *view = mapping ? view_of(symbolizer, mapping, address) : NULL;
    if (mapping && !view)
        return NULL;
    if (mapping && mapping->file->dwarf)
        count = dwarf_info_frames(mapping->file->dwarf, file_address(mapping, address), known);
    if (count == 0) {
        known[count++] = (struct dwarf_frame){.scope = ""};
        if (view)
            view->module.has_inlines = false;
    }
    struct symbol_location *location = arena_alloc(&symbolizer->memory, sizeof *location);
    struct symbol_frame *frames = arena_alloc(&symbolizer->memory, count * sizeof *frames);
    struct symbol_module *module = view ? &view->module : NULL;
    if (!location || !frames || !fill_frames(symbolizer, mapping, module, address, known, frames, count))
        return NULL;
    *location = (struct symbol_location){
        .address = address, .module = module, .frames = frames, .frame_count = (uint32_t)count};
    return location;
}

static const struct symbol_location *location_of(struct symbolizer *symbolizer, uint32_t pid, uint64_t address,
                                                 const struct process_module *module)
{
    struct mapping *mapping = module ? mapping_of(symbolizer, pid, module) : NULL;
    if (module && !mapping)
        return NULL;
    struct location_key key = {.owner = mapping ? mapping->id : (UINT64_C(1) << 32) + pid, .address = address};
    const struct symbol_location **known = hashmap_put(&symbolizer->locations, &key, NULL);
    if (known && !*known)
        *known = add_location(symbolizer, mapping, address);
    return known ? *known : NULL;
}

static const struct symbol_location *resolve(void *self, uint32_t pid, uint64_t return_address, uint64_t time_ns)
{
    struct symbolizer *symbolizer = self;
    if (return_address == STACK_CUT)
        return &location_cut;
    uint64_t address = return_address - (return_address > 0);
    const struct process *process = process_find(symbolizer->processes, pid);
    const struct process_module *module = process ? process_module_at(process, address, time_ns) : NULL;
    const struct symbol_location *location = location_of(symbolizer, pid, address, module);
    if (location)
        return location;
    symbolizer->no_memory = (struct symbol_location){.address = address, .frames = &frame_no_memory, .frame_count = 1};
    return &symbolizer->no_memory;
}

void symbolizer_expect(struct symbolizer *symbolizer, const struct stack_view *stack)
{
    const struct process *process = process_find(symbolizer->processes, stack->pid);
    for (uint32_t i = 0; process && i < stack->count; i++) {
        uint64_t address = stack->pcs[i] - (stack->pcs[i] > 0);
        const struct process_module *module = process_module_at(process, address, stack->first_ns);
        bool is_new = false;
        bool is_told = module && module->build_id_length; /* comes right behind the module: another id, another file */
        struct symbol_request *request = is_told ? request_of(symbolizer, module, &is_new) : NULL;
        if (request && is_new)
            symbol_opener_expect(symbolizer->opener, request);
    }
}

/* Data */

/* "name+0x10", "name" at its beginning. */
static const char *intern_symbol_offset(struct symbolizer *symbolizer, const char *symbol, uint64_t offset)
{
    char *name = demangle(symbol), *text;
    int length = offset ? asprintf(&text, "%s+0x%" PRIx64, name ? name : symbol, offset)
                        : asprintf(&text, "%s", name ? name : symbol);
    free(name);
    return length < 0 ? NULL : intern_taken(symbolizer, text);
}

static const char *object(void *self, uint32_t pid, uint64_t address, uint64_t time_ns)
{
    struct symbolizer *symbolizer = self;
    const struct process *process = process_find(symbolizer->processes, pid);
    const struct process_module *module = process ? process_module_at(process, address, time_ns) : NULL;
    const struct mapping *mapping = module ? mapping_of(symbolizer, pid, module) : NULL;
    if (!mapping)
        return NULL;
    uint64_t own = file_address(mapping, address);
    const struct range *found = ranges_find(&mapping->file->objects, own);
    if (found)
        return intern_symbol_offset(symbolizer, (const char *)(uintptr_t)found->value, own - found->low);
    return intern_offset(symbolizer, mapping, address);
}

/* The symbolizer */

int symbolizer_create(const struct process_table *processes, struct symbolizer **out)
{
    struct symbolizer *symbolizer = calloc(1, sizeof *symbolizer);
    if (!symbolizer)
        return -ENOMEM;
    symbolizer->processes = processes;
    symbolizer->debug_dir = "/usr/lib/debug";
    arena_init(&symbolizer->memory);
    hashmap_init(&symbolizer->files, sizeof(str_id), sizeof(struct symbol_file *));
    hashmap_init(&symbolizer->mappings, sizeof(struct mapping_key), sizeof(struct mapping *));
    hashmap_init(&symbolizer->locations, sizeof(struct location_key), sizeof(struct symbol_location *));
    int error = strtab_create(&symbolizer->strings);
    if (!error)
        error = strtab_create(&symbolizer->file_keys);
    if (!error)
        error = symbol_opener_create(&symbolizer->opener);
    if (error) {
        symbolizer_destroy(symbolizer);
        return error;
    }
    *out = symbolizer;
    return 0;
}

void symbolizer_destroy(struct symbolizer *symbolizer)
{
    if (!symbolizer)
        return;
    symbol_opener_destroy(symbolizer->opener);
    const void *key;
    void *place;
    for (size_t at = 0; hashmap_next(&symbolizer->files, &at, &key, &place);) {
        struct symbol_request *request = *(struct symbol_request **)place;
        if (request)
            symbol_request_fini(request);
        free(request);
    }
    hashmap_fini(&symbolizer->files);
    free(symbolizer->modules);
    hashmap_fini(&symbolizer->mappings);
    hashmap_fini(&symbolizer->locations);
    strtab_destroy(symbolizer->strings);
    strtab_destroy(symbolizer->file_keys);
    arena_fini(&symbolizer->memory);
    free(symbolizer);
}

void symbolizer_set_debug_dir(struct symbolizer *symbolizer, const char *debug_dir)
{
    symbolizer->debug_dir = debug_dir;
}

struct symbols symbolizer_symbols(struct symbolizer *symbolizer)
{
    return (struct symbols){.resolve = resolve, .object = object, .self = symbolizer};
}

const struct symbol_module *const *symbolizer_modules(const struct symbolizer *symbolizer, size_t *count)
{
    *count = symbolizer->module_count;
    return symbolizer->modules;
}
