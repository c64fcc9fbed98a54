/* Annotations: what reaches the trace, and how strings are cut. */
#include "mapscope/region.h"

#include "recorder.h"

static void test_a_region_has_one_id_from_begin_to_end(void **state)
{
    (void)state;
    uint64_t outer = msc_region_begin("http", "POST /checkout");
    uint64_t inner = msc_region_begin("db", "insert");
    msc_region_end(inner);
    msc_region_end(outer);
    assert_int_not_equal(outer, 0);
    assert_int_not_equal(outer, inner);
    const struct record *begin = recorded(MSC_EVENT_REGION_BEGIN, 0), *end = recorded(MSC_EVENT_REGION_END, 1);
    assert_int_equal(begin->note.id, outer);
    assert_string_equal(begin->category, "http");
    assert_string_equal(begin->text, "POST /checkout");
    assert_int_equal(begin->note.truncated, 0);
    assert_int_equal(recorded(MSC_EVENT_REGION_END, 0)->note.id, inner);
    assert_int_equal(end->note.id, outer);
    assert_string_equal(end->category, "");
    assert_string_equal(end->text, "");
}

static void test_logs_and_variants_carry_both_strings(void **state)
{
    (void)state;
    msc_log("cache", "cold");
    msc_variant("cache", NULL);
    assert_string_equal(recorded(MSC_EVENT_LOG, 0)->category, "cache");
    assert_string_equal(recorded(MSC_EVENT_LOG, 0)->text, "cold");
    assert_int_equal(recorded(MSC_EVENT_LOG, 0)->note.id, 0);
    assert_string_equal(recorded(MSC_EVENT_VARIANT, 0)->category, "cache");
    assert_string_equal(recorded(MSC_EVENT_VARIANT, 0)->text, "");
}

/* `length` x and then `tail`: what of it is kept, in bytes. */
static size_t kept_of(size_t length, const char *tail, uint32_t *truncated)
{
    char text[400];
    memset(text, 'x', length);
    snprintf(text + length, sizeof text - length, "%s", tail);
    msc_log("", text);
    const struct record *record = &records[record_count - 1];
    *truncated = record->note.truncated;
    assert_memory_equal(record->text, text, strlen(record->text));
    return strlen(record->text);
}

static void test_long_strings_are_cut_between_characters(void **state)
{
    (void)state;
    static const struct {
        size_t length;
        const char *tail;
        size_t kept;
        uint32_t truncated;
    } cases[] = {
        {256, "", 256, 0},
        {257, "", 256, 1},
        {254, "\xc3\xa9", 256, 0},                     /* two bytes end at the limit */
        {255, "\xc3\xa9", 255, 1},                     /* or lie across it */
        {254, "\xe2\x82\xac", 254, 1},                 /* three bytes */
        {253, "\xf0\x9f\x98\x80", 253, 1},             /* four */
        {252, "\xf0\x9f\x98\x80z", 256, 1},            /* four that end there */
        {250, "\x80\x80\x80\x80\x80\x80\x80", 256, 1}, /* no UTF-8 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t truncated;
        assert_int_equal(kept_of(cases[i].length, cases[i].tail, &truncated), cases[i].kept);
        assert_int_equal(truncated, cases[i].truncated);
    }
}

static void test_a_cut_category_is_told_too(void **state)
{
    (void)state;
    char text[300];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    msc_log(text, "short");
    assert_int_equal(recorded(MSC_EVENT_LOG, 0)->note.truncated, 1);
    assert_int_equal(strlen(recorded(MSC_EVENT_LOG, 0)->category), MSC_TEXT_MAX);
}

static void test_nothing_happens_while_nobody_traces(void **state)
{
    (void)state;
    recorder_close_gates();
    uint64_t id = msc_region_begin("a", "b");
    assert_int_equal(id, 0);
    atomic_store(&gates[MSC_EVENT_REGION_END].state.on, 1);
    msc_region_end(id); /* began untraced: no end without a begin */
    msc_log("a", "b");
    msc_variant("a", "b");
    assert_int_equal(record_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        recorder_test(test_a_region_has_one_id_from_begin_to_end),
        recorder_test(test_logs_and_variants_carry_both_strings),
        recorder_test(test_long_strings_are_cut_between_characters),
        recorder_test(test_a_cut_category_is_told_too),
        recorder_test(test_nothing_happens_while_nobody_traces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
