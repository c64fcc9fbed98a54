/* The contention analysis: exact sums, nothing lost, whatever the order of the events. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/contention.h"
#include "model/contention_profile.h"

enum { PID = 10, ONE = EVENT_WEIGHT_ONE };

struct fixture {
    struct stacks *stacks;
    struct contention *contention;
    struct contention_view *view;
};

static void init(struct fixture *f)
{
    *f = (struct fixture){0};
    assert_int_equal(stacks_create(&f->stacks), 0);
    assert_int_equal(contention_create(f->stacks, &f->contention), 0);
}

static void fini(struct fixture *f)
{
    contention_view_destroy(f->view);
    contention_destroy(f->contention);
    stacks_destroy(f->stacks);
}

static const struct contention_view *view_of(struct fixture *f)
{
    contention_view_destroy(f->view);
    assert_int_equal(contention_view_create(f->contention, &f->view), 0);
    return f->view;
}

static struct event_text text_of(const char *text)
{
    return (struct event_text){text, (uint32_t)strlen(text)};
}

static void apply(struct fixture *f, struct event event, uint64_t site)
{
    event.pid = event.pid ? event.pid : PID;
    event.stack = (struct event_stack){&site, site ? 1 : 0};
    assert_int_equal(contention_apply(f->contention, &event), 0);
}

static struct event release_event(uint64_t lock, uint64_t charge_ns, uint64_t handoff_ns, uint64_t weight)
{
    return (struct event){.kind = EVENT_LOCK_RELEASE,
                          .lock_release = {.lock = {lock, 1},
                                           .charge_ns = charge_ns,
                                           .handoff_ns = handoff_ns,
                                           .weight = weight,
                                           .name = text_of("cache")}};
}

static struct event wait_event(uint64_t lock, uint64_t wait_ns, uint32_t result, uint64_t weight)
{
    return (struct event){.kind = EVENT_LOCK_WAIT,
                          .lock_wait = {.lock = {lock, 1}, .wait_ns = wait_ns, .result = result, .weight = weight}};
}

static struct event totals_event(uint64_t lock, uint64_t ops, uint64_t max_ns)
{
    return (struct event){.kind = EVENT_LOCK_TOTALS,
                          .lock_totals = {.lock = {lock, 1}, .ops = ops, .contentions = ops / 2, .max_ns = max_ns}};
}

static void test_releases_are_summed_by_lock_and_stack(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    apply(&f, release_event(1, 100, 7, ONE), 0xa);
    apply(&f, release_event(1, 30, 0, ONE), 0xa);
    apply(&f, release_event(1, 500, 1, ONE), 0xb);
    apply(&f, release_event(2, 9, 0, ONE), 0xa);
    const struct contention_view *view = view_of(&f);
    assert_int_equal(view->lock_count, 2);
    const struct contention_lock *lock = &view->locks[0];
    assert_int_equal(lock->object.address, 1);
    assert_string_equal(lock->name, "cache");
    assert_int_equal(lock->releaser_count, 2);
    assert_int_equal(lock->releasers[0].delay_ns, 500); /* largest first */
    assert_int_equal(stacks_get(f.stacks, lock->releasers[0].stack).pcs[0], 0xb);
    assert_int_equal(lock->releasers[1].delay_ns, 130);
    assert_int_equal(lock->releasers[1].count, 2);
    assert_int_equal(lock->releasers[1].max_ns, 100);
    assert_int_equal(lock->charge_ns, 630);
    assert_int_equal(lock->handoff_ns, 8);
    assert_int_equal(view->releases, 4);
    assert_int_equal(view->charge_ns, 639);
    fini(&f);
}

static void test_a_release_with_nothing_but_handoff_is_nobodys_contention(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    apply(&f, release_event(1, 0, 40, ONE), 0xa);
    const struct contention_view *view = view_of(&f);
    assert_int_equal(view->locks[0].releaser_count, 0);
    assert_int_equal(view->locks[0].handoff_ns, 40);
    fini(&f);
}

static void test_waits_keep_result_and_bucket_apart_within_a_site(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    apply(&f, wait_event(1, 1500, CONTENTION_ACQUIRED, ONE), 0xa);
    apply(&f, wait_event(1, 1999, CONTENTION_ACQUIRED, ONE), 0xa);
    apply(&f, wait_event(1, 2000, CONTENTION_ACQUIRED, ONE), 0xa);
    apply(&f, wait_event(1, 90000, CONTENTION_TIMEOUT, ONE), 0xa);
    const struct contention_lock *lock = &view_of(&f)->locks[0];
    assert_int_equal(lock->waiter_count, 2);
    assert_int_equal(lock->waiters[0].result, CONTENTION_TIMEOUT);
    const struct contention_site *acquired = &lock->waiters[1];
    assert_int_equal(acquired->count, 3);
    assert_int_equal(acquired->delay_ns, 5499);
    assert_int_equal(acquired->part_count, 2);
    assert_string_equal(contention_bucket_text(acquired->parts[0].bucket), "1us-2us");
    assert_int_equal(acquired->parts[0].count, 2);
    assert_int_equal(acquired->parts[0].delay_ns, 3499);
    assert_string_equal(contention_bucket_text(acquired->parts[1].bucket), "2us-5us");
    assert_int_equal(lock->max_wait_ns, 90000);
    assert_int_equal(lock->wait_ns, 95499);
    fini(&f);
}

static void test_samples_count_for_their_weight_and_round_once_a_site(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    for (int i = 0; i < 3; i++)
        apply(&f, release_event(1, 1, 0, ONE + ONE / 4), 0xa); /* 3 * 1.25 = 3.75; each rounded would be 3 */
    apply(&f, release_event(1, 7, 0, 100 * ONE), 0xb);
    const struct contention_lock *lock = &view_of(&f)->locks[0];
    assert_int_equal(lock->releasers[0].count, 100);
    assert_int_equal(lock->releasers[0].delay_ns, 700);
    assert_int_equal(lock->releasers[1].count, 4);
    assert_int_equal(lock->releasers[1].delay_ns, 4);
    fini(&f);
}

static void test_absurd_values_saturate(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    apply(&f, wait_event(1, UINT64_MAX, CONTENTION_ACQUIRED, UINT64_MAX), 0xa);
    apply(&f, wait_event(1, UINT64_MAX, CONTENTION_ACQUIRED, UINT64_MAX), 0xa);
    assert_true(view_of(&f)->locks[0].wait_ns <= INT64_MAX);
    assert_true(view_of(&f)->locks[0].wait_ns >= INT64_MAX / 2);
    fini(&f);
}

static void test_a_reused_address_and_another_process_are_other_locks(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    struct event event = release_event(1, 10, 0, ONE);
    apply(&f, event, 0xa);
    event.lock_release.lock.generation = 2;
    apply(&f, event, 0xa);
    event.pid = PID + 1;
    apply(&f, event, 0xa);
    assert_int_equal(view_of(&f)->lock_count, 3);
    fini(&f);
}

static struct event inventory_event(uint32_t round, uint64_t lock, uint64_t ops, uint64_t max_ns)
{
    struct event event = totals_event(lock, ops, max_ns);
    event.kind = EVENT_LOCK_INVENTORY;
    event.lock_totals.round = round;
    return event;
}

static void test_totals_are_those_since_the_first_inventory(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    apply(&f, inventory_event(4, 1, 160, 9), 0); /* another session began meanwhile */
    apply(&f, inventory_event(3, 1, 100, 9), 0);
    apply(&f, inventory_event(4, 2, 20, 7), 0); /* new since the first one */
    apply(&f, totals_event(1, 180, 9), 0);
    const struct contention_view *view = view_of(&f);
    assert_int_equal(view->totals_count, 2);
    assert_int_equal(view->locks[0].totals.ops, 80);
    assert_int_equal(view->locks[0].totals.contentions, 40);
    assert_int_equal(view->locks[0].totals.max_ns, 0); /* the longest was before */
    assert_int_equal(view->locks[1].totals.ops, 20);
    assert_int_equal(view->locks[1].totals.max_ns, 7);
    fini(&f);
}

static void test_one_inventory_says_what_there_is_but_no_totals(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    struct event event = inventory_event(2, 1, 100, 9);
    event.lock_totals.name = text_of("table");
    apply(&f, event, 0);
    const struct contention_view *view = view_of(&f);
    assert_int_equal(view->totals_count, 0);
    assert_int_equal(view->totals.ops, 0);
    assert_string_equal(view->locks[0].name, "table");
    fini(&f);
}

static void test_totals_are_the_last_ones_in_any_order(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    apply(&f, totals_event(1, 10, 5), 0);
    apply(&f, totals_event(1, 80, 9), 0);
    apply(&f, totals_event(1, 40, 7), 0);
    apply(&f, totals_event(2, 1000, 3), 0);
    const struct contention_view *view = view_of(&f);
    assert_int_equal(view->totals_count, 2);
    assert_int_equal(view->totals.ops, 1080);
    assert_int_equal(view->totals.contentions, 540);
    assert_int_equal(view->totals.max_ns, 9);
    assert_int_equal(view->locks[0].totals.ops, 1000); /* without contention: by operations */
    assert_int_equal(view->locks[1].totals.ops, 80);
    fini(&f);
}

static void test_each_setting_of_the_sampler_is_kept_once(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    struct event event = {.kind = EVENT_SAMPLER_CONFIG, .sampler_config = {.mutex_mode = 1, .mutex_fraction = 100}};
    apply(&f, event, 0);
    apply(&f, event, 0);
    event.sampler_config.mutex_fraction = 10;
    apply(&f, event, 0);
    const struct contention_view *view = view_of(&f);
    assert_int_equal(view->sampler_count, 2);
    assert_int_equal(view->samplers[0].fraction, 100);
    assert_int_equal(view->samplers[1].fraction, 10);
    fini(&f);
}

static void test_other_events_change_nothing(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    for (int kind = 0; kind < EVENT_KIND_COUNT; kind++)
        if (kind < EVENT_LOCK_WAIT || kind > EVENT_LOCK_INVENTORY)
            apply(&f, (struct event){.kind = (enum event_kind)kind}, 0xa);
    assert_int_equal(view_of(&f)->lock_count, 0);
    assert_int_equal(stacks_count(f.stacks), 0);
    fini(&f);
}

static void test_a_thread_has_its_name_from_its_start_on(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    struct event start = {.kind = EVENT_THREAD_START, .tid = 7, .thread = {.name = text_of("phone")}};
    struct event wait = wait_event(1, 1500, CONTENTION_ACQUIRED, ONE);
    apply(&f, wait, 0xa); /* of tid 0: unknown */
    apply(&f, start, 0);
    wait.tid = 7;
    apply(&f, wait, 0xa);
    wait.pid = PID + 1; /* another process has its own 7 */
    apply(&f, wait, 0xa);
    const struct contention_view *view = view_of(&f);
    const struct contention_lock *lock = &view->locks[0];
    assert_int_equal(lock->pid, PID);
    assert_int_equal(lock->waiter_count, 1);
    assert_int_equal(lock->waiters[0].count, 2);
    assert_int_equal(lock->waiters[0].part_count, 2);
    assert_string_equal(lock->waiters[0].parts[0].thread, "");
    assert_string_equal(lock->waiters[0].parts[1].thread, "phone");
    assert_string_equal(view->locks[1].waiters[0].parts[0].thread, "");
    fini(&f);
}

static void test_a_relock_after_a_wait_is_kept_apart(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    struct event wait = wait_event(1, 1500, CONTENTION_ACQUIRED, ONE);
    apply(&f, wait, 0xa);
    wait.lock_wait.kind = CONTENTION_COND;
    apply(&f, wait, 0xa);
    const struct contention_lock *lock = &view_of(&f)->locks[0];
    assert_int_equal(lock->kind, CONTENTION_MUTEX);
    assert_int_equal(lock->waiters[0].part_count, 2);
    assert_int_equal(lock->waiters[0].parts[1].kind, CONTENTION_COND);
    fini(&f);
}

static void test_holds_are_summed_apart_from_waits(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    struct event hold = {.kind = EVENT_LOCK_HOLD, .lock_hold = {.lock = {1, 1}, .hold_ns = 700, .weight = 2 * ONE}};
    apply(&f, hold, 0xa);
    hold.lock_hold.hold_ns = 100;
    hold.lock_hold.weight = ONE;
    apply(&f, hold, 0xa);
    const struct contention_view *view = view_of(&f);
    assert_int_equal(view->holds, 3);
    assert_int_equal(view->held_ns, 1500);
    assert_int_equal(view->locks[0].hold_count, 1);
    assert_int_equal(view->locks[0].holds[0].max_ns, 700);
    assert_int_equal(view->locks[0].waiter_count + view->locks[0].releaser_count, 0);
    assert_int_equal(view->wait_ns + view->charge_ns, 0);
    fini(&f);
}

static void test_a_lock_tells_the_map_that_it_belongs_to(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    struct event map = {.kind = EVENT_MAP_ALLOC, .map_life = {.map = {0x50, 1}, .name = text_of("sessions")}};
    struct event totals = totals_event(1, 10, 5);
    apply(&f, map, 0);
    totals.lock_totals.map = 0x50;
    totals.lock_totals.site = 0xabc;
    apply(&f, totals, 0);
    totals = totals_event(2, 5, 5);
    totals.lock_totals.map = 0x60; /* nobody told its name */
    apply(&f, totals, 0);
    apply(&f, totals_event(3, 1, 5), 0);
    const struct contention_view *view = view_of(&f);
    assert_string_equal(view->locks[0].map, "sessions");
    assert_int_equal(view->locks[0].site, 0xabc);
    assert_string_equal(view->locks[1].map, "0x60");
    assert_string_equal(view->locks[2].map, "");
    fini(&f);
}

/* ---- what sampling leaves open ---- */

static void test_at_rate_one_nothing_is_left_open(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    apply(&f, release_event(1, 1000, 10, ONE), 0xa);
    apply(&f, wait_event(1, 1010, CONTENTION_ACQUIRED, ONE), 0xb);
    const struct contention_view *view = view_of(&f);
    assert_int_equal(contention_margin(view->mutex_variance), 0);
    assert_int_equal(contention_margin(view->wait_variance), 0);
    assert_int_equal(contention_margin(view->locks[0].waiters[0].count_variance), 0);
    fini(&f);
}

/* (1000 * 100)^2 * 0.99: +- 1.96 * 99498.7; of charge and hand-off together, for they are kept together. */
static void test_the_variance_is_that_of_horvitz_and_thompson(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    apply(&f, release_event(1, 900, 100, 100 * ONE), 0xa);
    const struct contention_view *view = view_of(&f);
    assert_int_equal(contention_margin(view->mutex_variance), 195014);
    assert_int_equal(contention_margin(view->locks[0].releasers[0].delay_variance), 175513);
    assert_int_equal(contention_margin(view->locks[0].releasers[0].count_variance), 196);
    fini(&f);
}

static double uniform(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*random >> 11) / 9007199254740992.0;
}

/*
 * The same list of waits sampled again and again, as the runtime does it (hybrid, n = 20, R = 10 us): the estimates
 * lie around the truth, and their intervals hold it as often as they say.
 */
static void test_the_interval_holds_the_truth_as_often_as_it_says(void **state)
{
    (void)state;
    enum { RUNS = 600, WAITS = 2000 };
    static uint64_t waits[WAITS];
    uint64_t truth = 0, random = 7;
    double mean = 0;
    int held = 0;
    for (int i = 0; i < WAITS; i++)
        truth += waits[i] = (uint64_t)(-2000 * log(1 - uniform(&random))) + 1;
    for (int run = 0; run < RUNS; run++) {
        struct fixture f;
        init(&f);
        for (int i = 0; i < WAITS; i++) {
            double p = 1 - (1 - 1.0 / 20) * exp(-(double)waits[i] / 10000);
            if (uniform(&random) < p)
                apply(&f, wait_event(1, waits[i], CONTENTION_ACQUIRED, (uint64_t)(ONE / p)), 0xa);
        }
        const struct contention_view *view = view_of(&f);
        int64_t off = (int64_t)(view->wait_ns - truth);
        held += (uint64_t)llabs(off) <= contention_margin(view->wait_variance);
        mean += (double)view->wait_ns / RUNS;
        fini(&f);
    }
    assert_true(fabs(mean / (double)truth - 1) < 0.01);
    assert_true(held > RUNS * 92 / 100 && held < RUNS * 98 / 100);
}

/* ---- titles ---- */

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

static void test_what_the_hooks_say_of_the_recording_is_kept_once(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    struct event log = {.kind = EVENT_LOG, .note = {.category = text_of("mapscope"), .message = text_of("beware")}};
    apply(&f, log, 0);
    apply(&f, log, 0);
    log.note.category = text_of("user");
    log.note.message = text_of("hello");
    apply(&f, log, 0);
    const struct contention_view *view = view_of(&f);
    assert_int_equal(view->note_count, 1);
    assert_string_equal(view->notes[0], "beware");
    fini(&f);
}

static void test_each_bucket_begins_where_the_one_before_ends(void **state)
{
    (void)state;
    assert_string_equal(contention_bucket_text(contention_bucket_of(0)), "<1us");
    assert_string_equal(contention_bucket_text(contention_bucket_of(999)), "<1us");
    assert_string_equal(contention_bucket_text(contention_bucket_of(1000)), "1us-2us");
    assert_string_equal(contention_bucket_text(contention_bucket_of(1000000)), "1ms-2ms");
    assert_string_equal(contention_bucket_text(contention_bucket_of(1999999)), "1ms-2ms");
    assert_string_equal(contention_bucket_text(contention_bucket_of(9999999999)), "5s-10s");
    assert_string_equal(contention_bucket_text(contention_bucket_of(10000000000)), ">=10s");
    assert_string_equal(contention_bucket_text(contention_bucket_of(UINT64_MAX)), ">=10s");
}

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
        cmocka_unit_test(test_releases_are_summed_by_lock_and_stack),
        cmocka_unit_test(test_a_release_with_nothing_but_handoff_is_nobodys_contention),
        cmocka_unit_test(test_waits_keep_result_and_bucket_apart_within_a_site),
        cmocka_unit_test(test_samples_count_for_their_weight_and_round_once_a_site),
        cmocka_unit_test(test_absurd_values_saturate),
        cmocka_unit_test(test_a_reused_address_and_another_process_are_other_locks),
        cmocka_unit_test(test_totals_are_those_since_the_first_inventory),
        cmocka_unit_test(test_one_inventory_says_what_there_is_but_no_totals),
        cmocka_unit_test(test_totals_are_the_last_ones_in_any_order),
        cmocka_unit_test(test_each_setting_of_the_sampler_is_kept_once),
        cmocka_unit_test(test_other_events_change_nothing),
        cmocka_unit_test(test_a_thread_has_its_name_from_its_start_on),
        cmocka_unit_test(test_a_relock_after_a_wait_is_kept_apart),
        cmocka_unit_test(test_holds_are_summed_apart_from_waits),
        cmocka_unit_test(test_a_lock_tells_the_map_that_it_belongs_to),
        cmocka_unit_test(test_at_rate_one_nothing_is_left_open),
        cmocka_unit_test(test_the_variance_is_that_of_horvitz_and_thompson),
        cmocka_unit_test(test_the_interval_holds_the_truth_as_often_as_it_says),
        cmocka_unit_test(test_a_lock_without_name_is_called_by_what_is_known_of_it),
        cmocka_unit_test(test_what_the_hooks_say_of_the_recording_is_kept_once),
        cmocka_unit_test(test_each_bucket_begins_where_the_one_before_ends),
        cmocka_unit_test(test_every_nanosecond_waited_is_charged_or_handed_off),
        cmocka_unit_test(test_the_order_of_the_events_does_not_matter),
        cmocka_unit_test(test_profiles_of_random_contention_add_up_to_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
