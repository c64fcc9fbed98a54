/* The accounting of readers, and of waiters that come back from a condition variable: exact values. */
#include "runtime/contention_steps.h"

static void overtakes_as_reader(struct fixture *fixture, uint64_t time_ns)
{
    now_ns = time_ns;
    contention_overtake(fixture->entry, MSC_MODE_SHARED, 0);
}

static void reader_releases(struct fixture *fixture, bool last, uint64_t time_ns)
{
    now_ns = time_ns;
    struct contention_release release;
    assert_true(contention_to_settle(fixture->entry));
    contention_release(fixture->entry, MSC_MODE_SHARED, last, &release);
    contention_tell(&release, STACK_HERE());
}

static void test_each_reader_is_charged_since_the_one_before_it(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0); /* two readers hold it */
    joins(fixture, 0, 100);                  /* a writer waits */
    reader_releases(fixture, false, 150);
    reader_releases(fixture, true, 180);
    acquires(fixture, 0, 185);
    releases(fixture, 300);
    assert_release(0, 50, 0, 50, 1);
    assert_release(1, 30, 0, 30, 1);
    assert_release(2, 0, 5, 0, 0);
    assert_int_equal(recorded(MSC_EVENT_LOCK_RELEASE, 0)->release.mode, MSC_MODE_SHARED);
    assert_int_equal(recorded(MSC_EVENT_LOCK_RELEASE, 2)->release.mode, MSC_MODE_EXCLUSIVE);
    assert_conserved(fixture);
}

static void test_a_reader_that_joins_a_group_hands_nothing_off(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0); /* one reader holds it */
    joins(fixture, 0, 100);                  /* a writer waits */
    overtakes_as_reader(fixture, 120);
    reader_releases(fixture, false, 150); /* the first one */
    reader_releases(fixture, true, 160);
    acquires(fixture, 0, 160);
    releases(fixture, 170);
    assert_release(0, 50, 0, 50, 1);
    assert_release(1, 10, 0, 10, 1);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_RELEASE), 2);
    assert_conserved(fixture);
}

static void test_of_readers_let_in_together_the_first_settles_the_handoff(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins_as(fixture, 0, MSC_MODE_SHARED, 100);
    joins_as(fixture, 1, MSC_MODE_SHARED, 110);
    releases(fixture, 200);
    acquires(fixture, 0, 205);
    acquires(fixture, 1, 207); /* 2 ns after the first: while that one holds it */
    reader_releases(fixture, false, 300);
    reader_releases(fixture, true, 310);
    assert_release(0, 190, 0, 100, 2);
    struct sums sums = recorded_sums(fixture);
    assert_int_equal(sums.handoff_ns, 10);
    assert_int_equal(sums.charge_ns, 192);
    assert_int_equal(sums.waits, 2);
    assert_conserved(fixture);
}

/* Several locks read at once by one thread: each release tells of its own wait. */
static void test_what_a_reader_has_to_tell_is_kept_per_lock(void **state)
{
    (void)state;
    enum { LOCKS = 6 }; /* more than are kept: the rest is told at once */
    static struct fixture held[LOCKS];
    fixture_at(0);
    for (int i = 0; i < LOCKS; i++) {
        held[i] = (struct fixture){.id.name = "read", .id.counts = 1};
        joins_as(&held[i], 0, MSC_MODE_SHARED, 100);
        atomic_store(&held[i].entry->is_free, 1);
        acquires(&held[i], 0, 110 + (uint64_t)i);
    }
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_WAIT), 2);
    for (int i = 0; i < 4; i++)
        reader_releases(&held[i], true, 200);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_WAIT), LOCKS);
    assert_int_equal(contention_shared_holds, 0);
    for (int i = 0; i < LOCKS; i++)
        assert_int_equal(recorded_sums(&held[i]).wait_ns, 10 + i);
}

static void relocks(struct fixture *fixture, uint64_t begin_ns, uint64_t time_ns)
{
    const struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_COND};
    now_ns = time_ns;
    contention_relock_begin(fixture->entry, &how, STACK_HERE(), &fixture->waits[0]);
    contention_relock_end(&fixture->waits[0], begin_ns);
}

static void test_a_relock_is_charged_from_the_signal_to_the_release(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(100);
    uint64_t begin_ns = contention_relock_join(fixture->entry);
    assert_int_equal(begin_ns, 100);
    releases(fixture, 150);
    relocks(fixture, begin_ns, 170); /* 20 ns to wake up: nobody's */
    releases(fixture, 200);
    assert_release(0, 50, 0, 50, 1);
    const struct msc_ev_lock_wait *wait = &recorded(MSC_EVENT_LOCK_WAIT, 0)->wait;
    assert_int_equal(wait->kind, MSC_LOCK_COND);
    assert_int_equal(wait->begin_ns, 100);
    assert_int_equal(wait->wait_ns, 50);
    assert_conserved(fixture);
}

static void test_a_relock_that_nobody_held_up_is_no_contention(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(100);
    relocks(fixture, contention_relock_join(fixture->entry), 130);
    relocks(fixture, 0, 150); /* came back by itself */
    releases(fixture, 200);
    uint64_t begin_ns = contention_relock_join(fixture->entry);
    now_ns = 230;
    contention_relock_cancel(fixture->entry, begin_ns);
    assert_int_equal(lock_record_count, 0);
    assert_conserved(fixture);
}

static void test_a_relock_beside_other_waiters_leaves_them_theirs(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(100);
    uint64_t begin_ns = contention_relock_join_many(fixture->entry, 2);
    joins(fixture, 1, 110);
    releases(fixture, 150);          /* 2 * 50 + 40 */
    relocks(fixture, begin_ns, 170); /* 20 ns of hand-off for the third one, which waits in the kernel */
    releases(fixture, 180);          /* 2 * 10, and the 20 ns in which the second one woke up */
    acquires(fixture, 1, 180);
    releases(fixture, 190);
    relocks(fixture, begin_ns, 200);
    releases(fixture, 210);
    assert_release(0, 140, 0, 50, 3);
    assert_conserved(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lock_test(test_each_reader_is_charged_since_the_one_before_it),
        lock_test(test_a_reader_that_joins_a_group_hands_nothing_off),
        lock_test(test_of_readers_let_in_together_the_first_settles_the_handoff),
        lock_test(test_what_a_reader_has_to_tell_is_kept_per_lock),
        lock_test(test_a_relock_is_charged_from_the_signal_to_the_release),
        lock_test(test_a_relock_that_nobody_held_up_is_no_contention),
        lock_test(test_a_relock_beside_other_waiters_leaves_them_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
