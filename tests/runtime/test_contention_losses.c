/* The accounting where there is no room, and in a forked child: lost and told add up, to the nanosecond. */
#include "runtime/contention_steps.h"

#include <sys/wait.h>
#include <unistd.h>

static void test_the_65536th_waiter_is_dropped_and_counted(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(1000);
    uint64_t full = UINT64_C(0xffff) << 48 | ((UINT64_C(0xffff) * 1000) & ((UINT64_C(1) << 48) - 1));
    atomic_store(&fixture->entry->word, full);
    joins(fixture, 0, 1000);
    gives_up(fixture, 0, 1000);
    assert_int_equal(atomic_load(&fixture->entry->word), full);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_WAIT), 0);
    lock_retire(&fixture->id);
    assert_int_equal(recorded_totals("lock")->dropped, 1);
}

static void test_waits_without_a_slot_are_counted_and_stay_in_the_totals(void **state)
{
    (void)state;
    enum { PROBED = 16, MORE_THAN_SLOTS = 40 }; /* waits that other tests did not end may keep some */
    struct fixture *fixture = fixture_at(0);
    static struct contention_wait waits[MORE_THAN_SLOTS];
    const struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_MUTEX};
    acquires_without_waiting(fixture, 0);
    now_ns = 100;
    for (int i = 0; i < MORE_THAN_SLOTS; i++)
        contention_join(fixture->entry, &how, STACK_HERE(), &waits[i]);
    now_ns = 110;
    for (int i = 0; i < MORE_THAN_SLOTS; i++)
        contention_give_up(&waits[i], MSC_WAIT_TIMEOUT);
    releases(fixture, 200);
    lock_retire(&fixture->id);
    const struct msc_ev_lock_totals *totals = recorded_totals("lock");
    struct sums sums = recorded_sums(fixture);
    assert_in_range(sums.waits, 1, PROBED);
    assert_int_equal(totals->dropped, MORE_THAN_SLOTS - sums.waits);
    assert_int_equal(totals->wait_ns, MORE_THAN_SLOTS * 10);
    assert_int_equal(totals->charge_ns, MORE_THAN_SLOTS * 10);
}

/* In the child: the parent's waiters are gone, its own are counted from now on. */
static int child_forgets(struct fixture *fixture)
{
    releases(fixture, 500);
    bool forgot = lock_record_count == 0 && atomic_load(&fixture->entry->word) == 0;
    acquires_without_waiting(fixture, 600);
    joins(fixture, 3, 700);
    releases(fixture, 800);
    const struct msc_ev_lock_release *release = &lock_records[0].release;
    return forgot && lock_record_count == 1 && release->charge_ns == 100 && release->waiters == 1 ? 0 : 1;
}

static void test_a_forked_child_forgets_its_parents_waiters(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    joins(fixture, 1, 100);
    pid_t child = fork();
    if (child == 0)
        _exit(child_forgets(fixture));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    releases(fixture, 200);
    assert_release(0, 200, 0, 100, 2);
}

/* The holder forked. A thread of the child came to wait: its parent's part of the hold is its parent's to tell. */
static int child_tells_its_own(struct fixture *fixture)
{
    lock_record_count = 0;
    joins(fixture, 1, 400);
    releases(fixture, 500);
    const struct msc_ev_lock_release *release = &lock_records[0].release;
    return lock_record_count == 1 && release->charge_ns == 100 && release->handoff_ns == 0 ? 0 : 1;
}

static void test_a_child_does_not_tell_the_wait_of_its_parent_again(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    releases(fixture, 150);
    acquires(fixture, 0, 200);
    pid_t child = fork();
    if (child == 0)
        _exit(child_tells_its_own(fixture));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    releases(fixture, 300);
    assert_conserved(fixture);
}

/* A thread of the child comes to wait and gets no further than to forget the parent; then the holder releases. */
static void test_a_release_beside_a_thread_that_forgets_the_parent_is_safe(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    joins(fixture, 0, 100);
    acquires(fixture, 0, 200);
    pid_t child = fork();
    if (child == 0) {
        acquires_without_waiting(fixture, 400);
        releases(fixture, 500);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    releases(fixture, 300);
    assert_conserved(fixture);
}

/* Lost and reported add up, whatever there is no room for. */
static void test_what_is_lost_and_what_is_told_add_up(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    struct page_losses *losses = &page.header.losses;
    uint64_t lost_ns = atomic_load(&losses->waits_unslotted_ns), lost = atomic_load(&losses->waits_unslotted);
    page_limits.waits = 1;
    atomic_store(&page.waits[0].state, PAGE_WAIT_FREE); /* a test that ended within a hold may have had it */
    acquires_without_waiting(fixture, 0);
    for (int waiter = 0; waiter < WAITERS; waiter++)
        joins(fixture, waiter, 100 + (uint64_t)waiter);
    for (int waiter = 0; waiter < WAITERS; waiter++)
        gives_up(fixture, waiter, 200);
    releases(fixture, 300);
    page_limits.waits = PAGE_WAITS;
    lost_ns = atomic_load(&losses->waits_unslotted_ns) - lost_ns;
    struct sums sums = recorded_sums(fixture);
    assert_int_equal(sums.waits, 1);
    assert_int_equal(atomic_load(&losses->waits_unslotted) - lost, WAITERS - 1);
    assert_int_equal(sums.wait_ns + lost_ns, atomic_load(&fixture->entry->vain_ns));
    assert_int_equal(sums.wait_ns + lost_ns, sums.charge_ns);
    assert_int_equal(atomic_load(&fixture->entry->dropped_ns), lost_ns);
    lock_retire(&fixture->id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lock_test(test_the_65536th_waiter_is_dropped_and_counted),
        lock_test(test_waits_without_a_slot_are_counted_and_stay_in_the_totals),
        lock_test(test_a_forked_child_forgets_its_parents_waiters),
        lock_test(test_a_child_does_not_tell_the_wait_of_its_parent_again),
        lock_test(test_a_release_beside_a_thread_that_forgets_the_parent_is_safe),
        lock_test(test_what_is_lost_and_what_is_told_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
