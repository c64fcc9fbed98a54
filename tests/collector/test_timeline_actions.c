/* The timeline: deferred actions, from the registration to the end of the run. */
#include "collector/analyses/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "collector/timeline_fixture.h"

static void test_a_stale_cleanup_is_marked_and_joined_to_the_assign_that_it_removes(void **state)
{
    struct fixture *fixture = *state;
    replace_under_cleanup(fixture);
    fixture->used = 0;
    run_cleanup(fixture, 5, 6, 3);
    assert_drawn(fixture,
                 "1234/1234 [1200 1201] defer ->0 defers=drop_session key_id=0xabc version=5\n"
                 "G1/1002 [1300 1310] assign sessions ->1 key_id=0xabc version=6 seq=2 site=handle_request\n"
                 "1234/1234 [1500 1510] STALE delete sessions key_id=0xabc version=6 seq=3 site=handle_request "
                 "version_at_push=5 stale\n"
                 "G1/2001 [1500 1510] STALE delete sessions <-1 key_id=0xabc version=6 seq=3 site=handle_request "
                 "version_at_push=5 stale\n"
                 "G1 [1510] entries in the map = 3\n"
                 "1234/1234 [1400 1600] drop_session key_id=0xabc version_at_push=5 pushed_by=thread 1234\n"
                 "G1/2001 [1400 1600] drop_session <-0 key_id=0xabc version_at_push=5 pushed_by=thread 1234\n");
    finish(fixture, 2000);
    assert_told(fixture, "G1/2001 is deferred cleanup \u00b7 thread 1234\n");
}

/* A cleanup of an entry that had `seen` when it was registered, and has `removed` when it runs. */
static void draw_cleanup(struct fixture *fixture, uint64_t seen, uint64_t removed)
{
    apply(fixture, defer_event(EVENT_DEFER_PUSH, 1100, seen));
    apply(fixture, map_op(EVENT_MAP_ASSIGN, 1200, removed, 1));
    run_cleanup(fixture, seen, removed, 2);
    finish(fixture, 2000);
}

static void test_a_cleanup_of_its_own_version_is_not_stale(void **state)
{
    struct fixture *fixture = *state;
    draw_cleanup(fixture, 5, 5);
    assert_null(strstr(fixture->text, "stale"));
}

static void test_a_cleanup_that_was_registered_before_the_insertion_is_not_stale(void **state)
{
    struct fixture *fixture = *state;
    draw_cleanup(fixture, 0, 5);
    assert_null(strstr(fixture->text, "stale"));
}

static void test_an_action_without_a_map_runs_on_the_thread_alone(void **state)
{
    struct fixture *fixture = *state;
    struct event push = defer_event(EVENT_DEFER_PUSH, 1200, 0);
    struct event begin = defer_event(EVENT_DEFER_RUN_BEGIN, 1300, 0);
    struct event end = defer_event(EVENT_DEFER_RUN_END, 1400, 0);
    push.defer.map.address = begin.defer.map.address = end.defer.map.address = 0;
    push.defer.key_id = 0;
    begin.tid = end.tid = WORKER;
    apply(fixture, push);
    apply(fixture, begin);
    apply(fixture, end);
    assert_drawn(fixture, "1234/1234 [1200 1201] defer ->0 defers=drop_session\n"
                          "1234/1235 [1300 1400] drop_session <-0 pushed_by=thread 1234\n");
    finish(fixture, 2000);
}

static void test_a_registration_is_drawn_on_its_thread_after_that_has_exited(void **state)
{
    struct fixture *fixture = *state;
    struct event begin = defer_event(EVENT_DEFER_RUN_BEGIN, 1400, 5);
    begin.tid = WORKER;
    apply(fixture, defer_event(EVENT_DEFER_PUSH, 1200, 5));
    apply(fixture, (struct event){.kind = EVENT_THREAD_EXIT, .time_ns = 1300});
    apply(fixture, begin);
    assert_drawn(fixture, "1234/1234 [1200 1201] defer ->0 defers=drop_session key_id=0xabc version=5\n");
    finish(fixture, 2000);
}

static void test_an_action_that_never_runs_is_drawn_without_a_flow(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, defer_event(EVENT_DEFER_PUSH, 1200, 5));
    finish(fixture, 2000);
    assert_told(fixture, "1234/1234 [1200 1201] defer defers=drop_session key_id=0xabc version=5 never_run\n");
}

static void test_a_run_that_does_not_end_ends_with_the_trace_and_says_so(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, defer_event(EVENT_DEFER_PUSH, 1200, 5));
    apply(fixture, defer_event(EVENT_DEFER_RUN_BEGIN, 1300, 5));
    apply(fixture, region(EVENT_REGION_BEGIN, 1, 1400));
    fixture->used = 0;
    finish(fixture, 9000);
    assert_told(fixture, "1234/1234 [1400 9000] GET / unfinished\n"
                         "1234/1234 [1300 9000] drop_session key_id=0xabc version_at_push=5 pushed_by=thread 1234 "
                         "unfinished\n"
                         "G1/2001 [1300 9000] drop_session <-0 ");
    assert_told(fixture, "slices_unfinished: 2\n");
}

static void test_a_map_may_be_freed_while_its_cleanup_runs(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, map_alloc(1000));
    apply(fixture, map_op(EVENT_MAP_ASSIGN, 1100, 5, 1));
    apply(fixture, defer_event(EVENT_DEFER_RUN_BEGIN, 1300, 5));
    apply(fixture, (struct event){.kind = EVENT_MAP_FREE, .time_ns = 1400, .map_life = {.map = sessions}});
    fixture->used = 0;
    apply(fixture, defer_event(EVENT_DEFER_RUN_END, 1500, 5));
    assert_drawn(fixture,
                 "1234/1234 [1300 1500] drop_session key_id=0xabc version_at_push=5\n"
                 "G1/2001 [1300 1500] drop_session key_id=0xabc version_at_push=5\n"
                 "G1/1001 [1100 1110] assign sessions key_id=0xabc version=5 seq=1 inserted site=handle_request\n"
                 "G1 is map sessions (pid 1234), place 1\n"
                 "G1/1001 is assigns \u00b7 thread 1234\n"
                 "G1/2001 is deferred cleanup \u00b7 thread 1234\n");
    finish(fixture, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWING_TEST(test_a_stale_cleanup_is_marked_and_joined_to_the_assign_that_it_removes),
        DRAWING_TEST(test_a_cleanup_of_its_own_version_is_not_stale),
        DRAWING_TEST(test_a_cleanup_that_was_registered_before_the_insertion_is_not_stale),
        DRAWING_TEST(test_an_action_without_a_map_runs_on_the_thread_alone),
        DRAWING_TEST(test_a_registration_is_drawn_on_its_thread_after_that_has_exited),
        DRAWING_TEST(test_an_action_that_never_runs_is_drawn_without_a_flow),
        DRAWING_TEST(test_a_run_that_does_not_end_ends_with_the_trace_and_says_so),
        DRAWING_TEST(test_a_map_may_be_freed_while_its_cleanup_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
