/*
 * The timeline holds its rules whatever comes in: random traces, through timeline_check, the Chrome exporter and
 * the independent checker of the finished JSON.
 */
#include "collector/analyses/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/timeline_fixture.h"
#include "collector/timeline_trace.h"
#include "exporters/chrome/chrome.h"
#include "exporters/chrome_rules.h"

/* The way of a random trace: events -> timeline -> timeline_check -> Chrome JSON in memory -> chrome_rules. */
struct memory {
    char *bytes;
    size_t size;
};

static int append(void *self, const void *bytes, size_t size)
{
    struct memory *memory = self;
    memory->bytes = realloc(memory->bytes, memory->size + size);
    assert_non_null(memory->bytes);
    memcpy(memory->bytes + memory->size, bytes, size);
    memory->size += size;
    return 0;
}

static int use_event(void *self, const struct event *event)
{
    return timeline_apply(self, event);
}

static void assert_same_counts(const struct timeline_counts *counts, const struct chrome_counts *json)
{
    assert_int_equal(counts->slices, json->slices);
    assert_int_equal(counts->instants, json->instants);
    assert_int_equal(counts->counters, json->counters);
    assert_int_equal(counts->flows, json->flows);
}

static void draw_trace(const struct trace_options *trace, const struct timeline_sink *sink,
                       struct timeline_stats *stats)
{
    struct timeline_builder *timeline;
    struct timeline_options options = {.base_ns = trace->base_ns, .symbols = &symbols};
    assert_int_equal(timeline_create(sink, &options, &timeline), 0);
    trace_run(trace, use_event, timeline);
    assert_int_equal(timeline_finish(timeline, 0), 0);
    *stats = timeline_stats(timeline);
    timeline_destroy(timeline);
}

static void write_trace(const struct trace_options *trace, struct memory *memory, struct timeline_stats *stats)
{
    struct outbuf out;
    struct chrome *chrome;
    struct timeline_check *check;
    struct diag diag;
    struct chrome_options options = {.base_ns = trace->base_ns};
    diag_init(&diag);
    assert_int_equal(outbuf_init(&out, append, memory), 0);
    assert_int_equal(chrome_create(&out, &options, &chrome), 0);
    assert_int_equal(timeline_check_create(chrome_sink(chrome), &diag, &check), 0);
    draw_trace(trace, timeline_check_sink(check), stats);
    if (timeline_check_finish(check))
        fail_msg("seed %llu: %s", (unsigned long long)trace->seed, diag_text(&diag));
    struct timeline_counts seen = timeline_check_counts(check);
    assert_memory_equal(&seen, &stats->written, sizeof seen);
    assert_int_equal(chrome_finish(chrome), 0);
    assert_int_equal(outbuf_flush(&out), 0);
    timeline_check_destroy(check);
    chrome_destroy(chrome);
    outbuf_fini(&out);
    diag_fini(&diag);
}

static struct timeline_stats check_trace(enum trace_kind kind, uint64_t seed, unsigned steps)
{
    struct trace_options trace = {.kind = kind, .seed = seed, .base_ns = 5000000000, .steps = steps};
    struct memory memory = {0};
    struct timeline_stats stats;
    struct chrome_counts counts;
    struct diag diag;
    diag_init(&diag);
    write_trace(&trace, &memory, &stats);
    if (chrome_rules_check(memory.bytes, memory.size, &diag, &counts))
        fail_msg("seed %llu: %s", (unsigned long long)seed, diag_text(&diag));
    assert_same_counts(&stats.written, &counts);
    diag_fini(&diag);
    free(memory.bytes);
    return stats;
}

static void test_what_nests_in_the_program_is_drawn_uncut(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct timeline_stats stats = check_trace(TRACE_SOUND, seed, 3000);
        assert_int_equal(stats.cut, 0);
        assert_int_equal(stats.dropped, 0);
        assert_true(stats.written.flows > 10);
        assert_true(stats.written.slices > 500);
    }
}

static void test_a_trace_with_losses_is_drawn_by_the_rules(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++)
        assert_true(check_trace(TRACE_LOSSY, seed, 3000).written.flows > 0);
}

static void test_nonsense_is_drawn_by_the_rules(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++)
        assert_true(check_trace(TRACE_HOSTILE, seed, 3000).written.slices > 0);
}

static void test_it_may_be_dropped_at_any_point(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct timeline_check *check;
        struct timeline_builder *timeline;
        struct timeline_options options = {.base_ns = 0};
        struct trace_options trace = {.kind = TRACE_HOSTILE, .seed = seed, .steps = 300};
        assert_int_equal(timeline_check_create(NULL, NULL, &check), 0);
        assert_int_equal(timeline_create(timeline_check_sink(check), &options, &timeline), 0);
        trace_run(&trace, use_event, timeline);
        timeline_destroy(timeline); /* the sanitizer says whether all of it went */
        timeline_check_destroy(check);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_nests_in_the_program_is_drawn_uncut),
        cmocka_unit_test(test_a_trace_with_losses_is_drawn_by_the_rules),
        cmocka_unit_test(test_nonsense_is_drawn_by_the_rules),
        cmocka_unit_test(test_it_may_be_dropped_at_any_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
