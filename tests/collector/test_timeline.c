/* The timeline: processes, threads and groups, regions and notes, and what is told of the recording. */
#include "collector/analyses/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "collector/timeline_fixture.h"

static void test_regions_that_cross_end_with_the_outer_one(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, region(EVENT_REGION_BEGIN, 1, 1100));
    apply(fixture, region(EVENT_REGION_BEGIN, 2, 1200));
    apply(fixture, region(EVENT_REGION_END, 1, 1300));
    apply(fixture, region(EVENT_REGION_END, 2, 1400));
    assert_drawn(fixture, "1234/1234 [1200 1300] GET / unfinished\n"
                          "1234/1234 [1100 1300] GET /\n");
    finish(fixture, 2000);
    assert_int_equal(timeline_stats(fixture->timeline).unmatched, 1);
}

static void test_a_thread_that_exits_ends_what_it_had_open(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, region(EVENT_REGION_BEGIN, 1, 1100));
    apply(fixture, (struct event){.kind = EVENT_THREAD_EXIT, .time_ns = 1500});
    apply(fixture, region(EVENT_REGION_BEGIN, 2, 1600)); /* the tid of another thread now */
    apply(fixture, region(EVENT_REGION_END, 2, 1700));
    assert_drawn(fixture, "1234/1234 [1100 1500] GET / unfinished\n"
                          "1234/1234 [1600 1700] GET /\n");
    finish(fixture, 2000);
}

static void test_a_pid_that_no_kernel_gives_is_unknown(void **state)
{
    struct fixture *fixture = *state;
    struct event damaged = map_op(EVENT_MAP_ASSIGN, 1100, 5, 1);
    damaged.pid = TIMELINE_SYNTHETIC_PID + 1; /* that of the map's group */
    damaged.tid = UINT32_MAX;
    apply(fixture, damaged);
    finish(fixture, 2000);
    assert_told(fixture, "G0/4194304 [1100 1110] assign 0x5000");
    assert_told(fixture, "G0 is unknown process");
    assert_told(fixture, "G0/4194304 is unknown thread");
    assert_told(fixture, "G1 is map 0x5000 (pid 0)");
}

static void test_logs_faults_and_variants_are_instants(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, (struct event){.kind = EVENT_LOG,
                                  .time_ns = 1100,
                                  .note = {.category = text("app"), .message = text("a\xffz"), .truncated = true}});
    apply(fixture,
          (struct event){.kind = EVENT_VARIANT, .time_ns = 1200, .note = {.id = 3, .message = text("sharded")}});
    apply(fixture, (struct event){.kind = EVENT_MAP_FAULT,
                                  .time_ns = 1300,
                                  .map_fault = {.map = sessions, .kind = 1, .key_id = 0xabc, .other_tid = WORKER}});
    assert_drawn(fixture, "1234/1234 [1100] a\uFFFDz truncated\n"
                          "1234/1234 [1200] sharded id=3\n"
                          "1234/1234 [1300] concurrent write map=0x5000 key_id=0xabc other_thread=1235\n");
    finish(fixture, 3000);
}

static void test_what_a_flavour_tells_is_an_instant(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, (struct event){.kind = EVENT_SYNCMAP_PROMOTE,
                                  .time_ns = 1100,
                                  .syncmap_promote = {.map = sessions, .misses = 9, .dirty_len = 8}});
    apply(fixture, (struct event){.kind = EVENT_MAP_WRITER_TIMEOUT,
                                  .time_ns = 1200,
                                  .map_writer_timeout = {.map = sessions, .key_id = 0xabc, .waited_ns = 77}});
    apply(fixture, (struct event){.kind = EVENT_RECLAIM_STALL,
                                  .time_ns = 1300,
                                  .reclaim_stall = {.reader_tid = WORKER, .pending_bytes = 4096, .waited_ns = 55}});
    assert_drawn(fixture, "1234/1234 [1100] promotion map=0x5000 misses=9 dirty_len=8\n"
                          "1234/1234 [1200] write timed out map=0x5000 key_id=0xabc waited_ns=77\n"
                          "1234/1234 [1300] stalled by a reader reader=1235 pending_bytes=4096 waited_ns=55\n");
    finish(fixture, 3000);
}

static struct event thread_name(uint32_t tid, const char *name)
{
    return (struct event){
        .kind = EVENT_THREAD_START, .pid = PID, .tid = tid, .time_ns = 1000, .thread = {.name = text(name)}};
}

static void test_threads_of_one_name_are_told_apart(void **state)
{
    struct fixture *fixture = *state;
    struct process_table processes;
    struct event names[] = {thread_name(7, "phone"), thread_name(8, "visitor"), thread_name(9, "visitor")};
    process_table_init(&processes);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(process_table_apply(&processes, &names[i]), 0);
    restart(fixture, NULL, &processes);
    for (uint32_t i = 0; i < 3; i++) {
        struct event event = map_op(EVENT_MAP_ASSIGN, 1100 + 100 * i, 5 + i, 1 + i);
        event.tid = 7 + i;
        apply(fixture, event);
    }
    struct event wait = lock_wait(8, 1500, 1600);
    wait.lock_wait.owner_tid = 7;
    apply(fixture, wait);
    finish(fixture, 200000);
    assert_told(fixture, "G1/1001 is assigns \u00b7 phone\n");
    assert_told(fixture, "G1/1002 is assigns \u00b7 visitor 8\n");
    assert_told(fixture, "G1/1003 is assigns \u00b7 visitor 9\n");
    assert_told(fixture, "1234/8 [1500 1600] wait 0x6000 owner=phone (7)\n");
    assert_told(fixture, "1234/8 is visitor\n");
    assert_told(fixture, "G1 is map 0x5000, place 1\n"); /* there is one process alone */
    process_table_fini(&processes);
}

static void test_the_first_thing_is_at_the_beginning_of_the_recording(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, region(EVENT_REGION_BEGIN, 1, 1500));
    finish(fixture, 2000);
    assert_told(fixture, "1234/1234 [1000] recording begins\n");
}

static void test_losses_are_told_in_the_metadata(void **state)
{
    struct fixture *fixture = *state;
    finish(fixture, 3000);
    assert_told(fixture, "recording: the recording ended by --max-size; the program went on\nlost_events: 12\n"
                         "damaged_packets: 3\nknown_traces: 1\n");
}

static struct event other(const char *name, uint32_t cpu, uint64_t time_ns)
{
    bool is_kernel = !strchr(name, ':');
    return (struct event){
        .kind = EVENT_OTHER, .time_ns = time_ns, .other = {.name = text(name), .cpu = cpu, .is_kernel = is_kernel}};
}

static void test_a_kernel_trace_has_a_row_for_each_cpu(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, map_alloc(1000));
    fixture->used = 0;
    apply(fixture, other("sched_switch", 0, 1100));
    apply(fixture, other("syscall_entry_futex", 3, 1200));
    apply(fixture, other("irq_handler_entry", UINT32_MAX, 1300));
    assert_drawn(fixture, "G2/1 [1100] sched_switch\nG2/4 [1200] syscall_entry_futex\n"
                          "G2/4096 [1300] irq_handler_entry\n");
    finish(fixture, 2000);
    assert_told(fixture, "G2 is kernel, place 2147483647\n");
    assert_told(fixture, "G2/1 is CPU 0\nG2/4 is CPU 3\nG2/4096 is CPU 4095\n");
}

static void test_events_of_other_providers_lie_on_their_threads(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, other("my_app:request", 0, 1100));
    apply(fixture, other("lttng_ust_statedump:end", 0, 1200));
    assert_drawn(fixture, "1234/1234 [1100] my_app:request\n");
    finish(fixture, 2000);
}

static void test_groups_of_a_process_stand_behind_it_and_before_the_next(void **state)
{
    struct fixture *fixture = *state;
    struct event next = map_alloc(1200);
    struct event lock = {
        .kind = EVENT_LOCK_RELEASE, .time_ns = 1100, .lock_release = {.lock = mutex, .release_ns = 1050}};
    next.pid = next.tid = 7;
    apply(fixture, lock);
    apply(fixture, map_alloc(1000));
    apply(fixture, next);
    fixture->used = 0;
    finish(fixture, 2000);
    assert_told(fixture, "G1 is lock 0x6000 (pid 1234), place 32768\n");
    assert_told(fixture, "G2 is map sessions (pid 1234), place 1\n");
    assert_told(fixture, "G3 is map sessions (pid 7), place 65537\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWING_TEST(test_regions_that_cross_end_with_the_outer_one),
        DRAWING_TEST(test_a_thread_that_exits_ends_what_it_had_open),
        DRAWING_TEST(test_a_pid_that_no_kernel_gives_is_unknown),
        DRAWING_TEST(test_logs_faults_and_variants_are_instants),
        DRAWING_TEST(test_what_a_flavour_tells_is_an_instant),
        DRAWING_TEST(test_threads_of_one_name_are_told_apart),
        DRAWING_TEST(test_the_first_thing_is_at_the_beginning_of_the_recording),
        DRAWING_TEST(test_losses_are_told_in_the_metadata),
        DRAWING_TEST(test_a_kernel_trace_has_a_row_for_each_cpu),
        DRAWING_TEST(test_events_of_other_providers_lie_on_their_threads),
        DRAWING_TEST(test_groups_of_a_process_stand_behind_it_and_before_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
