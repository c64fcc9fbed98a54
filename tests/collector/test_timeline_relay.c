/* collector/analyses/timeline_relay: what a sink is told by a helper, and what it answers. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/timeline_relay.h"
#include "support/fnv.h"
#include "support/helper.h"

enum { MANY = 20000, HUGE_BYTES = 200 * 1024 };

/* A sink that sums up all that it is told, in order, and fails at a call of choice. */
struct listener {
    uint64_t hash, calls, fails_at; /* 0 = never */
    int error;
};

static int hear(struct listener *listener, const void *bytes, size_t size)
{
    listener->hash = fnv_mix(listener->hash, bytes, size);
    return 0;
}

static void hear_text(struct listener *listener, const char *text)
{
    hear(listener, text, strlen(text) + 1);
}

static void hear_number(struct listener *listener, uint64_t number)
{
    hear(listener, &number, sizeof number);
}

static int answer(struct listener *listener)
{
    return ++listener->calls == listener->fails_at ? listener->error : 0;
}

static void hear_facts(struct listener *listener, const struct timeline_facts *facts)
{
    for (size_t i = 0; i < facts->count; i++) {
        hear_number(listener, facts->keys[i]);
        if (timeline_is_text(facts->keys[i]))
            hear_text(listener, facts->values[i].text);
        else
            hear_number(listener, facts->values[i].number);
    }
}

static int on_slice(void *self, const struct timeline_slice *slice)
{
    struct listener *listener = self;
    hear_number(listener, slice->pid);
    hear_number(listener, slice->row);
    hear_number(listener, slice->also.pid);
    hear_number(listener, slice->also.row);
    hear_number(listener, slice->begin_ns);
    hear_number(listener, slice->end_ns);
    hear_text(listener, slice->name);
    hear_text(listener, slice->category);
    hear_number(listener, slice->flow_id);
    hear_number(listener, slice->flow);
    hear_number(listener, slice->is_lasting);
    hear_facts(listener, &slice->facts);
    return answer(listener);
}

static int on_instant(void *self, const struct timeline_instant *instant)
{
    struct listener *listener = self;
    hear_number(listener, instant->pid);
    hear_number(listener, instant->row);
    hear_number(listener, instant->time_ns);
    hear_text(listener, instant->name);
    hear_text(listener, instant->category);
    hear_facts(listener, &instant->facts);
    return answer(listener);
}

static int on_counter(void *self, const struct timeline_counter *counter)
{
    struct listener *listener = self;
    hear_number(listener, counter->pid);
    hear_number(listener, counter->time_ns);
    hear_text(listener, counter->name);
    hear_text(listener, counter->series);
    hear_number(listener, (uint64_t)counter->value);
    return answer(listener);
}

static int on_process(void *self, uint32_t pid, const char *name, int32_t sort_index)
{
    struct listener *listener = self;
    hear_number(listener, pid);
    hear_text(listener, name);
    hear_number(listener, (uint64_t)sort_index);
    return answer(listener);
}

static int on_row(void *self, uint32_t pid, uint32_t row, const char *name, int32_t sort_index)
{
    hear_number(self, row);
    return on_process(self, pid, name, sort_index);
}

static int on_metadata(void *self, const char *key, const char *value)
{
    hear_text(self, key);
    hear_text(self, value);
    return answer(self);
}

static struct timeline_sink sink_of(struct listener *listener)
{
    return (struct timeline_sink){.process = on_process,
                                  .row = on_row,
                                  .slice = on_slice,
                                  .instant = on_instant,
                                  .counter = on_counter,
                                  .metadata = on_metadata,
                                  .self = listener};
}

/* Texts that are gone after the call, but where the slice says that they last. */
static int tell_slice(const struct timeline_sink *sink, uint64_t number)
{
    static const char *const lasting[] = {"assign sessions", "map", "work"};
    bool is_lasting = number % 3;
    char name[32], category[32], text[32];
    snprintf(name, sizeof name, "slice %d", (int)number);
    snprintf(category, sizeof category, "category %d", (int)number % 7);
    snprintf(text, sizeof text, "value %d", (int)number);
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg(&args, TIMELINE_ARG_COUNT, number);
    timeline_arg_text(&args, TIMELINE_ARG_SITE, is_lasting ? lasting[2] : text);
    struct timeline_slice slice = {.pid = 1,
                                   .row = (uint32_t)number,
                                   .also = {.pid = number % 7 ? 0 : 5, .row = number % 7 ? 0 : 6},
                                   .begin_ns = number,
                                   .end_ns = number + 1,
                                   .name = is_lasting ? lasting[0] : name,
                                   .category = is_lasting ? lasting[1] : category,
                                   .flow_id = number % 5,
                                   .flow = number % 5 ? TIMELINE_FLOW_IN : TIMELINE_FLOW_NONE,
                                   .is_lasting = is_lasting};
    if (number % 4)
        slice.facts = timeline_args_facts(&args);
    int error = sink->slice(sink->self, &slice);
    memset(name, '?', sizeof name - 1);
    memset(category, '?', sizeof category - 1);
    memset(text, '?', sizeof text - 1);
    memset(&args, 0, sizeof args);
    return error;
}

static int tell_others(const struct timeline_sink *sink, uint64_t number)
{
    char name[32];
    snprintf(name, sizeof name, "name %d", (int)number);
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg_text(&args, TIMELINE_ARG_WHAT, name);
    struct timeline_instant instant = {
        .pid = 1, .row = 2, .time_ns = number, .name = name, .category = name, .facts = timeline_args_facts(&args)};
    struct timeline_counter counter = {
        .pid = 1, .time_ns = number, .name = "entries", .series = "count", .value = -(int64_t)number};
    int error = sink->instant(sink->self, &instant);
    if (!error)
        error = sink->counter(sink->self, &counter);
    if (!error)
        error = sink->process(sink->self, (uint32_t)number, name, -1);
    if (!error)
        error = sink->row(sink->self, 1, (uint32_t)number, name, 5);
    if (!error)
        error = sink->metadata(sink->self, name, name);
    memset(name, '?', sizeof name - 1);
    return error;
}

static int tell_all(const struct timeline_sink *sink, uint64_t count)
{
    int error = 0;
    for (uint64_t i = 0; i < count && !error; i++) {
        error = tell_slice(sink, i);
        if (!error && i % 10 == 0)
            error = tell_others(sink, i);
    }
    return error;
}

/* ---- tests ---- */

/* A relay with its helper, where the machine has a processor for one. */
struct relay {
    struct helper *helper;
    struct timeline_relay *relay;
};

static struct relay relay_to(struct listener *listener)
{
    struct timeline_sink sink = sink_of(listener);
    struct relay out = {.helper = helper_create()};
    assert_int_equal(timeline_relay_create(&sink, out.helper, &out.relay), 0);
    return out;
}

static void relay_end(struct relay *relay)
{
    timeline_relay_destroy(relay->relay);
    helper_destroy(relay->helper);
}

static void assert_same(uint64_t count)
{
    struct listener direct = {0}, relayed = {0};
    struct timeline_sink sink = sink_of(&direct);
    assert_int_equal(tell_all(&sink, count), 0);
    struct relay relay = relay_to(&relayed);
    assert_int_equal(tell_all(timeline_relay_sink(relay.relay), count), 0);
    assert_int_equal(timeline_relay_finish(relay.relay), 0);
    assert_int_equal(relayed.calls, direct.calls);
    assert_true(relayed.hash == direct.hash);
    relay_end(&relay);
}

static void test_a_sink_is_told_the_same_in_the_same_order(void **state)
{
    (void)state;
    assert_same(MANY);
    assert_same(1);
    assert_same(0);
}

static void test_what_is_larger_than_a_block_comes_between_its_neighbours(void **state)
{
    (void)state;
    struct listener direct = {0}, relayed = {0};
    struct timeline_sink direct_sink = sink_of(&direct);
    struct relay relay = relay_to(&relayed);
    char *huge = calloc(1, HUGE_BYTES + 1);
    memset(huge, 'h', HUGE_BYTES);
    struct timeline_slice slice = {.pid = 1, .row = 1, .name = huge, .category = "note"};
    const struct timeline_sink *sinks[] = {&direct_sink, timeline_relay_sink(relay.relay)};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(tell_all(sinks[i], 100), 0);
        assert_int_equal(sinks[i]->slice(sinks[i]->self, &slice), 0);
        assert_int_equal(sinks[i]->metadata(sinks[i]->self, "huge", huge), 0);
        assert_int_equal(tell_all(sinks[i], 100), 0);
    }
    assert_int_equal(timeline_relay_finish(relay.relay), 0);
    assert_int_equal(relayed.calls, direct.calls);
    assert_true(relayed.hash == direct.hash);
    relay_end(&relay);
    free(huge);
}

static void test_an_error_comes_back_and_ends_it(void **state)
{
    (void)state;
    struct listener listener = {.fails_at = 5, .error = -ENOSPC};
    struct relay relay = relay_to(&listener);
    assert_int_equal(tell_all(timeline_relay_sink(relay.relay), MANY), -ENOSPC); /* not all of it was told */
    assert_int_equal(timeline_relay_finish(relay.relay), -ENOSPC);
    assert_int_equal(listener.calls, 5); /* nothing after the call that failed */
    relay_end(&relay);
}

static void test_an_error_at_the_very_end_is_not_lost(void **state)
{
    (void)state;
    struct listener listener = {.fails_at = 3, .error = -EPIPE};
    struct relay relay = relay_to(&listener);
    tell_all(timeline_relay_sink(relay.relay), 1);
    assert_int_equal(timeline_relay_finish(relay.relay), -EPIPE);
    relay_end(&relay);
}

static void test_without_a_helper_the_sink_is_called_at_once(void **state)
{
    (void)state;
    struct listener listener = {.fails_at = 3, .error = -EPIPE};
    struct timeline_sink sink = sink_of(&listener);
    struct timeline_relay *relay;
    assert_int_equal(timeline_relay_create(&sink, NULL, &relay), 0);
    assert_int_equal(tell_slice(timeline_relay_sink(relay), 1), 0);
    assert_int_equal(listener.calls, 1);
    assert_int_equal(tell_others(timeline_relay_sink(relay), 1), -EPIPE);
    assert_int_equal(timeline_relay_finish(relay), 0);
    timeline_relay_destroy(relay);
}

static void test_it_can_be_given_up(void **state)
{
    (void)state;
    struct listener listener = {0};
    struct relay relay = relay_to(&listener);
    assert_int_equal(tell_all(timeline_relay_sink(relay.relay), 100), 0);
    relay_end(&relay);
    assert_true(listener.calls <= 150);
    timeline_relay_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sink_is_told_the_same_in_the_same_order),
        cmocka_unit_test(test_what_is_larger_than_a_block_comes_between_its_neighbours),
        cmocka_unit_test(test_an_error_comes_back_and_ends_it),
        cmocka_unit_test(test_an_error_at_the_very_end_is_not_lost),
        cmocka_unit_test(test_without_a_helper_the_sink_is_called_at_once),
        cmocka_unit_test(test_it_can_be_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
