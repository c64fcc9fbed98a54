/* msc_rwlock and msc_cond with real threads and the real clock, and all our locks together: conservation. */
#include "runtime/lock_recorder.h"

#include <errno.h>
#include <mapscope/cond.h>
#include <mapscope/mutex.h>
#include <mapscope/rwlock.h>
#include <pthread.h>
#include <unistd.h>

#include "runtime/locks.h"

static uint32_t waiters_of(struct msc_lock_id *public)
{
    struct lock_id *id = (struct lock_id *)(void *)public;
    struct page_lock *entry = atomic_load(&id->contended);
    return entry ? page_word_waiters(atomic_load(&entry->word)) : 0;
}

static void until_waiting(struct msc_lock_id *id, uint32_t waiters)
{
    while (waiters_of(id) != waiters)
        usleep(100);
}

static pthread_t start(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, argument), 0);
    return thread;
}

static struct timespec in_ns(clockid_t clock, uint64_t ns)
{
    struct timespec now;
    clock_gettime(clock, &now);
    uint64_t at = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + ns;
    return (struct timespec){(time_t)(at / 1000000000), (long)(at % 1000000000)};
}

static void assert_conserved(const void *lock, uint64_t waits)
{
    struct sums sums = recorded_sums(lock);
    assert_int_equal(sums.waits, waits);
    assert_int_equal(sums.wait_ns, sums.charge_ns + sums.handoff_ns);
}

/* --- Reader-writer locks ---------------------------------------------------------------------------------- */

static void *try_both(void *argument)
{
    msc_rwlock *lock = argument;
    static int results[3];
    struct timespec past = {1, 0};
    results[0] = msc_rwlock_tryrdlock(lock);
    results[1] = msc_rwlock_trywrlock(lock);
    results[2] = msc_rwlock_timedrdlock(lock, &past);
    if (results[0] == 0)
        msc_rwlock_unlock(lock);
    return results;
}

static const int *others_results(msc_rwlock *lock)
{
    void *results;
    pthread_join(start(try_both, lock), &results);
    return results;
}

static void test_results_are_those_of_pthread_negated(void **state)
{
    (void)state;
    static msc_rwlock lock = MSC_RWLOCK_INITIALIZER_NAMED("results");
    assert_int_equal(msc_rwlock_wrlock(&lock), 0);
    const int *results = others_results(&lock);
    assert_int_equal(results[0], -EBUSY);
    assert_int_equal(results[1], -EBUSY);
    assert_int_equal(results[2], -ETIMEDOUT);
#ifndef __SANITIZE_THREAD__
    assert_int_equal(msc_rwlock_destroy(&lock), -EBUSY);
    assert_int_equal(msc_rwlock_wrlock(&lock), -EDEADLK);
#endif
    assert_int_equal(msc_rwlock_unlock(&lock), 0);
    assert_int_equal(msc_rwlock_rdlock(&lock), 0);
    assert_int_equal(msc_rwlock_tryrdlock(&lock), 0);
    assert_int_equal(msc_rwlock_trywrlock(&lock), -EBUSY);
    assert_int_equal(msc_rwlock_unlock(&lock), 0);
    assert_int_equal(msc_rwlock_unlock(&lock), 0);
    assert_int_equal(msc_rwlock_destroy(&lock), 0);
}

static void *write_once(void *lock)
{
    assert_int_equal(msc_rwlock_wrlock(lock), 0);
    assert_int_equal(msc_rwlock_unlock(lock), 0);
    return NULL;
}

static void *read_once(void *lock)
{
    assert_int_equal(msc_rwlock_rdlock(lock), 0);
    assert_int_equal(msc_rwlock_unlock(lock), 0);
    return NULL;
}

static void test_a_writer_waits_for_readers_and_readers_for_a_writer(void **state)
{
    (void)state;
    static msc_rwlock lock = MSC_RWLOCK_INITIALIZER_NAMED("both");
    msc_rwlock_rdlock(&lock);
    pthread_t writer = start(write_once, &lock);
    until_waiting(&lock.msc_id, 1);
    usleep(2000);
    msc_rwlock_unlock(&lock);
    pthread_join(writer, NULL);
    const struct msc_ev_lock_wait *wait = &recorded(MSC_EVENT_LOCK_WAIT, 0)->wait;
    assert_int_equal(wait->mode, MSC_MODE_EXCLUSIVE);
    assert_int_equal(wait->kind, MSC_LOCK_RWLOCK);
    assert_true(recorded_sums(&lock).charge_ns >= 2000000);
    assert_conserved(&lock, 1);
    msc_rwlock_wrlock(&lock);
    pthread_t readers[] = {start(read_once, &lock), start(read_once, &lock)};
    until_waiting(&lock.msc_id, 2);
    msc_rwlock_unlock(&lock);
    pthread_join(readers[0], NULL);
    pthread_join(readers[1], NULL);
    assert_int_equal(recorded(MSC_EVENT_LOCK_WAIT, 1)->wait.mode, MSC_MODE_SHARED);
    assert_conserved(&lock, 3);
    msc_rwlock_destroy(&lock);
}

/* --- Condition variables ------------------------------------------------------------------------------------ */

static struct queue {
    msc_mutex lock;
    msc_cond not_empty;
    int items, waiting;
} queue;

static void queue_reset(const char *name)
{
    msc_mutex_init(&queue.lock, name);
    assert_int_equal(msc_cond_init_monotonic(&queue.not_empty), 0);
    queue.items = queue.waiting = 0;
}

static void *take_one(void *argument)
{
    msc_mutex_lock(&queue.lock);
    queue.waiting++;
    while (queue.items == 0)
        msc_cond_wait(&queue.not_empty, &queue.lock);
    queue.items--;
    msc_mutex_unlock(&queue.lock);
    return argument;
}

/* With the lock held: all of them registered, and asleep, since we have it. By trylock: a wait of ours would be told.
 */
static void lock_when_waiting(int waiters)
{
    for (;;) {
        if (msc_mutex_trylock(&queue.lock) == 0) {
            if (queue.waiting == waiters)
                return;
            msc_mutex_unlock(&queue.lock);
        }
        usleep(100);
    }
}

static void test_waiting_for_a_signal_is_no_contention_but_the_relock_is(void **state)
{
    (void)state;
    queue_reset("signal");
    pthread_t taker = start(take_one, NULL);
    lock_when_waiting(1);
    usleep(3000); /* nobody waits for the lock */
    lock_record_count = 0;
    queue.items = 1;
    uint64_t signalled_ns = clock_monotonic_ns();
    assert_int_equal(msc_cond_signal(&queue.not_empty), 0);
    usleep(5000);
    uint64_t releasing_ns = clock_monotonic_ns();
    msc_mutex_unlock(&queue.lock);
    pthread_join(taker, NULL);
    const struct msc_ev_lock_wait *wait = &recorded(MSC_EVENT_LOCK_WAIT, 0)->wait;
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_WAIT), 1);
    assert_int_equal(wait->kind, MSC_LOCK_COND);
    assert_true(wait->begin_ns >= signalled_ns);
    assert_true(wait->wait_ns >= 5000000);
    assert_true(wait->begin_ns + wait->wait_ns >= releasing_ns);
    const struct msc_ev_cond_signal *signal = &recorded(MSC_EVENT_COND_SIGNAL, 0)->signal;
    assert_int_equal(signal->begin_ns, wait->begin_ns);
    assert_int_equal(signal->cond, (uintptr_t)&queue.not_empty);
    assert_int_equal(signal->lock, (uintptr_t)&queue.lock);
    assert_int_equal(signal->lock_gen, wait->lock_gen);
    assert_int_equal(signal->woken, 1);
    assert_conserved(&queue.lock, 1);
    assert_int_equal(recorded_sums(&queue.lock).handoff_ns, 0); /* the time to wake up is nobody's */
    msc_cond_destroy(&queue.not_empty);
    msc_mutex_destroy(&queue.lock);
}

static void test_a_broadcast_makes_all_of_them_wait_for_the_lock(void **state)
{
    (void)state;
    enum { TAKERS = 5 };
    queue_reset("broadcast");
    pthread_t takers[TAKERS];
    for (int i = 0; i < TAKERS; i++)
        takers[i] = start(take_one, NULL);
    lock_when_waiting(TAKERS);
    lock_record_count = 0;
    queue.items = TAKERS;
    msc_cond_broadcast(&queue.not_empty);
    assert_int_equal(recorded_count(MSC_EVENT_COND_SIGNAL), 1);
    assert_int_equal(recorded(MSC_EVENT_COND_SIGNAL, 0)->signal.woken, TAKERS);
    assert_int_equal(waiters_of(&queue.lock.msc_id), TAKERS);
    usleep(1000);
    msc_mutex_unlock(&queue.lock);
    for (int i = 0; i < TAKERS; i++)
        pthread_join(takers[i], NULL);
    assert_int_equal(waiters_of(&queue.lock.msc_id), 0);
    struct sums sums = recorded_sums(&queue.lock);
    assert_int_equal(sums.waits, TAKERS);
    assert_true(sums.charge_ns >= TAKERS * 1000000);
    assert_conserved(&queue.lock, TAKERS);
    msc_mutex_destroy(&queue.lock);
}

static void test_a_timeout_and_a_signal_for_nobody_leave_nothing_behind(void **state)
{
    (void)state;
    queue_reset("timeout");
    struct timespec deadline = in_ns(CLOCK_MONOTONIC, 1000000);
    msc_cond_signal(&queue.not_empty);
    msc_mutex_lock(&queue.lock);
    assert_int_equal(msc_cond_timedwait(&queue.not_empty, &queue.lock, &deadline), -ETIMEDOUT);
    msc_cond_broadcast(&queue.not_empty);
    msc_mutex_unlock(&queue.lock);
    assert_int_equal(waiters_of(&queue.lock.msc_id), 0);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_WAIT), 0);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_RELEASE), 0);
    assert_int_equal(recorded_count(MSC_EVENT_COND_SIGNAL), 0);
    msc_mutex_destroy(&queue.lock);
}

static void unlock_queue(void *unused)
{
    (void)unused;
    queue.waiting = -1;
    msc_mutex_unlock(&queue.lock);
}

static void *wait_to_be_cancelled(void *argument)
{
    msc_mutex_lock(&queue.lock);
    queue.waiting = 1;
    pthread_cleanup_push(unlock_queue, NULL);
    for (;;)
        msc_cond_wait(&queue.not_empty, &queue.lock);
    pthread_cleanup_pop(1);
    return argument;
}

static void test_a_cancelled_wait_gives_the_lock_to_the_cleanup_handler(void **state)
{
    (void)state;
    queue_reset("cancelled");
    pthread_t waiter = start(wait_to_be_cancelled, NULL);
    lock_when_waiting(1);
    pthread_cancel(waiter);
    msc_mutex_unlock(&queue.lock);
    void *result;
    pthread_join(waiter, &result);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    lock_when_waiting(-1);
    msc_mutex_unlock(&queue.lock);
    assert_int_equal(waiters_of(&queue.lock.msc_id), 0);
    msc_mutex_destroy(&queue.lock);
}

/* --- Conservation ------------------------------------------------------------------------------------------- */

enum { WORKERS = 6, ROUNDS = 1500 };

static msc_rwlock shared_lock;

static void hold_for_a_while(uint64_t random)
{
    if (random % 16 == 0)
        usleep((useconds_t)(random >> 8) % 100);
    for (uint64_t spins = random % 512; spins > 0; spins--)
        __asm__ volatile("");
}

static void read_or_write(uint64_t random)
{
    struct timespec deadline = in_ns(CLOCK_REALTIME, random % 50000);
    int error = random % 8 == 0   ? msc_rwlock_timedwrlock(&shared_lock, &deadline)
                : random % 8 == 1 ? msc_rwlock_timedrdlock(&shared_lock, &deadline)
                : random % 8 == 2 ? msc_rwlock_wrlock(&shared_lock)
                                  : msc_rwlock_rdlock(&shared_lock);
    if (error)
        return;
    hold_for_a_while(random >> 8);
    msc_rwlock_unlock(&shared_lock);
}

static void put_or_take(uint64_t random)
{
    struct timespec deadline = in_ns(CLOCK_MONOTONIC, 100000 + random % 300000);
    msc_mutex_lock(&queue.lock);
    if (random % 2) {
        queue.items++;
        if (random % 16 == 1)
            msc_cond_broadcast(&queue.not_empty);
        else
            msc_cond_signal(&queue.not_empty);
    } else {
        while (queue.items == 0)
            if (msc_cond_timedwait(&queue.not_empty, &queue.lock, &deadline))
                break;
        queue.items -= queue.items > 0;
    }
    hold_for_a_while(random >> 8);
    msc_mutex_unlock(&queue.lock);
    if (random % 64 == 5)
        msc_cond_signal(&queue.not_empty); /* without the lock */
}

static void *work_at_random(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    for (int i = 0; i < ROUNDS; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        if (random >> 63)
            read_or_write(random >> 30);
        else
            put_or_take(random >> 30);
    }
    return NULL;
}

static void assert_totals(const char *name, const void *lock)
{
    const struct msc_ev_lock_totals *totals = recorded_totals(name);
    struct sums sums = recorded_sums(lock);
    assert_non_null(totals);
    assert_int_equal(totals->dropped, 0);
    assert_int_equal(totals->wait_ns, totals->charge_ns + totals->handoff_ns);
    assert_int_equal(totals->wait_ns, sums.wait_ns);
    assert_int_equal(totals->charge_ns, sums.charge_ns);
    assert_int_equal(totals->handoff_ns, sums.handoff_ns);
    assert_true(sums.waits > 10);
}

static void test_waits_equal_charges_and_handoffs_to_the_nanosecond(void **state)
{
    (void)state;
    msc_rwlock_init(&shared_lock, "random rwlock");
    queue_reset("random queue");
    pthread_t threads[WORKERS];
    for (uintptr_t i = 0; i < WORKERS; i++)
        threads[i] = start(work_at_random, (void *)(i + 1)); // NOLINT: a seed
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(waiters_of(&shared_lock.msc_id), 0);
    assert_int_equal(waiters_of(&queue.lock.msc_id), 0);
    assert_int_equal(msc_rwlock_destroy(&shared_lock), 0);
    assert_int_equal(msc_mutex_destroy(&queue.lock), 0);
    assert_totals("random rwlock", &shared_lock);
    assert_totals("random queue", &queue.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lock_test(test_results_are_those_of_pthread_negated),
        lock_test(test_a_writer_waits_for_readers_and_readers_for_a_writer),
        lock_test(test_waiting_for_a_signal_is_no_contention_but_the_relock_is),
        lock_test(test_a_broadcast_makes_all_of_them_wait_for_the_lock),
        lock_test(test_a_timeout_and_a_signal_for_nobody_leave_nothing_behind),
        lock_test(test_a_cancelled_wait_gives_the_lock_to_the_cleanup_handler),
        lock_test(test_waits_equal_charges_and_handoffs_to_the_nanosecond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
