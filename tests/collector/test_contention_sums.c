/* The contention analysis: exact sums, nothing lost, everything kept apart that is not the same. */
#include "collector/contention_events.h"

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
        cmocka_unit_test(test_what_the_hooks_say_of_the_recording_is_kept_once),
        cmocka_unit_test(test_each_bucket_begins_where_the_one_before_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
