/* What lives when somebody begins to listen: each map is told of once, before the first event about it. */
#include "flavour_table.h"
#include "map_fixture.h"
#include "recorder.h"

#include "mapscope/mapwriter.h"
#include "mapscope/probe.h"

/* Not inlined: it is the site that is told. */
static __attribute__((noinline)) struct msc_map *create_here(void)
{
    static const struct msc_map_options options = {
        .struct_size = sizeof options, .name = "under test", .value_size = 16, .hint = 20};
    struct msc_map *map;
    assert_int_equal(msc_map_create(&options, &map), 0);
    return map;
}

/* A map with three entries that nobody has heard of. */
static struct msc_map *make_unheard(void)
{
    recorder_close_gates();
    struct msc_map *map = create_here();
    for (uint64_t key = 1; key <= 3; key++)
        assert_int_equal(msc_map_assign_u64(map, key, NULL), 0);
    recorder_open_gates();
    return map;
}

/* The inventory comes first, and only once; returns it. */
static const struct record *expect_inventory_first(size_t records_in_all)
{
    assert_int_equal(record_count, records_in_all);
    assert_int_equal(records[0].event, MSC_EVENT_MAP_INVENTORY);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_INVENTORY), 1);
    return &records[0];
}

static void test_a_map_that_was_there_before_is_told_of_in_full(void **state)
{
    (void)state;
    struct msc_map *map = make_unheard();
    assert_int_equal(msc_map_assign_u64(map, 4, NULL), 0);
    assert_int_equal(msc_map_assign_u64(map, 5, NULL), 0);
    const struct record *record = expect_inventory_first(3);
    assert_int_equal(record->life.map, (uintptr_t)map);
    assert_int_equal(record->life.map_gen, map->identity.generation);
    assert_string_equal(record->text, "under test");
    assert_int_equal(record->life.flavor, MSC_FLAVOR_MAP);
    assert_int_equal(record->life.key_size, 8);
    assert_int_equal(record->life.value_size, 16);
    assert_int_equal(record->life.hint, 20);
    assert_int_equal(record->life.B, 2);
    assert_int_equal(record->life.hash0, map->hash0);
    assert_int_equal(record->life.count, 3); /* as it was before the assign */
    assert_int_equal(record->stack_count, 1);
    assert_in_range(record->stack_leaf, (uintptr_t)create_here, (uintptr_t)create_here + 4096);
    msc_map_destroy(map);
}

static void look_up(struct msc_map *map)
{
    assert_null(msc_map_find_u64(map, 77));
}

static void delete_absent(struct msc_map *map)
{
    assert_int_equal(msc_map_delete_u64(map, 77), -ENOENT);
}

static void clear(struct msc_map *map)
{
    assert_int_equal(msc_map_clear(map), 0);
}

static void iterate(struct msc_map *map)
{
    struct msc_map_iter iter;
    assert_int_equal(msc_map_iter_begin(map, &iter), 0);
    msc_map_iter_end(&iter);
}

static void grow(struct msc_map *map)
{
    atomic_store(&gates[MSC_EVENT_MAP_ASSIGN].state.on, 0);
    for (uint64_t key = 100; !recorded_count(MSC_EVENT_MAP_GROW); key++)
        assert_int_equal(msc_map_assign_u64(map, key, NULL), 0);
}

static void alias(struct msc_map *map)
{
    msc_map_destroy(msc_map_alias(map));
}

static void test_whatever_comes_first_tells_of_the_map_before(void **state)
{
    static void (*const operations[])(struct msc_map *) = {look_up, delete_absent, clear, iterate, grow, alias};
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        struct msc_map *map = make_unheard();
        operations[i](map);
        assert_int_equal(records[0].event, MSC_EVENT_MAP_INVENTORY);
        assert_true(record_count > 1);
        size_t before = record_count;
        operations[0](map);
        assert_int_equal(record_count, before + 1);
        msc_map_destroy(map);
        recorder_teardown(state);
        recorder_setup(state);
    }
}

static void test_a_swap_tells_of_both_maps(void **state)
{
    (void)state;
    struct msc_map *map = make_unheard(), *other = make_unheard();
    assert_int_equal(msc_map_swap(map, other), 0);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_INVENTORY), 2);
    assert_int_equal(recorded(MSC_EVENT_MAP_INVENTORY, 0)->life.map, (uintptr_t)map);
    assert_int_equal(recorded(MSC_EVENT_MAP_INVENTORY, 1)->life.map, (uintptr_t)other);
    assert_int_equal(records[2].event, MSC_EVENT_MAP_SWAP);
    msc_map_destroy(map);
    msc_map_destroy(other);
}

static void test_a_map_whose_creation_was_told_is_told_of_to_the_next_audience_only(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 0), *copy;
    assert_int_equal(msc_map_assign_u64(map, 1, NULL), 0);
    assert_int_equal(msc_map_clone(map, &copy), 0);
    assert_int_equal(msc_map_assign_u64(copy, 2, NULL), 0);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_INVENTORY), 0);
    msc_emit_new_audience();
    look_up(copy);
    look_up(map);
    look_up(map);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_INVENTORY), 2);
    assert_int_equal(recorded(MSC_EVENT_MAP_INVENTORY, 0)->life.count, 2);
    assert_int_equal(recorded(MSC_EVENT_MAP_INVENTORY, 1)->life.count, 1);
    msc_map_destroy(map);
    msc_map_destroy(copy);
}

static void test_who_does_not_listen_to_inventories_is_not_taken_for_told(void **state)
{
    (void)state;
    struct msc_map *map = make_unheard();
    atomic_store(&gates[MSC_EVENT_MAP_INVENTORY].state.on, 0);
    look_up(map);
    atomic_store(&gates[MSC_EVENT_MAP_INVENTORY].state.on, 1);
    look_up(map);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_INVENTORY), 1);
    msc_map_destroy(map);
}

static void test_a_key_that_is_not_sampled_tells_nothing(void **state)
{
    (void)state;
    struct msc_map *map = make_unheard();
    config.map_rate = 0;
    config_apply(&config);
    look_up(map);
    assert_int_equal(record_count, 0);
    msc_map_destroy(map);
}

static const struct msc_map_options of_flavours = {
    .struct_size = sizeof of_flavours, .name = "shared", .key = MSC_KEY_U64, .value_size = 8, .hint = 9};

static int visit_nothing(void *context, const void *key, const void *value, uint64_t version)
{
    (void)context, (void)key, (void)value, (void)version;
    return 1;
}

static void test_flavours_are_told_of_as_maps_are_and_not_their_parts(void **state)
{
    for (size_t i = 0; i < FLAVOURS; i++) {
        const struct flavour_verbs *verbs = &flavour_table[i];
        void *map;
        recorder_close_gates();
        assert_int_equal(verbs->create(&of_flavours, &map), 0);
        for (uint64_t key = 1; key <= 3; key++)
            assert_int_equal(verbs->store(map, &key, &key), 0);
        recorder_open_gates();
        uint64_t key = 4;
        assert_int_equal(verbs->store(map, &key, &key), 0);
        assert_int_equal(verbs->load(map, &key, NULL), 0);
        const struct record *record = expect_inventory_first(3);
        assert_int_equal(record->life.map, (uintptr_t)map);
        assert_int_equal(record->life.flavor, i + 1);
        assert_int_equal(record->life.count, 3);
        assert_string_equal(record->text, "shared");
        assert_int_equal(record->stack_count, 1);
        msc_emit_new_audience();
        verbs->range(map, visit_nothing, NULL);
        assert_int_equal(records[3].event, MSC_EVENT_MAP_INVENTORY);
        assert_int_equal(records[3].life.count, 4);
        verbs->destroy(map);
        recorder_teardown(state);
        recorder_setup(state);
    }
}

static void test_a_map_writer_is_told_of_too(void **state)
{
    (void)state;
    struct msc_mapwriter *map;
    uint64_t key = 1;
    recorder_close_gates();
    assert_int_equal(msc_mapwriter_create(&of_flavours, &map), 0);
    recorder_open_gates();
    assert_int_equal(msc_mapwriter_store(map, &key, &key, NULL), 0);
    const struct record *record = expect_inventory_first(2);
    assert_int_equal(record->life.flavor, MSC_FLAVOR_MAPWRITER);
    assert_int_equal(record->life.count, 0);
    msc_mapwriter_destroy(map);
}

static void test_a_table_with_probes_is_told_of_without_its_count(void **state)
{
    (void)state;
    static const struct msc_probe_options options = {.struct_size = sizeof options, .name = "theirs", .key_size = 4};
    struct msc_probe probe;
    recorder_close_gates();
    MSC_PROBE_MAP_ALLOC(&probe, &options);
    recorder_open_gates();
    msc_probe_access(&probe, 0, "k", 1, 0, 0);
    msc_probe_access(&probe, 0, "k", 1, 0, 0);
    const struct record *record = expect_inventory_first(3);
    assert_int_equal(record->life.map, (uintptr_t)&probe);
    assert_int_equal(record->life.map_gen, probe.generation);
    assert_int_equal(record->life.flavor, MSC_FLAVOR_FOREIGN);
    assert_int_equal(record->life.key_size, 4);
    assert_true(record->life.count == MSC_COUNT_UNKNOWN);
    assert_string_equal(record->text, "theirs");
    assert_int_equal(record->stack_count, 1);
}

enum { READERS = 4 };
static pthread_barrier_t together;

static void *reader(void *map)
{
    pthread_barrier_wait(&together);
    look_up(map);
    return NULL;
}

static void test_of_readers_that_come_at_once_one_tells(void **state)
{
    (void)state;
    struct msc_map *map = make_unheard();
    pthread_t threads[READERS];
    clock_source = clock_monotonic_ns; /* the recorder's is for one thread */
    pthread_barrier_init(&together, NULL, READERS);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, map), 0);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&together);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_INVENTORY), 1);
    msc_map_destroy(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        recorder_test(test_a_map_that_was_there_before_is_told_of_in_full),
        recorder_test(test_whatever_comes_first_tells_of_the_map_before),
        recorder_test(test_a_swap_tells_of_both_maps),
        recorder_test(test_a_map_whose_creation_was_told_is_told_of_to_the_next_audience_only),
        recorder_test(test_who_does_not_listen_to_inventories_is_not_taken_for_told),
        recorder_test(test_a_key_that_is_not_sampled_tells_nothing),
        recorder_test(test_flavours_are_told_of_as_maps_are_and_not_their_parts),
        recorder_test(test_a_map_writer_is_told_of_too),
        recorder_test(test_a_table_with_probes_is_told_of_without_its_count),
        recorder_test(test_of_readers_that_come_at_once_one_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
