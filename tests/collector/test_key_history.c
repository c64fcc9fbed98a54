/* Histories of keys, told by hand: which of them lose a key, and which are the correct idiom. */
#include "support/cmocka_main.h"

#include <string.h>

#include "collector/analyses/key_history.h"

enum { PID = 100, MAP = 0x1000, KEY = 77, OTHER_KEY = 78 };

struct story {
    struct stacks *stacks;
    struct findings findings;
    struct live_maps *maps;
    struct key_history *history;
    uint64_t now_ns;
    uint64_t seq;
};

static void apply(struct story *story, struct event *event, enum event_kind kind, uint32_t tid)
{
    static const uint64_t pcs[] = {0x401000, 0x402000};
    event->kind = kind;
    event->pid = PID;
    event->tid = tid;
    event->time_ns = story->now_ns++;
    event->stack = (struct event_stack){.pcs = pcs, .count = 2};
    struct sighting sighting;
    assert_int_equal(live_maps_see(story->maps, event, &sighting), 0);
    assert_int_equal(key_history_apply(story->history, &sighting), 0);
    live_maps_leave(story->maps, &sighting);
}

static void begin_with(struct story *story, enum event_kind kind, uint32_t flags)
{
    *story = (struct story){.now_ns = 1000};
    assert_int_equal(stacks_create(&story->stacks), 0);
    findings_init(&story->findings);
    assert_int_equal(live_maps_create(story->stacks, &story->maps), 0);
    assert_int_equal(key_history_create(story->maps, &story->findings, &story->history), 0);
    struct event event = {.map_life = {.map = {MAP, 1}, .name = {"sessions", 8}, .flags = flags}};
    apply(story, &event, kind, 1);
}

static void begin(struct story *story)
{
    begin_with(story, EVENT_MAP_ALLOC, 0);
}

static size_t finish(struct story *story, const struct losses *losses)
{
    static const struct losses none;
    assert_int_equal(key_history_finish(story->history, losses ? losses : &none), 0);
    return story->findings.count;
}

static void end(struct story *story)
{
    live_maps_destroy(story->maps);
    key_history_destroy(story->history);
    findings_fini(&story->findings);
    stacks_destroy(story->stacks);
}

static struct event operation(struct story *story, uint64_t key_id, uint64_t seq, uint64_t version)
{
    struct event event = {.map_op = {.map = {MAP, 1}, .key_id = key_id, .seq = seq, .version = version, .rate = 1}};
    event.map_op.begin_ns = event.map_op.end_ns = story->now_ns;
    return event;
}

static uint64_t assign(struct story *story, uint32_t tid, uint64_t scope, uint64_t key_id)
{
    uint64_t seq = ++story->seq;
    struct event event = operation(story, key_id, seq, seq);
    event.map_op.scope = scope;
    event.map_op.key = (struct event_text){"user:7\n", 7};
    apply(story, &event, EVENT_MAP_ASSIGN, tid);
    return seq;
}

static void push(struct story *story, uint32_t tid, uint64_t action, uint64_t scope, uint64_t version)
{
    struct event event = {
        .defer = {.action = action, .scope = scope, .fn = 0x5000, .map = {MAP, 1}, .key_id = KEY, .version = version}};
    apply(story, &event, EVENT_DEFER_PUSH, tid);
}

static void push_unbound(struct story *story, uint32_t tid, uint64_t action, uint64_t scope)
{
    struct event event = {.defer = {.action = action, .scope = scope, .fn = 0x5000}};
    apply(story, &event, EVENT_DEFER_PUSH, tid);
}

static void delete_in(struct story *story, uint32_t tid, uint64_t action, uint64_t version, bool handed_over)
{
    struct event run = {.defer = {.action = action, .handed_over = handed_over}};
    apply(story, &run, EVENT_DEFER_RUN_BEGIN, tid);
    struct event event = operation(story, KEY, ++story->seq, version);
    event.map_op.found = version != 0;
    event.map_op.action = action;
    apply(story, &event, EVENT_MAP_DELETE, tid);
    apply(story, &run, EVENT_DEFER_RUN_END, tid);
}

static void miss(struct story *story, uint32_t tid, uint64_t key_id)
{
    struct event event = operation(story, key_id, story->seq, 0);
    apply(story, &event, EVENT_MAP_ACCESS, tid);
}

/* Thread 1 in scope 10 registers, thread 2 in scope 20 re-assigns, thread 1 removes. */
static void lose_a_key(struct story *story)
{
    uint64_t first = assign(story, 1, 10, KEY);
    push(story, 1, 500, 10, first);
    uint64_t second = assign(story, 2, 20, KEY);
    delete_in(story, 1, 500, second, false);
}

static void test_a_late_cleanup_that_removes_a_newer_entry_is_certain_after_a_miss(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    lose_a_key(&story);
    miss(&story, 2, KEY);
    assert_int_equal(finish(&story, NULL), 1);
    const struct finding *finding = &story.findings.items[0];
    assert_int_equal(finding->severity, FINDING_CERTAIN);
    assert_int_equal(finding->misses, 1);
    assert_string_equal(finding->map_name, "sessions");
    assert_string_equal(finding->key, "user:7\\x0a");
    assert_int_equal(finding->operation_count, 3);
    assert_string_equal(finding->operations[0].verb, "register cleanup");
    assert_string_equal(finding->operations[1].verb, "assign");
    assert_int_equal(finding->operations[1].tid, 2);
    assert_string_equal(finding->operations[2].verb, "delete");
    assert_int_equal(finding->operations[2].tid, 1);
    assert_int_equal(finding->operations[2].fn, 0x5000);
    assert_int_not_equal(finding->operations[2].stack, 0);
    end(&story);
}

static void test_a_map_that_is_older_than_the_recording_has_a_name_but_no_certain_loss(void **state)
{
    (void)state;
    struct story story;
    begin_with(&story, EVENT_MAP_INVENTORY, 0);
    lose_a_key(&story);
    miss(&story, 2, KEY);
    assert_int_equal(finish(&story, NULL), 1);
    assert_int_equal(story.findings.items[0].severity, FINDING_SUSPECTED);
    assert_string_equal(story.findings.items[0].map_name, "sessions");
    end(&story);
}

static void test_without_a_miss_it_is_only_suspected(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    lose_a_key(&story);
    miss(&story, 2, OTHER_KEY);
    assign(&story, 3, 30, KEY);
    miss(&story, 2, KEY); /* of the entry assigned meanwhile: another story */
    assert_int_equal(finish(&story, NULL), 1);
    assert_int_equal(story.findings.items[0].severity, FINDING_SUSPECTED);
    end(&story);
}

static void test_losses_leave_nothing_certain(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    lose_a_key(&story);
    miss(&story, 2, KEY);
    struct losses losses = {.discarded_events = 1};
    assert_int_equal(finish(&story, &losses), 1);
    assert_int_equal(story.findings.items[0].severity, FINDING_SUSPECTED);
    end(&story);
}

static void test_keys_that_may_look_alike_leave_nothing_certain(void **state)
{
    (void)state;
    enum { WEAK_ID = 1 };
    struct story story;
    begin_with(&story, EVENT_MAP_ALLOC, WEAK_ID);
    lose_a_key(&story);
    miss(&story, 2, KEY);
    assert_int_equal(finish(&story, NULL), 1);
    assert_int_equal(story.findings.items[0].severity, FINDING_SUSPECTED);
    end(&story);
}

static void test_inserting_and_then_registering_yields_nothing(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    uint64_t version = assign(&story, 1, 10, KEY);
    push(&story, 1, 500, 10, version);
    delete_in(&story, 1, 500, version, false);
    miss(&story, 2, KEY);
    assert_int_equal(finish(&story, NULL), 0);
    end(&story);
}

static void test_registering_first_and_inserting_after_yields_nothing(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    push(&story, 1, 500, 10, 0);
    uint64_t version = assign(&story, 1, 10, KEY);
    delete_in(&story, 1, 500, version, false);
    miss(&story, 2, KEY);
    assert_int_equal(finish(&story, NULL), 0);
    end(&story);
}

static void test_an_assign_in_a_nested_scope_is_the_scopes_own(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    push(&story, 1, 500, 10, 0);
    uint64_t version = assign(&story, 1, 11, KEY);
    delete_in(&story, 1, 500, version, false);
    assert_int_equal(finish(&story, NULL), 0);
    end(&story);
}

static void test_a_later_request_on_the_thread_of_a_handed_over_cleanup_is_not_its_own(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    uint64_t first = assign(&story, 1, 10, KEY);
    push(&story, 1, 500, 10, first);
    uint64_t second = assign(&story, 1, 20, KEY);
    delete_in(&story, 1, 500, second, true);
    assert_int_equal(finish(&story, NULL), 1);
    end(&story);
}

static void test_registering_for_an_absent_key_that_another_scope_inserts_loses_it(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    push(&story, 1, 500, 10, 0);
    uint64_t version = assign(&story, 2, 20, KEY);
    delete_in(&story, 1, 500, version, false);
    assert_int_equal(finish(&story, NULL), 1);
    end(&story);
}

static void test_a_reaper_of_what_was_there_before_yields_nothing(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    uint64_t version = assign(&story, 2, 20, KEY);
    push_unbound(&story, 1, 500, 10);
    delete_in(&story, 1, 500, version, false);
    assert_int_equal(finish(&story, NULL), 0);
    end(&story);
}

static void test_an_unbound_cleanup_of_what_came_later_loses_it(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    push_unbound(&story, 1, 500, 10);
    uint64_t version = assign(&story, 2, 20, KEY);
    delete_in(&story, 1, 500, version, false);
    assert_int_equal(finish(&story, NULL), 1);
    end(&story);
}

static void test_a_delete_outside_an_action_or_of_nothing_yields_nothing(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    uint64_t version = assign(&story, 1, 10, KEY);
    struct event event = operation(&story, KEY, ++story.seq, version);
    event.map_op.found = true;
    apply(&story, &event, EVENT_MAP_DELETE, 2);
    push(&story, 1, 500, 10, version);
    delete_in(&story, 1, 500, 0, false);
    assert_int_equal(finish(&story, NULL), 0);
    end(&story);
}

static void test_sparing_a_newer_entry_is_no_miss(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    lose_a_key(&story);
    struct event spared = operation(&story, KEY, story.seq, 9);
    apply(&story, &spared, EVENT_MAP_DELETE, 1);
    assert_int_equal(finish(&story, NULL), 1);
    assert_int_equal(story.findings.items[0].misses, 0);
    struct event missed = operation(&story, KEY, story.seq, 0);
    apply(&story, &missed, EVENT_MAP_DELETE, 1);
    assert_int_equal(story.findings.items[0].misses, 1);
    end(&story);
}

static void test_an_assign_whose_event_comes_after_the_deletes_is_still_judged(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    uint64_t first = assign(&story, 1, 10, KEY);
    push(&story, 1, 500, 10, first);
    uint64_t second = ++story.seq; /* done now, its event comes last */
    delete_in(&story, 1, 500, second, false);
    struct event late = operation(&story, KEY, second, second);
    late.map_op.scope = 20;
    apply(&story, &late, EVENT_MAP_ASSIGN, 2);
    assert_int_equal(finish(&story, NULL), 1);
    assert_int_equal(story.findings.items[0].operation_count, 3);
    end(&story);
}

static void test_a_removal_whose_assign_is_not_in_the_trace_is_suspected(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    push(&story, 1, 500, 10, 3);
    delete_in(&story, 1, 500, 9, false);
    miss(&story, 2, KEY);
    assert_int_equal(finish(&story, NULL), 1);
    assert_int_equal(story.findings.items[0].operation_count, 2);
    assert_int_equal(story.findings.items[0].severity, FINDING_SUSPECTED);
    end(&story);
}

static void test_the_end_of_a_map_forgets_its_keys(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    assign(&story, 1, 10, KEY);
    assign(&story, 1, 10, OTHER_KEY);
    struct event event = {.map_life = {.map = {MAP, 1}}};
    apply(&story, &event, EVENT_MAP_FREE, 1);
    assert_int_equal(finish(&story, NULL), 0);
    end(&story); /* the leak checker sees what was kept */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_late_cleanup_that_removes_a_newer_entry_is_certain_after_a_miss),
        cmocka_unit_test(test_a_map_that_is_older_than_the_recording_has_a_name_but_no_certain_loss),
        cmocka_unit_test(test_without_a_miss_it_is_only_suspected),
        cmocka_unit_test(test_losses_leave_nothing_certain),
        cmocka_unit_test(test_keys_that_may_look_alike_leave_nothing_certain),
        cmocka_unit_test(test_inserting_and_then_registering_yields_nothing),
        cmocka_unit_test(test_registering_first_and_inserting_after_yields_nothing),
        cmocka_unit_test(test_an_assign_in_a_nested_scope_is_the_scopes_own),
        cmocka_unit_test(test_a_later_request_on_the_thread_of_a_handed_over_cleanup_is_not_its_own),
        cmocka_unit_test(test_registering_for_an_absent_key_that_another_scope_inserts_loses_it),
        cmocka_unit_test(test_a_reaper_of_what_was_there_before_yields_nothing),
        cmocka_unit_test(test_an_unbound_cleanup_of_what_came_later_loses_it),
        cmocka_unit_test(test_a_delete_outside_an_action_or_of_nothing_yields_nothing),
        cmocka_unit_test(test_sparing_a_newer_entry_is_no_miss),
        cmocka_unit_test(test_an_assign_whose_event_comes_after_the_deletes_is_still_judged),
        cmocka_unit_test(test_a_removal_whose_assign_is_not_in_the_trace_is_suspected),
        cmocka_unit_test(test_the_end_of_a_map_forgets_its_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
