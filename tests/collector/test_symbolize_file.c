/*
 * collector/symbolize/symbolize_file: which file tells of the code, the program itself or its debug file, what is said
 * where none does, and that damaged ones do no harm.
 */
#include "collector/symbolize_programs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/symbolize/symbolize_elf.h"

static void test_a_program_without_aranges_and_with_compressed_sections(void **state)
{
    (void)state;
    symbols_run("symbols_lean");
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
    symbols_run("symbols_no_debug");
    assert_only_symbols("program_chain", "program_chain");
    assert_only_symbols("box", "shapes::Box<int>::open(char const*)");
    assert_int_equal(strncmp(at("box")->frames[0].system_name, "_ZN6shapes3BoxIiE4openEPKc", 26), 0);
    assert_string_equal(at("box")->module->reason, "no line numbers: install its debug symbols or build with -g");
}

static void test_a_stripped_program_says_so_and_yields_offsets(void **state)
{
    (void)state;
    char expected[128];
    symbols_run("symbols_stripped");
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
    symbols_run("symbols_stripped");
    assert_everything_resolves();
    assert_string_equal(at("program_chain")->module->build_id, "aabbccddeeff00112233445566778899");
}

static void test_a_debug_file_serves_even_if_the_program_is_gone(void **state)
{
    (void)state;
    symbolizer_set_debug_dir(symbolizer, SYMBOLS_PROGRAMS "/debug");
    symbols_run_as("symbols_stripped", "/gone/program");
    symbols_tell_build_id(PID, program_base, "aabbccddeeff00112233445566778899");
    assert_everything_resolves();
    const struct symbol_module *module = at("program_chain")->module;
    assert_int_equal(module->file_offset, module->start - program_base);
    assert_int_not_equal(module->file_offset, 0);
}

static void test_a_debug_file_is_found_by_its_link(void **state)
{
    (void)state;
    symbols_run("symbols_linked");
    assert_everything_resolves();
    assert_string_equal(at("program_chain")->module->build_id, "");
}

static void test_a_linked_debug_file_with_another_crc_is_refused(void **state)
{
    (void)state;
    symbols_run_as("symbols_linked", SYMBOLS_PROGRAMS "/wrong/symbols_linked");
    assert_string_equal(at("program_chain")->module->reason, "stripped: install its debug symbols or build with -g");
}

static void test_a_file_with_another_build_id_is_not_used(void **state)
{
    (void)state;
    symbols_run("symbols_pie");
    symbols_tell_build_id(PID, program_base, "99bbccddeeff00112233445566778899");
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
    symbols_load(++pid, 0x1000, 0x1000, path);
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
    symbols_run("symbols_pie");
    char *bytes = read_whole(program_path, &size);
    for (unsigned seed = 1; seed <= 150; seed++) {
        copy_damaged(path, bytes, size, seed);
        struct symbolizer *other;
        assert_int_equal(symbolizer_create(&processes, &other), 0);
        struct symbols damaged = symbolizer_symbols(other);
        symbols_load(10000 + seed, program_base, 0x10000, path);
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
    symbols_run_as("symbols_pie", path);
    assert_frame(at("after_call"), 0, "ends_with_call", "program.c", "ends_with_call");
    assert_int_equal(ftruncate(fd, 0), 0);
    for (size_t i = 0; i < label_count; i++)
        assert_true(symbols_resolve(&symbols, PID, labels[i].address, NOW_NS)->frame_count >= 1);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        symbols_test(test_a_program_without_aranges_and_with_compressed_sections),
        symbols_test(test_what_nobody_reads_of_debug_information_is_hidden_from_libdw),
        symbols_test(test_without_debug_information_the_symbol_table_names_functions),
        symbols_test(test_a_stripped_program_says_so_and_yields_offsets),
        symbols_test(test_a_debug_file_is_found_by_build_id),
        symbols_test(test_a_debug_file_serves_even_if_the_program_is_gone),
        symbols_test(test_a_debug_file_is_found_by_its_link),
        symbols_test(test_a_linked_debug_file_with_another_crc_is_refused),
        symbols_test(test_a_file_with_another_build_id_is_not_used),
        symbols_test(test_files_that_cannot_be_used_say_why),
        symbols_test(test_damaged_files_cost_their_own_symbols_only),
        symbols_test(test_a_file_that_is_cut_while_it_is_used_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
