/* collector/analyses/live_maps: one object a map that lives, whatever its address was before. */
#include "support/cmocka_main.h"

#include "collector/analyses/live_maps.h"

enum { MAPS = 1000 };

struct world {
    struct stacks *stacks;
    struct live_maps *maps;
};

static int setup(void **state)
{
    static struct world world;
    *state = &world;
    assert_int_equal(stacks_create(&world.stacks), 0);
    assert_int_equal(live_maps_create(world.stacks, &world.maps), 0);
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    live_maps_destroy(world->maps);
    stacks_destroy(world->stacks);
    return 0;
}

/* The map that the event is about; NULL also for one that has ended with it. */
static struct live_map *see(struct world *world, enum event_kind kind, uint32_t pid, struct event_object map)
{
    struct event event = {.kind = kind, .pid = pid, .map_op.map = map};
    struct sighting sighting;
    assert_int_equal(live_maps_see(world->maps, &event, &sighting), 0);
    live_maps_leave(world->maps, &sighting);
    return kind == EVENT_MAP_FREE ? NULL : sighting.map;
}

static void test_address_generation_and_pid_tell_maps_apart_by_turns(void **state)
{
    const struct event_object map = {0x1000, 1}, later = {0x1000, 2}, beside = {0x2000, 1};
    struct live_map *first = see(*state, EVENT_MAP_ASSIGN, 7, map);
    struct live_map *reused = see(*state, EVENT_MAP_ASSIGN, 7, later);
    struct live_map *others = see(*state, EVENT_MAP_ASSIGN, 8, map);
    assert_ptr_not_equal(first, reused);
    assert_ptr_not_equal(first, others);
    for (int turn = 0; turn < 3; turn++) {
        assert_ptr_equal(see(*state, EVENT_MAP_ACCESS, 7, map), first);
        assert_ptr_equal(see(*state, EVENT_MAP_DELETE, 7, later), reused);
        assert_ptr_equal(see(*state, EVENT_MAP_CLEAR, 8, map), others);
        assert_ptr_not_equal(see(*state, EVENT_MAP_ASSIGN, 7, beside), first);
    }
}

static void test_a_map_that_was_destroyed_is_forgotten_and_no_other(void **state)
{
    struct world *world = *state;
    const struct event_object map = {0x1000, 1}, later = {0x1000, 2};
    const struct live_map_key key = {7, 0x1000, 1}, later_key = {7, 0x1000, 2};
    struct live_map *reused = see(world, EVENT_MAP_ASSIGN, 7, later);
    assert_true(see(world, EVENT_MAP_ALLOC, 7, map)->is_complete);
    see(world, EVENT_MAP_FREE, 7, map);
    assert_null(live_maps_find(world->maps, &key));
    assert_ptr_equal(live_maps_find(world->maps, &later_key), reused);
    see(world, EVENT_MAP_FREE, 7, map);
    assert_false(see(world, EVENT_MAP_ASSIGN, 7, map)->is_complete);
}

static void test_many_maps_by_turns_stay_what_they_are(void **state)
{
    struct live_map *maps[MAPS];
    for (uint64_t i = 0; i < MAPS; i++)
        maps[i] = see(*state, EVENT_MAP_ASSIGN, 7, (struct event_object){0x1000 + 16 * i, 1});
    for (uint64_t i = 0; i < MAPS; i++)
        assert_ptr_equal(see(*state, EVENT_MAP_ACCESS, 7, (struct event_object){0x1000 + 16 * i, 1}), maps[i]);
    size_t at = 0, count = 0;
    while (live_maps_next(((struct world *)*state)->maps, &at))
        count++;
    assert_int_equal(count, MAPS);
}

static void test_what_is_about_no_map_has_none(void **state)
{
    const struct event_object map = {0x1000, 1}, none = {0, 0};
    assert_null(see(*state, EVENT_DEFER_RUN_BEGIN, 7, map));
    assert_null(see(*state, EVENT_MAP_FAULT, 7, none));
    assert_non_null(see(*state, EVENT_MAP_FAULT, 7, map));
    assert_non_null(see(*state, EVENT_MAP_ITER_BEGIN, 7, none));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_address_generation_and_pid_tell_maps_apart_by_turns),
        TEST(test_a_map_that_was_destroyed_is_forgotten_and_no_other),
        TEST(test_many_maps_by_turns_stay_what_they_are),
        TEST(test_what_is_about_no_map_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
