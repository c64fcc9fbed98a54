/* What a trace shows of the concurrent maps: every verb as the event that it came to, in the map's own name. */
#include <errno.h>

#include "runtime/flavour_table.h"
#include "runtime/recorder.h"

enum { KEY = 42 };

struct world {
    const struct flavour_verbs *verbs;
    void *map;
    uint32_t flavor;
};

static const uint32_t flavors[] = {MSC_FLAVOR_RWMAP, MSC_FLAVOR_SYNCMAP, MSC_FLAVOR_SHARDMAP, MSC_FLAVOR_COWMAP,
                                   MSC_FLAVOR_MAPWRITER};

static void for_each(void **state, void (*test)(struct world *world))
{
    for (size_t i = 0; i < FLAVOURS; i++) {
        struct world world = {.verbs = &flavour_table[i], .flavor = flavors[i]};
        struct msc_map_options options = {
            .struct_size = sizeof options, .name = "sessions", .value_size = sizeof(uint64_t), .hint = 3};
        record_count = 0;
        assert_int_equal(world.verbs->create(&options, &world.map), 0);
        test(&world);
        world.verbs->destroy(world.map);
    }
    (void)state;
}

static const struct record *last(void)
{
    assert_true(record_count > 0);
    return &records[record_count - 1];
}

static void live_and_die(struct world *world)
{
    const struct msc_ev_map_life *life = &recorded(MSC_EVENT_MAP_ALLOC, 0)->life;
    assert_int_equal(recorded_count(MSC_EVENT_MAP_ALLOC), 1);
    assert_int_equal(life->map, (uintptr_t)world->map);
    assert_int_equal(life->flavor, world->flavor);
    assert_string_equal(recorded(MSC_EVENT_MAP_ALLOC, 0)->text, "sessions");
    assert_int_equal(life->key_size, 8);
    assert_int_equal(life->value_size, 8);
    assert_int_equal(life->hint, 3);
    assert_true(recorded(MSC_EVENT_MAP_ALLOC, 0)->stack_count > 0);
}

static void test_a_map_is_announced_as_its_flavour(void **state)
{
    for_each(state, live_and_die);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_FREE), 1);
    assert_int_equal(last()->event, MSC_EVENT_MAP_FREE);
    assert_int_equal(last()->life.flavor, MSC_FLAVOR_MAPWRITER);
}

static uint64_t gen_of(struct world *world)
{
    (void)world;
    return recorded(MSC_EVENT_MAP_ALLOC, 0)->life.map_gen;
}

static void expect_assign(struct world *world, bool inserted, uint64_t *seq)
{
    const struct msc_ev_map_assign *assign = &last()->assign;
    assert_int_equal(last()->event, MSC_EVENT_MAP_ASSIGN);
    assert_int_equal(assign->map, (uintptr_t)world->map);
    assert_int_equal(assign->map_gen, gen_of(world));
    assert_int_equal(assign->inserted, inserted);
    assert_int_equal(assign->rate, 1);
    assert_true(assign->seq > *seq);
    assert_int_equal(assign->version, assign->seq);
    assert_true(assign->end_ns > assign->begin_ns);
    assert_true(last()->stack_count > 0);
    uint64_t key = KEY, version;
    *seq = assign->seq;
    size_t count = record_count;
    assert_int_equal(world->verbs->load_version(world->map, &key, NULL, &version), 0);
    assert_int_equal(version, *seq); /* what the trace calls it is what the user gets */
    record_count = count;
}

static void expect_op(struct world *world, enum msc_event event, bool found, uint64_t version, uint64_t seq)
{
    const struct msc_ev_map_op *op = &last()->op;
    assert_int_equal(last()->event, event);
    assert_int_equal(op->map, (uintptr_t)world->map);
    assert_int_equal(op->map_gen, gen_of(world));
    assert_int_equal(op->found, found);
    assert_int_equal(op->version, version);
    assert_int_equal(op->key_id, recorded(MSC_EVENT_MAP_ASSIGN, 0)->assign.key_id);
    if (event == MSC_EVENT_MAP_DELETE && found)
        assert_true(op->seq > seq);
    else
        assert_int_equal(op->seq, seq);
    assert_int_equal(last()->stack_count > 0, event == MSC_EVENT_MAP_DELETE);
}

static void tell_each_verb(struct world *world)
{
    const struct flavour_verbs *verbs = world->verbs;
    uint64_t key = KEY, value = 7, other = 8, seq = 0, out;
    assert_int_equal(verbs->store(world->map, &key, &value), 0);
    expect_assign(world, true, &seq);
    assert_int_equal(verbs->load(world->map, &key, &out), 0);
    expect_op(world, MSC_EVENT_MAP_ACCESS, true, seq, seq);
    assert_int_equal(verbs->swap(world->map, &key, &other, &out), 1);
    expect_assign(world, false, &seq);
    assert_int_equal(verbs->load_or_store(world->map, &key, &value, &out), 1);
    expect_op(world, MSC_EVENT_MAP_ACCESS, true, seq, seq);
    assert_int_equal(verbs->compare_and_swap(world->map, &key, &value, &other), -ESTALE);
    expect_op(world, MSC_EVENT_MAP_ACCESS, true, seq, seq);
    assert_int_equal(verbs->compare_and_swap(world->map, &key, &other, &value), 0);
    expect_assign(world, false, &seq);
    assert_int_equal(verbs->store_version(world->map, &key, seq, &other), 0);
    expect_assign(world, false, &seq);
    assert_int_equal(verbs->delete_version(world->map, &key, seq - 1), -ESTALE);
    expect_op(world, MSC_EVENT_MAP_DELETE, false, seq, seq);
    assert_int_equal(verbs->compare_and_delete(world->map, &key, &value), -ESTALE);
    expect_op(world, MSC_EVENT_MAP_DELETE, false, seq, seq);
    assert_int_equal(verbs->load_and_delete(world->map, &key, &out), 0);
    expect_op(world, MSC_EVENT_MAP_DELETE, true, seq, seq);
    seq = last()->op.seq;
    assert_int_equal(verbs->delete (world->map, &key), -ENOENT);
    expect_op(world, MSC_EVENT_MAP_DELETE, false, 0, seq);
    assert_int_equal(verbs->load(world->map, &key, &out), -ENOENT);
    expect_op(world, MSC_EVENT_MAP_ACCESS, false, 0, seq);
    assert_int_equal(verbs->load_or_store(world->map, &key, &value, &out), 0);
    expect_assign(world, true, &seq);
}

static void test_each_verb_is_the_event_that_it_came_to(void **state)
{
    for_each(state, tell_each_verb);
}

static void tell_a_clear(struct world *world)
{
    uint64_t most = 0;
    for (uint64_t key = 0; key < 300; key++) {
        assert_int_equal(world->verbs->store(world->map, &key, &key), 0);
        most = last()->event == MSC_EVENT_MAP_ASSIGN && last()->assign.seq > most ? last()->assign.seq : most;
    }
    assert_int_equal(world->verbs->clear(world->map), 0);
    assert_int_equal(last()->event, MSC_EVENT_MAP_CLEAR);
    assert_int_equal(last()->op.map, (uintptr_t)world->map);
    assert_int_equal(last()->op.count, 300);
    assert_true(last()->op.seq > most); /* above everything before it */
    uint64_t cleared = last()->op.seq;
    for (uint64_t key = 0; key < 300; key++) {
        assert_int_equal(world->verbs->store(world->map, &key, &key), 0);
        assert_true(last()->assign.seq > cleared); /* and below everything after it */
    }
}

static void test_a_clear_stands_between_what_was_and_what_comes(void **state)
{
    for_each(state, tell_a_clear);
}

static int visit(void *context, const void *key, const void *value, uint64_t version)
{
    (void)context, (void)key, (void)value, (void)version;
    return 0;
}

static void tell_a_range(struct world *world)
{
    for (uint64_t key = 0; key < 10; key++)
        assert_int_equal(world->verbs->store(world->map, &key, &key), 0);
    assert_int_equal(world->verbs->range(world->map, visit, NULL), 0);
    const struct msc_ev_map_iter *begin = &recorded(MSC_EVENT_MAP_ITER_BEGIN, 0)->iter;
    const struct msc_ev_map_iter *end = &recorded(MSC_EVENT_MAP_ITER_END, 0)->iter;
    assert_int_equal(begin->map, (uintptr_t)world->map);
    assert_int_equal(begin->iter, end->iter);
    assert_int_not_equal(begin->iter, 0);
    assert_int_equal(begin->count, 10);
    assert_int_equal(begin->visited, 0);
    assert_int_equal(end->visited, 10);
    assert_int_equal(end->mutated, 0);
}

static void test_a_range_is_an_iteration(void **state)
{
    for_each(state, tell_a_range);
}

static void tell_growth(struct world *world)
{
    for (uint64_t key = 0; key < 2000; key++)
        assert_int_equal(world->verbs->store(world->map, &key, &key), 0);
    size_t grown = recorded_count(MSC_EVENT_MAP_GROW);
    bool has_buckets = world->flavor != MSC_FLAVOR_SYNCMAP && world->flavor != MSC_FLAVOR_COWMAP;
    assert_int_equal(grown > 0, has_buckets);
    for (size_t i = 0; i < grown; i++)
        assert_int_equal(recorded(MSC_EVENT_MAP_GROW, i)->grow.map, (uintptr_t)world->map);
}

static void test_what_has_buckets_tells_how_they_grow(void **state)
{
    for_each(state, tell_growth);
}

static void keep_by_rate(struct world *world)
{
    config.map_rate = 16;
    config_apply(&config);
    record_count = 0;
    for (uint64_t key = 0; key < 3200; key++) {
        uint64_t value = key;
        assert_int_equal(world->verbs->store(world->map, &key, &value), 0);
        assert_int_equal(world->verbs->delete (world->map, &key), 0);
    }
    size_t kept = recorded_count(MSC_EVENT_MAP_ASSIGN);
    assert_in_range(kept, 100, 320);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_DELETE), kept); /* whole histories */
    config.map_rate = 0;
    config_apply(&config);
    record_count = 0;
    uint64_t key = 1;
    assert_int_equal(world->verbs->store(world->map, &key, &key), 0);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_ASSIGN), 0);
    config.map_rate = 1;
    config_apply(&config);
    recorder_close_gates();
    record_count = 0;
    assert_int_equal(world->verbs->store(world->map, &key, &key), 0);
    assert_int_equal(world->verbs->load(world->map, &key, NULL), 0);
    assert_int_equal(record_count, 0);
    for (int event = 0; event < MSC_EVENT_COUNT; event++)
        atomic_store(&gates[event].state.on, 1);
}

static void test_sampling_keeps_whole_histories_and_closed_gates_nothing(void **state)
{
    for_each(state, keep_by_rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        recorder_test(test_a_map_is_announced_as_its_flavour),
        recorder_test(test_each_verb_is_the_event_that_it_came_to),
        recorder_test(test_a_clear_stands_between_what_was_and_what_comes),
        recorder_test(test_a_range_is_an_iteration),
        recorder_test(test_what_has_buckets_tells_how_they_grow),
        recorder_test(test_sampling_keeps_whole_histories_and_closed_gates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
