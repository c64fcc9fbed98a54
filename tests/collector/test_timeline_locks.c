/* The timeline: waits, contended holds, and the count of those that wait. */
#include "collector/analyses/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "collector/timeline_fixture.h"

static void test_a_wait_and_a_contended_hold_lie_where_they_happened(void **state)
{
    struct fixture *fixture = *state;
    struct event release = {.kind = EVENT_LOCK_RELEASE,
                            .time_ns = 5005,
                            .tid = WORKER,
                            .lock_release = {.lock = mutex,
                                             .name = text("table"),
                                             .release_ns = 5000,
                                             .contended_ns = 3000,
                                             .waiters = 2,
                                             .charge_ns = 4000}};
    struct event wait = {.kind = EVENT_LOCK_WAIT,
                         .time_ns = 5700,
                         .lock_wait = {.lock = mutex,
                                       .name = text("table"),
                                       .begin_ns = 2000,
                                       .wait_ns = 3100,
                                       .owner_tid = WORKER,
                                       .hold_seq = 8}};
    apply(fixture, release);
    apply(fixture, map_op(EVENT_MAP_ACCESS, 5200, 5, 1)); /* under the lock: emitted before the wait */
    apply(fixture, wait);
    assert_drawn(fixture, "1234/1234 [5200 5210] access 0x5000 key_id=0xabc version=5 seq=1 site=handle_request\n"
                          "G1 [1000] waiting threads = 0\n"
                          "1234/1234 [2000 5100] wait table owner=thread 1235\n");
    finish(fixture, 6000);
    assert_told(fixture, "G1/1 [2000 5000] thread 1235 holds waiters=2 made others wait=0.004 ms charge_ns=4000\n");
    assert_told(fixture, "1234/1235 [5000] release table waiters=2 made others wait=0.004 ms charge_ns=4000\n");
    assert_told(fixture, "G1 [2000] waiting threads = 1\nG1 [5100] waiting threads = 0\n");
    assert_told(fixture, "G1 is lock table (pid 1234), place 32768\n");
    assert_told(fixture, "G1/1 is holds\n");
}

static void test_who_waits_is_counted_from_waits_in_any_order(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, lock_wait(1, 3000, 3500));
    apply(fixture, lock_wait(2, 1100, 4000)); /* began first, is told last */
    apply(fixture, lock_wait(3, 3500, 3600));
    fixture->used = 0;
    finish(fixture, 200000);
    assert_told(fixture, "G1 [1100] waiting threads = 1\n"
                         "G1 [3000] waiting threads = 2\n"
                         "G1 [3600] waiting threads = 1\n"
                         "G1 [4000] waiting threads = 0\n");
    assert_int_equal(timeline_stats(fixture->timeline).written.counters, 5);
}

static void test_a_sampled_wait_counts_for_those_that_it_stands_for(void **state)
{
    struct fixture *fixture = *state;
    struct event sampled = lock_wait(1, 3000, 3500);
    sampled.lock_wait.weight = 10 * EVENT_WEIGHT_ONE;
    apply(fixture, sampled);
    finish(fixture, 200000);
    assert_told(fixture, "G1 [3000] waiting threads = 10\n");
}

static void test_the_count_of_waiters_returns_to_nobody_however_late_a_wait_is_told(void **state)
{
    struct fixture *fixture = *state;
    enum { WAITS = 5000 };
    fixture->is_mute = true;
    for (uint64_t i = 0; i < WAITS; i++) {
        apply(fixture, lock_wait(1, 10000 + 10 * i, 10005 + 10 * i));
        fixture->used = 0;
    }
    apply(fixture, lock_wait(2, 1100, 1200));   /* before what is drawn already: nothing to be seen */
    apply(fixture, lock_wait(3, 1100, 150000)); /* begins there, ends later */
    apply(fixture, lock_wait(1, 160000, 160001));
    uint64_t before = timeline_stats(fixture->timeline).written.counters;
    assert_true(before > WAITS / 2 && before < 2 * WAITS);
    finish(fixture, 200000);
    assert_int_equal(fixture->last_count, 0);
    assert_int_equal(fixture->least_count, 0);
    assert_false(fixture->went_back);
}

static struct event hold_end(uint32_t tid, uint64_t begin_ns, uint64_t end_ns, uint64_t hold_seq)
{
    return (struct event){.kind = EVENT_LOCK_RELEASE,
                          .time_ns = end_ns + 5,
                          .tid = tid,
                          .lock_release = {.lock = mutex,
                                           .release_ns = end_ns,
                                           .contended_ns = end_ns - begin_ns,
                                           .waiters = 1,
                                           .hold_seq = hold_seq}};
}

static void test_a_flow_leads_from_a_release_to_the_acquisition_that_it_let_in(void **state)
{
    struct fixture *fixture = *state;
    struct event wait = lock_wait(MAIN, 2000, 5100);
    wait.lock_wait.hold_seq = 8;
    apply(fixture, hold_end(WORKER, 3000, 5000, 7)); /* the wait began before: no flow could end there */
    apply(fixture, hold_end(MAIN, 5200, 6000, 8));
    fixture->used = 0;
    apply(fixture, wait);
    assert_drawn(fixture, "G1 [1000] waiting threads = 0\n"
                          "1234/1234 [2000 5100] wait 0x6000\n"
                          "1234/1235 [5000] release 0x6000 waiters=1 hold_seq=7\n"
                          "G1/1 [3000 5000] thread 1235 holds ->0 waiters=1 hold_seq=7\n"
                          "1234/1234 [5000 5100] handed on <-0 by=thread 1235\n");
    finish(fixture, 200000);
    assert_told(fixture, "G1/1 [5200 6000] thread 1234 holds waiters=1 hold_seq=8\n");
    assert_int_equal(timeline_stats(fixture->timeline).written.flows, 1);
}

static struct event woken_wait(uint32_t tid, uint64_t begin_ns, uint64_t end_ns)
{
    struct event wait = lock_wait(tid, begin_ns, end_ns);
    wait.lock_wait.kind = CONTENTION_COND;
    return wait;
}

static struct event cond_signal(uint32_t tid, uint64_t begin_ns, uint64_t told_ns, uint32_t woken)
{
    return (struct event){
        .kind = EVENT_COND_SIGNAL,
        .time_ns = told_ns,
        .tid = tid,
        .cond_signal = {.cond = 0x9000, .lock = mutex, .begin_ns = begin_ns, .woken = woken},
    };
}

static void test_a_flow_leads_from_a_signal_to_the_wait_that_it_began(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, cond_signal(WORKER, 3000, 3010, 1));
    apply(fixture, cond_signal(WORKER, 3500, 3510, 1));
    apply(fixture, woken_wait(MAIN, 3500, 5100));
    apply(fixture, lock_wait(MAIN, 5200, 5300));
    finish(fixture, 200000);
    assert_told(fixture, "1234/1235 [3500 3510] signal 0x6000 ->0 woken=1 cond=0x9000\n");
    assert_told(fixture, "1234/1234 [3500 5100] wait 0x6000 <-0\n");
    assert_told(fixture, "1234/1235 [3000 3010] signal 0x6000 woken=1 cond=0x9000\n");
    assert_int_equal(timeline_stats(fixture->timeline).written.flows, 1);
}

static void test_a_broadcast_has_a_flow_to_each_wait_that_it_began(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, cond_signal(WORKER, 3000, 3050, 2));
    apply(fixture, woken_wait(MAIN, 3000, 5100));
    apply(fixture, woken_wait(1236, 3020, 5200));
    finish(fixture, 200000);
    assert_told(fixture, "1234/1235 [3000 3050] signal 0x6000 ->0 woken=2 cond=0x9000\n");
    assert_told(fixture, "1234/1234 [3000 5100] wait 0x6000 <-0\n");
    assert_told(fixture, "1234/1236 [3020 5200] wait 0x6000 <-0\n");
    assert_int_equal(timeline_stats(fixture->timeline).written.flows, 1);
}

static void test_a_signal_is_drawn_though_many_follow_it(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t i = 0; i < 20; i++)
        apply(fixture, cond_signal(WORKER, 3000 + 10 * i, 3005 + 10 * i, 1));
    apply(fixture, woken_wait(MAIN, 3000, 5100)); /* too many came after it */
    finish(fixture, 200000);
    assert_told(fixture, "1234/1235 [3000 3005] signal 0x6000 woken=1 cond=0x9000\n");
    assert_told(fixture, "1234/1235 [3190 3195] signal 0x6000 woken=1 cond=0x9000\n");
    assert_int_equal(timeline_stats(fixture->timeline).written.flows, 0);
}

static void test_a_timed_hold_lies_around_what_was_contended_of_it(void **state)
{
    struct fixture *fixture = *state;
    struct event hold = {.kind = EVENT_LOCK_HOLD,
                         .time_ns = 5010,
                         .tid = WORKER,
                         .lock_hold = {.lock = mutex, .name = text("table"), .begin_ns = 2500, .hold_ns = 2505}};
    apply(fixture, hold_end(WORKER, 3000, 5000, 7));
    apply(fixture, hold);
    hold.lock_hold.begin_ns = 5006; /* nobody waited */
    hold.lock_hold.hold_ns = 2;
    apply(fixture, hold);
    finish(fixture, 200000);
    assert_told(fixture, "G1/1 [2500 5005] held by thread 1235 hold_ns=2505\n");
    assert_told(fixture, "G1/1 [5006 5008] held by thread 1235 hold_ns=2\n");
    assert_told(fixture, "G1/1 [3000 5000] thread 1235 holds waiters=1 hold_seq=7\n");
    assert_int_equal(timeline_stats(fixture->timeline).cut, 0);
}

static void test_no_flow_leads_to_another_acquisition(void **state)
{
    struct fixture *fixture = *state;
    struct event wait = lock_wait(MAIN, 2000, 5100);
    apply(fixture, hold_end(WORKER, 3000, 5000, 7));
    apply(fixture, wait); /* gave up: it began no hold */
    wait.lock_wait.hold_seq = 9;
    apply(fixture, wait);
    wait.lock_wait.hold_seq = 12; /* 11 is told as late as 7, in whose place it is */
    apply(fixture, hold_end(WORKER, 5200, 5500, 11));
    assert_told(fixture, "G1/1 [3000 5000] thread 1235 holds waiters=1 hold_seq=7\n");
    apply(fixture, wait); /* ended before that release */
    finish(fixture, 200000);
    assert_int_equal(timeline_stats(fixture->timeline).written.flows, 0);
}

static void test_a_lock_without_name_is_called_as_in_the_profiles(void **state)
{
    struct fixture *fixture = *state;
    struct event wait = lock_wait(MAIN, 2000, 5100);
    wait.lock_wait.lock = (struct event_object){0x7000, 1};
    apply(fixture, wait);
    finish(fixture, 200000);
    assert_told(fixture, "1234/1234 [2000 5100] wait unnamed in init\n");
    assert_told(fixture, "G1 is lock unnamed in init (pid 1234)");
}

static void test_a_hold_of_no_length_is_handed_on_and_not_drawn(void **state)
{
    struct fixture *fixture = *state;
    struct event release = {.kind = EVENT_LOCK_RELEASE,
                            .time_ns = 5005,
                            .lock_release = {.lock = mutex, .release_ns = 5000, .waiters = 2, .charge_ns = 4000}};
    apply(fixture, release);
    assert_drawn(fixture, "");
    finish(fixture, 6000);
}

static void test_what_began_before_the_trace_is_cut_to_it(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, (struct event){.kind = EVENT_LOCK_WAIT,
                                  .time_ns = 1600,
                                  .lock_wait = {.lock = mutex, .begin_ns = 300, .wait_ns = 1200}});
    assert_drawn(fixture, "G1 [1000] waiting threads = 0\n"
                          "1234/1234 [1000 1500] wait 0x6000 cut_ns=700\n");
    finish(fixture, 2000);
    assert_told(fixture, "slices_cut: 1\n");
}

static void test_a_lock_event_names_the_users_function_and_its_caller(void **state)
{
    static const uint64_t pcs[] = {0x31, 0x11};
    struct fixture *fixture = *state;
    struct event release = {.kind = EVENT_LOCK_RELEASE,
                            .time_ns = 5005,
                            .stack = {.pcs = pcs, .count = 2},
                            .lock_release = {.lock = mutex, .release_ns = 5000, .contended_ns = 3000, .waiters = 1}};
    apply(fixture, release);
    finish(fixture, 6000);
    assert_told(fixture, "G1/1 [2000 5000] thread 1234 holds waiters=1 site=leave <- handle_request\n");
}

/* MAIN holds `mutex` and waits for `other`, WORKER holds that one and waits for `mutex`: since 3000 and 4000. */
static struct lock_snapshot standstill(struct lock_snapshot_lock locks[2], struct lock_snapshot_wait waits[2])
{
    locks[0] = (struct lock_snapshot_lock){
        .object = mutex, .name = "table", .holder_tid = MAIN, .waiters = 1, .since_ns = 3000, .owed_ns = 6000};
    locks[1] = (struct lock_snapshot_lock){
        .object = {0x6100, 1}, .name = "index", .holder_tid = WORKER, .waiters = 1, .since_ns = 4000, .owed_ns = 5000};
    waits[0] = (struct lock_snapshot_wait){
        .lock = 0, .tid = WORKER, .owner_tid = MAIN, .begin_ns = 3000, .wait_ns = 6000, .pcs = {0x11}, .pc_count = 1};
    waits[1] =
        (struct lock_snapshot_wait){.lock = 1, .tid = MAIN, .owner_tid = WORKER, .begin_ns = 4000, .wait_ns = 5000};
    return (struct lock_snapshot){
        .pid = PID, .at_ns = 9000, .has_ended = true, .locks = locks, .lock_count = 2, .waits = waits, .wait_count = 2};
}

static void test_what_waits_still_is_drawn_to_the_end(void **state)
{
    struct fixture *fixture = *state;
    struct lock_snapshot_lock locks[2];
    struct lock_snapshot_wait waits[2];
    struct lock_snapshot snapshot = standstill(locks, waits);
    apply(fixture, map_op(EVENT_MAP_ACCESS, 2000, 5, 1));
    fixture->used = 0;
    assert_int_equal(timeline_apply_snapshot(fixture->timeline, &snapshot, 9000), 0);
    finish(fixture, 2500); /* the last event's time */
    assert_told(fixture, "1234/1235 [3000 9000] wait table owner=thread 1234 result=still waiting deadlock "
                         "site=handle_request\n");
    assert_told(fixture, "1234/1234 [4000 9000] wait index owner=thread 1235 result=still waiting deadlock\n");
    assert_told(fixture, "G2/1 [3000 9000] thread 1234 holds, still waiters=1 charge_ns=6000\n");
    assert_told(fixture, "G3/1 [4000 9000] thread 1235 holds, still waiters=1 charge_ns=5000\n");
    assert_told(fixture, "G2 [3000] waiting threads = 1\n");
}

static void test_what_a_process_waits_for_after_the_recording_is_not_drawn(void **state)
{
    struct fixture *fixture = *state;
    struct lock_snapshot_lock locks[2];
    struct lock_snapshot_wait waits[2];
    struct lock_snapshot snapshot = standstill(locks, waits);
    apply(fixture, map_op(EVENT_MAP_ACCESS, 2000, 5, 1));
    assert_int_equal(timeline_apply_snapshot(fixture->timeline, &snapshot, 3500), 0);
    finish(fixture, 2500);
    assert_told(fixture, "1234/1235 [3000 3500] wait table");
    assert_null(strstr(fixture->text, "index"));
}

/* The first wait alone, which took `wait_ns`. */
static struct lock_snapshot one_that_ended(struct lock_snapshot_lock locks[2], struct lock_snapshot_wait waits[2],
                                           uint64_t wait_ns)
{
    struct lock_snapshot snapshot = standstill(locks, waits);
    snapshot.wait_count = 1;
    waits[0].state = LOCK_WAIT_ENDED;
    waits[0].wait_ns = wait_ns;
    return snapshot;
}

static void test_a_wait_that_ended_without_an_event_has_its_length(void **state)
{
    struct fixture *fixture = *state;
    struct lock_snapshot_lock locks[2];
    struct lock_snapshot_wait waits[2];
    struct lock_snapshot snapshot = one_that_ended(locks, waits, 500);
    locks[0].waiters = 0;
    apply(fixture, map_op(EVENT_MAP_ACCESS, 2000, 5, 1));
    assert_int_equal(timeline_apply_snapshot(fixture->timeline, &snapshot, 9000), 0);
    finish(fixture, 2500);
    assert_told(fixture, "1234/1235 [3000 3500] wait table owner=thread 1234 site=handle_request\n");
    assert_null(strstr(fixture->text, "holds"));
}

static void test_a_wait_of_a_damaged_length_ends_with_the_recording(void **state)
{
    struct fixture *fixture = *state;
    struct lock_snapshot_lock locks[2];
    struct lock_snapshot_wait waits[2];
    struct lock_snapshot snapshot = one_that_ended(locks, waits, UINT64_MAX - 100); /* from 3000: 2899 in 64 bits */
    apply(fixture, map_op(EVENT_MAP_ACCESS, 2000, 5, 1));
    assert_int_equal(timeline_apply_snapshot(fixture->timeline, &snapshot, 9000), 0);
    finish(fixture, 2500);
    assert_told(fixture, "1234/1235 [3000 9000] wait table");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWING_TEST(test_what_waits_still_is_drawn_to_the_end),
        DRAWING_TEST(test_what_a_process_waits_for_after_the_recording_is_not_drawn),
        DRAWING_TEST(test_a_wait_that_ended_without_an_event_has_its_length),
        DRAWING_TEST(test_a_wait_of_a_damaged_length_ends_with_the_recording),
        DRAWING_TEST(test_a_wait_and_a_contended_hold_lie_where_they_happened),
        DRAWING_TEST(test_who_waits_is_counted_from_waits_in_any_order),
        DRAWING_TEST(test_a_sampled_wait_counts_for_those_that_it_stands_for),
        DRAWING_TEST(test_the_count_of_waiters_returns_to_nobody_however_late_a_wait_is_told),
        DRAWING_TEST(test_a_flow_leads_from_a_release_to_the_acquisition_that_it_let_in),
        DRAWING_TEST(test_a_flow_leads_from_a_signal_to_the_wait_that_it_began),
        DRAWING_TEST(test_a_broadcast_has_a_flow_to_each_wait_that_it_began),
        DRAWING_TEST(test_a_signal_is_drawn_though_many_follow_it),
        DRAWING_TEST(test_a_timed_hold_lies_around_what_was_contended_of_it),
        DRAWING_TEST(test_no_flow_leads_to_another_acquisition),
        DRAWING_TEST(test_a_lock_without_name_is_called_as_in_the_profiles),
        DRAWING_TEST(test_a_hold_of_no_length_is_handed_on_and_not_drawn),
        DRAWING_TEST(test_what_began_before_the_trace_is_cut_to_it),
        DRAWING_TEST(test_a_lock_event_names_the_users_function_and_its_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
