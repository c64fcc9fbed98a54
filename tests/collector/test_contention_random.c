/* The contention analysis of random contention: every nanosecond is there on both sides, in whatever order it comes. */
#include "collector/contention_events.h"

#include <stdlib.h>

#include "model/contention_profile.h"

/*
 * A lock and its threads, moved on by random steps: the events that a perfect runtime would emit. Charges
 * come from a list of waiters, not from the runtime's arithmetic.
 */
enum { THREADS = 8, SITES = 5, EVENTS_MAX = 40000 };

struct simulation {
    uint64_t random, now_ns, lock;
    uint64_t since_ns[THREADS]; /* 0 = not waiting */
    uint64_t charge_ns, handoff_ns;
    bool held;
    struct event events[EVENTS_MAX];
    uint64_t sites[EVENTS_MAX];
    size_t count;
};

static uint64_t next_random(struct simulation *s, uint64_t below)
{
    s->random = s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (s->random >> 33) % below;
}

static void pass_time(struct simulation *s)
{
    uint64_t step_ns = next_random(s, 1000000);
    s->now_ns += step_ns;
    for (int i = 0; i < THREADS; i++)
        if (s->since_ns[i])
            *(s->held ? &s->charge_ns : &s->handoff_ns) += step_ns;
}

static void emit(struct simulation *s, struct event event)
{
    if (s->count == EVENTS_MAX)
        return;
    s->sites[s->count] = 0x1000 + next_random(s, SITES);
    s->events[s->count++] = event;
}

static void release(struct simulation *s)
{
    if (s->charge_ns + s->handoff_ns)
        emit(s, release_event(s->lock, s->charge_ns, s->handoff_ns, ONE));
    s->charge_ns = s->handoff_ns = 0;
    s->held = false;
}

static void step(struct simulation *s, bool may_arrive)
{
    size_t thread = next_random(s, THREADS);
    pass_time(s);
    if (s->held && next_random(s, 3) == 0) {
        release(s);
    } else if (s->since_ns[thread] && !s->held) {
        emit(s, wait_event(s->lock, s->now_ns - s->since_ns[thread], CONTENTION_ACQUIRED, ONE));
        s->since_ns[thread] = 0;
        s->held = true;
    } else if (s->since_ns[thread] && next_random(s, 20) == 0) {
        emit(s, wait_event(s->lock, s->now_ns - s->since_ns[thread], CONTENTION_TIMEOUT, ONE));
        s->since_ns[thread] = 0;
    } else if (!s->since_ns[thread] && may_arrive && s->held) {
        s->since_ns[thread] = s->now_ns;
    } else if (!s->since_ns[thread] && may_arrive) {
        s->held = true; /* without waiting */
    }
}

static bool is_quiet(const struct simulation *s)
{
    for (int i = 0; i < THREADS; i++)
        if (s->since_ns[i])
            return false;
    return !s->held && s->charge_ns + s->handoff_ns == 0;
}

static void simulate(struct simulation *s, uint64_t lock)
{
    s->lock = lock;
    for (int i = 0; i < 5000; i++)
        step(s, true);
    for (int i = 0; i < 1000 && !is_quiet(s); i++) {
        step(s, false);
        if (!s->held && s->charge_ns + s->handoff_ns) { /* the last one in leaves: hand-off goes with its hold */
            s->held = true;
            release(s);
        }
    }
    assert_true(is_quiet(s));
}

static void shuffle(struct simulation *s)
{
    for (size_t i = s->count; i > 1; i--) {
        size_t j = next_random(s, i);
        struct event event = s->events[i - 1];
        uint64_t site = s->sites[i - 1];
        s->events[i - 1] = s->events[j];
        s->sites[i - 1] = s->sites[j];
        s->events[j] = event;
        s->sites[j] = site;
    }
}

static void apply_all(struct fixture *f, const struct simulation *s)
{
    for (size_t i = 0; i < s->count; i++)
        apply(f, s->events[i], s->sites[i]);
}

static struct simulation *new_simulation(void)
{
    struct simulation *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->random = 42;
    s->now_ns = 1;
    for (uint64_t lock = 1; lock <= 3; lock++)
        simulate(s, lock);
    assert_true(s->count > 1000 && s->count < EVENTS_MAX);
    return s;
}

static void test_every_nanosecond_waited_is_charged_or_handed_off(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    struct simulation *s = new_simulation();
    apply_all(&f, s);
    const struct contention_view *view = view_of(&f);
    assert_int_equal(view->lock_count, 3);
    for (size_t i = 0; i < view->lock_count; i++) {
        assert_true(view->locks[i].wait_ns > 1000000);
        assert_int_equal(contention_lock_balance(&view->locks[i]).difference_ns, 0);
    }
    assert_int_equal(contention_view_balance(view).difference_ns, 0);
    free(s);
    fini(&f);
}

static void assert_sites_equal(const struct contention_site *a, const struct contention_site *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(a[i].count, b[i].count);
        assert_int_equal(a[i].delay_ns, b[i].delay_ns);
        assert_int_equal(a[i].max_ns, b[i].max_ns);
        assert_int_equal(a[i].part_count, b[i].part_count);
    }
}

static void test_the_order_of_the_events_does_not_matter(void **state)
{
    (void)state;
    struct fixture f, g;
    init(&f);
    init(&g);
    struct simulation *s = new_simulation();
    apply_all(&f, s);
    shuffle(s);
    apply_all(&g, s);
    const struct contention_view *a = view_of(&f), *b = view_of(&g);
    assert_int_equal(a->lock_count, b->lock_count);
    for (size_t i = 0; i < a->lock_count; i++) {
        assert_int_equal(a->locks[i].object.address, b->locks[i].object.address);
        assert_int_equal(a->locks[i].releaser_count, b->locks[i].releaser_count);
        assert_int_equal(a->locks[i].waiter_count, b->locks[i].waiter_count);
        assert_sites_equal(a->locks[i].releasers, b->locks[i].releasers, a->locks[i].releaser_count);
        assert_sites_equal(a->locks[i].waiters, b->locks[i].waiters, a->locks[i].waiter_count);
    }
    free(s);
    fini(&f);
    fini(&g);
}

/* No symbols: every address is its own function, in no module. */
static const struct symbol_location *resolve(void *self, uint32_t pid, uint64_t return_address, uint64_t time_ns)
{
    static struct symbol_location locations[SITES];
    static const struct symbol_frame frame = {.function = "somewhere", .system_name = "somewhere", .file = ""};
    (void)self;
    (void)pid;
    (void)time_ns;
    struct symbol_location *location = &locations[return_address % SITES];
    *location = (struct symbol_location){.address = return_address - 1, .frames = &frame, .frame_count = 1};
    return location;
}

static int64_t profile_total(struct fixture *f, enum contention_profile_kind kind)
{
    struct symbols symbols = {.resolve = resolve};
    struct losses losses = {0};
    struct process_table processes;
    process_table_init(&processes);
    struct contention_profile_input input = {.view = view_of(f),
                                             .stacks = f->stacks,
                                             .symbols = &symbols,
                                             .processes = &processes,
                                             .losses = &losses,
                                             .end_epoch_ns = 1};
    struct profile *profile;
    assert_int_equal(contention_profile_create(&input, kind, &profile), 0);
    assert_int_equal(profile_validate(profile, NULL), 0);
    int64_t total = 0;
    for (size_t i = 0; i < profile->sample_count; i++)
        total += profile->samples[i].values[1];
    profile_destroy(profile);
    process_table_fini(&processes);
    return total;
}

static void test_profiles_of_random_contention_add_up_to_the_same(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    struct simulation *s = new_simulation();
    apply_all(&f, s);
    int64_t mutex = profile_total(&f, CONTENTION_PROFILE_MUTEX);
    assert_true(mutex > 1000000);
    assert_int_equal(mutex, profile_total(&f, CONTENTION_PROFILE_BLOCK));
    assert_int_equal(mutex, f.view->wait_ns);
    free(s);
    fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_nanosecond_waited_is_charged_or_handed_off),
        cmocka_unit_test(test_the_order_of_the_events_does_not_matter),
        cmocka_unit_test(test_profiles_of_random_contention_add_up_to_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
