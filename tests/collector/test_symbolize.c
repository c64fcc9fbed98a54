/*
 * collector/symbolize against programs that print their own addresses (symbolize_programs.h): functions, lines and
 * inlined frames, as the marks in their sources and addr2line say. Which files that is known from:
 * test_symbolize_file.c.
 */
#include "collector/symbolize_programs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/stacks.h"

static void test_a_position_independent_program_with_inlined_frames(void **state)
{
    (void)state;
    symbols_run("symbols_pie");
    assert_everything_resolves();
}

static void test_a_program_at_a_fixed_address(void **state)
{
    (void)state;
    symbols_run("symbols_fixed");
    assert_int_not_equal(program_base, 0);
    assert_everything_resolves();
}

static void test_a_program_with_dwarf_4(void **state)
{
    (void)state;
    symbols_run("symbols_dwarf4");
    assert_everything_resolves();
}

static void test_a_shared_library(void **state)
{
    (void)state;
    symbols_run("symbols_pie");
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
    symbols_run("symbols_pie");
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
    symbols_run("symbols_pie");
    const struct symbol_location *lambda = at("lambda");
    assert_int_equal(lambda->frame_count, 3);
    assert_frame(lambda, 0, "chain_inner", "chain.h", "chain_inner");
    assert_string_equal(lambda->frames[2].function, "call_shapes::(anonymous)::operator()");
    assert_int_equal(lambda->frames[2].line, line_of("shapes.cpp", "lambda"));
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
    symbols_run("symbols_pie");
    for (size_t i = 0; i < sizeof of_program / sizeof of_program[0]; i++)
        assert_as_addr2line(of_program[i]);
}

static void test_the_module_is_the_executable_segment(void **state)
{
    (void)state;
    symbols_run("symbols_pie");
    symbols_tell_build_id(PID, program_base, "aabbccddeeff00112233445566778899");
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

static void test_a_function_without_size_ends_where_the_next_begins(void **state)
{
    (void)state;
    symbols_run("symbols_no_debug");
    assert_string_equal(at("in_sizeless")->frames[0].function, "sizeless");
    assert_non_null(strstr(at("behind_sized")->frames[0].function, "symbols_no_debug+0x"));
}

static void test_an_address_in_no_mapping_is_shown_as_it_is(void **state)
{
    (void)state;
    symbols_load(PID, 0x1000, 0x1000, "/a");
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
    symbols_run("symbols_pie");
    const struct symbol_location *here = at("program_chain");
    symbols_load(99, 0x10000000, 0x10000, program_path);
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
    symbols_run("symbols_pie");
    const struct symbol_module *module = at("program_chain")->module;
    assert_true(module->has_functions && module->has_lines);
    const struct symbol_location *location = symbols_resolve(&symbols, PID, module->start + 1, NOW_NS);
    assert_string_equal(location->frames[0].function, "_init"); /* of the C library: ld puts it first */
    assert_ptr_equal(location->module, module);
    assert_true(module->has_functions);
    assert_false(module->has_files || module->has_lines || module->has_inlines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        symbols_test(test_a_position_independent_program_with_inlined_frames),
        symbols_test(test_a_program_at_a_fixed_address),
        symbols_test(test_a_program_with_dwarf_4),
        symbols_test(test_a_shared_library),
        symbols_test(test_cxx_names_are_demangled_and_keep_their_symbol),
        symbols_test(test_a_lambda_has_its_inlined_frames),
        symbols_test(test_frames_agree_with_addr2line),
        symbols_test(test_the_module_is_the_executable_segment),
        symbols_test(test_a_function_without_size_ends_where_the_next_begins),
        symbols_test(test_an_address_in_no_mapping_is_shown_as_it_is),
        symbols_test(test_where_a_stack_was_cut_is_said_in_the_place_of_a_function),
        symbols_test(test_each_process_has_its_modules_and_shares_the_file),
        symbols_test(test_a_function_without_lines_makes_its_module_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
