/*
 * Every verb of every concurrent map when memory runs out: at each request once, and from each on for good. -ENOMEM
 * leaves the map as it was; look-ups, comparisons that fail and ranges need no memory; nothing is lost.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/epoch.h"
#include "runtime/failing_memory.h"
#include "runtime/flavour_table.h"
#include "support/cmocka_main.h"

enum { KEYS = 24, STEPS = 160 };

/* ---- the model ---- */

struct world {
    const struct flavour_verbs *verbs;
    void *map;
    enum msc_key_kind kind;
    uint64_t numbers[KEYS];
    char texts[KEYS][40];
    struct msc_bytes bytes[KEYS];
    bool there[KEYS];
    uint64_t value[KEYS], version[KEYS];
    uint64_t random, next_value;
    uint64_t failed; /* requests that were known to have failed before the verb */
};

static uint64_t draw(struct world *world, uint64_t limit)
{
    world->random = world->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (world->random >> 33) % limit;
}

static const void *key_at(const struct world *world, size_t i)
{
    return world->kind == MSC_KEY_U64 ? (const void *)&world->numbers[i] : &world->bytes[i];
}

static void world_begin(struct world *world, const struct flavour_verbs *verbs, enum msc_key_kind kind)
{
    *world = (struct world){.verbs = verbs, .kind = kind, .random = 3, .next_value = 1};
    for (size_t i = 0; i < KEYS; i++) {
        world->numbers[i] = i * UINT64_C(0x10001);
        int length = snprintf(world->texts[i], sizeof world->texts[i], "a key that has some length, %zu", i);
        world->bytes[i] = (struct msc_bytes){world->texts[i], (size_t)length};
    }
    struct msc_map_options options = {.struct_size = sizeof options, .key = kind, .value_size = sizeof(uint64_t)};
    assert_int_equal(verbs->create(&options, &world->map), 0);
}

static int count_entry(void *context, const void *key, const void *value, uint64_t version)
{
    (void)key, (void)value, (void)version;
    ++*(size_t *)context;
    return 0;
}

/* The map is what the model says, by each way to look at it; with memory or without. */
static void check_all(struct world *world)
{
    size_t count = 0, visited = 0;
    for (size_t i = 0; i < KEYS; i++) {
        uint64_t value = 77, version = 78;
        int error = world->verbs->load_version(world->map, key_at(world, i), &value, &version);
        assert_int_equal(error, world->there[i] ? 0 : -ENOENT);
        if (world->there[i]) {
            assert_int_equal(value, world->value[i]);
            assert_int_equal(version, world->version[i]);
        }
        count += world->there[i];
    }
    assert_int_equal(world->verbs->count(world->map), count);
    int error = world->verbs->range(world->map, count_entry, &visited);
    assert_true(error == 0 || error == -ENOMEM); /* a snapshot of msc_cowmap is a block */
    assert_int_equal(visited, error ? 0 : count);
}

/* True if the verb did what it was asked for; false if there was no memory for it. Nothing else may come of it. */
static bool done(struct world *world, int error, int expected)
{
    bool failed = failing_memory.failed > world->failed;
    world->failed = failing_memory.failed;
    if (error == -ENOMEM && failed)
        return false;
    assert_int_equal(error, expected);
    return true;
}

static void wrote(struct world *world, size_t i, uint64_t value)
{
    assert_int_equal(world->verbs->load_version(world->map, key_at(world, i), NULL, &world->version[i]), 0);
    world->failed = failing_memory.failed;
    world->there[i] = true;
    world->value[i] = value;
}

/* ---- the verbs, each against the model ---- */

typedef void verb_fn(struct world *world, size_t i, uint64_t value);

static void store(struct world *world, size_t i, uint64_t value)
{
    if (done(world, world->verbs->store(world->map, key_at(world, i), &value), 0))
        wrote(world, i, value);
}

static void swap(struct world *world, size_t i, uint64_t value)
{
    uint64_t out = 0;
    if (!done(world, world->verbs->swap(world->map, key_at(world, i), &value, &out), world->there[i]))
        return;
    assert_int_equal(out, world->there[i] ? world->value[i] : 0);
    wrote(world, i, value);
}

static void load_or_store(struct world *world, size_t i, uint64_t value)
{
    uint64_t out = 0;
    bool was_there = world->there[i];
    if (!done(world, world->verbs->load_or_store(world->map, key_at(world, i), &value, &out), was_there))
        return;
    if (was_there)
        assert_int_equal(out, world->value[i]);
    else
        wrote(world, i, value);
}

static void compare_and_swap(struct world *world, size_t i, uint64_t value)
{
    bool equal = draw(world, 3) != 0;
    uint64_t expected = equal ? world->value[i] : 0;
    int result = !world->there[i] ? -ENOENT : equal ? 0 : -ESTALE;
    if (done(world, world->verbs->compare_and_swap(world->map, key_at(world, i), &expected, &value), result) && !result)
        wrote(world, i, value);
}

static void store_version(struct world *world, size_t i, uint64_t value)
{
    bool equal = draw(world, 3) != 0;
    uint64_t version = world->there[i] ? world->version[i] : 0;
    int result = equal ? 0 : -ESTALE;
    if (!equal)
        version += 1000;
    if (done(world, world->verbs->store_version(world->map, key_at(world, i), version, &value), result) && !result)
        wrote(world, i, value);
}

static void load_and_delete(struct world *world, size_t i, uint64_t value)
{
    uint64_t out = value;
    int result = world->there[i] ? 0 : -ENOENT;
    if (!done(world, world->verbs->load_and_delete(world->map, key_at(world, i), &out), result))
        return;
    assert_int_equal(out, world->there[i] ? world->value[i] : value);
    world->there[i] = false;
}

static void delete_it(struct world *world, size_t i, uint64_t value)
{
    (void)value;
    if (done(world, world->verbs->delete (world->map, key_at(world, i)), world->there[i] ? 0 : -ENOENT))
        world->there[i] = false;
}

static void compare_and_delete(struct world *world, size_t i, uint64_t value)
{
    bool equal = value % 3 != 0;
    uint64_t expected = equal ? world->value[i] : 0;
    int result = !world->there[i] ? -ENOENT : equal ? 0 : -ESTALE;
    if (done(world, world->verbs->compare_and_delete(world->map, key_at(world, i), &expected), result) && !result)
        world->there[i] = false;
}

static void delete_version(struct world *world, size_t i, uint64_t value)
{
    bool equal = value % 3 != 0;
    int result = !world->there[i] ? -ENOENT : equal ? 0 : -ESTALE;
    uint64_t version = world->version[i] + (equal ? 0 : 1000);
    if (done(world, world->verbs->delete_version(world->map, key_at(world, i), version), result) && !result)
        world->there[i] = false;
}

/* Rarely: an empty map tells little. */
static void clear(struct world *world, size_t i, uint64_t value)
{
    if (value % 5 || i >= KEYS)
        return;
    if (done(world, world->verbs->clear(world->map), 0))
        memset(world->there, 0, sizeof world->there);
}

static verb_fn *const verbs[] = {store,           swap,      load_or_store,      compare_and_swap, store_version,
                                 load_and_delete, delete_it, compare_and_delete, delete_version,   store,
                                 load_or_store,   clear};

/* Returns whether a request failed. */
static bool work(const struct flavour_verbs *flavour, enum msc_key_kind kind, uint64_t fail_at, bool for_good)
{
    static struct world world;
    failing_memory_begin(0, for_good);
    world_begin(&world, flavour, kind);
    failing_memory.asked = 0;
    failing_memory.fail_at = fail_at;
    for (size_t step = 0; step < STEPS; step++) {
        uint64_t before = failing_memory.failed;
        verbs[draw(&world, sizeof verbs / sizeof *verbs)](&world, draw(&world, KEYS), world.next_value++);
        if (failing_memory.failed > before)
            check_all(&world);
        world.failed = failing_memory.failed;
    }
    check_all(&world);
    bool failed = failing_memory.failed > 0;
    failing_memory_recover();
    for (size_t i = 0; i < KEYS; i++)
        store(&world, i, i);
    check_all(&world);
    flavour->destroy(world.map);
    epoch_collect(); /* with the allocator that it came from */
    assert_int_equal(failing_memory.alive, 0);
    return failed;
}

static void check_each_failure(bool for_good)
{
    struct memory kept = memory;
    for (size_t i = 0; i < FLAVOURS; i++)
        for (enum msc_key_kind kind = MSC_KEY_U64; kind <= MSC_KEY_BYTES; kind++) {
            uint64_t n = 1;
            while (work(&flavour_table[i], kind, n, for_good))
                n++;
            assert_true(n > 1);
        }
    memory = kept;
}

static void test_a_verb_without_memory_does_nothing(void **state)
{
    (void)state;
    check_each_failure(false);
}

static void test_a_map_without_memory_can_be_read_and_goes_on_later(void **state)
{
    (void)state;
    check_each_failure(true);
}

static void test_no_memory_no_map(void **state)
{
    (void)state;
    struct memory kept = memory;
    struct msc_map_options options = {.struct_size = sizeof options, .value_size = 8};
    for (size_t i = 0; i < FLAVOURS; i++)
        for (uint64_t n = 1;; n++) {
            void *map = NULL;
            failing_memory_begin(n, false);
            int error = flavour_table[i].create(&options, &map);
            if (error == 0) {
                flavour_table[i].destroy(map);
                assert_true(n > 1);
                break;
            }
            assert_int_equal(error, -ENOMEM);
            assert_null(map);
            assert_int_equal(failing_memory.alive, 0);
        }
    memory = kept;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_verb_without_memory_does_nothing),
        cmocka_unit_test(test_a_map_without_memory_can_be_read_and_goes_on_later),
        cmocka_unit_test(test_no_memory_no_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
