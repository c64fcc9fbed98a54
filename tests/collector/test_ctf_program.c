/* Types to programs and programs over bytes: what becomes one run, and what no bytes can make it do. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/compile.h"
#include "collector/ctf/plan.h"
#include "collector/ctf/straight.h"

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
                            "typealias integer { size = 32; align = 8; } := u32;\n"
                            "typealias integer { size = 32; align = 8; signed = 1; } := s32;\n"
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

/* ---- plans ---- */

/* What a planned struct of the tests below is made of; `to` is found by the field's name. */
struct planned {
    uint64_t one, two, three, four, five, wide;
    uint32_t half;
    int32_t id;
    bool flag, not_flag;
    struct ctf_value words, bytes, name;
    uint64_t constant;
    int32_t before, behind;
    uint64_t second;
    bool far;
};

#define AT(name, member, how)                                                                                          \
    {                                                                                                                  \
        name,                                                                                                          \
        {                                                                                                              \
            offsetof(struct planned, member), CTF_##how                                                                \
        }                                                                                                              \
    }

static void plan_struct(void *self, const struct ctf_event_class *class, struct ctf_plan *plan)
{
    static const struct {
        const char *name;
        struct ctf_place place;
    } known[] = {
        AT("one", one, U64),     AT("two", two, U64),          AT("three", three, U64),   AT("four", four, U64),
        AT("five", five, U64),   AT("wide", wide, U64),        AT("half", half, U32),     AT("id", id, S32),
        AT("flag", flag, FLAG),  AT("no_flag", not_flag, NOT), AT("words", words, VALUE), AT("bytes", bytes, BYTES),
        AT("name", name, VALUE), AT("behind", behind, S32),    AT("second", second, U64), AT("far", far, FLAG)};
    const struct planned blank = {.constant = *(const uint64_t *)self};
    plan->size = sizeof blank;
    memcpy(plan->blank, &blank, sizeof blank);
    for (size_t i = 0; i < class->field_count; i++)
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            if (strcmp(class->fields[i].name, known[k].name) == 0)
                plan->places[i] = known[k].place;
}

static void compile_planned(struct compiled *compiled, const char *fields, uint64_t constant)
{
    compile(compiled, fields);
    struct ctf_event_class class = {.fields = compiled->program.fields, .field_count = compiled->program.field_count};
    assert_int_equal(ctf_plan(&compiled->program, &class, plan_struct, &constant), 0);
    assert_true(compiled->program.record_bytes <= sizeof compiled->values);
}

static const struct planned *planned(const struct compiled *compiled)
{
    return (const struct planned *)(const void *)compiled->values;
}

/* As our own events are, with neighbours and fields between them that nobody wants. */
static const char ours[] =
    "s32 _id; s32 other; u64 _one; u64 _two; u64 _three; u64 _four; u32 _half; u64 _five; u32 _flag;"
    "u64 _unwanted; u32 __words_length; u64 _words[ __words_length ];"
    "u32 __bytes_length; u8 _bytes[ __bytes_length ]; string _name;";

static size_t put_ours(uint8_t *bytes)
{
    static const uint32_t head[] = {(uint32_t)-7, 99}, half = 4000000000, flag = 256, counts[] = {2, 3};
    static const uint64_t words[] = {1, 2, 3, 4}, five = 5, unwanted = 6, elements[] = {UINT64_MAX, 8};
    const struct {
        const void *bytes;
        size_t size;
    } parts[] = {{head, 8},       {words, 32},    {&half, 4},      {&five, 8},  {&flag, 4}, {&unwanted, 8},
                 {&counts[0], 4}, {elements, 16}, {&counts[1], 4}, {"a\0b", 3}, {"end", 4}};
    size_t size = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; size += parts[i++].size)
        memcpy(bytes + size, parts[i].bytes, parts[i].size);
    return size;
}

static void assert_ours(const struct planned *record, uint64_t constant)
{
    assert_int_equal(record->id, -7);
    assert_int_equal(record->one, 1);
    assert_int_equal(record->four, 4);
    assert_int_equal(record->half, 4000000000);
    assert_int_equal(record->five, 5);
    assert_true(record->flag);
    assert_int_equal(record->words.length, 2);
    assert_true(record->words.us[0] == UINT64_MAX && record->words.us[1] == 8);
    assert_int_equal(record->bytes.length, 3);
    assert_int_equal(record->name.length, 3);
    assert_int_equal(record->constant, constant);
}

/* The straight form's cursor, at the start of exactly `size` bytes; NULL = it gives up. `room` is that of a batch. */
static const uint8_t *run_straight(struct compiled *compiled, const void *bytes, size_t size, uint8_t *room,
                                   size_t room_size)
{
    static uint8_t copy[512 + CTF_SLACK_BYTES];
    const struct ctf_straight *straight = compiled->program.straight;
    memcpy(copy, bytes, size);
    memset(room, 0xEE, room_size);
    struct ctf_reached reached = ctf_straight_run(straight, copy, copy + size, room, room + room_size);
    return reached.at ? (const uint8_t *)bytes + (reached.at - copy) : NULL;
}

enum { ROOM = 1024 };

static void test_our_own_events_take_the_fast_path(void **state)
{
    (void)state;
    struct compiled compiled;
    uint8_t bytes[256];
    _Alignas(struct ctf_value) uint8_t room[ROOM + CTF_SLACK_BYTES];
    compile_planned(&compiled, ours, 42);
    const struct ctf_straight *straight = compiled.program.straight;
    assert_non_null(straight);
    assert_int_equal(straight->first.bytes, 4 + 4 + 32 + 4 + 8 + 4 + 8 + 4);
    assert_int_equal(straight->first.pick_count, 4); /* neighbours go together */
    assert_int_equal(straight->first.flag_count, 1);
    assert_int_equal(straight->first.tail, TAIL_WORDS);
    assert_int_equal(straight->others[0].tail, TAIL_BYTES);
    assert_int_equal(straight->others[1].tail, TAIL_STRING);
    assert_true(straight->others[1].is_last);
    size_t size = put_ours(bytes);
    assert_ptr_equal(run_straight(&compiled, bytes, size, room, ROOM), bytes + size);
    assert_ours((const struct planned *)(const void *)room, 42);
    done(&compiled);
}

/* What the program itself does is the same, to the last byte of the record. */
static void test_the_fast_path_changes_nothing(void **state)
{
    (void)state;
    struct compiled compiled;
    uint8_t bytes[256];
    uint64_t end;
    _Alignas(struct ctf_value) uint8_t room[ROOM + CTF_SLACK_BYTES];
    compile_planned(&compiled, ours, 43);
    size_t size = put_ours(bytes);
    memset(compiled.values, 0xEE, sizeof compiled.values);
    assert_int_equal(run(&compiled, bytes, size, 0, &end), CTF_OK);
    assert_int_equal(end, size * 8);
    assert_ours(planned(&compiled), 43);
    run_straight(&compiled, bytes, size, room, ROOM);
    assert_memory_equal(room, compiled.values, offsetof(struct planned, words)); /* the others point elsewhere */
    assert_memory_equal(room + offsetof(struct planned, constant), &planned(&compiled)->constant,
                        sizeof(struct planned) - offsetof(struct planned, constant));
    done(&compiled);
}

static void test_the_fast_path_holds_each_byte_against_the_end(void **state)
{
    (void)state;
    struct compiled compiled;
    uint8_t bytes[256];
    compile_planned(&compiled, ours, 0);
    size_t size = put_ours(bytes);
    _Alignas(struct ctf_value) uint8_t room[ROOM + CTF_SLACK_BYTES];
    for (size_t less = 0; less < size; less++) {
        assert_int_equal(run(&compiled, bytes, less, 0, NULL), CTF_SHORT);
        assert_null(run_straight(&compiled, bytes, less, room, ROOM));
    }
    done(&compiled);
    static const uint32_t lengths[] = {UINT32_MAX, INT32_MAX, UINT32_C(1) << 29, 3};
    compile_planned(&compiled, "u32 __words_length; u64 _words[ __words_length ];", 0);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memcpy(bytes, &lengths[i], sizeof lengths[i]);
        assert_int_equal(run(&compiled, bytes, 4 + 16, 0, NULL), CTF_SHORT);
        assert_null(run_straight(&compiled, bytes, 4 + 16, room, ROOM));
    }
    done(&compiled);
}

static void test_the_fast_path_holds_each_byte_against_the_room(void **state)
{
    (void)state;
    struct compiled compiled;
    uint8_t bytes[256];
    _Alignas(struct ctf_value) uint8_t room[ROOM + CTF_SLACK_BYTES];
    compile_planned(&compiled, ours, 0);
    size_t size = put_ours(bytes), needed = sizeof(struct planned) + 2 * 8 + 8 + 8; /* words, bytes, name */
    for (size_t less = sizeof(struct planned); less < needed; less++)
        assert_null(run_straight(&compiled, bytes, size, room, less));
    assert_non_null(run_straight(&compiled, bytes, size, room, needed));
    done(&compiled);
}

/* However many words and half words stand side by side, each byte of them arrives. */
static void test_neighbours_are_copied_whole(void **state)
{
    (void)state;
    static const char *const words[] = {"u64 one;", "u64 two;", "u64 three;", "u64 four;", "u64 five;", "u64 wide;"};
    _Alignas(struct ctf_value) uint8_t room[ROOM + CTF_SLACK_BYTES];
    const struct planned *record = (const struct planned *)(const void *)room;
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i + 1);
    for (size_t count = 0; count <= 6; count++) {
        struct compiled compiled;
        char fields[256] = "";
        for (size_t i = 0; i < count; i++)
            strcat(fields, words[i]);
        strcat(fields, "u32 half; s32 id; u32 flag;");
        compile_planned(&compiled, fields, 0);
        assert_non_null(run_straight(&compiled, bytes, count * 8 + 12, room, ROOM));
        assert_memory_equal(&record->one, bytes, count * 8);
        assert_memory_equal(&record->half, bytes + count * 8, 8);
        assert_true(record->flag);
        done(&compiled);
        compile_planned(&compiled, "s32 behind; u64 second;", 0); /* a half word before a whole one */
        assert_non_null(run_straight(&compiled, bytes, 12, room, ROOM));
        assert_memory_equal(&record->behind, bytes, 12);
        done(&compiled);
    }
}

/* The last of the record is copied when what is behind it is there already. */
static void test_what_is_behind_a_record_stays_whole(void **state)
{
    (void)state;
    struct compiled compiled;
    _Alignas(struct ctf_value) uint8_t room[ROOM + CTF_SLACK_BYTES];
    static const char bytes[] = "a name\0\1\2\3\4\5\6\7\10";
    compile_planned(&compiled, "string name; u64 second;", 0);
    const struct planned *record = (const struct planned *)(const void *)room;
    assert_non_null(run_straight(&compiled, bytes, 7 + 8, room, ROOM));
    assert_int_equal(record->second, 0x0807060504030201);
    assert_int_equal(record->name.length, 6);
    assert_memory_equal(record->name.text, "a name", 6);
    done(&compiled);
}

static void test_two_bools_share_a_half_word(void **state)
{
    (void)state;
    static const char *const fields[] = {"u32 flag; u32 no_flag;", "u32 no_flag; u64 one; u32 flag;",
                                         "u32 flag; u32 far; u32 no_flag;"};
    static const size_t flag_at[] = {0, 12, 0}, no_flag_at[] = {4, 0, 8}, sizes[] = {8, 16, 12};
    _Alignas(struct ctf_value) uint8_t room[ROOM + CTF_SLACK_BYTES];
    const struct planned *record = (const struct planned *)(const void *)room;
    for (size_t i = 0; i < 4 * sizeof fields / sizeof *fields; i++) {
        struct compiled compiled;
        uint32_t flag = i % 2, no_flag = i / 2 % 2;
        uint8_t bytes[16] = {0};
        memcpy(bytes + flag_at[i / 4], &flag, sizeof flag);
        memcpy(bytes + no_flag_at[i / 4], &no_flag, sizeof no_flag);
        compile_planned(&compiled, fields[i / 4], 0);
        assert_non_null(compiled.program.straight);
        assert_non_null(run_straight(&compiled, bytes, sizes[i / 4], room, ROOM));
        assert_int_equal(record->flag, flag != 0);
        assert_int_equal(record->not_flag, no_flag == 0);
        assert_int_equal(memcmp(&record->not_flag + 1, "\0\0", 2), 0); /* what no field fills */
        done(&compiled);
    }
}

/* Each of these has something that only the program does, and both give it. */
static void test_what_the_fast_path_cannot_do_is_left_to_the_program(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "u64 one; u32 wide;", /* becomes larger */
        "u16 half;",          /* the same */
        "integer { size = 32; align = 8; byte_order = be; } half;",
        "u8 x; aligned half;",                              /* not at a byte */
        "u64 two; string name; u64 one;",                   /* would spill onto what is there */
        "u16 __bytes_length; u8 _bytes[ __bytes_length ];", /* another length */
        "u32 n; u64 one; u8 _bytes[ n ];",                  /* not right behind it */
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct compiled compiled;
        compile_planned(&compiled, fields[i], 0);
        assert_null(compiled.program.straight);
        done(&compiled);
    }
}

/* A length that two arrays share is read for both. */
static void test_a_length_may_count_two_arrays(void **state)
{
    (void)state;
    struct compiled compiled;
    static const uint8_t bytes[] = {1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 'x'};
    compile_planned(&compiled, "u32 n; u64 words[ n ]; u8 bytes[ n ];", 0);
    assert_int_equal(run(&compiled, bytes, sizeof bytes, 0, NULL), CTF_OK);
    assert_int_equal(planned(&compiled)->words.us[0], 9);
    assert_int_equal(planned(&compiled)->bytes.length, 1);
    assert_null(compiled.program.straight);
    done(&compiled);
}

/* Loops and variants are gone through, for what stands beside them. */
static void test_a_plan_keeps_what_is_beside_variants_and_loops(void **state)
{
    (void)state;
    struct compiled compiled;
    compile_planned(&compiled,
                    "u64 one; enum : u8 { none, some } t; variant <t> { struct { } none; struct { u8 two; string s; }"
                    " some; } v; u8 _n; struct { u8 three; } many[ _n ]; u32 half; string name;",
                    44);
    assert_int_equal(run(&compiled, "\1\0\0\0\0\0\0\0\1?ab\0\2??\5\0\0\0hi\0", 23, 0, NULL), CTF_OK);
    assert_int_equal(planned(&compiled)->one, 1);
    assert_int_equal(planned(&compiled)->two, 0);
    assert_int_equal(planned(&compiled)->half, 5);
    assert_int_equal(planned(&compiled)->name.length, 2);
    assert_int_equal(planned(&compiled)->constant, 44);
    assert_int_equal(run(&compiled, "\1\0\0\0\0\0\0\0\0\0\5\0\0\0hi\0", 17, 0, NULL), CTF_OK);
    assert_int_equal(planned(&compiled)->half, 5);
    assert_int_equal(run(&compiled, "\1\0\0\0\0\0\0\0\7", 9, 0, NULL), CTF_DAMAGED);
    done(&compiled);
}

/* A struct that is too small for a place, or bytes that are none: left out, as what has no place. */
static void test_places_that_cannot_be_are_none(void **state)
{
    (void)state;
    struct compiled compiled;
    compile_planned(&compiled, "u16 __bytes_length; u16 _bytes[ __bytes_length ]; u64 five;", 0);
    assert_int_equal(run(&compiled, "\1\0??\5\0\0\0\0\0\0\0", 12, 0, NULL), CTF_OK);
    assert_int_equal(planned(&compiled)->bytes.length, 0);
    assert_int_equal(planned(&compiled)->five, 5);
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
        cmocka_unit_test(test_our_own_events_take_the_fast_path),
        cmocka_unit_test(test_the_fast_path_changes_nothing),
        cmocka_unit_test(test_the_fast_path_holds_each_byte_against_the_end),
        cmocka_unit_test(test_the_fast_path_holds_each_byte_against_the_room),
        cmocka_unit_test(test_what_is_behind_a_record_stays_whole),
        cmocka_unit_test(test_two_bools_share_a_half_word),
        cmocka_unit_test(test_what_the_fast_path_cannot_do_is_left_to_the_program),
        cmocka_unit_test(test_neighbours_are_copied_whole),
        cmocka_unit_test(test_a_length_may_count_two_arrays),
        cmocka_unit_test(test_a_plan_keeps_what_is_beside_variants_and_loops),
        cmocka_unit_test(test_places_that_cannot_be_are_none),
        cmocka_unit_test(test_what_names_nothing_is_refused),
        cmocka_unit_test(test_fields_that_double_with_each_line_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
