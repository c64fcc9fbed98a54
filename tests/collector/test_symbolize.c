/*
 * collector/symbolize against programs that print their own addresses (symbols/), linked and stripped in
 * every way; the truth is the marks in their sources, and addr2line.
 */
#include "support/cmocka_main.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/symbolize/symbolize.h"
#include "collector/symbolize/symbolize_demangle.h"
#include "collector/symbolize/symbolize_elf.h"
#include "model/stacks.h"

enum { PID = 77, NOW_NS = 1000, LABELS_MAX = 16 };

struct labelled {
    char label[64];
    uint64_t address;
};

static struct process_table processes;
static struct symbolizer *symbolizer;
static struct symbols symbols;
static struct labelled labels[LABELS_MAX];
static size_t label_count;
static char program_path[4096];
static uint64_t program_base;

static int setup(void **state)
{
    (void)state;
    process_table_init(&processes);
    label_count = 0;
    assert_int_equal(symbolizer_create(&processes, &symbolizer), 0);
    symbolizer_set_debug_dir(symbolizer, SYMBOLS_PROGRAMS "/none");
    symbols = symbolizer_symbols(symbolizer);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    symbolizer_destroy(symbolizer);
    process_table_fini(&processes);
    return 0;
}

/* What a trace would tell */

static void load(uint32_t pid, uint64_t base, uint64_t size, const char *path)
{
    struct event event = {.kind = EVENT_MODULE_LOAD,
                          .pid = pid,
                          .time_ns = NOW_NS,
                          .module = {.base = base, .size = size, .path = {path, (uint32_t)strlen(path)}}};
    assert_int_equal(process_table_apply(&processes, &event), 0);
}

static void tell_build_id(uint32_t pid, uint64_t base, const char *hex)
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

/* Runs a program of symbols/, loads its modules and keeps its addresses. `as` replaces its path if given. */
static void run_as(const char *name, const char *as)
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
                load(PID, base, size, as ? as : path);
            } else {
                load(PID, base, size, path);
            }
        } else {
            assert_true(label_count < LABELS_MAX);
            assert_int_equal(sscanf(line, "address %63s %" SCNx64, next->label, &next->address), 2);
            label_count++;
        }
    }
    assert_int_equal(pclose(out), 0);
}

static void run(const char *name)
{
    run_as(name, NULL);
}

static uint64_t address_of(const char *label)
{
    for (size_t i = 0; i < label_count; i++)
        if (strcmp(labels[i].label, label) == 0)
            return labels[i].address;
    fail_msg("the program printed no %s", label);
    return 0;
}

static const struct symbol_location *at(const char *label)
{
    const struct symbol_location *location = symbols_resolve(&symbols, PID, address_of(label), NOW_NS);
    assert_int_equal(location->address, address_of(label) - 1);
    return location;
}

/* The truth */

/* The number of the line of symbols/FILE with "@MARK" at its end (before a comment's). */
static uint32_t line_of(const char *file, const char *mark)
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

static void assert_frame(const struct symbol_location *location, uint32_t index, const char *function, const char *file,
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

/* All that a program with debug information must yield. */
static void assert_everything_resolves(void)
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

static void test_a_position_independent_program_with_inlined_frames(void **state)
{
    (void)state;
    run("symbols_pie");
    assert_everything_resolves();
}

static void test_a_program_at_a_fixed_address(void **state)
{
    (void)state;
    run("symbols_fixed");
    assert_int_not_equal(program_base, 0);
    assert_everything_resolves();
}

static void test_a_program_with_dwarf_4(void **state)
{
    (void)state;
    run("symbols_dwarf4");
    assert_everything_resolves();
}

static void test_a_program_without_aranges_and_with_compressed_sections(void **state)
{
    (void)state;
    run("symbols_lean");
    assert_everything_resolves();
}

static void test_what_nobody_reads_of_debug_information_is_hidden_from_libdw(void **state)
{
    (void)state;
    struct elf_file elf;
    assert_int_equal(elf_file_open(SYMBOLS_PROGRAMS "/symbols_pie", &elf), 0);
    assert_true(elf_file_has_section(&elf, ".debug_loclists"));
    elf_file_hide_unread(&elf);
    assert_false(elf_file_has_section(&elf, ".debug_loclists"));
    assert_true(elf_file_has_section(&elf, ".debug_info"));
    elf_file_close(&elf);
}

static void test_a_shared_library(void **state)
{
    (void)state;
    run("symbols_pie");
    const struct symbol_location *location = at("library_chain");
    assert_int_equal(location->frame_count, 3);
    assert_frame(location, 0, "chain_inner", "chain.h", "chain_inner");
    assert_frame(location, 2, "library_chain", "library.c", "library_chain");
    assert_frame(at("library_hidden"), 0, "hidden", "library.c", "hidden");
    assert_string_equal(location->module->build_id, "11112222333344445555666677778888");
    assert_non_null(strstr(location->module->path, "libsymbols_library.so"));
}

static void test_cxx_names_are_demangled_and_keep_their_symbol(void **state)
{
    (void)state;
    run("symbols_pie");
    const struct symbol_location *box = at("box"), *draw = at("draw");
    assert_string_equal(box->frames[0].function, "shapes::Box<int>::open(char const*)");
    assert_string_equal(box->frames[0].system_name, "_ZN6shapes3BoxIiE4openEPKc");
    assert_int_equal(box->frames[0].line, line_of("shapes.cpp", "Box"));
    assert_int_equal(draw->frame_count, 3);
    assert_frame(draw, 0, "chain_inner", "chain.h", "chain_inner");
    assert_frame(draw, 2, "shapes::(anonymous namespace)::draw", "shapes.cpp", "draw"); /* has no linkage name */
}

/* Its code is described within the function that has it. */
static void test_a_lambda_has_its_inlined_frames(void **state)
{
    (void)state;
    run("symbols_pie");
    const struct symbol_location *lambda = at("lambda");
    assert_int_equal(lambda->frame_count, 3);
    assert_frame(lambda, 0, "chain_inner", "chain.h", "chain_inner");
    assert_string_equal(lambda->frames[2].function, "call_shapes::(anonymous)::operator()");
    assert_int_equal(lambda->frames[2].line, line_of("shapes.cpp", "lambda"));
}

static void test_a_function_without_size_ends_where_the_next_begins(void **state)
{
    (void)state;
    run("symbols_no_debug");
    assert_string_equal(at("in_sizeless")->frames[0].function, "sizeless");
    assert_non_null(strstr(at("behind_sized")->frames[0].function, "symbols_no_debug+0x"));
}

/* Compares with addr2line, which knows nothing of us: functions, base names and lines of each frame. */
static void assert_as_addr2line(const char *label)
{
    char command[8192], function[1024], place[4096];
    const struct symbol_location *location = at(label);
    snprintf(command, sizeof command, "addr2line -i -f -C -e '%s' 0x%" PRIx64, program_path,
             location->address - program_base);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    for (uint32_t i = 0; i < location->frame_count; i++) {
        const struct symbol_frame *frame = &location->frames[i];
        char expected[4096];
        assert_non_null(fgets(function, sizeof function, out));
        assert_non_null(fgets(place, sizeof place, out));
        function[strcspn(function, "\n")] = '\0';
        place[strcspn(place, " \n")] = '\0'; /* without "(discriminator 2)" */
        assert_string_equal(frame->function, function);
        snprintf(expected, sizeof expected, "%s:%" PRIu32, frame->file, frame->line);
        assert_string_equal(expected, place);
    }
    assert_null(fgets(function, sizeof function, out));
    assert_int_equal(pclose(out), 0);
}

static void test_frames_agree_with_addr2line(void **state)
{
    (void)state;
    static const char *const of_program[] = {"program_chain", "box", "after_call"};
    run("symbols_pie");
    for (size_t i = 0; i < sizeof of_program / sizeof of_program[0]; i++)
        assert_as_addr2line(of_program[i]);
}

static void test_the_module_is_the_executable_segment(void **state)
{
    (void)state;
    run("symbols_pie");
    tell_build_id(PID, program_base, "aabbccddeeff00112233445566778899");
    const struct symbol_location *location = at("program_chain");
    const struct symbol_module *module = location->module;
    assert_int_equal(module->id, 1);
    assert_int_equal(module->pid, PID);
    assert_true(module->start <= location->address && location->address < module->limit);
    assert_int_equal(module->start - program_base, module->file_offset); /* as ld lays it out */
    assert_int_not_equal(module->file_offset, 0);
    assert_int_equal(module->start % 4096, 0);
    assert_int_equal(module->limit % 4096, 0);
    assert_string_equal(module->path, program_path);
    assert_string_equal(module->build_id, "aabbccddeeff00112233445566778899");
    assert_true(module->has_functions && module->has_files && module->has_lines && module->has_inlines);
}

/* The functions that only a symbol table names. */
static void assert_only_symbols(const char *label, const char *function)
{
    const struct symbol_location *location = at(label);
    assert_int_equal(location->frame_count, 1);
    assert_string_equal(location->frames[0].function, function);
    assert_string_equal(location->frames[0].file, "");
    assert_int_equal(location->frames[0].line, 0);
    assert_true(location->module->has_functions);
    assert_false(location->module->has_files || location->module->has_lines || location->module->has_inlines);
}

static void test_without_debug_information_the_symbol_table_names_functions(void **state)
{
    (void)state;
    run("symbols_no_debug");
    assert_only_symbols("program_chain", "program_chain");
    assert_only_symbols("box", "shapes::Box<int>::open(char const*)");
    assert_int_equal(strncmp(at("box")->frames[0].system_name, "_ZN6shapes3BoxIiE4openEPKc", 26), 0);
    assert_string_equal(at("box")->module->reason, "no line numbers: install its debug symbols or build with -g");
}

static void test_a_stripped_program_says_so_and_yields_offsets(void **state)
{
    (void)state;
    char expected[128];
    run("symbols_stripped");
    const struct symbol_location *location = at("program_chain");
    snprintf(expected, sizeof expected, "symbols_stripped+0x%" PRIx64, location->address - program_base);
    assert_string_equal(location->frames[0].function, expected);
    assert_string_equal(location->frames[0].system_name, expected);
    assert_string_equal(location->module->reason, "stripped: install its debug symbols or build with -g");
    assert_false(location->module->has_functions || location->module->has_lines);
}

static void test_a_debug_file_is_found_by_build_id(void **state)
{
    (void)state;
    symbolizer_set_debug_dir(symbolizer, SYMBOLS_PROGRAMS "/debug");
    run("symbols_stripped");
    assert_everything_resolves();
    assert_string_equal(at("program_chain")->module->build_id, "aabbccddeeff00112233445566778899");
}

static void test_a_debug_file_serves_even_if_the_program_is_gone(void **state)
{
    (void)state;
    symbolizer_set_debug_dir(symbolizer, SYMBOLS_PROGRAMS "/debug");
    run_as("symbols_stripped", "/gone/program");
    tell_build_id(PID, program_base, "aabbccddeeff00112233445566778899");
    assert_everything_resolves();
    const struct symbol_module *module = at("program_chain")->module;
    assert_int_equal(module->file_offset, module->start - program_base);
    assert_int_not_equal(module->file_offset, 0);
}

static void test_a_debug_file_is_found_by_its_link(void **state)
{
    (void)state;
    run("symbols_linked");
    assert_everything_resolves();
    assert_string_equal(at("program_chain")->module->build_id, "");
}

static void test_a_linked_debug_file_with_another_crc_is_refused(void **state)
{
    (void)state;
    run_as("symbols_linked", SYMBOLS_PROGRAMS "/wrong/symbols_linked");
    assert_string_equal(at("program_chain")->module->reason, "stripped: install its debug symbols or build with -g");
}

static void test_a_file_with_another_build_id_is_not_used(void **state)
{
    (void)state;
    run("symbols_pie");
    tell_build_id(PID, program_base, "99bbccddeeff00112233445566778899");
    const struct symbol_location *location = at("program_chain");
    assert_string_equal(location->module->reason, "build id differs: the file was rebuilt or replaced");
    assert_string_equal(location->module->build_id, "99bbccddeeff00112233445566778899");
    assert_non_null(strstr(location->frames[0].function, "symbols_pie+0x"));
    assert_int_equal(location->module->start, program_base);
    assert_int_equal(location->module->file_offset, 0);
    assert_false(location->module->has_functions);
}

static const char *reason_at(const char *path)
{
    static uint32_t pid = 1000;
    load(++pid, 0x1000, 0x1000, path);
    const struct symbol_location *location = symbols_resolve(&symbols, pid, 0x1801, NOW_NS);
    assert_int_equal(location->frame_count, 1);
    return location->module->reason;
}

static void test_files_that_cannot_be_used_say_why(void **state)
{
    (void)state;
    assert_string_equal(reason_at("/gone/file"),
                        "the file is gone: convert where it was recorded, or install its debug symbols");
    assert_string_equal(reason_at(SYMBOLS_SOURCES "/chain.h"), "not an ELF file: it was replaced, or is damaged");
    assert_string_equal(reason_at("/dev/zero"), "not an ELF file: it was replaced, or is damaged");
    assert_string_equal(reason_at("[linux-vdso.so.1]"), "the kernel's own code: it has no file");
    assert_string_equal(reason_at(""), "the file is gone: convert where it was recorded, or install its debug symbols");
}

static void test_an_address_in_no_mapping_is_shown_as_it_is(void **state)
{
    (void)state;
    load(PID, 0x1000, 0x1000, "/a");
    const struct symbol_location *location = symbols_resolve(&symbols, PID, 0x55aa0001, NOW_NS);
    assert_null(location->module);
    assert_int_equal(location->frame_count, 1);
    assert_string_equal(location->frames[0].function, "0x55aa0000");
    assert_string_equal(location->frames[0].file, "");
    assert_ptr_equal(symbols_resolve(&symbols, PID, 0x55aa0001, NOW_NS), location);
    assert_ptr_not_equal(symbols_resolve(&symbols, PID + 1, 0x55aa0001, NOW_NS), location);
    assert_int_equal(symbols_resolve(&symbols, PID, 0, NOW_NS)->address, 0);
}

static void test_where_a_stack_was_cut_is_said_in_the_place_of_a_function(void **state)
{
    (void)state;
    const struct symbol_location *location = symbols_resolve(&symbols, PID, STACK_CUT, NOW_NS);
    assert_null(location->module);
    assert_int_equal(location->frame_count, 1);
    assert_string_equal(location->frames[0].function, "[stack cut]");
}

static void test_each_process_has_its_modules_and_shares_the_file(void **state)
{
    (void)state;
    size_t count;
    run("symbols_pie");
    const struct symbol_location *here = at("program_chain");
    load(99, 0x10000000, 0x10000, program_path);
    uint64_t there_address = 0x10000000 + address_of("program_chain") - program_base;
    const struct symbol_location *there = symbols_resolve(&symbols, 99, there_address, NOW_NS);
    assert_string_equal(there->frames[2].function, "program_chain");
    assert_ptr_equal(there->frames[2].function, here->frames[2].function);
    assert_int_equal(there->module->pid, 99);
    assert_ptr_not_equal(there->module, here->module);
    assert_ptr_equal(at("program_chain"), here);
    const struct symbol_module *const *modules = symbolizer_modules(symbolizer, &count);
    assert_int_equal(count, 2);
    assert_ptr_equal(modules[0], here->module);
    assert_ptr_equal(modules[1], there->module);
}

static void test_a_function_without_lines_makes_its_module_say_so(void **state)
{
    (void)state;
    run("symbols_pie");
    const struct symbol_module *module = at("program_chain")->module;
    assert_true(module->has_functions && module->has_lines);
    const struct symbol_location *location = symbols_resolve(&symbols, PID, module->start + 1, NOW_NS);
    assert_string_equal(location->frames[0].function, "_init"); /* of the C library: ld puts it first */
    assert_ptr_equal(location->module, module);
    assert_true(module->has_functions);
    assert_false(module->has_files || module->has_lines || module->has_inlines);
}

/* Hostile files */

/* A symbol that unfolds to 2^200 characters must not be unfolded. */
static void test_a_symbol_without_bound_stays_as_it_is(void **state)
{
    (void)state;
    char symbol[1024] = "_Z1fPFvvE";
    for (int i = 0; i < 100; i++)
        snprintf(symbol + strlen(symbol), sizeof symbol - strlen(symbol), "PFvS%c_S%c_E", "0123456789"[i % 10],
                 "0123456789"[i % 10]);
    assert_null(demangle(symbol));
    assert_null(demangle("main"));
    assert_null(demangle("_Z"));
    char *name = demangle("_ZN3fooIiE3barEv.constprop.0");
    assert_string_equal(name, "foo<int>::bar()");
    free(name);
}

static void copy_damaged(const char *path, const char *bytes, size_t size, unsigned seed)
{
    char *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    srand(seed);
    for (int i = 0; i < 200; i++)
        copy[(size_t)rand() % size] = (char)rand();
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(copy, 1, seed % 5 ? size : (size_t)rand() % size, file) > 0, 1);
    fclose(file);
    free(copy);
}

static char *read_whole(const char *path, size_t *size)
{
    struct stat status;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &status), 0);
    char *bytes = malloc((size_t)status.st_size);
    assert_non_null(bytes);
    *size = fread(bytes, 1, (size_t)status.st_size, file);
    assert_int_equal(*size, status.st_size);
    fclose(file);
    return bytes;
}

static void test_damaged_files_cost_their_own_symbols_only(void **state)
{
    (void)state;
    char path[] = "/tmp/test_symbolize.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    size_t size;
    run("symbols_pie");
    char *bytes = read_whole(program_path, &size);
    for (unsigned seed = 1; seed <= 150; seed++) {
        copy_damaged(path, bytes, size, seed);
        struct symbolizer *other;
        assert_int_equal(symbolizer_create(&processes, &other), 0);
        struct symbols damaged = symbolizer_symbols(other);
        load(10000 + seed, program_base, 0x10000, path);
        for (size_t i = 0; i < label_count; i++) {
            const struct symbol_location *location = symbols_resolve(&damaged, 10000 + seed, labels[i].address, NOW_NS);
            assert_true(location->frame_count >= 1);
            assert_true(location->frames[0].function[0] != '\0');
        }
        symbolizer_destroy(other);
    }
    free(bytes);
    unlink(path);
}

/* A rebuild, while we read: what is not there any more must not be a SIGBUS. */
static void test_a_file_that_is_cut_while_it_is_used_does_no_harm(void **state)
{
    (void)state;
    char path[] = "/tmp/test_symbolize.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    size_t size;
    char *bytes = read_whole(SYMBOLS_PROGRAMS "/symbols_pie", &size);
    assert_int_equal(write(fd, bytes, size), size);
    free(bytes);
    run_as("symbols_pie", path);
    assert_frame(at("after_call"), 0, "ends_with_call", "program.c", "ends_with_call");
    assert_int_equal(ftruncate(fd, 0), 0);
    for (size_t i = 0; i < label_count; i++)
        assert_true(symbols_resolve(&symbols, PID, labels[i].address, NOW_NS)->frame_count >= 1);
    close(fd);
    unlink(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_position_independent_program_with_inlined_frames),
        TEST(test_a_program_at_a_fixed_address),
        TEST(test_a_program_with_dwarf_4),
        TEST(test_a_program_without_aranges_and_with_compressed_sections),
        TEST(test_what_nobody_reads_of_debug_information_is_hidden_from_libdw),
        TEST(test_a_shared_library),
        TEST(test_cxx_names_are_demangled_and_keep_their_symbol),
        TEST(test_a_lambda_has_its_inlined_frames),
        TEST(test_frames_agree_with_addr2line),
        TEST(test_the_module_is_the_executable_segment),
        TEST(test_without_debug_information_the_symbol_table_names_functions),
        TEST(test_a_function_without_size_ends_where_the_next_begins),
        TEST(test_a_stripped_program_says_so_and_yields_offsets),
        TEST(test_a_debug_file_is_found_by_build_id),
        TEST(test_a_debug_file_serves_even_if_the_program_is_gone),
        TEST(test_a_debug_file_is_found_by_its_link),
        TEST(test_a_linked_debug_file_with_another_crc_is_refused),
        TEST(test_a_file_with_another_build_id_is_not_used),
        TEST(test_files_that_cannot_be_used_say_why),
        TEST(test_an_address_in_no_mapping_is_shown_as_it_is),
        TEST(test_where_a_stack_was_cut_is_said_in_the_place_of_a_function),
        TEST(test_each_process_has_its_modules_and_shares_the_file),
        TEST(test_a_function_without_lines_makes_its_module_say_so),
        TEST(test_a_symbol_without_bound_stays_as_it_is),
        TEST(test_damaged_files_cost_their_own_symbols_only),
        TEST(test_a_file_that_is_cut_while_it_is_used_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
