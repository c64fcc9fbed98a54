/* TSDL text to declarations: what LTTng writes, what the language allows around it, and what is refused where. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/tsdl.h"

#define TRACE "trace { byte_order = le; };\n"

static struct tsdl_trace parse(const char *text)
{
    struct tsdl_trace trace;
    struct diag diag;
    diag_init(&diag);
    int error = tsdl_parse(text, strlen(text), &diag, &trace);
    if (error)
        fail_msg("%s", diag_text(&diag));
    diag_fini(&diag);
    return trace;
}

static void assert_refused(const char *text, const char *why)
{
    struct tsdl_trace trace;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(tsdl_parse(text, strlen(text), &diag, &trace), -EBADMSG);
    if (!strstr(diag_text(&diag), why))
        fail_msg("\"%s\" does not say \"%s\"", diag_text(&diag), why);
    diag_fini(&diag);
}

/* The type of the only event's field `index`. */
static const struct tsdl_type *field(const struct tsdl_trace *trace, size_t index)
{
    assert_true(index < trace->events[0].fields->member_count);
    return trace->events[0].fields->members[index].type;
}

static void test_blocks_may_come_in_any_order(void **state)
{
    (void)state;
    struct tsdl_trace trace =
        parse("event { name = \"a:b\"; id = 3; stream_id = 7; fields := struct { string _s; }; };\n"
              "stream { id = 7; };\n" TRACE "event { id = 4; stream_id = 7; name = \"a:c\"; };\n");
    assert_int_equal(trace.event_count, 2);
    assert_string_equal(trace.events[0].name, "a:b");
    assert_int_equal(trace.events[0].id, 3);
    assert_int_equal(trace.events[0].stream_id, 7);
    assert_string_equal(trace.events[0].fields->members[0].name, "_s");
    assert_null(trace.events[1].fields);
    assert_int_equal(trace.streams[0].id, 7);
    tsdl_fini(&trace);
}

/* Word for word the same is read once: a digit more, a line more, and ten of them in between, are others. */
static void test_integers_that_stand_there_again_are_what_they_say(void **state)
{
    (void)state;
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    fputs(TRACE "event { fields := struct {\n", out);
    for (int round = 0; round < 3; round++)
        for (int size = 1; size <= 12; size++)
            fprintf(out, "integer {\nsize = %d; align = 8; } _f%d_%d;\n", size, round, size);
    fputs("integer { size = 1; align = 8; signed = 1; } _last; }; };", out);
    fclose(out);
    struct tsdl_trace trace = parse(text);
    for (size_t i = 0; i < 36; i++)
        assert_int_equal(field(&trace, i)->size, i % 12 + 1);
    assert_true(field(&trace, 36)->is_signed);
    tsdl_fini(&trace);
    free(text);
    assert_refused(TRACE "typealias integer {\nsize = 8; } := a;\ntypealias integer {\nsize = 8; } := b;\n@", "line 6");
    assert_refused(TRACE "typealias integer { size = 8; } := a; typealias integer { size = 8; ", "");
}

static void test_trace_clock_and_env_are_read(void **state)
{
    (void)state;
    struct tsdl_trace trace = parse(
        "trace { major = 1; uuid = \"00112233-4455-6677-8899-aAbBcCdDeEfF\"; byte_order = be; };\n"
        "env { vpid = 4711; procname = \"x \\\"y\\\"\"; tracer_buffering_scheme = \"pid\"; };\n"
        "clock { name = \"monotonic\"; uuid = \"f0000000-0000-0000-0000-000000000001\"; freq = 1000000000; /* Hz */\n"
        "offset_s = 5; offset = -17; };\n"
        "clock { name = second; freq = 5; };");
    assert_int_equal(trace.order, TSDL_BIG);
    assert_true(trace.has_uuid);
    assert_int_equal(trace.uuid[0], 0);
    assert_int_equal(trace.uuid[15], 0xff);
    assert_int_equal(trace.vpid, 4711);
    assert_int_equal(trace.clock.frequency_hz, 1000000000);
    assert_int_equal(trace.clock.offset_s, 5);
    assert_int_equal(trace.clock.offset, -17);
    assert_int_equal(trace.clock.uuid[0], 0xf0);
    tsdl_fini(&trace);
}

static void test_integers_say_all_they_can(void **state)
{
    (void)state;
    struct tsdl_trace trace =
        parse(TRACE "typealias integer { size = 32; align = 8; signed = false; } := unsigned long int;\n"
                    "event { fields := struct {\n"
                    "integer { size = 64; align = 16; signed = true; base = 16; byte_order = be; } a;\n"
                    "integer { size = 27; map = clock.monotonic.value; } b;\n"
                    "unsigned long int c; integer { size = 8; encoding = UTF8; base = octal; } d;\n"
                    "floating_point { exp_dig = 8; mant_dig = 24; align = 32; } e;\n"
                    "floating_point { exp_dig = 11; mant_dig = 53; } f; }; };");
    const struct tsdl_type *a = field(&trace, 0), *b = field(&trace, 1), *d = field(&trace, 3);
    assert_int_equal(a->size, 64);
    assert_int_equal(a->align, 16);
    assert_true(a->is_signed);
    assert_int_equal(a->base, 16);
    assert_int_equal(a->order, TSDL_BIG);
    assert_true(b->is_clock && !b->is_signed);
    assert_int_equal(b->align, 1); /* no whole bytes */
    assert_int_equal(field(&trace, 2)->size, 32);
    assert_true(d->is_text);
    assert_int_equal(d->align, 8);
    assert_int_equal(d->base, 8);
    assert_int_equal(field(&trace, 4)->size, 32);
    assert_int_equal(field(&trace, 5)->size, 64);
    assert_int_equal(trace.events[0].fields->align, 32); /* the strictest member's */
    tsdl_fini(&trace);
}

static void test_labels_follow_their_predecessor_or_say_ranges(void **state)
{
    (void)state;
    struct tsdl_trace trace = parse(TRACE "event { fields := struct { enum : integer { size = 8; signed = 1; } {\n"
                                          "zero, \"a \\\"b\\\"\" = -3, next, span = 0x10 ... 32, after } e; }; };");
    static const struct {
        const char *name;
        int64_t first, last;
    } expected[] = {{"zero", 0, 0}, {"a \"b\"", -3, -3}, {"next", -2, -2}, {"span", 16, 32}, {"after", 33, 33}};
    const struct tsdl_type *type = field(&trace, 0);
    assert_int_equal(type->label_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(type->labels[i].name, expected[i].name);
        assert_int_equal((int64_t)type->labels[i].first, expected[i].first);
        assert_int_equal((int64_t)type->labels[i].last, expected[i].last);
    }
    tsdl_fini(&trace);
}

static void test_arrays_sequences_and_variants_name_what_they_depend_on(void **state)
{
    (void)state;
    struct tsdl_trace trace =
        parse(TRACE "typealias integer { size = 8; } := u8;\n"
                    "variant choice { u8 one; string two; };\n"
                    "event { fields := struct { u8 _n; u8 _s[ _n ]; u8 a[2][3]; enum : u8 { one, two } t;\n"
                    "variant choice <t> v; variant <stream.event.context.t> { u8 one; } w; } align(64); };");
    assert_int_equal(field(&trace, 1)->kind, TSDL_SEQUENCE);
    assert_string_equal(field(&trace, 1)->tag, "_n");
    assert_int_equal(field(&trace, 2)->length, 2); /* two of three */
    assert_int_equal(field(&trace, 2)->element->length, 3);
    assert_string_equal(field(&trace, 4)->tag, "t");
    assert_int_equal(field(&trace, 4)->member_count, 2);
    assert_string_equal(field(&trace, 5)->tag, "stream.event.context.t");
    assert_int_equal(trace.events[0].fields->align, 64);
    tsdl_fini(&trace);
}

static void test_a_name_is_known_in_its_own_scope_and_below(void **state)
{
    (void)state;
    struct tsdl_trace trace =
        parse(TRACE "typealias integer { size = 8; } := t;\n"
                    "event { fields := struct { typealias integer { size = 16; } := t; t inner; }; };\n"
                    "event { fields := struct { t outer; }; };");
    assert_int_equal(field(&trace, 0)->size, 16);
    assert_int_equal(trace.events[1].fields->members[0].type->size, 8);
    tsdl_fini(&trace);
    assert_refused(TRACE "event { typealias integer { size = 8; } := t; };\nevent { fields := struct { t x; }; };",
                   "unknown type");
}

static void test_comments_may_stand_anywhere(void **state)
{
    (void)state;
    struct tsdl_trace trace = parse("/* a */ trace /* b\n * c */ { byte_order // d\n = le; };");
    assert_int_equal(trace.order, TSDL_LITTLE);
    tsdl_fini(&trace);
}

static void test_errors_name_their_line_and_text(void **state)
{
    (void)state;
    assert_refused(TRACE "\n\nevent { id = @; };", "line 4 of the metadata: unexpected text at \"@");
    assert_refused(TRACE "event { fields := struct { nix a; }; };", "unknown type");
    assert_refused(TRACE "event { id = 3 };", "expected ';'");
    assert_refused(TRACE "event { id = 3;", "expected '}'");
    assert_refused(TRACE "eve", "expected a declaration at \"eve\"");
    assert_refused(TRACE "event { name = \"open; };\n", "unexpected text");
    assert_refused(TRACE "/* for ever", "unexpected text");
    assert_refused(TRACE "event { id = 99999999999999999999; };", "unexpected text");
    assert_refused("event { };", "no trace block");
    assert_refused("trace { byte_order = xe; };", "unknown byte order");
}

static void test_attributes_out_of_range_are_refused(void **state)
{
    (void)state;
    static const char *const attributes[] = {
        "size = 0; align = 8",    "size = 65", "size = -8", "size = 8; align = 0", "size = 8; align = 3",
        "size = 8; align = 8192", "align = 8"};
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, TRACE "event { fields := struct { integer { %s; } a; }; };", attributes[i]);
        assert_refused(text, "");
    }
    assert_refused(TRACE "event { fields := struct { floating_point { exp_dig = 15; mant_dig = 64; } a; }; };",
                   "neither float nor double");
    assert_refused(TRACE "clock { freq = 0; };", "without a frequency");
}

/* `count` times "struct { ", a field, and as many ends. */
static char *nested(size_t count)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    fprintf(out, TRACE "event { fields := ");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "struct { ");
    fprintf(out, "string s; ");
    for (size_t i = 0; i < count; i++)
        fprintf(out, i + 1 < count ? "} s; " : "}; };");
    fclose(out);
    return text;
}

static void test_nesting_is_limited(void **state)
{
    (void)state;
    char *shallow = nested(TSDL_DEPTH_MAX - 1), *deep = nested(100000);
    struct tsdl_trace trace = parse(shallow);
    tsdl_fini(&trace);
    assert_refused(deep, "nested too deep");
    free(shallow);
    free(deep);
}

/* Looked up or gone through one by one, so a hostile file may not have any number of them. */
static void test_types_and_streams_are_limited(void **state)
{
    (void)state;
    static const char *const why[] = {"too many types", "too many stream classes"};
    for (size_t kind = 0; kind < 2; kind++) {
        char *text;
        size_t length;
        FILE *out = open_memstream(&text, &length);
        fprintf(out, TRACE);
        for (int i = 0; i < 5000; i++)
            fprintf(out, kind ? "stream { id = %d; };\n" : "typealias integer { size = 8; } := t%d;\n", i);
        fclose(out);
        assert_refused(text, why[kind]);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_may_come_in_any_order),
        cmocka_unit_test(test_integers_that_stand_there_again_are_what_they_say),
        cmocka_unit_test(test_trace_clock_and_env_are_read),
        cmocka_unit_test(test_integers_say_all_they_can),
        cmocka_unit_test(test_labels_follow_their_predecessor_or_say_ranges),
        cmocka_unit_test(test_arrays_sequences_and_variants_name_what_they_depend_on),
        cmocka_unit_test(test_a_name_is_known_in_its_own_scope_and_below),
        cmocka_unit_test(test_comments_may_stand_anywhere),
        cmocka_unit_test(test_errors_name_their_line_and_text),
        cmocka_unit_test(test_attributes_out_of_range_are_refused),
        cmocka_unit_test(test_nesting_is_limited),
        cmocka_unit_test(test_types_and_streams_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
