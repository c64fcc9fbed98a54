/*
 * msc_mutex with real threads and the real clock: what its functions do, and what is told of a wait and a release. What
 * is told of a lock in all: test_mutex_totals.c.
 */
#include "runtime/lock_recorder.h"
#include "runtime/lock_threads.h"

#include <errno.h>
#include <mapscope/mutex.h>
#include <pthread.h>
#include <unistd.h>

#include "runtime/contention.h"
#include "runtime/locks.h"
#include "runtime/thread.h"

/* --- Behaves like a pthread mutex ----------------------------------------------------------------------- */

static msc_mutex plain = MSC_MUTEX_INITIALIZER;
static msc_mutex named = MSC_MUTEX_INITIALIZER_NAMED("named");

static void *try_in_thread(void *out)
{
    *(int *)out = msc_mutex_trylock(&plain);
    return NULL;
}

static void test_results_are_those_of_pthread_negated(void **state)
{
    (void)state;
    assert_int_equal(msc_mutex_lock(&plain), 0);
    int result = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, try_in_thread, &result);
    pthread_join(thread, NULL);
    assert_int_equal(result, -EBUSY);
    assert_int_equal(msc_mutex_trylock(&plain), -EBUSY);
#ifndef __SANITIZE_THREAD__ /* reports it as a fault of the program, as it is */
    assert_int_equal(msc_mutex_destroy(&plain), -EBUSY);
#endif
    struct timespec invalid = {0, 1000000000}, past = {1, 0};
    assert_int_equal(msc_mutex_timedlock(&plain, &invalid), -EINVAL);
    assert_int_equal(msc_mutex_timedlock(&plain, &past), -ETIMEDOUT);
    assert_int_equal(msc_mutex_unlock(&plain), 0);
    assert_int_equal(msc_mutex_timedlock(&plain, &past), 0); /* free: the deadline is not looked at */
    assert_int_equal(msc_mutex_unlock(&plain), 0);
    assert_int_equal(msc_mutex_trylock(&plain), 0);
    assert_int_equal(msc_mutex_unlock(&plain), 0);
    assert_int_equal(msc_mutex_destroy(&plain), 0);
}

static void test_a_failed_timedlock_is_a_wait_with_its_result(void **state)
{
    (void)state;
    struct timespec invalid = {0, -1}, past = {1, 0};
    msc_mutex_lock(&named);
    msc_mutex_timedlock(&named, &past);
    msc_mutex_timedlock(&named, &invalid);
    msc_mutex_unlock(&named);
    assert_int_equal(recorded(MSC_EVENT_LOCK_WAIT, 0)->wait.result, MSC_WAIT_TIMEOUT);
    assert_int_equal(recorded(MSC_EVENT_LOCK_WAIT, 1)->wait.result, MSC_WAIT_ERROR);
    assert_string_equal(recorded(MSC_EVENT_LOCK_WAIT, 0)->wait.name, "named");
    struct sums sums = recorded_sums(&named);
    assert_true(sums.wait_ns > 0);
    assert_int_equal(sums.wait_ns, sums.charge_ns);
}

static void test_errno_is_kept(void **state)
{
    (void)state;
    struct timespec past = {1, 0};
    errno = 4321;
    msc_mutex_lock(&named);
    msc_mutex_timedlock(&named, &past);
    msc_mutex_unlock(&named);
    assert_int_equal(errno, 4321);
}

static uint64_t forbidden_clock(void)
{
    fail_msg("the clock was read without contention");
    return 0;
}

static void test_without_contention_no_clock_is_read_and_nothing_emitted(void **state)
{
    (void)state;
    clock_source = forbidden_clock;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(msc_mutex_lock(&named), 0);
        assert_int_equal(msc_mutex_unlock(&named), 0);
    }
    assert_int_equal(lock_record_count, 0);
}

/* --- One waiter, one holder ------------------------------------------------------------------------------ */

static _Atomic uint32_t waiter_tid; /* of the last one */

site_function void *lock_as_waiter(void *mutex)
{
    waiter_tid = thread_tid();
    msc_mutex_lock(mutex);
    msc_mutex_unlock(mutex);
    return NULL;
}

site_function void *unlock_as_holder(void *mutex)
{
    msc_mutex_unlock(mutex);
    __asm__ volatile("");
    return NULL;
}

/* Releases are emitted after the unlock: the first may well be recorded last. */
static const struct lock_record *recorded_release(uint64_t hold_seq)
{
    size_t n = 0;
    while (recorded(MSC_EVENT_LOCK_RELEASE, n)->release.hold_seq != hold_seq)
        n++;
    return recorded(MSC_EVENT_LOCK_RELEASE, n);
}

static void test_stacks_begin_in_the_callers_of_lock_and_unlock(void **state)
{
    (void)state;
    msc_mutex mutex;
    msc_mutex_init(&mutex, "stacks");
    let_one_wait_in(&mutex, lock_as_waiter, unlock_as_holder);
    assert_true(is_in(recorded_release(1)->leaf, unlock_as_holder));
    assert_true(is_in(recorded_release(2)->leaf, lock_as_waiter));
    assert_true(is_in(recorded(MSC_EVENT_LOCK_WAIT, 0)->leaf, lock_as_waiter));
    msc_mutex_destroy(&mutex);
}

static void test_a_wait_names_the_thread_that_held_the_lock(void **state)
{
    (void)state;
    msc_mutex mutex;
    msc_mutex_init(&mutex, NULL);
    let_one_wait_in(&mutex, lock_as_waiter, unlock_as_holder);
    const struct msc_ev_lock_wait *wait = &recorded(MSC_EVENT_LOCK_WAIT, 0)->wait;
    assert_int_equal(wait->owner_tid, thread_tid());
    assert_int_not_equal(wait->owner_tid, waiter_tid);
    assert_string_equal(wait->name, "");
    assert_int_equal(wait->hold_seq, 2);
    msc_mutex_destroy(&mutex);
}

static void test_tracing_may_begin_and_end_within_a_wait(void **state)
{
    (void)state;
    for (int begins = 0; begins < 2; begins++) {
        msc_mutex mutex;
        msc_mutex_init(&mutex, "toggled");
        gates_set(!begins);
        msc_mutex_lock(&mutex);
        pthread_t thread;
        pthread_create(&thread, NULL, lock_as_waiter, &mutex);
        if (begins)
            while (__atomic_load_n(&mutex.msc_real.__data.__lock, __ATOMIC_RELAXED) != 2)
                usleep(100); /* glibc: locked, with a waiter in the kernel */
        else
            until_waiting(&mutex, 1);
        gates_set(begins);
        unlock_as_holder(&mutex);
        pthread_join(thread, NULL);
        assert_int_equal(word_of(&mutex), 0);
        assert_int_equal(recorded_count(MSC_EVENT_LOCK_WAIT), 0);
        gates_set(1);
        let_one_wait(&mutex);
        assert_int_equal(recorded_sums(&mutex).waits, 1);
        msc_mutex_destroy(&mutex);
        lock_record_count = 0;
    }
}

/* --- Conservation ----------------------------------------------------------------------------------------- */

enum { WORKERS = 6, MUTEXES = 3, ROUNDS = 2000 };

static msc_mutex contested[MUTEXES];

static void hold_for_a_while(uint64_t random)
{
    if (random % 16 == 0)
        usleep((useconds_t)(random >> 8) % 100);
    for (uint64_t spins = random % 512; spins > 0; spins--)
        __asm__ volatile("");
}

static int lock_somehow(msc_mutex *mutex, uint64_t random)
{
    struct timespec deadline;
    switch (random % 8) {
    case 0:
        clock_gettime(CLOCK_REALTIME, &deadline);
        deadline = timespec_at((uint64_t)deadline.tv_sec * 1000000000 + (uint64_t)deadline.tv_nsec + random % 50000);
        return msc_mutex_timedlock(mutex, &deadline);
    case 1:
        return msc_mutex_trylock(mutex);
    default:
        return msc_mutex_lock(mutex);
    }
}

static void *work_at_random(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    for (int i = 0; i < ROUNDS; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        msc_mutex *mutex = &contested[(random >> 33) % MUTEXES];
        if (lock_somehow(mutex, random >> 40))
            continue;
        hold_for_a_while(random >> 45);
        msc_mutex_unlock(mutex);
    }
    return NULL;
}

static void test_waits_equal_charges_and_handoffs_to_the_nanosecond(void **state)
{
    (void)state;
    for (int i = 0; i < MUTEXES; i++)
        msc_mutex_init(&contested[i], "contested");
    pthread_t threads[WORKERS];
    for (uintptr_t i = 0; i < WORKERS; i++)
        pthread_create(&threads[i], NULL, work_at_random, (void *)(i + 1)); // NOLINT: a seed
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < MUTEXES; i++) {
        struct sums sums = recorded_sums(&contested[i]);
        assert_true(sums.waits > 10);
        assert_int_equal(sums.wait_ns, sums.charge_ns + sums.handoff_ns);
        msc_mutex_destroy(&contested[i]);
        const struct msc_ev_lock_totals *totals = recorded_totals("contested");
        assert_int_equal(totals->contentions, sums.waits);
        assert_int_equal(totals->wait_ns, sums.wait_ns);
        assert_int_equal(totals->charge_ns, sums.charge_ns);
        assert_int_equal(totals->handoff_ns, sums.handoff_ns);
        assert_int_equal(totals->dropped, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lock_test(test_results_are_those_of_pthread_negated),
        lock_test(test_a_failed_timedlock_is_a_wait_with_its_result),
        lock_test(test_errno_is_kept),
        lock_test(test_without_contention_no_clock_is_read_and_nothing_emitted),
        lock_test(test_stacks_begin_in_the_callers_of_lock_and_unlock),
        lock_test(test_a_wait_names_the_thread_that_held_the_lock),
        lock_test(test_tracing_may_begin_and_end_within_a_wait),
        lock_test(test_waits_equal_charges_and_handoffs_to_the_nanosecond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
