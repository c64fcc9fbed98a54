/* The accounting of one lock, step by step under a clock that the test sets: exact values. */
#include "runtime/contention_steps.h"

/* The example of contention.h. */
static void test_release_charges_every_waiter(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(50);
    acquires_without_waiting(fixture, 50);
    joins(fixture, 0, 100);
    joins(fixture, 1, 130);
    releases(fixture, 200);
    acquires(fixture, 0, 203);
    releases(fixture, 210);
    acquires(fixture, 1, 211);
    releases(fixture, 220);
    assert_release(0, 170, 0, 100, 2);
    assert_release(1, 7, 6, 7, 1);
    assert_release(2, 0, 1, 0, 0);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_RELEASE), 3);
    assert_conserved(fixture);
}

static void test_a_wait_names_its_owner_its_hold_and_its_length(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    releases(fixture, 200);
    acquires(fixture, 0, 205);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_WAIT), 0); /* not while it holds the lock */
    releases(fixture, 300);
    const struct lock_record *record = recorded(MSC_EVENT_LOCK_WAIT, 0);
    assert_int_equal(record->wait.lock, (uintptr_t)fixture);
    assert_int_equal(record->wait.lock_gen, atomic_load(&fixture->id.gen));
    assert_string_equal(record->wait.name, "lock");
    assert_int_equal(record->wait.begin_ns, 100);
    assert_int_equal(record->wait.wait_ns, 105);
    assert_int_equal(record->wait.result, MSC_WAIT_ACQUIRED);
    assert_int_equal(record->wait.owner_tid, 77);
    assert_int_equal(record->wait.hold_seq, 2);
    assert_int_equal(record->wait.weight, MSC_WEIGHT_ONE);
    assert_int_equal(recorded(MSC_EVENT_LOCK_RELEASE, 0)->release.hold_seq, 1);
    assert_int_equal(recorded(MSC_EVENT_LOCK_RELEASE, 1)->release.hold_seq, 2);
}

/* Five holders of 1, 5, 2, 3 and 4 s that arrive together: the sequence that Go 1.22 gets wrong (golang#73760). */
static void test_five_holders_are_charged_what_each_cost_the_others(void **state)
{
    (void)state;
    static const uint64_t hold_s[] = {1, 5, 2, 3, 4}, charge_s[] = {4, 15, 4, 3};
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    for (int waiter = 1; waiter < 5; waiter++)
        joins(fixture, waiter, 0);
    uint64_t time_s = 0;
    for (int holder = 0; holder < 5; holder++) {
        if (holder > 0)
            acquires(fixture, holder, time_s * 1000000000);
        time_s += hold_s[holder];
        releases(fixture, time_s * 1000000000);
    }
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_RELEASE), 4); /* the last one cost nobody anything */
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(recorded(MSC_EVENT_LOCK_RELEASE, i)->release.charge_ns, charge_s[i] * 1000000000);
    assert_conserved(fixture);
}

/*
 * The arithmetic of Go 1.22 (sema.go, mprof.go) for waiters that all came at 0 and are let in in turn: the head's wait,
 * and for the others the middle between head and tail. It sets the tail's time before it reads it where the next head
 * is the tail, and never counts down to no others.
 */
static void go_charges(const uint64_t *hold_s, uint64_t charge_s[4])
{
    uint64_t head_since = 0, tail_since = 0, now = 0, others = 3;
    for (int unlock = 0; unlock < 4; unlock++) {
        now += hold_s[unlock];
        uint64_t since = head_since;
        bool is_last = unlock == 3, next_is_tail = unlock == 2;
        uint64_t tail = is_last ? since : next_is_tail ? now : tail_since;
        charge_s[unlock] = (now - since) + (now - tail + now - since) / 2 * others;
        others -= others > 1;
        head_since = tail_since = now;
    }
}

/* Whoever is charged by another rule is found out by the plan of the test before this one. */
static void test_gos_arithmetic_fails_the_planned_holds(void **state)
{
    (void)state;
    static const uint64_t hold_s[] = {1, 5, 2, 3, 4}, truth_s[] = {4, 15, 4, 3}, reported_s[] = {4, 15, 3, 6};
    uint64_t charge_s[4];
    go_charges(hold_s, charge_s);
    assert_memory_equal(charge_s, reported_s, sizeof charge_s); /* as golang#73760 says */
    assert_memory_not_equal(charge_s, truth_s, sizeof charge_s);
}

static void test_a_waiter_that_gives_up_leaves_its_time_to_the_holder(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    gives_up(fixture, 0, 150);
    const struct msc_ev_lock_wait *wait = &recorded(MSC_EVENT_LOCK_WAIT, 0)->wait; /* at once: it holds nothing */
    assert_int_equal(wait->wait_ns, 50);
    assert_int_equal(wait->result, MSC_WAIT_TIMEOUT);
    assert_int_equal(wait->hold_seq, 0);
    releases(fixture, 400);
    assert_release(0, 50, 0, 300, 0);
    assert_conserved(fixture);
}

static void test_a_waiter_that_gives_up_beside_another_changes_nothing_for_it(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    joins(fixture, 1, 110);
    gives_up(fixture, 0, 150);
    releases(fixture, 200);
    assert_release(0, 50 + 90, 0, 100, 1);
    acquires(fixture, 1, 200);
    releases(fixture, 300);
    assert_conserved(fixture);
}

static void test_an_overtaker_settles_the_gap_as_handoff(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    releases(fixture, 200);
    acquires_without_waiting(fixture, 230); /* another thread was faster than the waiter */
    releases(fixture, 250);
    acquires(fixture, 0, 255);
    releases(fixture, 260);
    assert_release(0, 100, 0, 100, 1);
    assert_release(1, 20, 30, 20, 1);
    assert_release(2, 0, 5, 0, 0);
    assert_conserved(fixture);
}

static void test_a_clock_beyond_48_bits_charges_the_same(void **state)
{
    (void)state;
    uint64_t start = (UINT64_C(1) << 48) * 3 - 150; /* passes a multiple of 2^48 within the wait */
    struct fixture *fixture = fixture_at(start);
    acquires_without_waiting(fixture, start);
    joins(fixture, 0, start + 100);
    joins(fixture, 1, start + 130);
    releases(fixture, start + 200);
    assert_release(0, 170, 0, 100, 2);
    acquires(fixture, 0, start + 203);
    releases(fixture, start + 203);
    acquires(fixture, 1, start + 203);
    releases(fixture, start + 203);
    assert_conserved(fixture);
}

static struct fixture *interrupted;
static int interruptions;

/* Another thread joins between our look at the clock and our swap, at a later time than ours. */
static uint64_t interrupting_now(void)
{
    uint64_t ours = now_ns;
    if (interruptions-- > 0) {
        clock_source = fake_now;
        joins(interrupted, 1, ours + 5);
        clock_source = interrupting_now;
    }
    return ours;
}

static void test_a_lost_race_reads_the_clock_again(void **state)
{
    (void)state;
    interrupted = fixture_at(0);
    acquires_without_waiting(interrupted, 0);
    joins(interrupted, 0, 100);
    interruptions = 1;
    clock_source = interrupting_now;
    releases(interrupted, 200); /* 205 by the time that it succeeds: with 200, the charge would be negative */
    clock_source = fake_now;
    assert_release(0, 105, 0, 105, 2);
    assert_int_equal(recorded(MSC_EVENT_LOCK_RELEASE, 0)->release.release_ns, 205);
}

static void test_the_first_waiter_need_not_have_written_its_time(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 20);
    releases(fixture, 40);
    acquires(fixture, 0, 40);
    releases(fixture, 50);
    acquires_without_waiting(fixture, 60);
    uint64_t not_written = atomic_load(&fixture->entry->first_ns);
    joins(fixture, 1, 100);
    atomic_store(&fixture->entry->first_ns, not_written); /* preempted right after it joined */
    releases(fixture, 180);
    assert_release(1, 80, 0, 80, 1);
}

static void test_a_handoff_is_told_although_waits_are_not(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    atomic_store(&gates[MSC_EVENT_LOCK_WAIT].state.on, 0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    releases(fixture, 200);
    acquires(fixture, 0, 210);
    releases(fixture, 300);
    assert_release(1, 0, 10, 0, 0);
    assert_int_equal(lock_record_count, 2);
}

static void test_tracing_that_ends_within_a_hold_still_settles_it(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    gates_set(0);
    releases(fixture, 200);
    acquires(fixture, 0, 210);
    gates_set(1);
    releases(fixture, 220);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_RELEASE), 1); /* the first one ended while nobody listened */
    assert_release(0, 0, 10, 0, 0);
    lock_retire(&fixture->id);
    const struct msc_ev_lock_totals *totals = recorded_totals("lock");
    assert_int_equal(totals->wait_ns, 110);
    assert_int_equal(totals->charge_ns, 100);
    assert_int_equal(totals->handoff_ns, 10);
}

static void test_totals_are_kept_although_nothing_is_sampled(void **state)
{
    (void)state;
    config.mutex_mode = MSC_SAMPLER_OFF;
    config_apply(&config);
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    joins(fixture, 1, 140);
    gives_up(fixture, 1, 190);
    releases(fixture, 200);
    acquires(fixture, 0, 230);
    releases(fixture, 240);
    assert_int_equal(lock_record_count, 0);
    lock_retire(&fixture->id);
    const struct msc_ev_lock_totals *totals = recorded_totals("lock");
    assert_int_equal(totals->lock, (uintptr_t)fixture);
    assert_int_equal(totals->ops, 2);
    assert_int_equal(totals->contentions, 2);
    assert_int_equal(totals->wait_ns, 130 + 50);
    assert_int_equal(totals->charge_ns, 150);
    assert_int_equal(totals->handoff_ns, 30);
    assert_int_equal(totals->max_ns, 130);
    assert_int_equal(totals->dropped, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lock_test(test_release_charges_every_waiter),
        lock_test(test_a_wait_names_its_owner_its_hold_and_its_length),
        lock_test(test_five_holders_are_charged_what_each_cost_the_others),
        lock_test(test_gos_arithmetic_fails_the_planned_holds),
        lock_test(test_a_waiter_that_gives_up_leaves_its_time_to_the_holder),
        lock_test(test_a_waiter_that_gives_up_beside_another_changes_nothing_for_it),
        lock_test(test_an_overtaker_settles_the_gap_as_handoff),
        lock_test(test_a_clock_beyond_48_bits_charges_the_same),
        lock_test(test_a_lost_race_reads_the_clock_again),
        lock_test(test_the_first_waiter_need_not_have_written_its_time),
        lock_test(test_a_handoff_is_told_although_waits_are_not),
        lock_test(test_tracing_that_ends_within_a_hold_still_settles_it),
        lock_test(test_totals_are_kept_although_nothing_is_sampled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
