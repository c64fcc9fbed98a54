/* Misuse of maps, told by hand: what is found, with which two operations, and what is none. */
#include "support/cmocka_main.h"

#include <string.h>

#include "collector/analyses/misuse.h"

enum { PID = 100, MAP = 0x1000, SYNCHRONISED = 1, FOREIGN = 16 };

struct story {
    struct stacks *stacks;
    struct findings findings;
    struct live_maps *maps;
    struct misuse *misuse;
};

/* An event of the thread: its stack's first address is 0x400000 + tid. */
static void apply(struct story *story, struct event *event, enum event_kind kind, uint32_t tid, uint64_t time_ns)
{
    uint64_t pcs[] = {0x400000 + tid, 0x500000};
    event->kind = kind;
    event->pid = PID;
    event->tid = tid;
    event->time_ns = time_ns;
    event->stack = (struct event_stack){.pcs = pcs, .count = kind == EVENT_MAP_ACCESS ? 0 : 2};
    struct sighting sighting;
    assert_int_equal(live_maps_see(story->maps, event, &sighting), 0);
    assert_int_equal(misuse_apply(story->misuse, &sighting), 0);
    live_maps_leave(story->maps, &sighting);
}

static void begin(struct story *story, uint32_t flavor)
{
    *story = (struct story){0};
    assert_int_equal(stacks_create(&story->stacks), 0);
    findings_init(&story->findings);
    assert_int_equal(live_maps_create(story->stacks, &story->maps), 0);
    assert_int_equal(misuse_create(story->maps, story->stacks, &story->findings, &story->misuse), 0);
    struct event event = {.map_life = {.map = {MAP, 1}, .name = {"sessions", 8}, .flavor = flavor}};
    apply(story, &event, EVENT_MAP_ALLOC, 1, 1);
}

static size_t finish(struct story *story)
{
    assert_int_equal(misuse_finish(story->misuse), 0);
    return story->findings.count;
}

static void end(struct story *story)
{
    live_maps_destroy(story->maps);
    misuse_destroy(story->misuse);
    findings_fini(&story->findings);
    stacks_destroy(story->stacks);
}

struct span {
    uint64_t begin_ns, end_ns;
};

static void operate(struct story *story, enum event_kind kind, uint32_t tid, uint64_t seq, struct span span)
{
    struct event event = {.map_op = {.map = {MAP, 1},
                                     .seq = seq,
                                     .rate = 1,
                                     .found = kind == EVENT_MAP_DELETE,
                                     .begin_ns = span.begin_ns,
                                     .end_ns = span.end_ns}};
    apply(story, &event, kind, tid, span.end_ns);
}

static void fault(struct story *story, uint32_t kind, uint32_t tid, uint32_t other_tid, uint64_t time_ns)
{
    struct event event = {
        .map_fault = {.map = {MAP, 1}, .kind = kind, .tid = tid, .other_tid = other_tid, .other_pc = 0x777}};
    if (kind == 4)
        event.map_fault.map = (struct event_object){0, 0};
    apply(story, &event, EVENT_MAP_FAULT, tid, time_ns);
}

static uint64_t leaf(const struct story *story, stack_id stack)
{
    struct stack_view view = stacks_get(story->stacks, stack);
    return view.count ? view.pcs[0] : 0;
}

static const struct finding *only(const struct story *story, enum finding_kind kind, enum finding_severity severity)
{
    assert_int_equal(story->findings.count, 1);
    const struct finding *finding = &story->findings.items[0];
    assert_int_equal(finding->kind, kind);
    assert_int_equal(finding->severity, severity);
    assert_string_equal(finding->map_name, "sessions");
    assert_int_equal(finding->map.address, MAP);
    assert_int_equal(finding->pid, PID);
    assert_int_equal(finding->operation_count, 2);
    assert_true(strlen(finding->sentence) > 40);
    return finding;
}

static void test_two_writers_inside_at_once_are_found_with_both_stacks(void **state)
{
    (void)state;
    struct story story;
    begin(&story, 0);
    operate(&story, EVENT_MAP_ASSIGN, 1, 1, (struct span){100, 200});
    operate(&story, EVENT_MAP_DELETE, 2, 2, (struct span){150, 250});
    assert_int_equal(finish(&story), 1);
    const struct finding *finding = only(&story, FINDING_CONCURRENT_WRITES, FINDING_CERTAIN);
    assert_string_equal(finding->operations[0].verb, "assign");
    assert_int_equal(finding->operations[0].tid, 1);
    assert_int_equal(leaf(&story, finding->operations[0].stack), 0x400001);
    assert_string_equal(finding->operations[1].verb, "delete");
    assert_int_equal(leaf(&story, finding->operations[1].stack), 0x400002);
    assert_int_equal(finding->times, 1);
    end(&story);
}

static void test_a_long_write_whose_event_comes_last_is_found_too(void **state)
{
    (void)state;
    struct story story;
    begin(&story, 0);
    operate(&story, EVENT_MAP_ASSIGN, 2, 1, (struct span){150, 160});
    operate(&story, EVENT_MAP_ASSIGN, 1, 2, (struct span){100, 300});
    assert_int_equal(finish(&story), 1);
    const struct finding *finding = only(&story, FINDING_CONCURRENT_WRITES, FINDING_CERTAIN);
    assert_int_equal(finding->operations[0].tid, 1); /* in order of time */
    end(&story);
}

static void test_operations_that_take_turns_are_no_misuse(void **state)
{
    (void)state;
    struct story story;
    begin(&story, 0);
    uint64_t seq = 0;
    for (uint64_t now = 100; now < 3000; now += 30) {
        operate(&story, EVENT_MAP_ASSIGN, 1, ++seq, (struct span){now, now + 10});
        operate(&story, EVENT_MAP_DELETE, 2, ++seq, (struct span){now + 10, now + 20});
        operate(&story, EVENT_MAP_ACCESS, 3, seq, (struct span){now + 20, now + 30});
        operate(&story, EVENT_MAP_ACCESS, 4, seq, (struct span){now + 20, now + 29}); /* readers may overlap */
    }
    assert_int_equal(finish(&story), 0);
    end(&story);
}

static void test_an_event_that_comes_late_is_no_misuse(void **state)
{
    (void)state;
    struct story story;
    begin(&story, 0);
    operate(&story, EVENT_MAP_ASSIGN, 2, 2, (struct span){200, 210});
    operate(&story, EVENT_MAP_ASSIGN, 1, 1, (struct span){100, 110}); /* was preempted before it was stamped */
    assert_int_equal(finish(&story), 0);
    end(&story);
}

static void test_two_modifications_with_one_number_are_two_writers(void **state)
{
    (void)state;
    struct story story;
    begin(&story, FOREIGN);
    operate(&story, EVENT_MAP_ASSIGN, 1, 7, (struct span){100, 100});
    operate(&story, EVENT_MAP_ASSIGN, 2, 7, (struct span){130, 130});
    assert_int_equal(finish(&story), 1);
    const struct finding *finding = only(&story, FINDING_CONCURRENT_WRITES, FINDING_CERTAIN);
    assert_non_null(strstr(finding->sentence, "same number"));
    end(&story);
}

static void test_a_reader_beside_a_writer_is_found(void **state)
{
    (void)state;
    struct story story;
    begin(&story, 0);
    operate(&story, EVENT_MAP_ASSIGN, 1, 1, (struct span){100, 200});
    operate(&story, EVENT_MAP_ACCESS, 2, 0, (struct span){150, 180});
    assert_int_equal(finish(&story), 1);
    const struct finding *finding = only(&story, FINDING_READ_WRITE, FINDING_CERTAIN);
    assert_string_equal(finding->operations[1].verb, "access");
    end(&story);
}

static void test_a_flavour_that_synchronises_may_overlap(void **state)
{
    (void)state;
    struct story story;
    begin(&story, SYNCHRONISED);
    operate(&story, EVENT_MAP_ASSIGN, 1, 7, (struct span){100, 200});
    operate(&story, EVENT_MAP_ASSIGN, 2, 7, (struct span){150, 250});
    assert_int_equal(finish(&story), 0);
    end(&story);
}

static void test_the_same_misuse_is_told_once_and_counted(void **state)
{
    (void)state;
    struct story story;
    begin(&story, 0);
    for (uint64_t i = 0; i < 50; i++) {
        operate(&story, EVENT_MAP_ASSIGN, 1, 2 * i + 1, (struct span){1000 * i + 100, 1000 * i + 200});
        operate(&story, EVENT_MAP_ASSIGN, 2, 2 * i + 2, (struct span){1000 * i + 150, 1000 * i + 250});
    }
    assert_int_equal(finish(&story), 1);
    assert_int_equal(only(&story, FINDING_CONCURRENT_WRITES, FINDING_CERTAIN)->times, 50);
    end(&story);
}

static void test_a_fault_waits_for_the_stack_of_the_writer_that_it_met(void **state)
{
    (void)state;
    struct story story;
    begin(&story, 0);
    fault(&story, 1, 2, 1, 150);
    assert_int_equal(story.findings.count, 0);
    operate(&story, EVENT_MAP_ASSIGN, 1, 1, (struct span){100, 200});
    const struct finding *finding = only(&story, FINDING_CONCURRENT_WRITES, FINDING_CERTAIN);
    assert_int_equal(finding->operations[0].tid, 1);
    assert_string_equal(finding->operations[0].verb, "assign");
    assert_int_equal(leaf(&story, finding->operations[0].stack), 0x400001);
    assert_int_equal(finding->operations[1].tid, 2);
    assert_string_equal(finding->operations[1].verb, "write, refused");
    assert_int_equal(leaf(&story, finding->operations[1].stack), 0x400002);
    end(&story);
}

/* Its write is not in the trace: the key was not sampled, or the event was lost. */
static void test_a_fault_whose_writer_stays_silent_tells_its_call_site(void **state)
{
    (void)state;
    for (int later = 0; later <= 1; later++) {
        struct story story;
        begin(&story, 0);
        fault(&story, 2, 2, 1, 150);
        if (later)
            operate(&story, EVENT_MAP_ASSIGN, 1, 1, (struct span){160, 170}); /* another write of its */
        finish(&story);
        const struct finding *finding = only(&story, FINDING_READ_WRITE, FINDING_CERTAIN);
        assert_int_equal(finding->operations[0].tid, 1);
        assert_int_equal(leaf(&story, finding->operations[0].stack), 0x777);
        assert_string_equal(finding->operations[1].verb, "access, refused");
        end(&story);
    }
}

static void test_a_map_that_is_freed_tells_its_faults(void **state)
{
    (void)state;
    struct story story;
    begin(&story, 0);
    fault(&story, 3, 2, 1, 150);
    struct event event = {.map_life = {.map = {MAP, 1}}};
    apply(&story, &event, EVENT_MAP_FREE, 1, 200);
    only(&story, FINDING_ITERATE_WRITE, FINDING_CERTAIN);
    end(&story);
}

static void test_a_nil_map_and_an_unhashable_key_have_one_operation(void **state)
{
    (void)state;
    struct story story;
    begin(&story, 0);
    fault(&story, 4, 2, 0, 150);
    fault(&story, 5, 2, 0, 160);
    fault(&story, 5, 2, 0, 170);
    assert_int_equal(finish(&story), 2);
    const struct finding *nil = &story.findings.items[0], *key = &story.findings.items[1];
    assert_int_equal(nil->kind, FINDING_NIL_MAP);
    assert_int_equal(nil->operation_count, 1);
    assert_int_equal(nil->map.address, 0);
    assert_int_equal(nil->pid, PID);
    assert_string_equal(nil->map_name, "");
    assert_int_equal(key->kind, FINDING_UNHASHABLE);
    assert_int_equal(key->times, 2);
    end(&story);
}

/* ---- iterations ---- */

static void iterate(struct story *story, enum event_kind kind, uint32_t tid, uint64_t time_ns)
{
    struct event event = {.map_iter = {.map = {MAP, 1}, .iter = 5}};
    apply(story, &event, kind, tid, time_ns);
}

static void delete_in_action(struct story *story, uint32_t tid, uint64_t seq, uint64_t time_ns)
{
    struct event event = {
        .map_op = {
            .map = {MAP, 1}, .seq = seq, .found = true, .action = 44, .begin_ns = time_ns, .end_ns = time_ns + 1}};
    apply(story, &event, EVENT_MAP_DELETE, tid, time_ns + 1);
}

static void test_a_cleanup_that_changes_what_its_thread_iterates_is_suspect(void **state)
{
    (void)state;
    struct story story;
    begin(&story, 0);
    iterate(&story, EVENT_MAP_ITER_BEGIN, 1, 100);
    operate(&story, EVENT_MAP_DELETE, 1, 1, (struct span){110, 111}); /* by itself: allowed */
    delete_in_action(&story, 2, 2, 120);                              /* another thread's cleanup: under a lock */
    delete_in_action(&story, 1, 3, 130);
    iterate(&story, EVENT_MAP_ITER_END, 1, 140);
    delete_in_action(&story, 1, 4, 150);
    finish(&story);
    const struct finding *finding = only(&story, FINDING_MUTATE_IN_ITERATION, FINDING_SUSPECTED);
    assert_string_equal(finding->operations[0].verb, "iterate");
    assert_int_equal(finding->operations[1].begin_ns, 130);
    assert_int_equal(finding->times, 1);
    end(&story);
}

static void test_a_clear_under_an_iteration_is_suspect(void **state)
{
    (void)state;
    struct story story;
    begin(&story, 0);
    operate(&story, EVENT_MAP_CLEAR, 2, 1, (struct span){80, 90});
    iterate(&story, EVENT_MAP_ITER_BEGIN, 1, 100);
    operate(&story, EVENT_MAP_CLEAR, 1, 2, (struct span){110, 115}); /* its own */
    operate(&story, EVENT_MAP_CLEAR, 2, 3, (struct span){120, 125});
    iterate(&story, EVENT_MAP_ITER_END, 1, 140);
    finish(&story);
    only(&story, FINDING_CLEAR_UNDER_READERS, FINDING_SUSPECTED);
    end(&story);
}

static void test_only_a_foreign_table_must_not_change_under_an_iteration(void **state)
{
    (void)state;
    for (int is_foreign = 0; is_foreign <= 1; is_foreign++) {
        struct story story;
        begin(&story, is_foreign ? FOREIGN : 0);
        iterate(&story, EVENT_MAP_ITER_BEGIN, 1, 100);
        operate(&story, EVENT_MAP_ASSIGN, 2, 1, (struct span){120, 125});
        iterate(&story, EVENT_MAP_ITER_END, 1, 140);
        operate(&story, EVENT_MAP_ASSIGN, 2, 2, (struct span){150, 155});
        assert_int_equal(finish(&story), is_foreign);
        if (is_foreign)
            only(&story, FINDING_ITERATE_WRITE, FINDING_SUSPECTED);
        end(&story);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_writers_inside_at_once_are_found_with_both_stacks),
        cmocka_unit_test(test_a_long_write_whose_event_comes_last_is_found_too),
        cmocka_unit_test(test_operations_that_take_turns_are_no_misuse),
        cmocka_unit_test(test_an_event_that_comes_late_is_no_misuse),
        cmocka_unit_test(test_two_modifications_with_one_number_are_two_writers),
        cmocka_unit_test(test_a_reader_beside_a_writer_is_found),
        cmocka_unit_test(test_a_flavour_that_synchronises_may_overlap),
        cmocka_unit_test(test_the_same_misuse_is_told_once_and_counted),
        cmocka_unit_test(test_a_fault_waits_for_the_stack_of_the_writer_that_it_met),
        cmocka_unit_test(test_a_fault_whose_writer_stays_silent_tells_its_call_site),
        cmocka_unit_test(test_a_map_that_is_freed_tells_its_faults),
        cmocka_unit_test(test_a_nil_map_and_an_unhashable_key_have_one_operation),
        cmocka_unit_test(test_a_cleanup_that_changes_what_its_thread_iterates_is_suspect),
        cmocka_unit_test(test_a_clear_under_an_iteration_is_suspect),
        cmocka_unit_test(test_only_a_foreign_table_must_not_change_under_an_iteration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
