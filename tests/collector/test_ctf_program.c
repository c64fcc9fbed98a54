/* Types to programs and programs over bytes: what becomes one run, and what no bytes can make it do. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/compile.h"

enum { SLOTS = 64, SCRATCH = 64 };

/* The program of an event's fields, from TSDL. */
struct compiled {
    struct tsdl_trace trace;
    struct ctf_program program;
    struct ctf_value values[SLOTS];
    uint64_t scratch[SCRATCH];
};

static const char types[] = "trace { byte_order = le; };\n"
                            "typealias integer { size = 8; align = 8; } := u8;\n"
                            "typealias integer { size = 16; align = 8; } := u16;\n"
                            "typealias integer { size = 64; align = 8; } := u64;\n"
                            "typealias integer { size = 32; align = 32; } := aligned;\n"
                            "typealias integer { size = 8; align = 8; encoding = UTF8; } := text8;\n";

static int try_compile(struct compiled *compiled, const char *fields)
{
    char *text;
    assert_true(asprintf(&text, "%sevent { fields := struct { %s }; };", types, fields) > 0);
    assert_int_equal(tsdl_parse(text, strlen(text), NULL, &compiled->trace), 0);
    free(text);
    struct ctf_part part = {.type = compiled->trace.events[0].fields};
    int error = ctf_compile(&part, 1, TSDL_LITTLE, &compiled->trace.arena, &compiled->program);
    if (error)
        tsdl_fini(&compiled->trace);
    return error;
}

static void compile(struct compiled *compiled, const char *fields)
{
    assert_int_equal(try_compile(compiled, fields), 0);
    assert_true(compiled->program.slot_count <= SLOTS);
}

static void done(struct compiled *compiled)
{
    ctf_program_fini(&compiled->program);
    tsdl_fini(&compiled->trace);
}

/* Decodes from bit `at` of exactly `size` bytes; `*end` is the cursor's place afterwards. */
static enum ctf_result run(struct compiled *compiled, const void *bytes, size_t size, uint64_t at, uint64_t *end)
{
    uint8_t *copy = calloc(1, size + CTF_SLACK_BYTES);
    memcpy(copy, bytes, size);
    struct ctf_cursor cursor = {
        .bytes = copy, .at = at, .end = size * 8, .scratch = compiled->scratch, .scratch_capacity = SCRATCH};
    enum ctf_result result = ctf_program_run(&compiled->program, &cursor, compiled->values);
    free(copy);
    if (end)
        *end = cursor.at;
    return result;
}

static void test_packed_integers_and_text_are_one_run(void **state)
{
    (void)state;
    struct compiled compiled;
    compile(&compiled, "u8 a; u64 b; text8 name[17]; u16 c; u16 _n; u64 _s[ _n ];");
    assert_int_equal(compiled.program.op_count, 2);
    assert_int_equal(compiled.program.ops[0].kind, OP_RUN);
    assert_int_equal(compiled.program.ops[0].count, 5);
    assert_int_equal(compiled.program.ops[0].bits, 8 + 64 + 17 * 8 + 16 + 16);
    assert_int_equal(compiled.program.ops[1].kind, OP_ARRAY);
    assert_int_equal(compiled.program.field_count, 5); /* the length is not shown */
    assert_string_equal(compiled.program.fields[4].name, "s");
    done(&compiled);
    compile(&compiled, "u8 a; u64 b; integer { size = 32; signed = 1; align = 8; } c;");
    assert_int_equal(compiled.program.op_count, 1);
    assert_int_equal(compiled.program.ops[0].kind, OP_PICK);
    done(&compiled);
    compile(&compiled, "u8 a; integer { size = 16; signed = 1; align = 8; } b;"); /* rare: not worth a loop */
    assert_int_equal(compiled.program.ops[0].kind, OP_PLAIN);
    done(&compiled);
}

static void test_alignment_is_a_constant_while_it_is_known(void **state)
{
    (void)state;
    struct compiled compiled;
    uint64_t end;
    compile(&compiled, "u8 a; aligned b; u8 c;");
    assert_int_equal(compiled.program.op_count, 1); /* the structure's own alignment covers b's */
    assert_int_equal(run(&compiled, "?\1???\2\0\0\0\3", 10, 8, &end), CTF_SHORT);
    assert_int_equal(run(&compiled, "????\1???\2\0\0\0\3", 13, 8, &end), CTF_OK); /* from the next multiple of 32 */
    assert_int_equal(end, 13 * 8);
    assert_int_equal(compiled.values[0].u, 1);
    assert_int_equal(compiled.values[1].u, 2);
    assert_int_equal(compiled.values[2].u, 3);
    done(&compiled);
    compile(&compiled, "string s; aligned b; u8 c;");
    assert_int_equal(compiled.program.op_count, 3); /* behind a string it must be found out */
    assert_int_equal(run(&compiled, "a\0??\5\0\0\0\6", 9, 0, &end), CTF_OK);
    assert_int_equal(compiled.values[1].u, 5);
    done(&compiled);
}

static void test_integers_at_any_bit_in_both_orders(void **state)
{
    (void)state;
    struct compiled compiled;
    static const uint8_t bytes[] = {0xB5, 0x3C, 0xF0};
    compile(&compiled, "integer { size = 3; align = 1; } a; integer { size = 7; align = 1; signed = 1; } b;"
                       "integer { size = 9; align = 1; } c;");
    assert_int_equal(run(&compiled, bytes, sizeof bytes, 0, NULL), CTF_OK);
    assert_int_equal(compiled.values[0].u, 5); /* 101, from the low end of 0xF03CB5 */
    assert_int_equal(compiled.values[1].i, 0x16);
    assert_int_equal(compiled.values[2].u, (0xF03CB5 >> 10) & 511);
    done(&compiled);
    compile(&compiled, "integer { size = 3; align = 1; byte_order = be; } a;"
                       "integer { size = 7; align = 1; signed = 1; byte_order = be; } b;"
                       "integer { size = 9; align = 1; byte_order = be; } c;");
    assert_int_equal(run(&compiled, bytes, sizeof bytes, 0, NULL), CTF_OK);
    assert_int_equal(compiled.values[0].u, 5);          /* 101 */
    assert_int_equal(compiled.values[1].i, 0x54 - 128); /* 1010100 */
    assert_int_equal(compiled.values[2].u, (0xB53CF0 >> 5) & 511);
    done(&compiled);
}

static const char tagged[] =
    "enum : u8 { none, byte, pair = 2 ... 5, text = 9 } t;\n"
    "variant <t> { struct { } none; u8 byte; struct { u16 x; u16 y; } pair; string text; } v;\n"
    "u8 last;";

static void assert_present(const struct compiled *compiled, bool byte, bool pair, bool text)
{
    assert_string_equal(compiled->program.fields[1].name, "v.byte");
    assert_string_equal(compiled->program.fields[3].name, "v.pair.y");
    assert_int_equal(compiled->values[1].is_absent, !byte);
    assert_int_equal(compiled->values[2].is_absent, !pair);
    assert_int_equal(compiled->values[3].is_absent, !pair);
    assert_int_equal(compiled->values[4].is_absent, !text);
    assert_false(compiled->values[5].is_absent);
    assert_int_equal(compiled->values[5].u, 77);
}

static void test_a_variant_shows_the_option_of_its_tag(void **state)
{
    (void)state;
    struct compiled compiled;
    compile(&compiled, tagged);
    assert_int_equal(compiled.program.field_count, 6);
    assert_int_equal(run(&compiled, "\0M", 2, 0, NULL), CTF_OK);
    assert_present(&compiled, false, false, false);
    assert_int_equal(run(&compiled, "\4\1\0\2\0M", 6, 0, NULL), CTF_OK);
    assert_present(&compiled, false, true, false);
    assert_int_equal(compiled.values[3].u, 2);
    assert_int_equal(run(&compiled, "\1\10M", 3, 0, NULL), CTF_OK);
    assert_present(&compiled, true, false, false);
    assert_int_equal(compiled.values[1].u, 8);
    assert_int_equal(run(&compiled, "\11a\0M", 4, 0, NULL), CTF_OK);
    assert_present(&compiled, false, false, true);
    assert_int_equal(run(&compiled, "\6M", 2, 0, NULL), CTF_DAMAGED);
    done(&compiled);
}

static void test_arrays_of_structures_are_passed_over(void **state)
{
    (void)state;
    struct compiled compiled;
    uint64_t end;
    compile(&compiled, "u8 _n; struct { u8 _m; u16 s[ _m ]; string t; } many[ _n ]; u8 last;");
    assert_int_equal(compiled.program.field_count, 1);
    assert_int_equal(run(&compiled, "\2\1..ab\0\0c\0M", 11, 0, &end), CTF_OK);
    assert_int_equal(end, 11 * 8);
    assert_int_equal(compiled.values[0].u, 'M');
    assert_int_equal(run(&compiled, "\377\1..ab\0\0c\0M", 11, 0, &end), CTF_SHORT);
    done(&compiled);
}

static void test_elements_without_a_size_end(void **state)
{
    (void)state;
    struct compiled compiled;
    compile(&compiled, "u64 _n; struct { } many[ _n ];");
    assert_int_equal(run(&compiled, "\377\377\377\377\377\377\377\377", 8, 0, NULL), CTF_OK);
    done(&compiled);
}

static void test_lengths_are_held_against_the_end(void **state)
{
    (void)state;
    static const char *const kinds[] = {"u64 _n; u8 s[ _n ];", "u64 _n; text8 s[ _n ];", "u64 _n; aligned s[ _n ];",
                                        "u64 _n; integer { size = 5; align = 1; } s[ _n ];"};
    static const uint64_t lengths[] = {UINT64_MAX, INT64_MAX, UINT64_C(1) << 61, UINT32_MAX, 1 << 20, 20};
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        struct compiled compiled;
        compile(&compiled, kinds[kind]);
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
            assert_int_equal(run(&compiled, &lengths[i], sizeof lengths[i], 0, NULL), CTF_SHORT);
        done(&compiled);
    }
}

static void test_each_byte_too_few_is_short(void **state)
{
    (void)state;
    static const char bytes[] = "\1\2\3\4\5\6\7\10\11\1ab\0\2\0xyz";
    struct compiled compiled;
    compile(&compiled, "u8 a; u64 b; u8 c; string s; u16 _n; u8 t[ _n ];");
    for (size_t size = 0; size < 17; size++)
        assert_int_equal(run(&compiled, bytes, size, 0, NULL), CTF_SHORT);
    assert_int_equal(run(&compiled, bytes, 17, 0, NULL), CTF_OK);
    done(&compiled);
}

static void test_more_scratch_is_asked_for(void **state)
{
    (void)state;
    struct compiled compiled;
    uint8_t bytes[2 + SCRATCH + 1] = {SCRATCH + 1, 0};
    compile(&compiled, "u16 _n; u8 s[ _n ];");
    assert_int_equal(run(&compiled, bytes, sizeof bytes, 0, NULL), CTF_SCRATCH);
    bytes[0] = SCRATCH;
    assert_int_equal(run(&compiled, bytes, sizeof bytes, 0, NULL), CTF_OK);
    done(&compiled);
}

static void test_what_names_nothing_is_refused(void **state)
{
    (void)state;
    static const char *const fields[] = {"u8 s[ nowhere ];", "string n; u8 s[ n ];", "u8 s[ late ]; u8 late;",
                                         "u8 t; variant <t> { u8 a; } v;", "variant <t> { u8 a; } v;"};
    struct compiled compiled;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        assert_int_equal(try_compile(&compiled, fields[i]), -ENOTSUP);
}

/* Each structure holds its predecessor twice: 2^40 fields in a kilobyte of text. */
static void test_fields_that_double_with_each_line_are_refused(void **state)
{
    (void)state;
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    fprintf(out, "%sstruct s0 { u8 x; };\n", types);
    for (int i = 1; i <= 12; i++)
        fprintf(out, "struct s%d { struct s%d a; struct s%d b; struct s%d c; };\n", i, i - 1, i - 1, i - 1);
    fprintf(out, "event { fields := struct { struct s12 a; }; };");
    fclose(out);
    struct tsdl_trace trace;
    struct ctf_program program;
    assert_int_equal(tsdl_parse(text, length, NULL, &trace), 0);
    struct ctf_part part = {.type = trace.events[0].fields};
    assert_int_equal(ctf_compile(&part, 1, TSDL_LITTLE, &trace.arena, &program), -ENOTSUP);
    tsdl_fini(&trace);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packed_integers_and_text_are_one_run),
        cmocka_unit_test(test_alignment_is_a_constant_while_it_is_known),
        cmocka_unit_test(test_integers_at_any_bit_in_both_orders),
        cmocka_unit_test(test_a_variant_shows_the_option_of_its_tag),
        cmocka_unit_test(test_arrays_of_structures_are_passed_over),
        cmocka_unit_test(test_elements_without_a_size_end),
        cmocka_unit_test(test_lengths_are_held_against_the_end),
        cmocka_unit_test(test_each_byte_too_few_is_short),
        cmocka_unit_test(test_more_scratch_is_asked_for),
        cmocka_unit_test(test_what_names_nothing_is_refused),
        cmocka_unit_test(test_fields_that_double_with_each_line_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
