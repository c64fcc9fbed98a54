/*
 * See symbolize.h. Start reading at resolve. Three caches: locations (an address in a mapping), here; mappings (a
 * module in a process) and files (shared by the processes that map them), in symbolize_mapping.c. What they are called:
 * symbolize_names.c. All text is interned as UTF-8.
 */
#include "collector/symbolize/symbolize.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/symbolize/symbolize_mapping.h"
#include "collector/symbolize/symbolize_names.h"

struct location_key {
    uint64_t owner; /* mapping id, or 2^32 + pid where there is no mapping */
    uint64_t address;
};

struct symbolizer {
    const struct process_table *processes;
    struct strtab *texts; /* everything that is handed out */
    struct mappings mappings;
    struct arena memory;      /* locations, frames */
    struct hashmap locations; /* location_key -> struct symbol_location * */
    struct symbol_location no_memory;
};

static const struct symbol_frame frame_no_memory = {
    .function = "[out of memory]", .system_name = "[out of memory]", .file = ""};

static const struct symbol_frame frame_cut = {.function = STACK_CUT_NAME, .system_name = STACK_CUT_NAME, .file = ""};
static const struct symbol_location location_cut = {.frames = &frame_cut, .frame_count = 1};

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
        bool is_named;
        if (!names_frame(symbolizer->texts, mapping, address, &known[i], i == count - 1, &frames[i], &is_named))
            return false;
        if (module)
            note_missing(module, &frames[i], is_named);
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
    struct symbol_module *module = mapping ? mappings_module(&symbolizer->mappings, mapping, address) : NULL;
    if (mapping && !module)
        return NULL;
    if (mapping && mapping->file->dwarf)
        count = dwarf_info_frames(mapping->file->dwarf, mapping_file_address(mapping, address), known);
    if (count == 0) {
        known[count++] = (struct dwarf_frame){.scope = ""};
        if (module)
            module->has_inlines = false;
    }
    struct symbol_location *location = arena_alloc(&symbolizer->memory, sizeof *location);
    struct symbol_frame *frames = arena_alloc(&symbolizer->memory, count * sizeof *frames);
    if (!location || !frames || !fill_frames(symbolizer, mapping, module, address, known, frames, count))
        return NULL;
    *location = (struct symbol_location){
        .address = address, .module = module, .frames = frames, .frame_count = (uint32_t)count};
    return location;
}

static const struct symbol_location *location_of(struct symbolizer *symbolizer, uint32_t pid, uint64_t address,
                                                 const struct process_module *module)
{
    struct mapping *mapping = module ? mappings_get(&symbolizer->mappings, pid, module) : NULL;
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
        if (module && module->build_id_length) /* comes right behind the module: another id, another file */
            mappings_expect(&symbolizer->mappings, module);
    }
}

static const char *object(void *self, uint32_t pid, uint64_t address, uint64_t time_ns)
{
    struct symbolizer *symbolizer = self;
    const struct process *process = process_find(symbolizer->processes, pid);
    const struct process_module *module = process ? process_module_at(process, address, time_ns) : NULL;
    const struct mapping *mapping = module ? mappings_get(&symbolizer->mappings, pid, module) : NULL;
    return mapping ? names_object(symbolizer->texts, mapping, address) : NULL;
}

/* The symbolizer */

int symbolizer_create(const struct process_table *processes, struct symbolizer **out)
{
    struct symbolizer *symbolizer = calloc(1, sizeof *symbolizer);
    if (!symbolizer)
        return -ENOMEM;
    symbolizer->processes = processes;
    arena_init(&symbolizer->memory);
    hashmap_init(&symbolizer->locations, sizeof(struct location_key), sizeof(struct symbol_location *));
    int error = strtab_create(&symbolizer->texts);
    if (!error)
        error = mappings_init(&symbolizer->mappings, symbolizer->texts);
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
    mappings_fini(&symbolizer->mappings);
    hashmap_fini(&symbolizer->locations);
    strtab_destroy(symbolizer->texts);
    arena_fini(&symbolizer->memory);
    free(symbolizer);
}

void symbolizer_set_debug_dir(struct symbolizer *symbolizer, const char *debug_dir)
{
    symbolizer->mappings.debug_dir = debug_dir;
}

struct symbols symbolizer_symbols(struct symbolizer *symbolizer)
{
    return (struct symbols){.resolve = resolve, .object = object, .self = symbolizer};
}

const struct symbol_module *const *symbolizer_modules(const struct symbolizer *symbolizer, size_t *count)
{
    *count = symbolizer->mappings.module_count;
    return symbolizer->mappings.modules;
}
