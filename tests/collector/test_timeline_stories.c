/* The timeline: what is told about a key that the diagnosis found lost. */
#include "collector/analyses/timeline.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "collector/timeline_fixture.h"

static char alice[] = "user:alice";

/* From the beginning, knowing that version 6 of the key 0xabc was lost; `key` is NULL if it was not recorded. */
static void start_story(struct fixture *fixture, char *key)
{
    static char map_name[] = "sessions";
    static struct finding finding;
    static const struct findings findings = {.items = &finding, .count = 1};
    finding = (struct finding){.severity = FINDING_CERTAIN,
                               .pid = PID,
                               .map = sessions,
                               .map_name = map_name,
                               .key_id = 0xabc,
                               .key = key,
                               .operations = {{.tid = MAIN, .version = 5}, {.tid = MAIN, .version = 6}},
                               .operation_count = 2,
                               .sentence = "why"};
    restart(fixture, &findings, NULL);
}

/* MAIN's entry is replaced by WORKER's, which MAIN's cleanup removes; then WORKER misses it. */
static void tell_how_a_key_is_lost(struct fixture *fixture)
{
    replace_under_cleanup(fixture);
    run_cleanup(fixture, 5, 6, 3);
    struct event miss = map_op(EVENT_MAP_ACCESS, 1700, 0, 4);
    miss.tid = WORKER;
    miss.map_op.found = false;
    apply(fixture, miss);
}

static void test_a_lost_key_is_told_on_rows_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    start_story(fixture, alice);
    tell_how_a_key_is_lost(fixture);
    finish(fixture, 2000);
    assert_told(fixture, "G1/1 [1500 1501] lost key user:alice <-1 key_id=0xabc key=user:alice map=sessions what=why "
                         "certainty=certain\n");
    assert_told(fixture,
                "G1/101 [1100 1300] thread 1234's version 5 version=5 ended by=thread 1235 assigned over it\n");
    assert_told(fixture, "G1/101 [1300 1500] thread 1235's version 6 version=6 ended by=thread 1234 deleted it\n");
    assert_told(fixture, "G1/102 [1200 1600] drop_session pending, registered at version 5 version_at_push=5 "
                         "pushed_by=thread 1234\n");
    assert_told(fixture, "G1/102 [1400 1600] drop_session runs\n");
    assert_told(fixture, "G1/1 is lost keys\n");
    assert_told(fixture, "G1/101 is user:alice \u00b7 entry\n");
    assert_told(fixture, "G1/102 is user:alice \u00b7 cleanup of thread 1234\n");
}

static void test_operations_on_a_lost_key_are_named_by_it(void **state)
{
    struct fixture *fixture = *state;
    start_story(fixture, alice);
    tell_how_a_key_is_lost(fixture);
    assert_told(fixture, "1234/1234 [1500 1510] STALE delete user:alice key_id");
    assert_told(fixture, "G1/2001 [1500 1510] STALE delete user:alice <-1 key_id");
    assert_told(fixture, "1234/1235 [1700 1710] miss user:alice key_id=0xabc seq=4 missed");
    finish(fixture, 2000);
}

static void test_a_lost_key_that_was_not_recorded_is_shown_by_its_id_on_rows_alone(void **state)
{
    struct fixture *fixture = *state;
    start_story(fixture, NULL);
    tell_how_a_key_is_lost(fixture);
    finish(fixture, 2000);
    assert_told(fixture, "G1/1 [1500 1501] lost key <-1 ");
    assert_told(fixture, "G1/2001 [1500 1510] STALE delete sessions <-1 ");
    assert_told(fixture, "1234/1235 [1700 1710] miss sessions ");
    assert_told(fixture, "G1/101 is 0xabc \u00b7 entry\n");
}

static void test_cleanups_of_one_key_that_overlap_lie_on_different_rows(void **state)
{
    struct fixture *fixture = *state;
    start_story(fixture, alice);
    apply(fixture, map_alloc(1000));
    for (uint64_t action = 1; action <= 3; action++) { /* the third begins when the first has ended */
        struct event push = defer_event(EVENT_DEFER_PUSH, action < 3 ? 1100 + action : 1400, action);
        struct event begin = defer_event(EVENT_DEFER_RUN_BEGIN, 1300, action);
        struct event end = defer_event(EVENT_DEFER_RUN_END, 1310, action);
        push.defer.action = begin.defer.action = end.defer.action = action;
        apply(fixture, push);
        if (action == 2) {
            apply(fixture, begin);
            apply(fixture, end);
            begin.defer.action = end.defer.action = 1;
            apply(fixture, begin);
            apply(fixture, end);
        }
    }
    finish(fixture, 2000);
    assert_told(fixture, "G1/102 [1102 1310] drop_session pending, registered at version 2");
    assert_told(fixture, "G1/103 [1101 1310] drop_session pending, registered at version 1");
    assert_told(fixture, "G1/102 [1400 2000] drop_session pending, registered at version 3 version_at_push=3 "
                         "pushed_by=thread 1234 never_run\n");
}

static void test_an_entry_that_is_there_at_the_end_is_told_to_be(void **state)
{
    struct fixture *fixture = *state;
    start_story(fixture, alice);
    apply(fixture, map_op(EVENT_MAP_ASSIGN, 1100, 5, 1));
    finish(fixture, 2000);
    assert_told(fixture, "G1/101 [1100 2000] thread 1234's version 5 version=5 unfinished\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWING_TEST(test_a_lost_key_is_told_on_rows_of_its_own),
        DRAWING_TEST(test_operations_on_a_lost_key_are_named_by_it),
        DRAWING_TEST(test_a_lost_key_that_was_not_recorded_is_shown_by_its_id_on_rows_alone),
        DRAWING_TEST(test_cleanups_of_one_key_that_overlap_lie_on_different_rows),
        DRAWING_TEST(test_an_entry_that_is_there_at_the_end_is_told_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
