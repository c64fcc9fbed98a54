/* Where a lock event's stack begins for the user: each of the two rules of user_leaf.c, and their limits. */
#include "support/cmocka_main.h"

#include <string.h>

#include "model/user_leaf.h"

enum { DEPTH_MAX = 16 };

static const struct symbol_module program = {.id = 1, .path = "/opt/app/server", .build_id = "", .reason = ""};
static const struct symbol_module library = {
    .id = 2, .path = "/usr/lib/libmapscope.so.0", .build_id = "", .reason = ""};

/* A stack in words, leaf first: each address is an index into it, '+' joins inlined frames, '@' is the library. */
struct world {
    struct symbol_frame frames[DEPTH_MAX][4];
    struct symbol_location locations[DEPTH_MAX];
    char names[256];
    uint64_t pcs[DEPTH_MAX];
    uint32_t count;
};

static const struct symbol_location *resolve(void *self, uint32_t pid, uint64_t return_address, uint64_t time_ns)
{
    (void)pid;
    (void)time_ns;
    return &((struct world *)self)->locations[return_address];
}

static void add_location(struct world *world, char *names)
{
    struct symbol_location *location = &world->locations[world->count];
    struct symbol_frame *frames = world->frames[world->count];
    char *rest;
    *location = (struct symbol_location){.module = *names == '@' ? &library : &program, .frames = frames};
    for (char *name = strtok_r(names + (*names == '@'), "+", &rest); name; name = strtok_r(NULL, "+", &rest))
        frames[location->frame_count++] = (struct symbol_frame){.function = name, .system_name = name, .file = ""};
    world->pcs[world->count] = world->count;
    world->count++;
}

/* The name of the user's leaf in the stack. */
static const char *leaf_of(const char *stack)
{
    static struct world world;
    char *rest;
    memset(&world, 0, sizeof world);
    strcpy(world.names, stack);
    for (char *names = strtok_r(world.names, " ", &rest); names; names = strtok_r(NULL, " ", &rest))
        add_location(&world, names);
    struct symbols symbols = {.resolve = resolve, .self = &world};
    struct stack_view view = {.pcs = world.pcs, .count = world.count};
    struct user_leaf leaf = user_leaf_find(&symbols, &view);
    return world.count ? world.locations[leaf.pc].frames[leaf.frame].function : "";
}

static void test_the_lock_function_and_all_below_it_are_cut(void **state)
{
    (void)state;
    assert_string_equal(leaf_of("msc_mutex_unlock put main"), "put");
    assert_string_equal(leaf_of("settle emit msc_mutex_unlock put main"), "put");
    assert_string_equal(leaf_of("@settle @msc_mutex_unlock put main"), "put");
}

static void test_an_inlined_lock_function_leaves_its_caller(void **state)
{
    (void)state;
    assert_string_equal(leaf_of("msc_mutex_lock+put main"), "put");
    assert_string_equal(leaf_of("wait_slow msc_mutex_lock+put_locked+put main"), "put_locked");
}

static void test_our_functions_above_the_lock_are_cut_too(void **state)
{
    (void)state;
    assert_string_equal(leaf_of("msc_mutex_lock msc_map_assign put main"), "put");
    assert_string_equal(leaf_of("@hidden @also_hidden put main"), "put");
}

static void test_a_cleanup_that_we_called_stays_the_users(void **state)
{
    (void)state;
    assert_string_equal(leaf_of("msc_mutex_lock remove_session msc_scope_close handle main"), "remove_session");
    assert_string_equal(leaf_of("remove_session msc_scope_close handle main"), "remove_session");
}

static void test_a_stack_without_frames_of_ours_is_left_whole(void **state)
{
    (void)state;
    assert_string_equal(leaf_of("put handle main"), "put");
}

static void test_a_stack_of_nothing_but_ours_is_left_whole(void **state)
{
    (void)state;
    assert_string_equal(leaf_of("msc_mutex_unlock @worker"), "msc_mutex_unlock");
    assert_string_equal(leaf_of(""), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_lock_function_and_all_below_it_are_cut),
        cmocka_unit_test(test_an_inlined_lock_function_leaves_its_caller),
        cmocka_unit_test(test_our_functions_above_the_lock_are_cut_too),
        cmocka_unit_test(test_a_cleanup_that_we_called_stays_the_users),
        cmocka_unit_test(test_a_stack_without_frames_of_ours_is_left_whole),
        cmocka_unit_test(test_a_stack_of_nothing_but_ours_is_left_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
