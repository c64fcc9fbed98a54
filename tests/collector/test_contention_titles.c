/* contention_titles: what a lock without a name is called. */
#include "collector/contention_events.h"

/* Data of a module at 0x1000, code of one in 0x2000 to 0x2fff; the heap elsewhere. */
static const char *title_object(void *self, uint32_t pid, uint64_t address, uint64_t time_ns)
{
    (void)self;
    (void)pid;
    (void)time_ns;
    return address == 0x1000 ? "table_lock+0x8" : NULL;
}

static const struct symbol_location *title_resolve(void *self, uint32_t pid, uint64_t return_address, uint64_t time_ns)
{
    static const struct symbol_module module = {.path = "/bin/server", .has_functions = true};
    static const struct symbol_frame init_frame = {.function = "cache_new", .system_name = "cache_new", .file = ""};
    static const struct symbol_frame use_frame = {.function = "cache_get", .system_name = "cache_get", .file = ""};
    static struct symbol_location location;
    (void)self;
    (void)pid;
    (void)time_ns;
    location = (struct symbol_location){.address = return_address - 1,
                                        .module = return_address >= 0x2000 && return_address < 0x3000 ? &module : NULL,
                                        .frames = return_address == 0x2abc ? &init_frame : &use_frame,
                                        .frame_count = 1};
    return &location;
}

static const char *title_at(const struct contention_view *view, uint64_t address)
{
    static char text[20];
    for (size_t i = 0; i < view->lock_count; i++)
        if (view->locks[i].object.address == address)
            return contention_lock_text(&view->locks[i], text, sizeof text);
    return NULL;
}

static void test_a_lock_without_name_is_called_by_what_is_known_of_it(void **state)
{
    (void)state;
    struct fixture f;
    struct symbols symbols = {.object = title_object, .resolve = title_resolve};
    init(&f);
    apply(&f, release_event(0x1000, 5, 0, ONE), 0x2001); /* has a name: "cache" */
    for (uint64_t lock = 0x4000; lock <= 0x6000; lock += 0x1000)
        apply(&f, wait_event(lock, 5, CONTENTION_ACQUIRED, ONE), lock == 0x6000 ? 0x9999 : 0x2001);
    struct event data = wait_event(0x1000, 5, CONTENTION_ACQUIRED, ONE);
    data.lock_wait.lock.generation = 2;
    data.pid = PID + 1;
    apply(&f, data, 0x2001);
    struct event totals = totals_event(0x4000, 1, 1);
    totals.lock_totals.site = 0x2abc;
    apply(&f, totals, 0);
    apply(&f, totals_event(0x7000, 1, 1), 0); /* never contended: nobody asks */
    view_of(&f);
    assert_int_equal(contention_view_name(f.view, f.stacks, &symbols, 1), 0);
    assert_string_equal(title_at(f.view, 0x4000), "unnamed in cache_new");
    assert_string_equal(title_at(f.view, 0x5000), "unnamed in cache_get");
    assert_string_equal(title_at(f.view, 0x6000), "0x6000");
    assert_string_equal(title_at(f.view, 0x7000), "0x7000");
    for (size_t i = 0; i < f.view->lock_count; i++)
        if (f.view->locks[i].object.address == 0x1000)
            assert_string_equal(f.view->locks[i].title, f.view->locks[i].pid == PID ? "cache" : "table_lock+0x8");
    fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lock_without_name_is_called_by_what_is_known_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
