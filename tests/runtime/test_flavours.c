/* Every concurrent map against a model, one thread: what each verb does, refuses and leaves alone. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/flavour_table.h"
#include "support/cmocka_main.h"

enum { KEYS = 200, STEPS = 20000 };

struct keys {
    enum msc_key_kind kind;
    uint64_t numbers[KEYS];
    char texts[KEYS][24];
    struct msc_bytes bytes[KEYS];
};

struct model {
    bool there[KEYS];
    uint64_t value[KEYS], version[KEYS];
    size_t count;
};

struct world {
    const struct flavour_verbs *verbs;
    void *map;
    struct keys keys;
    struct model model;
    uint64_t random, next_value;
};

static uint64_t draw(struct world *world, uint64_t limit)
{
    world->random = world->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (world->random >> 33) % limit;
}

static void fill_keys(struct keys *keys, enum msc_key_kind kind)
{
    keys->kind = kind;
    for (size_t i = 0; i < KEYS; i++) {
        keys->numbers[i] = i * UINT64_C(0x10001);
        size_t length = i == 0 ? 0 : (size_t)snprintf(keys->texts[i], sizeof keys->texts[i], "key %zu", i);
        keys->bytes[i] = (struct msc_bytes){keys->texts[i], length};
    }
}

static const void *key_at(const struct world *world, size_t i)
{
    return world->keys.kind == MSC_KEY_U64 ? (const void *)&world->keys.numbers[i] : &world->keys.bytes[i];
}

static void world_begin(struct world *world, const struct flavour_verbs *verbs, enum msc_key_kind kind)
{
    *world = (struct world){.verbs = verbs, .random = 1, .next_value = 1};
    fill_keys(&world->keys, kind);
    struct msc_map_options options = {
        .struct_size = sizeof options, .name = "under test", .key = kind, .value_size = sizeof(uint64_t)};
    assert_int_equal(verbs->create(&options, &world->map), 0);
}

static void world_end(struct world *world)
{
    world->verbs->destroy(world->map);
}

/* Runs a test for each flavour and both kinds of key. */
static void for_each(void (*test)(struct world *world))
{
    for (size_t i = 0; i < FLAVOURS; i++)
        for (enum msc_key_kind kind = MSC_KEY_U64; kind <= MSC_KEY_BYTES; kind++) {
            static struct world world;
            world_begin(&world, &flavour_table[i], kind);
            test(&world);
            world_end(&world);
        }
}

/* ---- the model ---- */

static void model_write(struct world *world, size_t i, uint64_t value)
{
    struct model *model = &world->model;
    model->count += !model->there[i];
    model->there[i] = true;
    model->value[i] = value;
    uint64_t read, version, before = model->version[i];
    assert_int_equal(world->verbs->load_version(world->map, key_at(world, i), &read, &version), 0);
    assert_int_equal(read, value);
    assert_true(version > before);
    model->version[i] = version;
}

static void model_erase(struct world *world, size_t i)
{
    world->model.count -= world->model.there[i];
    world->model.there[i] = false;
}

static void check_key(struct world *world, size_t i)
{
    uint64_t value = 77, version = 78;
    int error = world->verbs->load_version(world->map, key_at(world, i), &value, &version);
    assert_int_equal(error, world->model.there[i] ? 0 : -ENOENT);
    assert_int_equal(value, world->model.there[i] ? world->model.value[i] : 77);
    assert_int_equal(version, world->model.there[i] ? world->model.version[i] : 78);
    assert_int_equal(world->verbs->load(world->map, key_at(world, i), NULL), error);
}

static void check_all(struct world *world)
{
    assert_int_equal(world->verbs->count(world->map), world->model.count);
    for (size_t i = 0; i < KEYS; i++)
        check_key(world, i);
}

/* What a comparing verb is given: mostly the value that is there. */
static uint64_t guess(struct world *world, size_t i)
{
    return draw(world, 4) ? world->model.value[i] : 99;
}

/* ---- one random step of each verb ---- */

static void step_store(struct world *world, size_t i)
{
    uint64_t value = world->next_value++;
    assert_int_equal(world->verbs->store(world->map, key_at(world, i), &value), 0);
    model_write(world, i, value);
}

static void step_swap(struct world *world, size_t i)
{
    uint64_t value = world->next_value++, out = 77;
    bool there = world->model.there[i];
    assert_int_equal(world->verbs->swap(world->map, key_at(world, i), &value, &out), there);
    assert_int_equal(out, there ? world->model.value[i] : 77);
    model_write(world, i, value);
}

static void step_load_or_store(struct world *world, size_t i)
{
    uint64_t value = world->next_value++, out = 77;
    bool there = world->model.there[i];
    assert_int_equal(world->verbs->load_or_store(world->map, key_at(world, i), &value, &out), there);
    assert_int_equal(out, there ? world->model.value[i] : 77);
    if (!there)
        model_write(world, i, value);
}

static void step_delete(struct world *world, size_t i)
{
    uint64_t out = 77;
    bool there = world->model.there[i];
    if (draw(world, 2)) {
        assert_int_equal(world->verbs->load_and_delete(world->map, key_at(world, i), &out), there ? 0 : -ENOENT);
        assert_int_equal(out, there ? world->model.value[i] : 77);
    } else {
        assert_int_equal(world->verbs->delete (world->map, key_at(world, i)), there ? 0 : -ENOENT);
    }
    model_erase(world, i);
}

static void step_compare_and_swap(struct world *world, size_t i)
{
    uint64_t value = world->next_value++, expected = guess(world, i);
    bool there = world->model.there[i], equal = there && expected == world->model.value[i];
    assert_int_equal(world->verbs->compare_and_swap(world->map, key_at(world, i), &expected, &value), equal ? 0
                                                                                                      : there
                                                                                                          ? -ESTALE
                                                                                                          : -ENOENT);
    if (equal)
        model_write(world, i, value);
}

static void step_compare_and_delete(struct world *world, size_t i)
{
    uint64_t expected = guess(world, i);
    bool there = world->model.there[i], equal = there && expected == world->model.value[i];
    assert_int_equal(world->verbs->compare_and_delete(world->map, key_at(world, i), &expected), equal   ? 0
                                                                                                : there ? -ESTALE
                                                                                                        : -ENOENT);
    if (equal)
        model_erase(world, i);
}

static void step_store_version(struct world *world, size_t i)
{
    uint64_t value = world->next_value++;
    uint64_t current = world->model.there[i] ? world->model.version[i] : 0;
    uint64_t version = draw(world, 4) ? current : current + 1;
    assert_int_equal(world->verbs->store_version(world->map, key_at(world, i), version, &value),
                     version == current ? 0 : -ESTALE);
    if (version == current)
        model_write(world, i, value);
}

static void step_delete_version(struct world *world, size_t i)
{
    bool there = world->model.there[i], right = draw(world, 4) != 0;
    uint64_t version = world->model.version[i] + !right;
    assert_int_equal(world->verbs->delete_version(world->map, key_at(world, i), version), !there  ? -ENOENT
                                                                                          : right ? 0
                                                                                                  : -ESTALE);
    if (there && right)
        model_erase(world, i);
}

static void step_clear(struct world *world)
{
    if (draw(world, 500))
        return;
    assert_int_equal(world->verbs->clear(world->map), 0);
    for (size_t i = 0; i < KEYS; i++)
        model_erase(world, i);
}

static void random_step(struct world *world)
{
    static void (*const steps[])(struct world *, size_t) = {
        step_store,         step_swap,
        step_load_or_store, step_delete,
        check_key,          step_compare_and_swap,
        check_key,          step_compare_and_delete,
        step_store_version, step_delete_version,
    };
    steps[draw(world, sizeof steps / sizeof steps[0])](world, draw(world, 1 + draw(world, KEYS)));
    step_clear(world);
}

static void do_what_the_model_does(struct world *world)
{
    for (int i = 0; i < STEPS; i++) {
        random_step(world);
        if (i % 1000 == 0)
            check_all(world);
    }
    check_all(world);
}

static void test_every_verb_does_what_the_model_does(void **state)
{
    (void)state;
    for_each(do_what_the_model_does);
}

/* ---- range ---- */

struct seen {
    struct world *world;
    unsigned times[KEYS];
    unsigned visits, stop_after;
};

static size_t index_of(const struct world *world, const void *key)
{
    if (world->keys.kind == MSC_KEY_U64)
        return *(const uint64_t *)key / 0x10001;
    const struct msc_bytes *bytes = key;
    return bytes->length ? (size_t)atoi((const char *)bytes->data + 4) : 0;
}

static int see(void *context, const void *key, const void *value, uint64_t version)
{
    struct seen *seen = context;
    struct msc_bytes copy;
    char text[32] = "";
    if (seen->world->keys.kind == MSC_KEY_BYTES) {
        copy = *(const struct msc_bytes *)key;
        memcpy(text, copy.data, copy.length);
        copy.data = text;
        key = &copy;
    }
    size_t i = index_of(seen->world, key);
    assert_true(i < KEYS);
    seen->times[i]++;
    uint64_t number;
    memcpy(&number, value, sizeof number);
    assert_int_equal(number, seen->world->model.value[i]);
    assert_int_equal(version, seen->world->model.version[i]);
    return ++seen->visits == seen->stop_after ? 42 : 0;
}

static void visit_each_once(struct world *world)
{
    for (size_t i = 0; i < KEYS; i++)
        step_store(world, i);
    for (size_t i = 0; i < KEYS; i += 3)
        step_delete(world, i);
    struct seen seen = {.world = world};
    assert_int_equal(world->verbs->range(world->map, see, &seen), 0);
    for (size_t i = 0; i < KEYS; i++)
        assert_int_equal(seen.times[i], world->model.there[i]);
    struct seen some = {.world = world, .stop_after = 5};
    assert_int_equal(world->verbs->range(world->map, see, &some), 42);
    assert_int_equal(some.visits, 5);
}

static void test_a_range_visits_each_entry_once_until_it_is_told_to_stop(void **state)
{
    (void)state;
    for_each(visit_each_once);
}

/* ---- what is refused ---- */

static void refuse_bad_calls(struct world *world)
{
    uint64_t value = 1, version;
    const struct flavour_verbs *verbs = world->verbs;
    assert_int_equal(verbs->load(NULL, key_at(world, 1), &value), -EINVAL);
    assert_int_equal(verbs->load(world->map, NULL, &value), -EINVAL);
    assert_int_equal(verbs->load_version(NULL, key_at(world, 1), &value, &version), -EINVAL);
    assert_int_equal(verbs->store(NULL, key_at(world, 1), &value), -EINVAL);
    assert_int_equal(verbs->delete (world->map, NULL), -EINVAL);
    assert_int_equal(verbs->clear(NULL), -EINVAL);
    assert_int_equal(verbs->range(NULL, see, NULL), -EINVAL);
    assert_int_equal(verbs->range(world->map, NULL, NULL), -EINVAL);
    assert_int_equal(verbs->count(NULL), 0);
    verbs->destroy(NULL);
    struct msc_bytes nothing = {NULL, 3};
    if (world->keys.kind == MSC_KEY_BYTES)
        assert_int_equal(verbs->store(world->map, &nothing, &value), -EINVAL);
    struct msc_map_options small = {.struct_size = 1}, strange = {.struct_size = sizeof strange, .key = 77};
    void *out = NULL;
    assert_int_equal(verbs->create(NULL, &out), -EINVAL);
    assert_int_equal(verbs->create(&small, &out), -EINVAL);
    assert_int_equal(verbs->create(&strange, &out), -EINVAL);
    assert_null(out);
}

static void test_calls_without_a_map_or_a_key_are_refused(void **state)
{
    (void)state;
    for_each(refuse_bad_calls);
}

/* Values larger than a word, and none at all. */
static void test_values_of_any_size_come_back_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < FLAVOURS; i++)
        for (size_t size = 0; size <= 40; size += 8) {
            struct msc_map_options options = {.struct_size = sizeof options, .value_size = size};
            void *map;
            unsigned char in[40], out[48];
            memset(in, 0x5a, sizeof in);
            memset(out, 0x11, sizeof out);
            uint64_t key = 3, other = 4;
            assert_int_equal(flavour_table[i].create(&options, &map), 0);
            assert_int_equal(flavour_table[i].store(map, &key, in), 0);
            assert_int_equal(flavour_table[i].load(map, &key, out), 0);
            assert_memory_equal(in, out, size);
            assert_int_equal(out[size], 0x11);
            assert_int_equal(flavour_table[i].store(map, &other, NULL), 0);
            assert_int_equal(flavour_table[i].load(map, &other, out), 0);
            for (size_t at = 0; at < size; at++)
                assert_int_equal(out[at], 0);
            flavour_table[i].destroy(map);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_verb_does_what_the_model_does),
        cmocka_unit_test(test_a_range_visits_each_entry_once_until_it_is_told_to_stop),
        cmocka_unit_test(test_calls_without_a_map_or_a_key_are_refused),
        cmocka_unit_test(test_values_of_any_size_come_back_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
