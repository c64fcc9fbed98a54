/* See symbolize_programs.h. */
#include "collector/symbolize_programs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct process_table processes;
struct symbolizer *symbolizer;
struct symbols symbols;
struct labelled labels[LABELS_MAX];
size_t label_count;
char program_path[4096];
uint64_t program_base;

int symbols_setup(void **state)
{
    (void)state;
    process_table_init(&processes);
    label_count = 0;
    assert_int_equal(symbolizer_create(&processes, &symbolizer), 0);
    symbolizer_set_debug_dir(symbolizer, SYMBOLS_PROGRAMS "/none");
    symbols = symbolizer_symbols(symbolizer);
    return 0;
}

int symbols_teardown(void **state)
{
    (void)state;
    symbolizer_destroy(symbolizer);
    process_table_fini(&processes);
    return 0;
}

/* ---- what a trace would tell ---- */

void symbols_load(uint32_t pid, uint64_t base, uint64_t size, const char *path)
{
    struct event event = {.kind = EVENT_MODULE_LOAD,
                          .pid = pid,
                          .time_ns = NOW_NS,
                          .module = {.base = base, .size = size, .path = {path, (uint32_t)strlen(path)}}};
    assert_int_equal(process_table_apply(&processes, &event), 0);
}

void symbols_tell_build_id(uint32_t pid, uint64_t base, const char *hex)
{
    char bytes[32];
    uint32_t length = (uint32_t)strlen(hex) / 2;
    for (uint32_t i = 0; i < length; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        bytes[i] = (char)byte;
    }
    struct event event = {
        .kind = EVENT_MODULE_BUILD_ID, .pid = pid, .module = {.base = base, .build_id = {bytes, length}}};
    assert_int_equal(process_table_apply(&processes, &event), 0);
}

void symbols_run_as(const char *name, const char *as)
{
    char line[8192], path[4096];
    uint64_t base, size;
    snprintf(line, sizeof line, SYMBOLS_PROGRAMS "/%s", name);
    FILE *out = popen(line, "r");
    assert_non_null(out);
    while (fgets(line, sizeof line, out)) {
        struct labelled *next = &labels[label_count];
        if (sscanf(line, "module %" SCNx64 " %" SCNx64 " %4095s", &base, &size, path) == 3) {
            if (processes.count == 0) {
                program_base = base;
                snprintf(program_path, sizeof program_path, "%s", path);
                symbols_load(PID, base, size, as ? as : path);
            } else {
                symbols_load(PID, base, size, path);
            }
        } else {
            assert_true(label_count < LABELS_MAX);
            assert_int_equal(sscanf(line, "address %63s %" SCNx64, next->label, &next->address), 2);
            label_count++;
        }
    }
    assert_int_equal(pclose(out), 0);
}

void symbols_run(const char *name)
{
    symbols_run_as(name, NULL);
}

uint64_t address_of(const char *label)
{
    for (size_t i = 0; i < label_count; i++)
        if (strcmp(labels[i].label, label) == 0)
            return labels[i].address;
    fail_msg("the program printed no %s", label);
    return 0;
}

const struct symbol_location *at(const char *label)
{
    const struct symbol_location *location = symbols_resolve(&symbols, PID, address_of(label), NOW_NS);
    assert_int_equal(location->address, address_of(label) - 1);
    return location;
}

/* ---- the truth ---- */

uint32_t line_of(const char *file, const char *mark)
{
    char path[4096], line[1024], wanted[128];
    snprintf(path, sizeof path, SYMBOLS_SOURCES "/%s", file);
    size_t length = (size_t)snprintf(wanted, sizeof wanted, "@%s", mark);
    FILE *source = fopen(path, "r");
    assert_non_null(source);
    uint32_t number = 0, found = 0;
    while (fgets(line, sizeof line, source)) {
        const char *hit = strstr(line, wanted);
        number++;
        if (hit && (hit[length] == ' ' || hit[length] == '\n'))
            found = number;
    }
    fclose(source);
    assert_int_not_equal(found, 0);
    return found;
}

void assert_frame(const struct symbol_location *location, uint32_t index, const char *function, const char *file,
                  const char *mark)
{
    char start[128];
    snprintf(start, sizeof start, "%s.start", mark);
    assert_true(index < location->frame_count);
    const struct symbol_frame *frame = &location->frames[index];
    assert_string_equal(frame->function, function);
    assert_string_equal(strrchr(frame->file, '/') + 1, file);
    assert_int_equal(frame->file[0], '/');
    assert_int_equal(frame->line, line_of(file, mark));
    assert_int_equal(frame->start_line, line_of(file, start));
}

void assert_everything_resolves(void)
{
    const struct symbol_location *location = at("program_chain");
    assert_int_equal(location->frame_count, 3);
    assert_frame(location, 0, "chain_inner", "chain.h", "chain_inner");
    assert_frame(location, 1, "chain_middle", "chain.h", "chain_middle");
    assert_frame(location, 2, "program_chain", "program.c", "program_chain");
    assert_string_equal(location->frames[2].system_name, "program_chain");
    assert_string_equal(location->module->reason, "");
    location = at("after_call"); /* a return address just behind its function */
    assert_int_equal(location->frame_count, 1);
    assert_frame(location, 0, "ends_with_call", "program.c", "ends_with_call");
}
