/* Probes of a table that is not ours: the records, against those of a map of ours. */
#include <errno.h>

#include "mapscope/map.h"
#include "mapscope/probe.h"
#include "runtime/recorder.h"

static struct msc_probe make_probe(uint32_t flags)
{
    struct msc_probe_options options = {
        .struct_size = sizeof options, .name = "theirs", .flags = flags, .key_size = 4, .value_size = 12, .B = 3};
    struct msc_probe probe;
    MSC_PROBE_MAP_ALLOC(&probe, &options);
    return probe;
}

static void test_a_table_has_a_beginning_and_an_end(void **state)
{
    (void)state;
    struct msc_probe_options options = {.struct_size = sizeof options,
                                        .name = "theirs",
                                        .flags = MSC_PROBE_WEAK_ID,
                                        .key_size = 4,
                                        .value_size = 12,
                                        .hint = 100,
                                        .B = 3};
    struct msc_probe probe;
    MSC_PROBE_MAP_ALLOC(&probe, &options);
    uint64_t generation = probe.generation;
    MSC_PROBE_MAP_FREE(&probe, 7);
    const struct record *begin = recorded(MSC_EVENT_MAP_ALLOC, 0), *end = recorded(MSC_EVENT_MAP_FREE, 0);
    assert_int_equal(begin->life.map, (uintptr_t)&probe);
    assert_int_equal(begin->life.map_gen, generation);
    assert_string_equal(begin->text, "theirs");
    assert_int_equal(begin->life.flavor, MSC_FLAVOR_FOREIGN);
    assert_int_equal(begin->life.flags, MSC_MAP_WEAK_ID);
    assert_int_equal(begin->life.key_size, 4);
    assert_int_equal(begin->life.value_size, 12);
    assert_int_equal(begin->life.hint, 100);
    assert_int_equal(begin->life.B, 3);
    assert_true(begin->stack_count > 0);
    assert_int_equal(end->life.map_gen, generation);
    assert_int_equal(end->life.count, 7);
    MSC_PROBE_MAP_CLEAR(&probe, 0, 7); /* it is gone */
    assert_int_equal(recorded_count(MSC_EVENT_MAP_CLEAR), 0);
}

static void test_a_key_has_the_id_that_it_has_in_a_map_of_ours(void **state)
{
    (void)state;
    struct msc_map_options options = {.struct_size = sizeof options, .key = MSC_KEY_BYTES};
    struct msc_map *map;
    assert_int_equal(msc_map_create(&options, &map), 0);
    assert_int_equal(msc_map_assign_bytes(map, "alice", 5, NULL), 0);
    struct msc_probe probe = make_probe(0);
    MSC_PROBE_MAP_ASSIGN(&probe, 0, "alice", 5, true);
    assert_int_equal(recorded(MSC_EVENT_MAP_ASSIGN, 0)->assign.key_id,
                     recorded(MSC_EVENT_MAP_ASSIGN, 1)->assign.key_id);
    msc_map_destroy(map);
}

static void test_each_operation_tells_what_it_did(void **state)
{
    (void)state;
    struct msc_probe probe = make_probe(0);
    config.record_keys = true;
    uint64_t began = MSC_PROBE_BEGIN(ASSIGN);
    uint64_t first = MSC_PROBE_MAP_ASSIGN(&probe, began, "a", 1, true);
    uint64_t second = MSC_PROBE_MAP_ASSIGN(&probe, 0, "a", 1, false);
    MSC_PROBE_MAP_ACCESS(&probe, 0, "a", 1, true, second);
    MSC_PROBE_MAP_ACCESS(&probe, 0, "b", 1, false, 0);
    MSC_PROBE_MAP_DELETE(&probe, 0, "b", 1, false, 0);
    MSC_PROBE_MAP_DELETE(&probe, 0, "a", 1, true, second);
    MSC_PROBE_MAP_CLEAR(&probe, 0, 40);
    assert_int_equal(first, 1);
    assert_int_equal(second, 2);

    const struct record *assign = recorded(MSC_EVENT_MAP_ASSIGN, 0);
    assert_int_equal(assign->assign.seq, 1);
    assert_int_equal(assign->assign.version, 1);
    assert_int_equal(assign->assign.inserted, 1);
    assert_int_equal(assign->assign.begin_ns, began);
    assert_true(assign->assign.end_ns > began);
    assert_string_equal(assign->text, "a");
    assert_true(assign->stack_count > 0);
    assign = recorded(MSC_EVENT_MAP_ASSIGN, 1);
    assert_int_equal(assign->assign.inserted, 0);
    assert_int_equal(assign->assign.begin_ns, assign->assign.end_ns);

    const struct record *hit = recorded(MSC_EVENT_MAP_ACCESS, 0), *miss = recorded(MSC_EVENT_MAP_ACCESS, 1);
    assert_int_equal(hit->op.found, 1);
    assert_int_equal(hit->op.version, 2);
    assert_int_equal(hit->op.seq, 2);
    assert_int_equal(hit->op.key_id, assign->assign.key_id);
    assert_int_equal(miss->op.found, 0);

    const struct record *none = recorded(MSC_EVENT_MAP_DELETE, 0), *removed = recorded(MSC_EVENT_MAP_DELETE, 1);
    assert_int_equal(none->op.found, 0);
    assert_int_equal(none->op.seq, 2);
    assert_int_equal(removed->op.found, 1);
    assert_int_equal(removed->op.seq, 3);
    assert_int_equal(removed->op.version, 2);
    assert_true(removed->stack_count > 0);
    const struct record *clear = recorded(MSC_EVENT_MAP_CLEAR, 0);
    assert_int_equal(clear->op.seq, 4);
    assert_int_equal(clear->op.count, 40);
}

static void test_growth_and_iteration(void **state)
{
    (void)state;
    struct msc_probe probe = make_probe(0);
    struct msc_probe_iter iter = MSC_PROBE_MAP_ITER_BEGIN(&probe, 9);
    MSC_PROBE_MAP_ASSIGN(&probe, 0, "a", 1, true);
    MSC_PROBE_MAP_GROW(&probe, 3, 4, 10, 256);
    MSC_PROBE_MAP_GROW_END(&probe, 10);
    MSC_PROBE_MAP_ITER_END(&probe, iter, 10, 8);
    const struct record *grow = recorded(MSC_EVENT_MAP_GROW, 0);
    assert_int_equal(grow->grow.old_B, 3);
    assert_int_equal(grow->grow.new_B, 4);
    assert_int_equal(grow->grow.count, 10);
    assert_int_equal(grow->grow.bytes, 256);
    assert_int_equal(grow->grow.same_size, 0);
    assert_int_equal(recorded(MSC_EVENT_MAP_GROW_END, 0)->grow_end.moved, 10);
    const struct record *begin = recorded(MSC_EVENT_MAP_ITER_BEGIN, 0), *end = recorded(MSC_EVENT_MAP_ITER_END, 0);
    assert_true(begin->iter.iter != 0);
    assert_int_equal(begin->iter.iter, end->iter.iter);
    assert_int_equal(begin->iter.count, 9);
    assert_int_equal(end->iter.visited, 8);
    assert_int_equal(end->iter.mutated, 1);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void test_a_cleanup_is_bound_to_the_entry_that_it_is_given(void **state)
{
    (void)state;
    struct msc_probe probe = make_probe(0);
    uint64_t version = MSC_PROBE_MAP_ASSIGN(&probe, 0, "alice", 5, true);
    {
        MSC_SCOPE(request);
        assert_int_equal(msc_defer_probe(&request, nothing, NULL, &probe, "alice", 5, version), 0);
        assert_int_equal(msc_defer_probe(&request, NULL, NULL, &probe, "alice", 5, version), -EINVAL);
        assert_int_equal(msc_defer_probe(&request, nothing, NULL, &probe, NULL, 5, version), -EINVAL);
    }
    const struct record *push = recorded(MSC_EVENT_DEFER_PUSH, 0), *run = recorded(MSC_EVENT_DEFER_RUN_BEGIN, 0);
    assert_int_equal(push->push.map, (uintptr_t)&probe);
    assert_int_equal(push->push.map_gen, probe.generation);
    assert_int_equal(push->push.key_id, recorded(MSC_EVENT_MAP_ASSIGN, 0)->assign.key_id);
    assert_int_equal(push->push.version, version);
    assert_int_equal(run->run.map, (uintptr_t)&probe);
}

static void test_a_key_that_is_not_sampled_counts_but_is_silent(void **state)
{
    (void)state;
    struct msc_probe probe = make_probe(0);
    config.map_rate = 0;
    config_apply(&config);
    assert_int_equal(MSC_PROBE_MAP_ASSIGN(&probe, 0, "a", 1, true), 1);
    MSC_PROBE_MAP_ACCESS(&probe, 0, "a", 1, true, 1);
    MSC_PROBE_MAP_DELETE(&probe, 0, "a", 1, true, 1);
    assert_int_equal(probe.seq, 2);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_ASSIGN), 0);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_ACCESS), 0);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_DELETE), 0);
    MSC_PROBE_MAP_CLEAR(&probe, 0, 1); /* never dropped */
    assert_int_equal(recorded_count(MSC_EVENT_MAP_CLEAR), 1);
}

static int evaluations;

static const char *costly(void)
{
    evaluations++;
    return "a";
}

static void test_with_closed_gates_nothing_is_evaluated(void **state)
{
    (void)state;
    struct msc_probe probe = make_probe(0);
    size_t before = record_count;
    uint64_t clock_before = clock_reads;
    memset(msc_probe_gates, 0, sizeof msc_probe_gates);
    assert_int_equal(MSC_PROBE_BEGIN(ASSIGN), 0);
    assert_int_equal(MSC_PROBE_MAP_ASSIGN(&probe, 0, costly(), 1, true), 0);
    MSC_PROBE_MAP_ACCESS(&probe, 0, costly(), 1, true, 0);
    MSC_PROBE_MAP_DELETE(&probe, 0, costly(), 1, true, 0);
    assert_int_equal(evaluations, 0);
    assert_int_equal(record_count, before);
    assert_int_equal(clock_reads, clock_before);
    assert_int_equal(probe.seq, 0);
}

#define probe_test(test) cmocka_unit_test_setup_teardown(test, recorder_setup, recorder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        probe_test(test_a_table_has_a_beginning_and_an_end),
        probe_test(test_a_key_has_the_id_that_it_has_in_a_map_of_ours),
        probe_test(test_each_operation_tells_what_it_did),
        probe_test(test_growth_and_iteration),
        probe_test(test_a_cleanup_is_bound_to_the_entry_that_it_is_given),
        probe_test(test_a_key_that_is_not_sampled_counts_but_is_silent),
        probe_test(test_with_closed_gates_nothing_is_evaluated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
