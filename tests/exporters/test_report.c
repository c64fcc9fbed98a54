/* The report, word for word. */
#include "model/contention_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "exporters/exporter.h"

struct run {
    struct fixture f;
    struct findings findings;
    struct lock_snapshots snapshots;
    char text[16384];
    size_t size;
};

static int remember(void *self, const void *bytes, size_t size)
{
    struct run *run = self;
    assert_true(run->size + size < sizeof run->text);
    memcpy(run->text + run->size, bytes, size);
    run->size += size;
    run->text[run->size] = '\0';
    return 0;
}

static void init(struct run *run)
{
    run->size = 0;
    run->snapshots = (struct lock_snapshots){0};
    fixture_init(&run->f);
    findings_init(&run->findings);
}

static void fini(struct run *run)
{
    fixture_fini(&run->f);
    findings_fini(&run->findings);
}

static int write_to(struct run *run, struct outbuf *out)
{
    struct export_input input = {.source = "/var/trace",
                                 .begin_ns = 1000,
                                 .end_ns = 2000001000,
                                 .end_epoch_ns = 1700000000000000000,
                                 .own_events = 30,
                                 .losses = &run->f.losses,
                                 .processes = &run->f.processes,
                                 .stacks = run->f.stacks,
                                 .symbols = &run->f.symbols,
                                 .contention = &run->f.view,
                                 .findings = &run->findings,
                                 .snapshots = &run->snapshots};
    return exporter_report.write(&input, out, NULL);
}

static const char *report(struct run *run)
{
    struct outbuf out;
    assert_int_equal(outbuf_init(&out, remember, run), 0);
    assert_int_equal(write_to(run, &out), 0);
    assert_int_equal(outbuf_flush(&out), 0);
    outbuf_fini(&out);
    return run->text;
}

static void assert_says(const char *text, const char *words)
{
    if (!strstr(text, words))
        assert_string_equal(text, words);
}

static void add_finding(struct run *run)
{
    struct fixture *f = &run->f;
    struct finding finding = {
        .kind = FINDING_LOST_KEY,
        .severity = FINDING_CERTAIN,
        .pid = SERVER,
        .map = {0x9000, 1},
        .map_name = strdup("sessions"),
        .key_id = 0xfeed,
        .key = strdup("alice"),
        .operations = {{"register cleanup", SERVER, SERVER, 501000, 502000, 1, IN_REMOVE - 1, f->put_unlock},
                       {"assign", SERVER, SERVER, 1000001000, 1000002000, 2, 0, f->remove_unlock},
                       {"delete", SERVER, 7, 1500001777, 1500002000, 2, 0, 0}},
        .operation_count = 3,
        .misses = 4,
        .sentence = "The clean-up was registered for an entry that another request has replaced since, and removed "
                    "the new one. Bind it to the version.",
    };
    assert_int_equal(findings_add(&run->findings, &finding), 0);
}

/* clang-format off */
static const char expected[] =
    "mapscope report of /var/trace\n"
    "\n"
    "1 finding. 8 waits for locks, 1.500 s in all. Nothing was lost.\n"
    "\n"
    "Findings (times since the recording began)\n"
    "------------------------------------------\n"
    "1. lost key, certain\n"
    "   key alice (id 0xfeed) of map sessions (0x9000) in server (pid 100)\n"
    "   The clean-up was registered for an entry that another request has replaced since, and removed\n"
    "   the new one. Bind it to the version.\n"
    "\n"
    "   +0.000500000 s  register cleanup cache_remove(int)  thread 100  version 1\n"
    "       key_hash                            session_cache.c:7  (inlined)\n"
    "       cache_put                           session_cache.c:12\n"
    "       handle_request                      session_cache.c:33\n"
    "       main                                session_cache.c:44\n"
    "   +1.000000000 s  assign  thread 100  version 2\n"
    "       cache_remove(int)                   session_cache.c:22\n"
    "       main                                session_cache.c:44\n"
    "   +1.500000777 s  delete  thread 7  version 2\n"
    "       (no stack was recorded)\n"
    "   4 look-ups of the key failed afterwards\n"
    "\n"
    "Locks\n"
    "-----\n"
    "7 contended of 5,000 lock operations (exact, 1 of 2 locks)\n"
    "sampling: none, every contention is recorded\n"
    "from the events: charged and handed off 1,500,001,277 ns, waited 1,500,001,277 ns: they agree\n"
    "exact totals: charged and handed off 1,500,000,977 ns, waited 1,500,000,977 ns: they agree\n"
    "\n"
    "1. session table, a mutex of server (pid 100)\n"
    "   7 waits, 1.500 s in all, longest 500.0 ms; 7 contended of 5,000 operations\n"
    "   made others wait (where the lock was released):\n"
    "        1.500 s  100.0 %  10 times, longest 500.0 ms\n"
    "                   key_hash                            session_cache.c:7  (inlined)\n"
    "                   cache_put                           session_cache.c:12\n"
    "                   handle_request                      session_cache.c:33\n"
    "                   main                                session_cache.c:44\n"
    "         200 ns    0.0 %  3 times, longest 100 ns\n"
    "                   cache_remove(int)                   session_cache.c:22\n"
    "                   main                                session_cache.c:44\n"
    "         777 ns    0.0 %  hand-off: released, but the next owner not yet running\n"
    "   waited:\n"
    "        1.000 s   66.7 %  6 times, longest 400.0 ms\n"
    "                   key_hash                            session_cache.c:7  (inlined)\n"
    "                   cache_put                           session_cache.c:12\n"
    "                   handle_request                      session_cache.c:33\n"
    "                   main                                session_cache.c:44\n"
    "       500.0 ms   33.3 %  1 time, longest 500.0 ms, timeout\n"
    "                   handle_request                      session_cache.c:33\n"
    "                   main                                session_cache.c:44\n"
    "\n"
    "2. 0x8000, a mutex of server (pid 101)\n"
    "   1 wait, 300 ns in all, longest 300 ns\n"
    "   made others wait (where the lock was released):\n"
    "         300 ns  100.0 %  1 time, longest 300 ns, shared\n"
    "                   key_hash                            session_cache.c:7  (inlined)\n"
    "                   cache_put                           session_cache.c:12\n"
    "                   main                                session_cache.c:44\n"
    "   waited:\n"
    "         300 ns  100.0 %  1 time, longest 300 ns, shared\n"
    "                   key_hash                            session_cache.c:7  (inlined)\n"
    "                   cache_put                           session_cache.c:12\n"
    "                   0x123455\n"
    "                   main                                session_cache.c:44\n"
    "\n"
    "Recording\n"
    "---------\n"
    "2.000 s until 2023-11-14 22:13:20 UTC\n"
    "1,234 events, 30 of them mapscope's\n"
    "server (pid 100), 1 thread\n"
    "server (pid 101), 1 thread\n"
    "\n"
    "Losses\n"
    "------\n"
    "nothing was lost\n"
    "\n"
    "Symbols\n"
    "-------\n"
    "frames in no module that the trace knows: 1\n";
/* clang-format on */

static void test_the_whole_report(void **state)
{
    (void)state;
    static struct run run;
    init(&run);
    add_finding(&run);
    assert_string_equal(report(&run), expected);
    fini(&run);
}

static void test_one_fault_that_happens_often_is_told_once(void **state)
{
    (void)state;
    struct run run;
    init(&run);
    for (int i = 0; i < 3; i++)
        add_finding(&run);
    run.findings.items[0].severity = FINDING_SUSPECTED;
    run.findings.items[1].operations[0].begin_ns = 601000;
    add_finding(&run);
    run.findings.items[3].operations[1].stack = run.f.put_unlock; /* from elsewhere: another fault */
    const char *text = report(&run);
    assert_says(text, "4 findings.");
    assert_says(text, "1. lost key, certain, 3 times; once like this:\n");
    assert_says(text, "+0.000600000 s  register cleanup"); /* the first that is certain */
    assert_says(text, "12 look-ups of the key failed afterwards in all\n");
    assert_says(text, "2. lost key, certain\n");
    assert_null(strstr(text, "3. lost key"));
    fini(&run);
}

/* The workers of one program: the same code, on a map each of the same name. */
static void test_a_fault_of_many_processes_is_told_once(void **state)
{
    (void)state;
    struct run run;
    init(&run);
    struct fixture *f = &run.f;
    for (int i = 0; i < 5; i++) {
        uint32_t pid = i == 1 || i == 2 ? WORKER : SERVER;
        add_finding(&run);
        struct finding *finding = &run.findings.items[i];
        finding->pid = pid;
        finding->map.address += pid;
        finding->operations[0].stack = STACK(f, pid, IN_UNLOCK, IN_PUT, IN_MAIN);
        finding->operations[1].stack = STACK(f, pid, IN_LOCK, IN_MAIN);
    }
    strcpy(run.findings.items[3].map_name, "others");
    run.findings.items[4].kind = FINDING_GROWTH_BURST;
    const char *text = report(&run);
    assert_says(text, "1. lost key, certain, 3 times in 2 processes; once like this:\n");
    assert_says(text, "2. lost key, certain\n");
    assert_says(text, "3. growth burst, certain\n");
    assert_null(strstr(text, "\n4. "));
    fini(&run);
}

/* Without a stack nothing says that it is the same place. */
static void test_findings_of_no_known_place_are_told_for_each_map(void **state)
{
    (void)state;
    struct run run;
    init(&run);
    for (int i = 0; i < 3; i++) {
        add_finding(&run);
        run.findings.items[i].operations[0] = run.findings.items[i].operations[2];
        run.findings.items[i].operation_count = 1;
    }
    run.findings.items[2].map.address++;
    const char *text = report(&run);
    assert_says(text, "1. lost key, certain, 2 times; once like this:\n");
    assert_says(text, "2. lost key, certain\n");
    fini(&run);
}

static void test_findings_beyond_the_bound_are_counted(void **state)
{
    (void)state;
    static struct run run;
    init(&run);
    for (int i = 0; i < FINDINGS_KEPT_MAX + 3; i++)
        add_finding(&run);
    assert_says(report(&run), "\n3 more findings were not kept\n");
    fini(&run);
}

static void test_what_sampling_leaves_open_is_told(void **state)
{
    (void)state;
    static struct run run;
    init(&run);
    run.f.view.wait_variance = 1e16;
    run.f.view.mutex_variance = 4e16;
    run.f.view.totals.wait_ns = 1600000000;
    run.f.sites[0].delay_variance = 1e16;
    run.f.locks[0].map = "sessions";
    static const char *const notes[] = {"2 threads\nwere not prepared"};
    run.f.view.notes = notes;
    run.f.view.note_count = 1;
    run.f.view.handoff_ns += 1000;
    const char *text = report(&run);
    assert_says(text, "\nNo findings. About 8 waits for locks, 1.500 s in all.");
    assert_says(text, ": they differ by 1,000 ns, as samples do\n");
    assert_says(text, "note: 2 threads?were not prepared\n");
    assert_says(text, "estimated from samples: waited 1.500 s +- 196.0 ms (95 %), charged and handed off 1.500 s "
                      "+- 392.0 ms (95 %)\nof the exact total, the waits are 6.2 % too few\n");
    assert_says(text, "1.500 s  100.0 % +- 196.0 ms (95 %)  10 times, longest 500.0 ms\n");
    assert_says(text, "1. session table, a mutex of map sessions in server (pid 100)\n");
    fini(&run);
}

/* Threads 7 (holds the session table, waits for another) and 8 (the reverse), and 9 that waits as well. */
static struct lock_snapshot standing_still(const struct run *run, struct lock_snapshot_lock *locks,
                                           struct lock_snapshot_wait *waits)
{
    locks[0] = (struct lock_snapshot_lock){.object = {0x7000, 1}, .holder_tid = 7, .waiters = 2, .owed_ns = 3000000};
    locks[1] = (struct lock_snapshot_lock){.object = {0x9999, 1}, .holder_tid = 8, .waiters = 1, .owed_ns = 1000000};
    waits[0] = (struct lock_snapshot_wait){
        .tid = 8, .owner_tid = 7, .begin_ns = 1, .wait_ns = 2000000, .stack = run->f.put_lock};
    waits[1] = (struct lock_snapshot_wait){.lock = 1, .tid = 7, .begin_ns = 2, .wait_ns = 1000000};
    waits[2] = (struct lock_snapshot_wait){
        .tid = 9, .begin_ns = 3, .wait_ns = 1000000, .mode = CONTENTION_SHARED, .stack = run->f.handle_lock};
    return (struct lock_snapshot){
        .pid = SERVER, .has_ended = true, .locks = locks, .lock_count = 2, .waits = waits, .wait_count = 3};
}

static void test_threads_that_wait_for_each_other_are_a_deadlock(void **state)
{
    (void)state;
    static struct run run;
    struct lock_snapshot_lock locks[2];
    static struct lock_snapshot_wait waits[3];
    init(&run);
    struct lock_snapshot snapshot = standing_still(&run, locks, waits);
    run.snapshots = (struct lock_snapshots){.items = &snapshot, .count = 1};
    const char *text = report(&run);
    assert_says(text, "\n1 finding. ");
    assert_says(text, "Deadlocks\n"
                      "---------\n"
                      "1. deadlock, certain\n"
                      "   2 threads of server (pid 100) wait for each other\n"
                      "   None of them can go on. Take these locks in one order everywhere.\n"
                      "\n"
                      "   thread 8 waits for session table for 2.000 ms, held by thread 7\n"
                      "       key_hash                            session_cache.c:7  (inlined)\n"
                      "       cache_put                           session_cache.c:12\n"
                      "       handle_request                      session_cache.c:33\n"
                      "       main                                session_cache.c:44\n"
                      "   thread 7 waits for 0x9999 for 1.000 ms, held by thread 8\n"
                      "       (no stack was recorded)\n");
    assert_says(text,
                "Threads that still wait\n"
                "-----------------------\n"
                "server (pid 100) when it ended\n"
                "session table of server (pid 100): 2 waits, still held: 3.000 ms of their time, held by thread 7\n");
    assert_says(text, "   thread 9 waits to read for session table for 1.000 ms, held by thread 7\n"
                      "       handle_request                      session_cache.c:33\n");
    assert_null(strstr(text, "2. deadlock"));
    fini(&run);
}

static void test_a_lock_whose_holder_waits_for_nobody_is_no_deadlock(void **state)
{
    (void)state;
    static struct run run;
    struct lock_snapshot_lock locks[2];
    static struct lock_snapshot_wait waits[3];
    init(&run);
    struct lock_snapshot snapshot = standing_still(&run, locks, waits);
    waits[1].state = LOCK_WAIT_ENDED;
    snapshot.has_ended = false;
    run.snapshots = (struct lock_snapshots){.items = &snapshot, .count = 1};
    const char *text = report(&run);
    assert_null(strstr(text, "deadlock"));
    assert_says(text, "\nNo findings. ");
    assert_says(text, "server (pid 100) as it runs now: ask again for how it goes on\n");
    fini(&run);
}

static void test_a_thread_that_waits_for_itself_is_a_deadlock(void **state)
{
    (void)state;
    static struct run run;
    struct lock_snapshot_lock locks[2];
    static struct lock_snapshot_wait waits[3];
    init(&run);
    struct lock_snapshot snapshot = standing_still(&run, locks, waits);
    locks[0].holder_tid = 8;
    snapshot.wait_count = 1;
    run.snapshots = (struct lock_snapshots){.items = &snapshot, .count = 1};
    assert_says(report(&run), "   a thread of server (pid 100) waits for a lock that it holds itself\n"
                              "   Lock it once, or use a recursive lock.\n");
    fini(&run);
}

static void test_no_contention_says_of_how_many_operations(void **state)
{
    (void)state;
    static struct run run;
    init(&run);
    fixture_empty(&run.f);
    const char *text = report(&run);
    assert_says(text, "0 contended of 5,000 lock operations");
    assert_says(text, "\nNo findings. ");
    assert_null(strstr(text, "\nFindings"));
    assert_null(strstr(text, "1. session table"));
    fini(&run);
}

/* One that was killed has not told. */
static void test_an_unknown_number_of_operations_is_no_number(void **state)
{
    (void)state;
    static struct run run;
    init(&run);
    run.f.view.totals.ops = 0;
    assert_says(report(&run), "7 contended of an unknown number of lock operations (exact, 1 of 2 locks)\n");
    fini(&run);
}

static void test_no_lock_events_say_why(void **state)
{
    (void)state;
    static struct run run;
    init(&run);
    run.f.view = (struct contention_view){0};
    assert_says(report(&run), "no lock events: the program used no msc_mutex while it was recorded");
    fini(&run);
}

/* As plain LTTng records it, with the events mapscope:* alone. */
static void test_a_trace_without_modules_says_how_to_get_names(void **state)
{
    (void)state;
    static struct run run;
    init(&run);
    add_finding(&run);
    struct process_table all = run.f.processes;
    run.f.processes.count = 0;
    const char *text = report(&run);
    run.f.processes = all;
    assert_says(text, "\nSymbols\n-------\n");
    assert_says(text, "functions have no names, since the trace does not tell which modules were mapped: enable the\n"
                      "events 'lttng_ust_statedump:*' and 'lttng_ust_lib:*' beside 'mapscope:*'");
    fini(&run);
}

static void test_losses_are_numbers(void **state)
{
    (void)state;
    static struct run run;
    init(&run);
    run.f.losses.discarded_events = 12345;
    run.f.losses.dropped_by_runtime = 1;
    run.f.losses.known_traces = 2;
    run.f.losses.cut_stacks = 3;
    run.f.losses.end = LOSSES_END_CUT;
    const char *text = report(&run);
    assert_says(text, "The trace has losses.");
    assert_says(text, "\nthe recording was cut: the tracer did not say that all of it was written\n"
                      "events discarded because the tracer's buffers were full: 12,345\n"
                      "traces without usable metadata, read as mapscope records them: their ends may be missing: 2\n"
                      "waits or charges that found no slot in the traced program: 1\n"
                      "stacks that begin at [stack cut], since they are too deep or go through code without unwind "
                      "tables: 3\n");
    assert_null(strstr(text, "othing was lost"));
    fini(&run);
}

static void test_a_difference_between_both_sides_is_told(void **state)
{
    (void)state;
    static struct run run;
    init(&run);
    run.f.view.wait_ns += 5;
    assert_says(report(&run), "from the events: charged and handed off 1,500,001,277 ns, waited 1,500,001,282 ns: "
                              "they differ by -5 ns\n");
    fini(&run);
}

static void test_the_sampling_is_told(void **state)
{
    (void)state;
    static struct run run;
    init(&run);
    run.f.sampler = (struct contention_sampler){CONTENTION_SAMPLER_HYBRID, 100, 10000000};
    assert_says(report(&run), "sampling: hybrid, 1 of 100 and by time: one each 10.00 ms waited\n");
    run.size = 0;
    run.f.sampler.mode = CONTENTION_SAMPLER_OFF;
    assert_says(report(&run), "sampling: off for some or all of the time: no contention is recorded then\n");
    fini(&run);
}

static void test_names_cannot_break_the_text(void **state)
{
    (void)state;
    static struct run run;
    init(&run);
    run.f.locks[0].name = "a\nb\x1b[2J\xff";
    assert_says(report(&run), "\n1. a?b?[2J\xef\xbf\xbd, a mutex of server (pid 100)\n");
    fini(&run);
}

static int refuse(void *self, const void *bytes, size_t size)
{
    (void)self;
    (void)bytes;
    (void)size;
    return -ENOSPC;
}

static void test_a_full_disk_is_an_error(void **state)
{
    (void)state;
    static struct run run;
    init(&run);
    struct outbuf out;
    assert_int_equal(outbuf_init(&out, refuse, NULL), 0);
    outbuf_text(&out, "x");
    assert_int_equal(outbuf_flush(&out), -ENOSPC);
    assert_int_equal(write_to(&run, &out), -ENOSPC);
    outbuf_fini(&out);
    fini(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_whole_report),
        cmocka_unit_test(test_one_fault_that_happens_often_is_told_once),
        cmocka_unit_test(test_no_contention_says_of_how_many_operations),
        cmocka_unit_test(test_a_fault_of_many_processes_is_told_once),
        cmocka_unit_test(test_findings_of_no_known_place_are_told_for_each_map),
        cmocka_unit_test(test_findings_beyond_the_bound_are_counted),
        cmocka_unit_test(test_what_sampling_leaves_open_is_told),
        cmocka_unit_test(test_an_unknown_number_of_operations_is_no_number),
        cmocka_unit_test(test_no_lock_events_say_why),
        cmocka_unit_test(test_threads_that_wait_for_each_other_are_a_deadlock),
        cmocka_unit_test(test_a_lock_whose_holder_waits_for_nobody_is_no_deadlock),
        cmocka_unit_test(test_a_thread_that_waits_for_itself_is_a_deadlock),
        cmocka_unit_test(test_a_trace_without_modules_says_how_to_get_names),
        cmocka_unit_test(test_losses_are_numbers),
        cmocka_unit_test(test_a_difference_between_both_sides_is_told),
        cmocka_unit_test(test_the_sampling_is_told),
        cmocka_unit_test(test_names_cannot_break_the_text),
        cmocka_unit_test(test_a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
