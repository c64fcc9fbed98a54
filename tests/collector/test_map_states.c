/* What is last said of a map, told by hand. */
#include "support/cmocka_main.h"

#include "collector/analyses/map_states.h"

static struct map_states *states;

static void apply(enum event_kind kind, struct event event)
{
    event.kind = kind;
    event.pid = 100;
    assert_int_equal(map_states_apply(states, &event), 0);
}

static void create(uint64_t address)
{
    apply(EVENT_MAP_ALLOC, (struct event){.map_life = {.map = {address, 1}, .name = {"sessions", 8}, .B = 2}});
}

static void operate(enum event_kind kind, uint64_t seq, bool found, uint32_t rate)
{
    apply(kind, (struct event){.map_op = {.map = {0x1000, 1}, .seq = seq, .found = found, .rate = rate}});
}

static const struct map_state *only(void)
{
    size_t at = 0;
    const struct map_state *state = map_states_next(states, &at);
    assert_non_null(state);
    assert_null(map_states_next(states, &at));
    return state;
}

static void test_the_last_state_is_kept_while_the_map_lives(void **state)
{
    (void)state;
    assert_int_equal(map_states_create(&states), 0);
    create(0x1000);
    operate(EVENT_MAP_ASSIGN, 2, false, 1);
    operate(EVENT_MAP_ASSIGN, 1, false, 1); /* comes late */
    operate(EVENT_MAP_ASSIGN, 3, true, 1);  /* replaces */
    operate(EVENT_MAP_DELETE, 4, true, 1);
    operate(EVENT_MAP_DELETE, 4, false, 1); /* was not there */
    assert_string_equal(only()->name, "sessions");
    assert_int_equal(only()->pid, 100);
    assert_int_equal(only()->seq, 4);
    assert_int_equal(only()->count, 1);
    assert_true(only()->is_counted);
    assert_int_equal(only()->B, 2);

    apply(EVENT_MAP_GROW, (struct event){.map_grow = {.map = {0x1000, 1}, .old_B = 2, .new_B = 3}});
    assert_true(only()->is_growing);
    assert_int_equal(only()->B, 3);
    apply(EVENT_MAP_GROW_END, (struct event){.map_grow_end = {.map = {0x1000, 1}}});
    assert_false(only()->is_growing);
    operate(EVENT_MAP_CLEAR, 5, true, 1);
    assert_int_equal(only()->count, 0);

    size_t at = 0;
    apply(EVENT_MAP_FREE, (struct event){.map_life = {.map = {0x1000, 1}}});
    assert_null(map_states_next(states, &at));
    map_states_destroy(states);
}

static void test_what_is_sampled_or_began_before_is_not_counted(void **state)
{
    (void)state;
    assert_int_equal(map_states_create(&states), 0);
    create(0x1000);
    operate(EVENT_MAP_ASSIGN, 1, false, 10);
    assert_false(only()->is_counted);
    map_states_destroy(states);

    assert_int_equal(map_states_create(&states), 0);
    operate(EVENT_MAP_ASSIGN, 7, false, 1);
    assert_false(only()->is_counted);
    assert_null(only()->name);
    assert_int_equal(only()->seq, 7);
    map_states_destroy(states);
}

static void test_a_map_that_was_there_before_is_counted_from_its_inventory_on(void **state)
{
    (void)state;
    assert_int_equal(map_states_create(&states), 0);
    apply(EVENT_MAP_INVENTORY,
          (struct event){.map_life = {.map = {0x1000, 1}, .name = {"sessions", 8}, .B = 3, .count = 37}});
    operate(EVENT_MAP_ASSIGN, 40, false, 1);
    assert_true(only()->is_counted);
    assert_string_equal(only()->name, "sessions");
    assert_int_equal(only()->count, 38);
    assert_int_equal(only()->B, 3);
    map_states_destroy(states);

    assert_int_equal(map_states_create(&states), 0);
    apply(EVENT_MAP_INVENTORY,
          (struct event){.map_life = {.map = {0x1000, 1}, .name = {"theirs", 6}, .count = EVENT_COUNT_UNKNOWN}});
    assert_false(only()->is_counted);
    assert_string_equal(only()->name, "theirs");
    map_states_destroy(states);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_state_is_kept_while_the_map_lives),
        cmocka_unit_test(test_what_is_sampled_or_began_before_is_not_counted),
        cmocka_unit_test(test_a_map_that_was_there_before_is_counted_from_its_inventory_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
