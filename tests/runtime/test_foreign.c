/* Locks that are not ours: found by their address, evicted when others need the room, never with a wait in them. */
#include "runtime/contention_steps.h"

static void test_a_foreign_lock_is_found_by_its_address_until_it_is_retired(void **state)
{
    (void)state;
    static int locks[4000];
    fixture_at(0);
    uint32_t listed = 0;
    for (int i = 0; i < 4000; i++) {
        assert_null(contention_of(&locks[i]));
        struct page_lock *entry = contention_enroll(&locks[i], MSC_LOCK_SPIN, STACK_HERE());
        assert_ptr_equal(contention_of(&locks[i]), entry);
        assert_ptr_equal(contention_enroll(&locks[i], MSC_LOCK_SPIN, STACK_HERE()), entry);
        listed += entry != NULL;
    }
    assert_true(listed > 3500); /* a bucket holds four */
    uint64_t gen = atomic_load(&contention_of(&locks[0])->gen);
    for (int i = 0; i < 4000; i++) {
        contention_retire(&locks[i]);
        assert_null(contention_of(&locks[i]));
    }
    assert_int_not_equal(atomic_load(&contention_enroll(&locks[0], MSC_LOCK_SPIN, STACK_HERE())->gen), gen);
    contention_retire(&locks[0]);
}

/* Other locks come, more and more of them, one every 50 ms: more than there are entries. */
static void crowd_out(uint64_t from_ns)
{
    static int others[2 * PAGE_LOCKS];
    now_ns = from_ns;
    for (int i = 0; i < 2 * PAGE_LOCKS; i++, now_ns += 50000000)
        contention_enroll(&others[i], MSC_LOCK_SPIN, STACK_HERE());
    for (int i = 0; i < 2 * PAGE_LOCKS; i++)
        contention_retire(&others[i]);
}

/* A wait for the lock at that address that its holder is charged with. */
static void one_wait_of_10_ns(const void *lock, uint64_t from_ns)
{
    const struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_SPIN, .lock = lock};
    struct contention_wait wait;
    struct contention_release release;
    now_ns = from_ns;
    contention_join(contention_enroll(lock, MSC_LOCK_SPIN, STACK_HERE()), &how, STACK_HERE(), &wait);
    now_ns = from_ns + 10;
    contention_give_up(&wait, MSC_WAIT_TIMEOUT);
    contention_release(wait.entry, MSC_MODE_EXCLUSIVE, true, &release);
    contention_tell(&release, STACK_HERE());
}

static const struct msc_ev_lock_totals *totals_of(const void *lock)
{
    const struct msc_ev_lock_totals *found = NULL;
    for (size_t i = 0; i < lock_record_count; i++)
        if (lock_records[i].event == MSC_EVENT_LOCK_TOTALS && lock_records[i].totals.lock == (uintptr_t)lock)
            found = &lock_records[i].totals;
    return found;
}

static void test_a_lock_that_nobody_waits_for_makes_room_and_leaves_its_totals(void **state)
{
    (void)state;
    static int lock;
    fixture_at(0);
    one_wait_of_10_ns(&lock, 100);
    uint64_t gen = atomic_load(&contention_of(&lock)->gen), evicted = atomic_load(&page.header.losses.locks_evicted);
    crowd_out(1000);
    assert_null(contention_of(&lock));
    assert_true(atomic_load(&page.header.losses.locks_evicted) > evicted);
    assert_non_null(totals_of(&lock));
    assert_int_equal(totals_of(&lock)->lock_gen, gen);
    assert_int_equal(totals_of(&lock)->wait_ns, 10);
    assert_int_equal(totals_of(&lock)->charge_ns, 10);
    one_wait_of_10_ns(&lock, now_ns);
    assert_int_not_equal(atomic_load(&contention_of(&lock)->gen), gen);
    contention_retire(&lock);
}

static void test_a_lock_with_a_waiter_or_something_to_tell_keeps_its_entry(void **state)
{
    (void)state;
    static int waited, told, pinned;
    struct contention_wait waits[2];
    fixture_at(0);
    for (int i = 0; i < 2; i++) {
        const void *lock = i == 0 ? &waited : &told;
        const struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_SPIN, .lock = lock};
        contention_join(contention_enroll(lock, MSC_LOCK_SPIN, STACK_HERE()), &how, STACK_HERE(), &waits[i]);
    }
    contention_acquire(&waits[1]);
    contention_pin(contention_enroll(&pinned, MSC_LOCK_SPIN, STACK_HERE()));
    crowd_out(1000);
    assert_ptr_equal(contention_of(&waited), waits[0].entry);
    assert_ptr_equal(contention_of(&told), waits[1].entry);
    assert_non_null(contention_of(&pinned));
    struct contention_release release;
    contention_give_up(&waits[0], MSC_WAIT_TIMEOUT);
    contention_release(waits[1].entry, MSC_MODE_EXCLUSIVE, true, &release);
    contention_tell(&release, STACK_HERE());
    contention_retire(&waited);
    contention_retire(&told);
    contention_retire(&pinned);
}

/* Preempted between looking its lock up and joining it. */
static void test_a_waiter_that_comes_to_the_entry_of_another_lock_is_lost_and_counted(void **state)
{
    (void)state;
    static int lock, next;
    fixture_at(0);
    struct page_lock *entry = contention_enroll(&lock, MSC_LOCK_SPIN, STACK_HERE());
    const struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_SPIN, .lock = &lock};
    uint64_t lost = atomic_load(&page.header.losses.waits_unlocked);
    crowd_out(1000);
    for (uint64_t word = PAGE_WORD_GONE; word != 1; word = word ? 0 : 1) { /* being evicted; the other's */
        struct contention_wait wait;
        atomic_store(&entry->lock, (uintptr_t)&next);
        atomic_store(&entry->word, word);
        contention_join(entry, &how, STACK_HERE(), &wait);
        contention_acquire(&wait);
        assert_int_equal(atomic_load(&entry->word), word);
    }
    assert_int_equal(atomic_load(&page.header.losses.waits_unlocked) - lost, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lock_test(test_a_foreign_lock_is_found_by_its_address_until_it_is_retired),
        lock_test(test_a_lock_that_nobody_waits_for_makes_room_and_leaves_its_totals),
        lock_test(test_a_lock_with_a_waiter_or_something_to_tell_keeps_its_entry),
        lock_test(test_a_waiter_that_comes_to_the_entry_of_another_lock_is_lost_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
