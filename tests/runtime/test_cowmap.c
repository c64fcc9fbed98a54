/* Snapshots of msc_cowmap: what they show, what they keep, and keys whose hashes agree. */
#include <mapscope/cowmap.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "runtime/epoch.h"
#include "runtime/failing_memory.h"
#include "support/cmocka_main.h"

static struct msc_cowmap *map;
static struct memory usual;

static uint64_t poor_hash(const void *key, struct msc_hash_seed seed)
{
    (void)seed;
    return *(const uint64_t *)key % 3 << 60; /* three hashes, equal in all levels but the last */
}

static bool equal(const void *key, const void *other)
{
    return *(const uint64_t *)key == *(const uint64_t *)other;
}

static int create(const struct msc_map_type *type)
{
    usual = memory;
    epoch_collect();
    failing_memory_begin(0, false);
    struct msc_map_options options = {.struct_size = sizeof options,
                                      .name = "routes",
                                      .key = type ? MSC_KEY_CUSTOM : MSC_KEY_U64,
                                      .type = type,
                                      .value_size = sizeof(uint64_t)};
    return msc_cowmap_create(&options, &map);
}

static int setup(void **state)
{
    (void)state;
    return create(NULL);
}

static int setup_poor(void **state)
{
    (void)state;
    static const struct msc_map_type type = {.key_size = sizeof(uint64_t), .hash = poor_hash, .equal = equal};
    return create(&type);
}

static int teardown(void **state)
{
    (void)state;
    msc_cowmap_destroy(map);
    epoch_collect();
    assert_int_equal(failing_memory.alive, 0); /* nothing was lost */
    memory = usual;
    return 0;
}

static void store(uint64_t first, uint64_t count, uint64_t value)
{
    for (uint64_t key = first; key < first + count; key++)
        assert_int_equal(msc_cowmap_store(map, &key, &value), 0);
}

struct sums {
    uint64_t entries, values;
};

static int add(void *context, const void *key, const void *value, uint64_t version)
{
    (void)key, (void)version;
    struct sums *sums = context;
    sums->entries++;
    sums->values += *(const uint64_t *)value;
    return 0;
}

static void expect_snapshot(const struct msc_cowmap_snapshot *snapshot, uint64_t entries, uint64_t value)
{
    struct sums sums = {0};
    assert_int_equal(msc_cowmap_snapshot_range(snapshot, add, &sums), 0);
    assert_int_equal(sums.entries, entries);
    assert_int_equal(sums.values, entries * value);
    assert_int_equal(msc_cowmap_snapshot_count(snapshot), entries);
}

static struct msc_cowmap_snapshot *take(void)
{
    struct msc_cowmap_snapshot *snapshot;
    assert_int_equal(msc_cowmap_snapshot_take(map, &snapshot), 0);
    return snapshot;
}

static void test_a_snapshot_shows_what_was_whatever_is_written(void **state)
{
    (void)state;
    store(0, 1000, 1);
    struct msc_cowmap_snapshot *snapshot = take();
    store(0, 1500, 2);
    for (uint64_t key = 0; key < 500; key++)
        assert_int_equal(msc_cowmap_delete(map, &key), 0);
    expect_snapshot(snapshot, 1000, 1);
    uint64_t key = 3, gone = 1200, version;
    assert_int_equal(*(const uint64_t *)msc_cowmap_snapshot_find(snapshot, &key, &version), 1);
    assert_null(msc_cowmap_snapshot_find(snapshot, &gone, NULL));
    assert_int_equal(msc_cowmap_clear(map), 0);
    expect_snapshot(snapshot, 1000, 1);
    msc_cowmap_snapshot_release(snapshot);
    assert_int_equal(msc_cowmap_count(map), 0);
}

static void test_snapshots_can_be_released_in_any_order(void **state)
{
    (void)state;
    enum { SNAPSHOTS = 6 };
    static const int orders[][SNAPSHOTS] = {{0, 1, 2, 3, 4, 5}, {5, 4, 3, 2, 1, 0}, {2, 4, 0, 5, 1, 3}};
    for (size_t order = 0; order < 3; order++) {
        struct msc_cowmap_snapshot *snapshots[SNAPSHOTS];
        for (uint64_t i = 0; i < SNAPSHOTS; i++) {
            store(0, 300, i + 1);
            snapshots[i] = take();
        }
        store(0, 300, 99);
        for (int i = 0; i < SNAPSHOTS; i++) {
            int released = orders[order][i];
            expect_snapshot(snapshots[released], 300, (uint64_t)released + 1);
            msc_cowmap_snapshot_release(snapshots[released]);
            for (int k = i + 1; k < SNAPSHOTS; k++)
                expect_snapshot(snapshots[orders[order][k]], 300, (uint64_t)orders[order][k] + 1);
        }
    }
}

/* However much is written while it lives. */
static void test_a_snapshot_keeps_no_more_than_what_it_shows(void **state)
{
    (void)state;
    store(0, 1000, 1);
    epoch_collect();
    int64_t one_map = failing_memory.alive;
    struct msc_cowmap_snapshot *snapshot = take();
    for (uint64_t round = 0; round < 20; round++)
        store(0, 1000, round);
    epoch_collect();
    assert_true(failing_memory.alive <= 2 * one_map + 1);
    expect_snapshot(snapshot, 1000, 1);
    msc_cowmap_snapshot_release(snapshot);
    epoch_collect();
    assert_true(failing_memory.alive <= one_map + 1);
}

static void test_keys_with_equal_hashes_live_beside_each_other(void **state)
{
    (void)state;
    enum { KEYS = 60 };
    for (uint64_t key = 0; key < KEYS; key++) {
        uint64_t value = key + 100;
        assert_int_equal(msc_cowmap_store(map, &key, &value), 0);
    }
    for (uint64_t key = 0; key < KEYS; key += 2)
        assert_int_equal(msc_cowmap_delete(map, &key), 0);
    for (uint64_t key = 0; key < KEYS; key++) {
        uint64_t value = 0;
        assert_int_equal(msc_cowmap_load(map, &key, &value), key % 2 ? 0 : -ENOENT);
        assert_int_equal(value, key % 2 ? key + 100 : 0);
    }
    for (uint64_t key = 1; key < KEYS; key += 2)
        assert_int_equal(msc_cowmap_delete(map, &key), 0);
    assert_int_equal(msc_cowmap_count(map), 0);
}

static void test_a_value_found_under_a_guard_outlives_its_entry(void **state)
{
    (void)state;
    uint64_t key = 3, version;
    store(0, 10, 7);
    msc_guard_enter();
    const uint64_t *found = msc_cowmap_find(map, &key, &version);
    assert_non_null(found);
    assert_int_equal(msc_cowmap_delete_version(map, &key, version), 0);
    epoch_collect();
    assert_int_equal(*found, 7);
    assert_null(msc_cowmap_find(map, &key, NULL));
    msc_guard_leave();
}

/* ---- ranges beside writers: the sum of what is there never changes, in any snapshot ---- */

enum { ACCOUNTS = 64, TOTAL = ACCOUNTS * 100, RANGES = 300 };
static _Atomic bool stop;

static void *move_money(void *argument)
{
    (void)argument;
    for (uint64_t n = 0; !atomic_load(&stop); n++) {
        uint64_t key = n * 7 % ACCOUNTS, value = 0;
        if (msc_cowmap_load(map, &key, &value))
            continue;
        msc_cowmap_store(map, &key, &value); /* a new path each time */
    }
    return NULL;
}

static void test_a_range_beside_a_writer_sees_one_instant(void **state)
{
    (void)state;
    store(0, ACCOUNTS, 100);
    atomic_store(&stop, false);
    pthread_t writer;
    memory = usual; /* whose counters are of one thread */
    assert_int_equal(pthread_create(&writer, NULL, move_money, NULL), 0);
    for (int i = 0; i < RANGES; i++) {
        struct sums sums = {0};
        assert_int_equal(msc_cowmap_range(map, add, &sums), 0);
        assert_int_equal(sums.entries, ACCOUNTS);
        assert_int_equal(sums.values, TOTAL);
    }
    atomic_store(&stop, true);
    pthread_join(writer, NULL);
    msc_cowmap_destroy(map);
    epoch_collect();
    assert_int_equal(setup(state), 0);
}

#define cowmap_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cowmap_test(test_a_snapshot_shows_what_was_whatever_is_written),
        cowmap_test(test_snapshots_can_be_released_in_any_order),
        cowmap_test(test_a_snapshot_keeps_no_more_than_what_it_shows),
        cmocka_unit_test_setup_teardown(test_keys_with_equal_hashes_live_beside_each_other, setup_poor, teardown),
        cowmap_test(test_a_value_found_under_a_guard_outlives_its_entry),
        cowmap_test(test_a_range_beside_a_writer_sees_one_instant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
