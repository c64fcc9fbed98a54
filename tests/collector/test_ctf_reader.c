/* Traces written by ctf_writer.h, read back through the public interface, value by value. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/ctf/ctf.h"
#include "collector/ctf_everything.h"
#include "collector/ctf_reading.h"

/* ---- every kind of field, in every layout ---- */

static void assert_everything(const struct ctf_event *event)
{
    assert_string_equal(event->class->name, "t:all");
    assert_int_equal(event->class->id, 3);
    assert_int_equal(reading_field(event, "vpid")->i, 4711);
    reading_assert_text(event, "procname", "name");
    assert_int_equal(reading_field(event, "a")->u, 200);
    assert_int_equal(reading_field(event, "b")->i, -300);
    assert_int_equal(reading_field(event, "c")->u, 4000000000);
    assert_true(reading_field(event, "d")->i == -5000000000);
    assert_true(reading_field(event, "e")->f == 1.5);
    assert_true(reading_field(event, "f")->f == -2.25);
    reading_assert_text(event, "g", "odd");
    assert_int_equal(reading_field(event, "h")->u, 65000);
    assert_int_equal(reading_field(event, "i")->u, 0x1234);
    assert_int_equal(reading_field(event, "j")->u, 0x1234);
    assert_int_equal(reading_field(event, "k")->length, 3);
    assert_int_equal(reading_field(event, "k")->us[2], 255);
    reading_assert_text(event, "l", "ab");
    assert_int_equal(reading_field(event, "m")->length, 2);
    assert_int_equal(reading_field(event, "m")->is[0], -1);
    assert_int_equal(reading_field(event, "m")->is[1], 77);
    reading_assert_text(event, "o", "xyz");
    assert_int_equal(reading_field(event, "p")->u, 5);
    assert_int_equal(reading_field(event, "q")->i, -1000);
    assert_int_equal(reading_field(event, "r")->i, -1);
    assert_int_equal(reading_field(event, "s")->u, 99);
    assert_int_equal(reading_field(event, "t")->length, 0);
    assert_int_equal(reading_field(event, "u")->length, 2);
    assert_true(reading_field(event, "u")->fs[0] == 0.5 && reading_field(event, "u")->fs[1] == 8);
}

static void check_layout(const struct ctf_layout *variation)
{
    char *folder = ctf_make_folder();
    ctf_write_everything(folder, variation);
    struct reading reading;
    reading_open(&reading, folder);
    for (uint64_t i = 0; i < CTF_EVERYTHING_EVENTS; i++) {
        struct ctf_event event = reading_next(&reading);
        assert_int_equal(event.time_ns, ctf_everything_time(i));
        assert_int_equal(event.cpu, 5);
        if (i % 3 == 2)
            assert_string_equal(event.class->name, "t:nothing");
        else
            assert_everything(&event);
    }
    struct losses losses = reading_finish(&reading);
    assert_string_equal(reading.warnings, "");
    assert_int_equal(losses.events, CTF_EVERYTHING_EVENTS);
    assert_int_equal(losses.damaged_packets, 0);
    ctf_remove_folder(folder);
}

static void test_every_field_survives_in_every_layout(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 16; bits++)
        check_layout(&(struct ctf_layout){
            .big_endian = bits & 1,
            .natural_alignment = (bits >> 1) & 1,
            .compact_header = (bits >> 2) & 1,
            .discarded_bits = bits >> 3 ? 32 : 64, /* an unsigned long: in traces of 32-bit programs it is short */
        });
}

/* ---- records in place of values ---- */

enum { PLACE_BYTES = sizeof(struct ctf_value), SENTINEL = 0x5A };

/* A random form that the field can have. */
static enum ctf_form some_form(uint64_t choice, const struct ctf_field *field)
{
    static const enum ctf_form of_number[] = {CTF_LEFT_OUT, CTF_VALUE, CTF_U64, CTF_U32,
                                              CTF_S32,      CTF_FLAG,  CTF_NOT, CTF_LEFT_OUT},
                               of_others[] = {CTF_LEFT_OUT, CTF_VALUE, CTF_BYTES, CTF_VALUE};
    for (const char *at = field->name; *at; at++)
        choice = (choice ^ (unsigned char)*at) * UINT64_C(0x9e3779b97f4a7c15);
    if (field->type == CTF_UNSIGNED || field->type == CTF_SIGNED || field->type == CTF_ENUM)
        return of_number[choice >> 61];
    return field->type == CTF_FLOAT ? of_others[choice >> 63] : of_others[choice >> 62];
}

static void plan_some(void *self, const struct ctf_event_class *class, struct ctf_plan *plan)
{
    plan->size = PLACE_BYTES * class->field_count;
    assert_true(plan->size <= CTF_PLAN_BYTES);
    memset(plan->blank, SENTINEL, plan->size);
    for (size_t i = 0; i < class->field_count; i++)
        plan->places[i] = (struct ctf_place){.offset = (uint16_t)(PLACE_BYTES * i),
                                             .form = (uint8_t)some_form(*(const uint64_t *)self, &class->fields[i])};
}

static void assert_same_value(const struct ctf_field *field, const struct ctf_value *a, const struct ctf_value *b)
{
    assert_int_equal(a->length, b->length);
    if (field->type == CTF_STRING)
        assert_memory_equal(a->text, b->text, a->length);
    else if (field->type == CTF_SEQUENCE)
        assert_memory_equal(a->us, b->us, a->length * sizeof *a->us);
    else
        assert_int_equal(a->u, b->u);
}

/* Of sequences only "k" has bytes. */
static void assert_bytes(const struct ctf_field *field, const struct ctf_value *bytes, const struct ctf_value *value)
{
    if (field->type == CTF_STRING) {
        assert_same_value(field, bytes, value);
    } else if (strcmp(field->name, "k") == 0) {
        assert_int_equal(bytes->length, value->length);
        for (uint32_t i = 0; i < value->length; i++)
            assert_int_equal((unsigned char)bytes->text[i], value->us[i]);
    } else {
        assert_int_equal(bytes->length, 0x01010101 * SENTINEL); /* left out */
    }
}

static void assert_number(const struct ctf_field *field, enum ctf_form form, const void *place, uint64_t number)
{
    const uint32_t *half = place;
    bool is_negative = field->element == CTF_SIGNED && (int64_t)number < 0;
    uint64_t largest = form == CTF_S32 ? INT32_MAX : UINT32_MAX;
    if (form == CTF_U64)
        assert_true(*(const uint64_t *)place == number);
    else if (form == CTF_FLAG || form == CTF_NOT)
        assert_int_equal(*(const bool *)place, (number != 0) == (form == CTF_FLAG));
    else if (form == CTF_S32 && is_negative)
        assert_int_equal((int32_t)*half, (int64_t)number < INT32_MIN ? INT32_MIN : (int64_t)number);
    else
        assert_int_equal(*half, number > largest ? largest : number);
}

static void assert_place(const struct ctf_field *field, enum ctf_form form, const void *place,
                         const struct ctf_value *value)
{
    static const char untouched[PLACE_BYTES] = {[0 ... PLACE_BYTES - 1] = SENTINEL};
    if (form == CTF_LEFT_OUT)
        assert_memory_equal(place, untouched, sizeof untouched);
    else if (form == CTF_VALUE)
        assert_same_value(field, place, value);
    else if (form == CTF_BYTES)
        assert_bytes(field, place, value);
    else
        assert_number(field, form, place, value->u);
}

/* Reads the trace as values and as records, side by side. */
static void check_choice(const char *folder, uint64_t choice)
{
    struct ctf_options options = {.plan = plan_some, .self = &choice, .threads = reading_threads};
    struct ctf_reader *planned;
    struct ctf_event some;
    struct reading reading;
    reading_open(&reading, folder);
    assert_int_equal(ctf_open(folder, &options, NULL, &planned), 0);
    for (uint64_t i = 0; i < CTF_EVERYTHING_EVENTS; i++) {
        struct ctf_event all = reading_next(&reading);
        assert_int_equal(ctf_next(planned, &some), 1);
        assert_int_equal(some.time_ns, all.time_ns);
        for (size_t k = 0; k < all.class->field_count; k++) {
            const struct ctf_field *field = &all.class->fields[k];
            assert_place(field, some_form(choice, field), (const char *)some.record + PLACE_BYTES * k, &all.values[k]);
        }
    }
    assert_int_equal(ctf_next(planned, &some), 0);
    ctf_close(planned);
    reading_finish(&reading);
}

static void test_a_record_holds_what_the_values_say(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 8; bits++) {
        char *folder = ctf_make_folder();
        ctf_write_everything(folder, &(struct ctf_layout){.big_endian = bits & 1,
                                                          .natural_alignment = (bits >> 1) & 1,
                                                          .compact_header = (bits >> 2) & 1});
        for (uint64_t choice = 1; choice <= 50; choice++)
            check_choice(folder, choice);
        ctf_remove_folder(folder);
    }
}

static void test_a_consumer_sees_labels_bases_and_contexts(void **state)
{
    (void)state;
    struct ctf_layout layout = numbered;
    layout.events = "event { name = \"t:e\"; id = 0; fields := struct { enum : s8 { \"LOW\" = -2, \"NEXT\", "
                    "\"RANGE\" = 10 ... 20, AFTER } _r; integer { size = 8; base = 16; } _x; }; };";
    char *folder = ctf_make_folder();
    struct ctf_writer writer;
    ctf_write_metadata(folder, &layout);
    ctf_writer_open(&writer, &layout, 0);
    ctf_packet_begin(&writer, 1, 0);
    ctf_put_event(&writer, 0, 2);
    ctf_put(&writer, 64, 0);
    ctf_put(&writer, 8, 21);
    ctf_put(&writer, 8, 1);
    ctf_packet_end(&writer, 4096);
    ctf_writer_save(&writer, folder, "ch_0");
    ctf_writer_close(&writer);

    struct reading reading;
    reading_open(&reading, folder);
    const struct ctf_event_class *class = reading_next(&reading).class;
    assert_int_equal(class->field_count, 4);
    assert_true(class->fields[1].is_context && !class->fields[2].is_context);
    assert_int_equal(class->fields[2].type, CTF_ENUM);
    assert_int_equal(class->fields[2].element, CTF_SIGNED);
    const struct ctf_labels *labels = class->fields[2].labels;
    assert_string_equal(ctf_label(labels, (uint64_t)-2), "LOW");
    assert_string_equal(ctf_label(labels, (uint64_t)-1), "NEXT");
    assert_string_equal(ctf_label(labels, 20), "RANGE");
    assert_string_equal(ctf_label(labels, 21), "AFTER");
    assert_null(ctf_label(labels, 22));
    assert_int_equal(class->fields[3].base, 16);
    reading_finish(&reading);
    ctf_remove_folder(folder);
}

/* ---- time ---- */

/* Each step is just less than what the header's bits hold, so the high part must be carried. */
static void check_wraps(bool compact)
{
    struct ctf_layout layout = numbered;
    layout.compact_header = compact;
    uint64_t step = (UINT64_C(1) << (compact ? 27 : 32)) - 1, begin = UINT64_C(0x123456789abcd);
    char *folder = ctf_make_folder();
    struct ctf_writer writer;
    ctf_write_metadata(folder, &layout);
    ctf_writer_open(&writer, &layout, 0);
    for (uint64_t packet = 0; packet < 3; packet++) { /* a packet's begin resets the clock */
        ctf_packet_begin(&writer, begin + packet * 20 * step, packet);
        for (uint64_t i = 0; i < 20; i++)
            put_numbered(&writer, begin + (packet * 20 + i) * step, begin + (packet * 20 + i) * step);
        ctf_packet_end(&writer, 4096);
    }
    ctf_writer_save(&writer, folder, "ch_0");
    ctf_writer_close(&writer);
    struct reading reading;
    reading_open(&reading, folder);
    for (uint64_t i = 0; i < 60; i++)
        reading_assert_next(&reading, begin + i * step);
    reading_finish(&reading);
    ctf_remove_folder(folder);
}

static void test_timestamps_carry_over_32_and_27_bits(void **state)
{
    (void)state;
    check_wraps(false);
    check_wraps(true);
}

static void test_traces_of_one_clock_merge_by_its_raw_value(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    struct ctf_layout first = numbered, second = numbered;
    first.clock_offset = 1003; /* rounding: the same clock, all the same */
    second.clock_offset = 1000;
    second.uuid = 2;
    write_single(folder, "a", &first, 50);
    write_single(folder, "b", &second, 51);
    struct reading reading;
    reading_open(&reading, folder);
    assert_int_equal(ctf_clock_offset_ns(reading.reader), 1000);
    reading_assert_next(&reading, 50);
    reading_assert_next(&reading, 51);
    reading_finish(&reading);
    ctf_remove_folder(folder);
}

static void test_a_foreign_clock_is_moved_onto_the_earliest(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    struct ctf_layout first = numbered, second = numbered;
    first.clock_offset = 1000;
    second.clock_offset = 5000;
    second.uuid = second.clock_uuid = 2;
    write_single(folder, "a", &second, 10);
    write_single(folder, "b", &first, 50);
    struct reading reading;
    reading_open(&reading, folder);
    assert_int_equal(ctf_clock_offset_ns(reading.reader), 1000);
    reading_assert_next(&reading, 50);
    assert_int_equal(reading_next(&reading).time_ns, 4010);
    reading_finish(&reading);
    ctf_remove_folder(folder);
}

static void test_a_clock_of_another_frequency_is_told_in_nanoseconds(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    struct ctf_layout layout = numbered;
    layout.frequency_hz = 1000000;
    layout.clock_offset = 7;
    write_single(folder, "a", &layout, 50);
    struct reading reading;
    reading_open(&reading, folder);
    assert_int_equal(ctf_clock_offset_ns(reading.reader), 7000);
    assert_int_equal(reading_next(&reading).time_ns, 50000);
    reading_finish(&reading);
    ctf_remove_folder(folder);
}

/* ---- shapes of the folder ---- */

static void test_empty_packets_files_and_index_are_passed_over(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    write_chunk(folder, "t", "ch_0", 1, 1);
    char *trace = ctf_path(folder, "t"), *index = ctf_path(trace, "index");
    struct ctf_writer writer;
    ctf_writer_open(&writer, &numbered, 0);
    put_numbered_packet(&writer, 0, 10, 0);
    put_numbered_packet(&writer, 2, 150, 0);
    ctf_writer_save(&writer, trace, "ch_0_0");
    ctf_writer_close(&writer);
    ctf_write_file(trace, "ch_1", "", 0);
    assert_int_equal(mkdir(index, 0700), 0);
    ctf_write_file(index, "ch_0.idx", "\xC1\xF1\xDC\xC1", 4);
    free(index);
    free(trace);
    struct reading reading;
    reading_open(&reading, folder);
    reading_assert_packets(&reading, 1, 1);
    struct losses losses = reading_finish(&reading);
    assert_string_equal(reading.warnings, "");
    assert_int_equal(losses.lost_packets + losses.skipped_streams + losses.damaged_packets, 0);
    ctf_remove_folder(folder);
}

static void test_a_folder_without_a_trace_is_an_error_that_says_so(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    struct diag diag;
    struct ctf_reader *reader = NULL;
    diag_init(&diag);
    assert_int_equal(ctf_open(folder, NULL, &diag, &reader), -ENODATA);
    assert_non_null(strstr(diag_text(&diag), folder));
    char *nowhere = ctf_path(folder, "nowhere");
    assert_int_equal(ctf_open(nowhere, NULL, &diag, &reader), -ENOENT);
    assert_null(reader);
    free(nowhere);
    diag_fini(&diag);
    ctf_remove_folder(folder);
}

static void test_events_larger_than_the_window_are_read(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    struct ctf_layout layout = numbered;
    layout.events = "event { name = \"t:big\"; id = 0; fields := struct { u32 __a_length; u64 _a[__a_length]; }; };";
    char *folder = ctf_make_folder();
    struct ctf_writer writer;
    ctf_write_metadata(folder, &layout);
    ctf_writer_open(&writer, &layout, 0);
    ctf_packet_begin(&writer, 1, 0);
    for (uint64_t event = 0; event < 4; event++) {
        ctf_put_event(&writer, 0, event + 1);
        ctf_put(&writer, 64, 0);
        ctf_put(&writer, 32, COUNT);
        for (uint64_t i = 0; i < COUNT; i++)
            ctf_put(&writer, 64, event * COUNT + i);
    }
    ctf_packet_end(&writer, 4096);
    ctf_writer_save(&writer, folder, "ch_0");
    ctf_writer_close(&writer);
    struct reading reading;
    reading_open(&reading, folder);
    for (uint64_t number = 0; number < 4; number++) {
        struct ctf_event event = reading_next(&reading);
        assert_int_equal(reading_field(&event, "a")->length, COUNT);
        assert_int_equal(reading_field(&event, "a")->us[COUNT - 1], number * COUNT + COUNT - 1);
    }
    assert_int_equal(reading_finish(&reading).damaged_packets, 0);
    ctf_remove_folder(folder);
}

static void test_progress_ends_where_the_files_do(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    write_chunk(folder, "t", "ch_0", 0, 5);
    struct reading reading;
    uint64_t done, total;
    reading_open(&reading, folder);
    reading_assert_packets(&reading, 0, 2);
    ctf_progress(reading.reader, &done, &total);
    assert_int_equal(total, 6 * 4096);
    assert_in_range(done, 3 * 4096, total); /* what is decoded ahead was read */
    struct ctf_event event;
    while (ctf_next(reading.reader, &event) == 1)
        continue;
    ctf_progress(reading.reader, &done, &total);
    assert_int_equal(done, total);
    reading_finish(&reading);
    ctf_remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_survives_in_every_layout),
        cmocka_unit_test(test_a_record_holds_what_the_values_say),
        cmocka_unit_test(test_a_consumer_sees_labels_bases_and_contexts),
        cmocka_unit_test(test_timestamps_carry_over_32_and_27_bits),
        cmocka_unit_test(test_traces_of_one_clock_merge_by_its_raw_value),
        cmocka_unit_test(test_a_foreign_clock_is_moved_onto_the_earliest),
        cmocka_unit_test(test_a_clock_of_another_frequency_is_told_in_nanoseconds),
        cmocka_unit_test(test_empty_packets_files_and_index_are_passed_over),
        cmocka_unit_test(test_a_folder_without_a_trace_is_an_error_that_says_so),
        cmocka_unit_test(test_events_larger_than_the_window_are_read),
        cmocka_unit_test(test_progress_ends_where_the_files_do),
    };
    reading_threads = 1;
    int failed = cmocka_run_group_tests_name("decoded when asked", tests, NULL, NULL);
    reading_threads = 3;
    return failed + cmocka_run_group_tests_name("decoded ahead", tests, NULL, NULL);
}
