/* The Chrome exporter: exact JSON for each call, every byte in a name, and errors of the writer. */
#include "exporters/chrome/chrome.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exporters/chrome/json.h"
#include "exporters/chrome_rules.h"
#include "exporters/json_reader.h"

/* What was written, NUL-terminated; once there are more than `limit` bytes the disk is full. */
struct memory {
    char *bytes;
    size_t size, limit;
};

struct fixture {
    struct memory memory;
    struct outbuf out;
    struct chrome *chrome;
    const struct timeline_sink *sink;
};

static int append(void *self, const void *bytes, size_t size)
{
    struct memory *memory = self;
    if (memory->size + size > memory->limit)
        return -ENOSPC;
    memory->bytes = realloc(memory->bytes, memory->size + size + 1);
    assert_non_null(memory->bytes);
    memcpy(memory->bytes + memory->size, bytes, size);
    memory->size += size;
    memory->bytes[memory->size] = '\0';
    return 0;
}

static int setup(void **state)
{
    static struct fixture fixture;
    struct chrome_options options = {.base_ns = 1000000, .clock_offset_ns = 1700000000000000000};
    fixture = (struct fixture){.memory = {.limit = SIZE_MAX}};
    assert_int_equal(outbuf_init(&fixture.out, append, &fixture.memory), 0);
    assert_int_equal(chrome_create(&fixture.out, &options, &fixture.chrome), 0);
    fixture.sink = chrome_sink(fixture.chrome);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    chrome_destroy(fixture->chrome);
    outbuf_fini(&fixture->out);
    free(fixture->memory.bytes);
    return 0;
}

static void finish(struct fixture *fixture)
{
    assert_int_equal(chrome_finish(fixture->chrome), 0);
    assert_int_equal(outbuf_flush(&fixture->out), 0);
}

/* The events alone, between what is around them always. */
static void assert_events(struct fixture *fixture, const char *events)
{
    char *expected;
    assert_true(asprintf(&expected,
                         "{\"traceEvents\":[\n%s\n],\"metadata\":{\"clock\":\"CLOCK_MONOTONIC\","
                         "\"base_ns\":1000000,\"base_epoch_ns\":1700000000001000000}}\n",
                         events) > 0);
    finish(fixture);
    assert_string_equal(fixture->memory.bytes, expected);
    free(expected);
}

static void put_slice(struct fixture *fixture, struct timeline_slice slice)
{
    assert_int_equal(fixture->sink->slice(fixture->sink->self, &slice), 0);
}

static void put_split(struct fixture *fixture, struct timeline_slice slice)
{
    struct timeline_slice first, second;
    assert_true(timeline_slice_split(&slice, &first, &second));
    put_slice(fixture, first);
    put_slice(fixture, second);
}

static void test_an_empty_timeline_is_a_whole_file(void **state)
{
    assert_events(*state, "");
}

static void test_a_slice_is_an_x_in_microseconds_from_the_base(void **state)
{
    put_slice(*state,
              (struct timeline_slice){
                  .pid = 12, .row = 13, .begin_ns = 3234567, .end_ns = 3234572, .name = "assign t", .category = "map"});
    assert_events(
        *state,
        "{\"ph\":\"X\",\"pid\":12,\"tid\":13,\"ts\":2234.567,\"dur\":0.005,\"name\":\"assign t\",\"cat\":\"map\"}");
}

static void test_what_begins_before_the_base_is_cut(void **state)
{
    put_slice(*state, (struct timeline_slice){
                          .pid = 1, .row = 1, .begin_ns = 900000, .end_ns = 1000007, .name = "a", .category = "b"});
    put_slice(*state, (struct timeline_slice){.pid = 1, .row = 1, .end_ns = 9, .name = "c", .category = "b"});
    assert_events(*state,
                  "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":0.000,\"dur\":0.007,\"name\":\"a\",\"cat\":\"b\"},\n"
                  "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":0.000,\"dur\":0.000,\"name\":\"c\",\"cat\":\"b\"}");
}

/* A reader that has a nanosecond more than 2^63-1 takes it for a negative one, and with it none of the file. */
static void test_what_ends_later_than_readers_count_is_cut(void **state)
{
    put_slice(*state, (struct timeline_slice){
                          .pid = 1, .row = 1, .begin_ns = 1000000, .end_ns = UINT64_MAX, .name = "a", .category = "b"});
    put_slice(*state,
              (struct timeline_slice){
                  .pid = 1, .row = 1, .begin_ns = UINT64_MAX - 1, .end_ns = UINT64_MAX, .name = "c", .category = "b"});
    assert_events(*state, "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":0.000,\"dur\":9223372036854773.807,"
                          "\"name\":\"a\",\"cat\":\"b\"},\n"
                          "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":9223372036854773.807,\"dur\":0.000,"
                          "\"name\":\"c\",\"cat\":\"b\"}");
}

static void test_a_flow_is_a_bind_id_with_a_direction(void **state)
{
    struct timeline_slice slice = {.pid = 1,
                                   .row = 1,
                                   .begin_ns = 1000000,
                                   .end_ns = 1000000,
                                   .name = "a",
                                   .category = "b",
                                   .flow_id = TIMELINE_FLOW_FIRST + 5,
                                   .flow = TIMELINE_FLOW_OUT};
    put_slice(*state, slice);
    slice.flow = TIMELINE_FLOW_IN;
    put_slice(*state, slice);
    assert_events(*state, "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":0.000,\"dur\":0.000,\"name\":\"a\",\"cat\":\"b\","
                          "\"bind_id\":4294967301,\"flow_out\":true},\n"
                          "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":0.000,\"dur\":0.000,\"name\":\"a\",\"cat\":\"b\","
                          "\"bind_id\":4294967301,\"flow_in\":true}");
}

static void test_a_slice_on_two_rows_has_its_flow_on_one(void **state)
{
    put_slice(*state, (struct timeline_slice){.pid = 1,
                                              .row = 2,
                                              .also = {.pid = 3, .row = 4},
                                              .begin_ns = 1000000,
                                              .end_ns = 1000000,
                                              .name = "a",
                                              .category = "b",
                                              .flow_id = TIMELINE_FLOW_FIRST,
                                              .flow = TIMELINE_FLOW_IN});
    assert_events(*state,
                  "{\"ph\":\"X\",\"pid\":3,\"tid\":4,\"ts\":0.000,\"dur\":0.000,\"name\":\"a\",\"cat\":\"b\"},\n"
                  "{\"ph\":\"X\",\"pid\":1,\"tid\":2,\"ts\":0.000,\"dur\":0.000,\"name\":\"a\",\"cat\":\"b\","
                  "\"bind_id\":4294967296,\"flow_in\":true}");
}

static void put_facts(struct fixture *fixture, const struct timeline_args *args)
{
    put_slice(fixture, (struct timeline_slice){.pid = 1,
                                               .row = 1,
                                               .begin_ns = 1000000,
                                               .end_ns = 1000000,
                                               .name = "a",
                                               .category = "b",
                                               .facts = timeline_args_facts(args)});
}

static void test_args_keep_their_kind_and_all_their_bits(void **state)
{
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg(&args, TIMELINE_ARG_SEQ, INT64_MAX);
    timeline_arg(&args, TIMELINE_ARG_VERSION, UINT64_MAX);
    timeline_arg(&args, TIMELINE_ARG_KEY_ID, UINT64_C(0xdeadbeefcafef00d));
    timeline_arg(&args, TIMELINE_ARG_MISSED, true);
    timeline_arg(&args, TIMELINE_ARG_STALE, false); /* says nothing */
    timeline_arg_text(&args, TIMELINE_ARG_SITE, "operator\"\"_s");
    put_facts(*state, &args);
    assert_events(*state, "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":0.000,\"dur\":0.000,\"name\":\"a\",\"cat\":\"b\","
                          "\"args\":{\"seq\":9223372036854775807,\"version\":\"18446744073709551615\","
                          "\"key_id\":\"0xdeadbeefcafef00d\",\"missed\":true,"
                          "\"site\":\"operator\\\"\\\"_s\"}}");
}

static void test_every_key_is_written_by_its_text_with_a_value_of_its_kind(void **state)
{
    static const char *const values[] = {[TIMELINE_KIND_INT] = "77",
                                         [TIMELINE_KIND_HEX] = "\"0x4d\"",
                                         [TIMELINE_KIND_TRUE] = "true",
                                         [TIMELINE_KIND_TEXT] = "\"work\""};
    struct fixture *fixture = *state;
    for (uint8_t key = 0; key < TIMELINE_KEY_COUNT; key++) {
        struct timeline_args args = {.count = 1, .keys = {key}, .values = {{.number = 77}}};
        if (timeline_is_text(key))
            args.values[0].text = "work";
        put_facts(fixture, &args);
    }
    finish(fixture);
    const char *at = fixture->memory.bytes;
    for (size_t key = 0; key < TIMELINE_KEY_COUNT; key++) {
        const struct timeline_key_form *form = &timeline_key_forms[key];
        char expected[128];
        snprintf(expected, sizeof expected, "\"args\":{\"%s\":%s}}", form->text, values[form->kind]);
        at = strstr(at, "\"args\"");
        assert_non_null(at);
        assert_memory_equal(at, expected, strlen(expected));
        at++;
    }
}

/* Slices whose names and texts have every length from 0 to 299, some to be escaped; each twice, thousands in all. */
static void put_many(struct fixture *fixture, bool is_lasting)
{
    enum { LENGTHS = 300, SLICES = 6000 };
    static char texts[LENGTHS][LENGTHS];
    for (size_t i = 0; i < LENGTHS; i++)
        memset(texts[i], i % 7 ? 'x' : '"', i);
    for (unsigned slice = 0; slice < SLICES; slice++) {
        unsigned i = slice / 2;
        struct timeline_args args;
        timeline_args_init(&args);
        timeline_arg_text(&args, i % 5 ? TIMELINE_ARG_SITE : TIMELINE_ARG_WHAT, texts[i % LENGTHS]);
        timeline_arg(&args, TIMELINE_ARG_COUNT, i);
        put_slice(fixture, (struct timeline_slice){.pid = 1 + i % 3,
                                                   .row = 1 + i % 200,
                                                   .begin_ns = 1000000 + i,
                                                   .end_ns = 1000000 + 2 * i,
                                                   .name = texts[i * 3 % LENGTHS],
                                                   .category = i % 2 ? "even" : "odd",
                                                   .facts = timeline_args_facts(&args),
                                                   .is_lasting = is_lasting});
    }
    finish(fixture);
}

static void test_what_lasts_is_written_as_what_does_not(void **state)
{
    struct fixture *fixture = *state;
    put_many(fixture, false);
    char *expected = strdup(fixture->memory.bytes);
    assert_non_null(expected);
    teardown(state);
    setup(state);
    put_many(fixture, true);
    assert_string_equal(fixture->memory.bytes, expected);
    free(expected);
}

/* Of every length up to some times the buffer's, so that it is flushed at each point. */
static void put_twice(struct fixture *fixture, void (*put)(struct fixture *fixture, struct timeline_slice slice))
{
    size_t longest = 3 * fixture->out.capacity;
    char *text = malloc(longest + 1);
    assert_non_null(text);
    memset(text, 'x', longest);
    for (size_t length = 0; length <= longest; length += length / 40 + 1) {
        struct timeline_args args;
        timeline_args_init(&args);
        text[length] = '\0';
        if (length % 5 == 0) /* begins with an empty buffer */
            assert_int_equal(outbuf_flush(&fixture->out), 0);
        timeline_arg(&args, TIMELINE_ARG_COUNT, length);
        timeline_arg_text(&args, TIMELINE_ARG_WHAT, length % 2 ? text : "short");
        put(fixture, (struct timeline_slice){.pid = 1,
                                             .row = 2,
                                             .also = {.pid = 3, .row = 4},
                                             .begin_ns = 1000000 + length,
                                             .end_ns = 1000000 + 2 * length,
                                             .name = length % 3 ? "name" : text,
                                             .category = "c",
                                             .flow_id = TIMELINE_FLOW_FIRST + length,
                                             .flow = length % 4 ? TIMELINE_FLOW_IN : TIMELINE_FLOW_NONE,
                                             .facts = timeline_args_facts(&args),
                                             .is_lasting = length % 3 && length % 2 == 0}); /* without the text */
        text[length] = 'x';
    }
    finish(fixture);
    free(text);
}

static void test_a_slice_on_two_rows_is_written_as_two(void **state)
{
    struct fixture *fixture = *state;
    put_twice(fixture, put_split);
    char *expected = strdup(fixture->memory.bytes);
    assert_non_null(expected);
    teardown(state);
    setup(state);
    put_twice(fixture, put_slice);
    assert_string_equal(fixture->memory.bytes, expected);
    free(expected);
}

/* Each twice, from a point on where a piece of it no longer has room: in the end it stands about where it began. */
static void put_as_long_as_the_buffer(struct fixture *fixture, bool is_lasting)
{
    enum { BUFFER_BYTES = 8192, BEFORE = 4600, LENGTHS = 200 };
    static char text[BEFORE + LENGTHS + 1];
    memset(text, 'x', sizeof text - 1);
    fixture->out.capacity = BUFFER_BYTES;
    for (size_t i = 0; i < 2 * LENGTHS; i++) {
        assert_int_equal(outbuf_flush(&fixture->out), 0);
        outbuf_bytes(&fixture->out, text, BEFORE);
        put_slice(fixture, (struct timeline_slice){
                               .pid = 1, .row = 2, .name = text + i / 2, .category = "c", .is_lasting = is_lasting});
    }
    finish(fixture);
}

static void test_a_lasting_name_as_long_as_the_buffer_is_written_whole(void **state)
{
    struct fixture *fixture = *state;
    put_as_long_as_the_buffer(fixture, false);
    char *expected = strdup(fixture->memory.bytes);
    assert_non_null(expected);
    teardown(state);
    setup(state);
    put_as_long_as_the_buffer(fixture, true);
    assert_true(strcmp(fixture->memory.bytes, expected) == 0);
    free(expected);
}

static void test_a_name_that_does_not_last_may_change_in_place(void **state)
{
    char name[] = "a";
    struct timeline_slice slice = {
        .pid = 1, .row = 1, .begin_ns = 1000000, .end_ns = 1000000, .name = name, .category = "c"};
    put_slice(*state, slice);
    name[0] = 'b';
    put_slice(*state, slice);
    assert_events(*state,
                  "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":0.000,\"dur\":0.000,\"name\":\"a\",\"cat\":\"c\"},\n"
                  "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":0.000,\"dur\":0.000,\"name\":\"b\",\"cat\":\"c\"}");
}

static void test_instants_belong_to_their_row_and_counters_to_their_process(void **state)
{
    struct fixture *fixture = *state;
    struct timeline_instant instant = {.pid = 1, .row = 2, .time_ns = 1001000, .name = "boo", .category = "log"};
    struct timeline_counter counter = {.pid = 3, .time_ns = 1002000, .name = "entries", .series = "len", .value = -4};
    assert_int_equal(fixture->sink->instant(fixture->sink->self, &instant), 0);
    assert_int_equal(fixture->sink->counter(fixture->sink->self, &counter), 0);
    assert_events(*state,
                  "{\"ph\":\"i\",\"s\":\"t\",\"pid\":1,\"tid\":2,\"ts\":1.000,\"name\":\"boo\",\"cat\":\"log\"},\n"
                  "{\"ph\":\"C\",\"pid\":3,\"ts\":2.000,\"name\":\"entries\",\"args\":{\"len\":-4}}");
}

static void test_names_come_with_their_place(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(fixture->sink->process(fixture->sink->self, 7, "server", -1), 0);
    assert_int_equal(fixture->sink->row(fixture->sink->self, 7, 8, "", 3), 0);
    assert_events(*state,
                  "{\"ph\":\"M\",\"pid\":7,\"name\":\"process_name\",\"args\":{\"name\":\"server\"}},\n"
                  "{\"ph\":\"M\",\"pid\":7,\"name\":\"process_sort_index\",\"args\":{\"sort_index\":-1}},\n"
                  "{\"ph\":\"M\",\"pid\":7,\"tid\":8,\"name\":\"thread_name\",\"args\":{\"name\":\"(unnamed)\"}},\n"
                  "{\"ph\":\"M\",\"pid\":7,\"tid\":8,\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":3}}");
}

static void test_facts_of_the_run_come_behind_the_events(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(fixture->sink->metadata(fixture->sink->self, "lost", "5 \"packets\""), 0);
    finish(fixture);
    assert_non_null(strstr(fixture->memory.bytes, ",\"base_epoch_ns\":1700000000001000000,"
                                                  "\"lost\":\"5 \\\"packets\\\"\"}}\n"));
}

static void test_a_full_disk_is_told_to_the_producer_and_at_the_end(void **state)
{
    struct fixture *fixture = *state;
    struct timeline_instant instant = {.pid = 1, .row = 2, .time_ns = 1001000, .name = "boo", .category = "log"};
    int error = 0;
    fixture->memory.limit = 300000;
    for (unsigned i = 0; i < 20000 && !error; i++)
        error = fixture->sink->instant(fixture->sink->self, &instant);
    assert_int_equal(error, -ENOSPC);
    assert_int_equal(chrome_finish(fixture->chrome), -ENOSPC);
}

/* What json_string makes of `text`. */
static void assert_string_becomes(const char *text, const char *expected)
{
    struct memory memory = {.limit = SIZE_MAX};
    struct outbuf out;
    assert_int_equal(outbuf_init(&out, append, &memory), 0);
    json_end(&out, json_string(&out, json_begin(&out), text));
    assert_int_equal(outbuf_flush(&out), 0);
    assert_string_equal(memory.bytes, expected);
    outbuf_fini(&out);
    free(memory.bytes);
}

/* At each place in a word of eight, in front of and behind plain text. */
static void assert_byte_becomes(int byte, const char *expected)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz";
    for (int before = 0; before < 10; before++) {
        for (int after = 0; after < 10; after++) {
            char text[32], wanted[64];
            snprintf(text, sizeof text, "%.*s%c%.*s", before, plain, byte, after, plain);
            snprintf(wanted, sizeof wanted, "\"%.*s%s%.*s\"", before, plain, expected, after, plain);
            assert_string_becomes(text, wanted);
        }
    }
}

static void test_every_byte_of_a_name_becomes_valid_json(void **state)
{
    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        char expected[8];
        if (byte == '"' || byte == '\\')
            snprintf(expected, sizeof expected, "\\%c", byte);
        else if (byte < 0x20)
            snprintf(expected, sizeof expected, "\\u%04x", (unsigned)byte);
        else if (byte < 0x80)
            snprintf(expected, sizeof expected, "%c", byte);
        else
            snprintf(expected, sizeof expected, "\uFFFD");
        assert_byte_becomes(byte, expected);
    }
}

static void test_utf8_stays_and_what_only_looks_like_it_does_not(void **state)
{
    (void)state;
    assert_string_becomes("n\u00e4me \u20ac \U0001F600 x", "\"n\u00e4me \u20ac \U0001F600 x\"");
    assert_string_becomes("\xC0\xAF", "\"\uFFFD\uFFFD\"");                     /* an overlong slash */
    assert_string_becomes("\xED\xA0\x80", "\"\uFFFD\uFFFD\uFFFD\"");           /* a surrogate */
    assert_string_becomes("\xF4\x90\x80\x80", "\"\uFFFD\uFFFD\uFFFD\uFFFD\""); /* above U+10FFFF */
    assert_string_becomes("cut \xE2\x82", "\"cut \uFFFD\"");
}

static void test_a_name_longer_than_the_buffer_is_written_whole(void **state)
{
    struct fixture *fixture = *state;
    size_t length = 3 * fixture->out.capacity;
    char *name = malloc(length + 1);
    assert_non_null(name);
    memset(name, '"', length);
    name[length] = '\0';
    assert_int_equal(fixture->sink->process(fixture->sink->self, 7, name, 0), 0);
    finish(fixture);
    struct chrome_counts counts;
    assert_int_equal(chrome_rules_check(fixture->memory.bytes, fixture->memory.size, NULL, &counts), 0);
    assert_true(fixture->memory.size > 2 * length);
    free(name);
}

static void test_numbers_of_every_length_are_written_right(void **state)
{
    (void)state;
    struct memory memory = {.limit = SIZE_MAX};
    struct outbuf out;
    assert_int_equal(outbuf_init(&out, append, &memory), 0);
    uint64_t power = 1;
    char expected[4096];
    size_t used = 0;
    for (int digits = 1; digits <= 19; digits++, power *= 10) {
        const uint64_t numbers[] = {power - 1, power, power + power / 2};
        for (size_t i = 0; i < 3; i++) {
            unsigned long long number = numbers[i];
            used += (size_t)snprintf(expected + used, sizeof expected - used, number > INT64_MAX ? "\"%llu\"" : "%llu",
                                     number);
            used += (size_t)snprintf(expected + used, sizeof expected - used, " %lld %llu.%03llu ",
                                     -(long long)(number % INT64_MAX), number / 1000, number % 1000);
            char *at = json_u64(json_begin(&out), number);
            *at++ = ' ';
            at = json_i64(at, -(int64_t)(number % INT64_MAX));
            *at++ = ' ';
            at = json_microseconds(at, number);
            *at++ = ' ';
            json_end(&out, at);
        }
    }
    assert_int_equal(outbuf_flush(&out), 0);
    assert_string_equal(memory.bytes, expected);
    outbuf_fini(&out);
    free(memory.bytes);
}

#define CHROME_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHROME_TEST(test_an_empty_timeline_is_a_whole_file),
        CHROME_TEST(test_a_slice_is_an_x_in_microseconds_from_the_base),
        CHROME_TEST(test_what_begins_before_the_base_is_cut),
        CHROME_TEST(test_what_ends_later_than_readers_count_is_cut),
        CHROME_TEST(test_a_flow_is_a_bind_id_with_a_direction),
        CHROME_TEST(test_a_slice_on_two_rows_has_its_flow_on_one),
        CHROME_TEST(test_a_slice_on_two_rows_is_written_as_two),
        CHROME_TEST(test_args_keep_their_kind_and_all_their_bits),
        CHROME_TEST(test_every_key_is_written_by_its_text_with_a_value_of_its_kind),
        CHROME_TEST(test_what_lasts_is_written_as_what_does_not),
        CHROME_TEST(test_a_lasting_name_as_long_as_the_buffer_is_written_whole),
        CHROME_TEST(test_a_name_that_does_not_last_may_change_in_place),
        CHROME_TEST(test_instants_belong_to_their_row_and_counters_to_their_process),
        CHROME_TEST(test_names_come_with_their_place),
        CHROME_TEST(test_facts_of_the_run_come_behind_the_events),
        CHROME_TEST(test_a_full_disk_is_told_to_the_producer_and_at_the_end),
        cmocka_unit_test(test_every_byte_of_a_name_becomes_valid_json),
        cmocka_unit_test(test_utf8_stays_and_what_only_looks_like_it_does_not),
        CHROME_TEST(test_a_name_longer_than_the_buffer_is_written_whole),
        cmocka_unit_test(test_numbers_of_every_length_are_written_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
