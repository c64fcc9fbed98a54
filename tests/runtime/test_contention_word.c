/* The word of a lock: who comes and goes while a holder settles. A clock that the test sets, and then real threads. */
#include "runtime/contention_word.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "runtime/contention.h"
#include "runtime/lock_recorder.h"
#include "runtime/stack.h"

static struct page_lock *entry_at(uint64_t start_ns)
{
    static struct page_lock entry;
    entry = (struct page_lock){.kind = MSC_LOCK_MUTEX};
    now_ns = start_ns;
    clock_source = fake_now;
    return &entry;
}

static uint64_t joins(struct page_lock *entry, uint64_t time_ns)
{
    struct change change;
    now_ns = time_ns;
    assert_true(word_join(entry, 1, &change));
    return change.now_ns;
}

static uint64_t settles(struct page_lock *entry, uint64_t tried_ns, uint64_t time_ns)
{
    struct change change;
    now_ns = time_ns;
    word_settle(entry, tried_ns, &change);
    return change.settled_ns;
}

static uint64_t leaves_with_the_lock(struct page_lock *entry, uint64_t time_ns)
{
    struct change change;
    now_ns = time_ns;
    word_settle_by_swap(entry, 1, &change);
    return change.settled_ns;
}

static uint64_t owed(struct page_lock *entry, uint64_t time_ns)
{
    return page_word_unsettled(entry->word, entry->paid_ns, time_ns);
}

/* The example of contention_word.h. */
static void test_who_settles_pays_beside_the_word(void **state)
{
    (void)state;
    struct page_lock *entry = entry_at(0);
    joins(entry, 100);
    joins(entry, 130);
    uint64_t word = entry->word;
    assert_int_equal(owed(entry, 200), 170);
    assert_int_equal(settles(entry, 0, 200), 170);
    assert_int_equal(entry->word, word);
    assert_int_equal(entry->paid_ns, 170);
    assert_int_equal(owed(entry, 203), 6);
    assert_int_equal(leaves_with_the_lock(entry, 203), 6);
    assert_int_equal(entry->paid_ns, 0);
    assert_int_equal(leaves_with_the_lock(entry, 250), 47);
    assert_int_equal(entry->word, 0);
}

static void test_a_word_that_nobody_is_left_in_is_0_once_it_is_settled(void **state)
{
    (void)state;
    struct change change;
    struct page_lock *entry = entry_at(0);
    joins(entry, 100);
    settles(entry, 0, 150);
    now_ns = 170;
    word_leave(entry, &change);
    assert_int_not_equal(entry->word, 0);
    assert_int_equal(settles(entry, 0, 200), 20);
    assert_int_equal(entry->word, 0);
    assert_int_equal(entry->paid_ns, 0);
    assert_int_equal(entry->first_ns, 0);
}

static void test_readers_settle_in_the_word(void **state)
{
    (void)state;
    struct page_lock *entry = entry_at(0);
    entry->kind = MSC_LOCK_RWLOCK;
    joins(entry, 100);
    assert_int_equal(settles(entry, 0, 150), 50);
    assert_int_equal(entry->paid_ns, 0);
    assert_int_equal(owed(entry, 160), 10);
}

/* Between his look at the clock and his swap the holder settles, at a later time. */
static struct page_lock *settled;

static uint64_t now_and_a_holder_settles(void)
{
    uint64_t ours = now_ns;
    clock_source = fake_now;
    assert_int_equal(settled->leaving, 1);
    assert_int_equal(settles(settled, 0, ours + 10), 60);
    return ours;
}

static void test_who_gives_up_waited_until_the_holder_settled_beside_him(void **state)
{
    (void)state;
    struct change change;
    struct page_lock *entry = settled = entry_at(0);
    joins(entry, 100);
    now_ns = 150;
    clock_source = now_and_a_holder_settles;
    word_leave(entry, &change);
    assert_int_equal(change.now_ns, 160); /* with 150, 10 ns would be charged that nobody waited */
    assert_int_equal(settles(entry, 0, 200), 0);
    assert_int_equal(entry->word, 0);
    assert_int_equal(entry->leaving, 0);
}

/* The same, the other way round. */
static uint64_t now_and_a_waiter_gives_up(void)
{
    struct change change;
    clock_source = fake_now;
    word_leave(settled, &change);
    now_ns = 170;
    return 160;
}

static void test_a_holder_looks_again_if_somebody_gave_up_meanwhile(void **state)
{
    (void)state;
    struct page_lock *entry = settled = entry_at(0);
    joins(entry, 100);
    joins(entry, 100);
    now_ns = 150;
    clock_source = now_and_a_waiter_gives_up;
    struct change change;
    word_settle(entry, 0, &change);
    assert_int_equal(change.now_ns, 170);
    assert_int_equal(change.settled_ns, 50 + 70);
}

static void test_a_time_before_the_last_release_hands_nothing_off(void **state)
{
    (void)state;
    struct page_lock *entry = entry_at(0);
    joins(entry, 100);
    assert_int_equal(settles(entry, 0, 200), 100);
    assert_int_equal(settles(entry, 190, 205), 0); /* looked at the clock while the other one still held it */
    assert_int_equal(entry->settled_ns, 200);
    assert_int_equal(settles(entry, 0, 250), 50);
}

static void test_a_waiter_that_joined_after_the_time_is_not_lost(void **state)
{
    (void)state;
    struct page_lock *entry = entry_at(0);
    joins(entry, 100);
    assert_int_equal(settles(entry, 0, 200), 100);
    joins(entry, 240);
    assert_int_equal(settles(entry, 210, 245), 0); /* 10 - 30: less than nothing */
    assert_int_equal(settles(entry, 0, 300), 100 + 60);
    leaves_with_the_lock(entry, 300);
    leaves_with_the_lock(entry, 300);
    assert_int_equal(entry->word, 0);
}

/* As it may where a line of base/tsc_clock.h ends. */
static void test_a_wait_takes_nothing_where_the_clock_steps_back(void **state)
{
    (void)state;
    static int lock;
    const struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_MUTEX, .lock = &lock};
    struct page_lock *entry = contention_enroll(&lock, MSC_LOCK_MUTEX, STACK_HERE());
    struct contention_wait taken, given_up;
    now_ns = 100;
    clock_source = fake_now;
    contention_join(entry, &how, STACK_HERE(), &taken);
    contention_join(entry, &how, STACK_HERE(), &given_up);
    now_ns = 90;
    contention_acquire(&taken);
    contention_give_up(&given_up, MSC_WAIT_TIMEOUT);
    assert_int_equal(entry->contentions, 1);
    assert_int_equal(entry->vain, 1);
    assert_int_equal(entry->wait_ns, 0);
    assert_int_equal(entry->vain_ns, 0);
    assert_int_equal(entry->max_ns, 0);
    assert_int_equal(entry->handoff_ns, 0);
}

static void test_an_entry_that_is_gone_stays_so(void **state)
{
    (void)state;
    struct change change;
    struct page_lock *entry = entry_at(100);
    entry->word = PAGE_WORD_GONE;
    assert_false(word_join(entry, 1, &change));
    assert_int_equal(settles(entry, 0, 200), 0);
    assert_int_equal(settles(entry, 150, 200), 0);
    assert_true(entry->word == PAGE_WORD_GONE);
    assert_int_equal(entry->paid_ns, 0);
}

/* --- Real threads ---------------------------------------------------------------------------------------------- */

enum { THREADS = 6, TURNS = 3000, WORK = 60 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static pthread_barrier_t barrier;

static void sleep_for(long ns)
{
    nanosleep(&(struct timespec){0, ns}, NULL);
}

static void work(int amount)
{
    for (volatile int i = 0; i < amount; i++) {
    }
}

/* As the example of contention.h, with a deadline `patience_ns` from now; 0 = none. */
static int lock_as_hooks_do(uint64_t patience_ns)
{
    uint64_t tried_ns = contention_time_to_try(contention_of(&mutex));
    int error = pthread_mutex_trylock(&mutex);
    if (error == 0) {
        if (contention_of(&mutex))
            contention_overtake(contention_of(&mutex), MSC_MODE_EXCLUSIVE, tried_ns);
        return 0;
    }
    const struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_MUTEX, .lock = &mutex};
    struct contention_wait wait;
    contention_join(contention_enroll(&mutex, MSC_LOCK_MUTEX, STACK_HERE()), &how, STACK_HERE(), &wait);
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    uint64_t ns = (uint64_t)deadline.tv_nsec + patience_ns;
    deadline.tv_sec += (time_t)(ns / 1000000000);
    deadline.tv_nsec = (long)(ns % 1000000000);
    error = patience_ns ? pthread_mutex_timedlock(&mutex, &deadline) : pthread_mutex_lock(&mutex);
    if (error == 0)
        contention_acquire(&wait);
    else
        contention_give_up(&wait, MSC_WAIT_TIMEOUT);
    return error;
}

static void unlock_as_hooks_do(void)
{
    struct page_lock *entry = contention_of(&mutex);
    if (!entry || !contention_to_settle(entry)) {
        pthread_mutex_unlock(&mutex);
        return;
    }
    struct contention_release release;
    contention_release(entry, MSC_MODE_EXCLUSIVE, true, &release);
    pthread_mutex_unlock(&mutex);
    contention_tell(&release, STACK_HERE());
}

static void *take_turns(void *number)
{
    pthread_barrier_wait(&barrier);
    for (int turn = 0; turn < TURNS; turn++) {
        bool is_patient = (turn + *(int *)number) % 3 == 0;
        if (lock_as_hooks_do(is_patient ? 0 : 2000) == 0) {
            turn % 32 ? work(WORK * (turn % 7)) : sleep_for(20000);
            unlock_as_hooks_do();
        }
        work(WORK * (turn % 5));
    }
    return NULL;
}

static void test_every_nanosecond_is_charged_once_whoever_comes_and_goes(void **state)
{
    (void)state;
    static int numbers[THREADS];
    pthread_t threads[THREADS];
    clock_source = clock_monotonic_ns;
    uint64_t begin_ns = clock_monotonic_ns();
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, take_turns, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    lock_as_hooks_do(0); /* whoever gave up last left something to pay */
    unlock_as_hooks_do();
    uint64_t most_ns = (clock_monotonic_ns() - begin_ns) * THREADS;
    struct page_lock *entry = contention_of(&mutex);
    assert_non_null(entry);
    assert_int_equal(entry->word, 0);
    assert_int_equal(entry->paid_ns, 0);
    assert_int_equal(entry->leaving, 0);
    assert_true(entry->vain > 0 && entry->contentions > 0);
    assert_int_equal(entry->wait_ns + entry->vain_ns, entry->charge_ns + entry->handoff_ns);
    assert_true(entry->wait_ns + entry->vain_ns <= most_ns);
    struct sums sums = recorded_sums(&mutex);
    assert_int_equal(sums.charge_ns, entry->charge_ns);
    assert_int_equal(sums.handoff_ns, entry->handoff_ns);
    for (size_t i = 0; i < lock_record_count; i++)
        if (lock_records[i].event == MSC_EVENT_LOCK_RELEASE)
            assert_true(lock_records[i].release.charge_ns <= most_ns && lock_records[i].release.handoff_ns <= most_ns &&
                        lock_records[i].release.contended_ns <= most_ns);
    contention_retire(&mutex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lock_test(test_who_settles_pays_beside_the_word),
        lock_test(test_a_word_that_nobody_is_left_in_is_0_once_it_is_settled),
        lock_test(test_readers_settle_in_the_word),
        lock_test(test_who_gives_up_waited_until_the_holder_settled_beside_him),
        lock_test(test_a_holder_looks_again_if_somebody_gave_up_meanwhile),
        lock_test(test_a_time_before_the_last_release_hands_nothing_off),
        lock_test(test_a_waiter_that_joined_after_the_time_is_not_lost),
        lock_test(test_a_wait_takes_nothing_where_the_clock_steps_back),
        lock_test(test_an_entry_that_is_gone_stays_so),
        lock_test(test_every_nanosecond_is_charged_once_whoever_comes_and_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
