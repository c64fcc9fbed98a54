/* What msc_syncmap does inside, as its events and its allocator show it: misses, promotion, expunged entries. */
#include <mapscope/syncmap.h>

#include <errno.h>

#include "runtime/epoch.h"
#include "runtime/failing_memory.h"
#include "runtime/recorder.h"

static struct msc_syncmap *map;
static struct memory usual;

static int setup(void **state)
{
    int error = recorder_setup(state);
    usual = memory;
    epoch_collect();
    failing_memory_begin(0, false);
    struct msc_map_options options = {.struct_size = sizeof options, .name = "routes", .value_size = sizeof(uint64_t)};
    assert_int_equal(msc_syncmap_create(&options, &map), 0);
    return error;
}

static int teardown(void **state)
{
    msc_syncmap_destroy(map);
    epoch_collect();
    assert_int_equal(failing_memory.alive, 0); /* nothing was lost */
    memory = usual;
    return recorder_teardown(state);
}

static void store(uint64_t first, uint64_t count)
{
    for (uint64_t key = first; key < first + count; key++)
        assert_int_equal(msc_syncmap_store_u64(map, key, &key), 0);
}

static size_t promotions(void)
{
    return recorded_count(MSC_EVENT_SYNCMAP_PROMOTE);
}

static void test_as_many_misses_as_dirty_entries_promote_it(void **state)
{
    (void)state;
    store(0, 5);
    for (uint64_t key = 0; key < 4; key++)
        assert_int_equal(msc_syncmap_load_u64(map, key, NULL), 0);
    assert_int_equal(promotions(), 0);
    assert_int_equal(msc_syncmap_load_u64(map, 99, NULL), -ENOENT); /* a miss, too */
    assert_int_equal(promotions(), 1);
    const struct msc_ev_syncmap_promote *event = &recorded(MSC_EVENT_SYNCMAP_PROMOTE, 0)->promote;
    assert_int_equal(event->map, (uintptr_t)map);
    assert_int_equal(event->map_gen, recorded(MSC_EVENT_MAP_ALLOC, 0)->life.map_gen);
    assert_int_equal(event->misses, 5);
    assert_int_equal(event->dirty_len, 5);
    for (uint64_t key = 0; key < 100; key++) /* now all hits, or known not to be there */
        msc_syncmap_load_u64(map, key, NULL);
    assert_int_equal(promotions(), 1);
}

static int visit(void *context, const void *key, const void *value, uint64_t version)
{
    (void)key, (void)value, (void)version;
    ++*(unsigned *)context;
    return 0;
}

static void promote(void)
{
    unsigned visited = 0;
    assert_int_equal(msc_syncmap_range(map, visit, &visited), 0);
}

static void test_a_range_promotes_first(void **state)
{
    (void)state;
    store(0, 5);
    promote();
    assert_int_equal(promotions(), 1);
    assert_int_equal(recorded(MSC_EVENT_SYNCMAP_PROMOTE, 0)->promote.misses, 0);
    promote();
    assert_int_equal(promotions(), 1);
}

/* Deleted, left out of dirty, stored again: the same entry comes back through dirty. */
static void test_an_expunged_key_can_be_stored_again(void **state)
{
    (void)state;
    uint64_t value = 77, out;
    store(0, 5);
    promote();
    assert_int_equal(msc_syncmap_delete_u64(map, 2), 0);
    store(10, 1); /* builds dirty, without 2 */
    assert_int_equal(msc_syncmap_load_u64(map, 2, &out), -ENOENT);
    assert_int_equal(msc_syncmap_store_u64(map, 2, &value), 0);
    assert_int_equal(msc_syncmap_load_u64(map, 2, &out), 0);
    assert_int_equal(out, 77);
    promote();
    assert_int_equal(msc_syncmap_load_u64(map, 2, &out), 0);
    assert_int_equal(out, 77);
    assert_int_equal(msc_syncmap_count(map), 6);
}

static void test_what_was_deleted_for_good_is_freed(void **state)
{
    (void)state;
    store(0, 1000);
    promote();
    for (uint64_t key = 0; key < 1000; key++)
        assert_int_equal(msc_syncmap_delete_u64(map, key), 0);
    store(5000, 1); /* expunges */
    promote();      /* and forgets */
    epoch_collect();
    assert_true(failing_memory.alive < 10);
}

static void test_keys_that_only_dirty_had_are_freed_when_deleted(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        store(0, 100);
        for (uint64_t key = 0; key < 100; key++)
            assert_int_equal(msc_syncmap_delete_u64(map, key), 0);
    }
    epoch_collect();
    assert_int_equal(msc_syncmap_count(map), 0);
    assert_true(failing_memory.alive < 10 + 100);
}

/* Keys chosen so that the table's chains are long: what is removed from the midst must not hide the rest. */
static void test_removing_from_dirty_hides_no_other_key(void **state)
{
    (void)state;
    enum { KEYS = 500 };
    store(0, KEYS);
    for (uint64_t key = 0; key < KEYS; key += 2)
        assert_int_equal(msc_syncmap_delete_u64(map, key), 0);
    for (uint64_t key = 0; key < KEYS; key++)
        assert_int_equal(msc_syncmap_load_u64(map, key, NULL), key % 2 ? 0 : -ENOENT);
}

static void test_a_value_found_under_a_guard_outlives_its_entry(void **state)
{
    (void)state;
    uint64_t key = 3, version = 0, before;
    store(0, 5);
    msc_guard_enter();
    const uint64_t *found = msc_syncmap_find(map, &key, &version);
    assert_non_null(found);
    assert_int_equal(msc_syncmap_delete_version_u64(map, 3, version), 0);
    promote();
    epoch_collect();
    before = *found;
    assert_int_equal(before, 3);
    key = 99;
    assert_null(msc_syncmap_find(map, &key, NULL));
    msc_guard_leave();
}

static void test_a_write_under_a_full_backlog_is_refused_to_a_guards_holder(void **state)
{
    (void)state;
    store(0, 1);
    msc_guard_enter();
    struct epoch_item *item = memory.allocate(sizeof *item);
    epoch_retire(item, EPOCH_BACKLOG_MAX + 1);
    uint64_t value = 9, out;
    assert_int_equal(msc_syncmap_store_u64(map, 0, &value), -EDEADLK);
    assert_int_equal(msc_syncmap_clear(map), -EDEADLK);
    assert_int_equal(msc_syncmap_load_u64(map, 0, &out), 0);
    assert_int_equal(out, 0);
    msc_guard_leave();
    assert_int_equal(msc_syncmap_store_u64(map, 0, &value), 0);
}

#define syncmap_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        syncmap_test(test_as_many_misses_as_dirty_entries_promote_it),
        syncmap_test(test_a_range_promotes_first),
        syncmap_test(test_an_expunged_key_can_be_stored_again),
        syncmap_test(test_what_was_deleted_for_good_is_freed),
        syncmap_test(test_keys_that_only_dirty_had_are_freed_when_deleted),
        syncmap_test(test_removing_from_dirty_hides_no_other_key),
        syncmap_test(test_a_value_found_under_a_guard_outlives_its_entry),
        syncmap_test(test_a_write_under_a_full_backlog_is_refused_to_a_guards_holder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
