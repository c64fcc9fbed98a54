/* The timeline: operations on maps, the flows from an assign to its deletion, growth and iterations. */
#include "collector/analyses/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "collector/timeline_fixture.h"

static void test_an_assign_waits_for_the_deletion_that_its_flow_leads_to(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, map_alloc(1000));
    apply(fixture, map_op(EVENT_MAP_ASSIGN, 2000, 5, 1));
    assert_drawn(fixture,
                 "G1 [1000] entries in the map = 3\n"
                 "1234/1234 [2000 2010] assign sessions key_id=0xabc version=5 seq=1 inserted site=handle_request\n"
                 "G1 [2010] entries in the map = 4\n");
    struct event removal = map_op(EVENT_MAP_DELETE, 3000, 5, 2);
    removal.tid = WORKER;
    apply(fixture, removal);
    assert_drawn(fixture,
                 "G1/1001 [2000 2010] assign sessions ->0 key_id=0xabc version=5 seq=1 inserted site=handle_request\n"
                 "1234/1235 [3000 3010] delete sessions <-0 key_id=0xabc version=5 seq=2 site=handle_request\n"
                 "G1 [3010] entries in the map = 3\n");
    finish(fixture, 4000);
    assert_told(fixture, "G1 is map sessions (pid 1234), place 1\n");
    assert_told(fixture, "G1/1001 is assigns \u00b7 thread 1234\n");
    assert_told(fixture, "1234 is process, place 0\n");
    assert_told(fixture, "1234/1234 is thread 1234\n");
    assert_told(fixture, "1234/1235 is thread 1235\n");
}

static void test_a_map_that_is_older_than_the_recording_has_its_name_and_entries(void **state)
{
    struct fixture *fixture = *state;
    struct event inventory = map_alloc(2100);
    inventory.kind = EVENT_MAP_INVENTORY;
    apply(fixture, map_op(EVENT_MAP_ACCESS, 2000, 5, 1)); /* another thread was faster */
    apply(fixture, inventory);
    apply(fixture, map_op(EVENT_MAP_ACCESS, 3000, 5, 1));
    assert_drawn(fixture, "1234/1234 [2000 2010] access 0x5000 key_id=0xabc version=5 seq=1 site=handle_request\n"
                          "G1 [2100] entries in the map = 3\n"
                          "1234/1234 [3000 3010] access sessions key_id=0xabc version=5 seq=1 site=handle_request\n");
    inventory.time_ns = 3100;
    inventory.map_life.count = EVENT_COUNT_UNKNOWN;
    apply(fixture, inventory);
    assert_drawn(fixture, "");
    finish(fixture, 4000);
    assert_told(fixture, "G1 is map sessions (pid 1234), place 1\n");
}

static void test_an_assign_that_is_replaced_carries_no_flow(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, map_op(EVENT_MAP_ASSIGN, 2000, 5, 1));
    fixture->used = 0;
    struct event again = map_op(EVENT_MAP_ASSIGN, 3000, 6, 2);
    again.map_op.found = true;
    apply(fixture, again);
    assert_drawn(fixture,
                 "1234/1234 [3000 3010] assign 0x5000 key_id=0xabc version=6 seq=2 site=handle_request\n"
                 "G1/1001 [2000 2010] assign 0x5000 key_id=0xabc version=5 seq=1 inserted site=handle_request\n");
    finish(fixture, 4000);
    assert_told(fixture, "G1/1001 [3000 3010] assign 0x5000 key_id=0xabc version=6");
}

static void test_what_an_assign_gives_as_version_is_not_said_again_as_seq(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, map_op(EVENT_MAP_ASSIGN, 2000, 5, 5));
    apply(fixture, map_op(EVENT_MAP_ACCESS, 2100, 5, 8));
    finish(fixture, 4000);
    assert_told(fixture, "1234/1234 [2000 2010] assign 0x5000 key_id=0xabc version=5 inserted site=");
    assert_told(fixture, "1234/1234 [2100 2110] access 0x5000 key_id=0xabc version=5 seq=8 site=");
    assert_told(fixture, "G1/1001 [2000 2010] assign 0x5000 key_id=0xabc version=5 inserted site=");
}

static void test_a_deletion_of_another_version_has_no_flow(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, map_op(EVENT_MAP_ASSIGN, 2000, 5, 1));
    apply(fixture, map_op(EVENT_MAP_DELETE, 3000, 9, 3));
    finish(fixture, 4000);
    assert_null(strstr(fixture->text, "->"));
    assert_int_equal(timeline_stats(fixture->timeline).written.slices, 3);
}

static void test_an_assign_whose_event_comes_behind_its_successor_is_drawn(void **state)
{
    struct fixture *fixture = *state;
    struct event early = map_op(EVENT_MAP_ASSIGN, 2000, 5, 1), late = map_op(EVENT_MAP_ASSIGN, 2100, 6, 2);
    early.tid = WORKER;
    early.time_ns = 2200;
    apply(fixture, late);
    apply(fixture, early);
    apply(fixture, map_op(EVENT_MAP_DELETE, 3000, 6, 3));
    finish(fixture, 4000);
    assert_told(fixture, "G1/1001 [2100 2110] assign 0x5000 ->0");
    assert_told(fixture, "G1/1002 [2000 2010] assign 0x5000 key_id");
}

static void test_a_deletion_whose_event_comes_behind_the_next_assign_leaves_that_alone(void **state)
{
    struct fixture *fixture = *state;
    struct event removal = map_op(EVENT_MAP_DELETE, 2000, 5, 2);
    apply(fixture, map_op(EVENT_MAP_ASSIGN, 2100, 6, 3));
    removal.tid = WORKER;
    removal.time_ns = 2200;
    apply(fixture, removal);
    apply(fixture, map_op(EVENT_MAP_DELETE, 3000, 6, 4));
    finish(fixture, 4000);
    assert_told(fixture, "G1/1001 [2100 2110] assign 0x5000 ->0");
    assert_told(fixture, "1234/1234 [3000 3010] delete 0x5000 <-0");
}

static void test_growth_is_a_slice_and_counts_buckets(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, (struct event){.kind = EVENT_MAP_GROW,
                                  .time_ns = 2000,
                                  .map_grow = {.map = sessions, .old_B = 3, .new_B = 4, .noverflow = 2, .count = 53}});
    apply(fixture, (struct event){.kind = EVENT_MAP_GROW_END,
                                  .time_ns = 2500,
                                  .map_grow_end = {.map = sessions, .moved = 53, .steps = 8, .evac_ns = 90}});
    assert_drawn(fixture, "G1 [2000] entries in the map = 53\n"
                          "G1 [2000] overflow buckets = 2\n"
                          "G1 [2500] overflow buckets = 0\n"
                          "G1/3001 [2000 2500] grow old_B=3 new_B=4 moved=53 steps=8 evac_ns=90\n");
    finish(fixture, 3000);
}

static void test_a_clear_empties_the_map_without_flows(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, map_op(EVENT_MAP_ASSIGN, 1100, 5, 1));
    fixture->used = 0;
    struct event event = map_op(EVENT_MAP_CLEAR, 1200, 0, 2);
    event.map_op.key_id = 0;
    event.map_op.count = 1;
    apply(fixture, event);
    assert_drawn(fixture,
                 "1234/1234 [1200 1210] clear 0x5000 seq=2 count=1 site=handle_request\n"
                 "G1/1001 [1100 1110] assign 0x5000 key_id=0xabc version=5 seq=1 inserted site=handle_request\n"
                 "G1 [1210] entries in the map = 0\n");
    finish(fixture, 3000);
}

static void test_what_never_changes_is_not_counted(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, map_alloc(1000));
    finish(fixture, 2000);
    assert_null(strstr(fixture->text, "buckets"));
}

static void test_a_map_that_grows_is_counted_from_its_creation(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, map_alloc(1000));
    apply(fixture, (struct event){.kind = EVENT_MAP_GROW,
                                  .time_ns = 2000,
                                  .map_grow = {.map = sessions, .old_B = 2, .new_B = 3, .count = 53}});
    assert_told(fixture, "G1 [1000] buckets count = 4\nG1 [2000] buckets count = 8\n");
    finish(fixture, 3000);
}

static struct event iteration(enum event_kind kind, uint64_t time_ns, uint64_t visited)
{
    struct event event = {.kind = kind, .time_ns = time_ns};
    event.map_iter = (struct event_map_iter){.map = sessions, .iter = 9, .count = 5, .visited = visited};
    event.map_iter.mutated = visited != 0;
    return event;
}

static void test_an_iteration_is_a_slice_with_what_it_visited(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, map_alloc(1000));
    apply(fixture, iteration(EVENT_MAP_ITER_BEGIN, 1100, 0));
    fixture->used = 0;
    apply(fixture, iteration(EVENT_MAP_ITER_END, 1400, 4));
    assert_drawn(fixture, "1234/1234 [1100 1400] iterate sessions count=5 visited=4 mutated\n");
    apply(fixture, iteration(EVENT_MAP_ITER_END, 1500, 4)); /* whose begin is not in the trace */
    finish(fixture, 3000);
    assert_int_equal(timeline_stats(fixture->timeline).unmatched, 1);
}

static void test_operations_are_named_by_keys_that_were_recorded(void **state)
{
    struct fixture *fixture = *state;
    struct event event = map_op(EVENT_MAP_ASSIGN, 1100, 5, 1);
    event.map_op.key = text("a\x01");
    apply(fixture, event);
    apply(fixture, map_op(EVENT_MAP_ACCESS, 1200, 5, 2));
    apply(fixture, map_op(EVENT_MAP_DELETE, 1300, 5, 3));
    finish(fixture, 2000);
    assert_told(fixture, "1234/1234 [1100 1110] assign a\\x01 key_id");
    assert_told(fixture, "1234/1234 [1200 1210] access a\\x01 key_id");
    assert_told(fixture, "1234/1234 [1300 1310] delete a\\x01 <-0 key_id");
    assert_told(fixture, "G1/1001 [1100 1110] assign a\\x01 ->0 key_id");
}

static void test_an_operation_names_the_function_and_what_it_is_inlined_into(void **state)
{
    static const uint64_t pcs[] = {0x31, 0x11, 0x99};
    struct fixture *fixture = *state;
    struct event event = map_op(EVENT_MAP_ACCESS, 1100, 5, 1);
    event.stack = (struct event_stack){.pcs = pcs, .count = 2};
    apply(fixture, event);
    event.stack.pcs = &pcs[1];
    event.map_op.begin_ns = 1200;
    event.map_op.end_ns = 1210;
    event.time_ns = 1212;
    apply(fixture, event);
    finish(fixture, 6000);
    assert_told(fixture, "[1100 1110] access 0x5000 key_id=0xabc version=5 seq=1 site=msc_mutex_unlock <- leave\n");
    assert_told(fixture, "[1200 1210] access 0x5000 key_id=0xabc version=5 seq=1 site=handle_request <- ?\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWING_TEST(test_an_assign_waits_for_the_deletion_that_its_flow_leads_to),
        DRAWING_TEST(test_a_map_that_is_older_than_the_recording_has_its_name_and_entries),
        DRAWING_TEST(test_an_assign_that_is_replaced_carries_no_flow),
        DRAWING_TEST(test_what_an_assign_gives_as_version_is_not_said_again_as_seq),
        DRAWING_TEST(test_a_deletion_of_another_version_has_no_flow),
        DRAWING_TEST(test_an_assign_whose_event_comes_behind_its_successor_is_drawn),
        DRAWING_TEST(test_a_deletion_whose_event_comes_behind_the_next_assign_leaves_that_alone),
        DRAWING_TEST(test_growth_is_a_slice_and_counts_buckets),
        DRAWING_TEST(test_a_clear_empties_the_map_without_flows),
        DRAWING_TEST(test_what_never_changes_is_not_counted),
        DRAWING_TEST(test_a_map_that_grows_is_counted_from_its_creation),
        DRAWING_TEST(test_an_iteration_is_a_slice_with_what_it_visited),
        DRAWING_TEST(test_operations_are_named_by_keys_that_were_recorded),
        DRAWING_TEST(test_an_operation_names_the_function_and_what_it_is_inlined_into),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
