/* Timed holds (runtime/holds.h), with a clock that shows what the test says. */
#include "runtime/lock_recorder.h"

#include <mapscope/cond.h>
#include <mapscope/mutex.h>
#include <mapscope/rwlock.h>
#include <pthread.h>

#include "runtime/contention.h"
#include "runtime/holds.h"

static msc_mutex mutex = MSC_MUTEX_INITIALIZER_NAMED("timed");
static msc_rwlock rwlock = MSC_RWLOCK_INITIALIZER_NAMED("table");

static int setup(void **state)
{
    lock_recorder_setup(state);
    clock_source = fake_now;
    now_ns = 1000;
    msc_lock_holds_timed = 1;
    return 0;
}

static int teardown(void **state)
{
    msc_lock_holds_timed = 0;
    return lock_recorder_teardown(state);
}

static const struct msc_ev_lock_hold *hold(size_t n)
{
    return &recorded(MSC_EVENT_LOCK_HOLD, n)->hold;
}

static void assert_hold(size_t n, const void *lock, uint64_t begin_ns, uint64_t hold_ns)
{
    assert_int_equal(hold(n)->lock, (uintptr_t)lock);
    assert_int_equal(hold(n)->begin_ns, begin_ns);
    assert_int_equal(hold(n)->hold_ns, hold_ns);
}

static void test_each_hold_is_told_with_its_length(void **state)
{
    (void)state;
    for (uint64_t length = 5; length <= 50; length *= 10) {
        msc_mutex_lock(&mutex);
        now_ns += length;
        msc_mutex_unlock(&mutex);
        now_ns += 1000;
    }
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_HOLD), 2);
    assert_hold(0, &mutex, 1000, 5);
    assert_hold(1, &mutex, 2005, 50);
    assert_string_equal(hold(0)->name, "timed");
    assert_int_equal(hold(0)->kind, MSC_LOCK_MUTEX);
    assert_int_equal(hold(0)->mode, MSC_MODE_EXCLUSIVE);
    assert_int_equal(hold(0)->weight, MSC_WEIGHT_ONE);
    assert_true(hold(0)->lock_gen != 0);
    assert_int_equal(hold(0)->lock_gen, hold(1)->lock_gen);
    assert_int_equal(hold(0)->hold_seq + 1, hold(1)->hold_seq);
}

static void test_a_hold_is_sampled_by_its_length(void **state)
{
    (void)state;
    config_apply(&(struct config){.mutex_mode = MSC_SAMPLER_BERNOULLI, .mutex_fraction = 4});
    for (int i = 0; i < 4000; i++) {
        msc_mutex_lock(&mutex);
        msc_mutex_unlock(&mutex);
    }
    size_t kept = recorded_count(MSC_EVENT_LOCK_HOLD);
    assert_in_range(kept, 800, 1200); /* 1000 +- 7 standard errors */
    assert_int_equal(hold(0)->weight, 4 * MSC_WEIGHT_ONE);
}

static void test_holds_that_cross_have_their_own_lengths(void **state)
{
    (void)state;
    msc_mutex_lock(&mutex);
    now_ns += 10;
    msc_rwlock_wrlock(&rwlock);
    now_ns += 10;
    msc_mutex_unlock(&mutex);
    now_ns += 10;
    msc_rwlock_unlock(&rwlock);
    assert_hold(0, &mutex, 1000, 20);
    assert_hold(1, &rwlock, 1010, 20);
    assert_int_equal(hold(1)->kind, MSC_LOCK_RWLOCK);
}

static void test_a_reader_that_reads_again_has_two_holds(void **state)
{
    (void)state;
    msc_rwlock_rdlock(&rwlock);
    now_ns += 10;
    msc_rwlock_rdlock(&rwlock);
    now_ns += 10;
    msc_rwlock_unlock(&rwlock);
    now_ns += 10;
    msc_rwlock_unlock(&rwlock);
    assert_hold(0, &rwlock, 1010, 10);
    assert_hold(1, &rwlock, 1000, 30);
    assert_int_equal(hold(1)->mode, MSC_MODE_SHARED);
}

static void test_a_wait_at_a_condition_variable_ends_a_hold_and_begins_another(void **state)
{
    (void)state;
    static msc_cond cond = MSC_COND_INITIALIZER;
    struct timespec past = {1, 0};
    msc_mutex_lock(&mutex);
    now_ns += 10;
    assert_int_equal(msc_cond_timedwait(&cond, &mutex, &past), -ETIMEDOUT);
    now_ns += 20;
    msc_mutex_unlock(&mutex);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_HOLD), 2);
    assert_hold(0, &mutex, 1000, 10);
    assert_hold(1, &mutex, 1010, 20);
}

static void *wait_for_mutex(void *unused)
{
    msc_mutex_lock(&mutex);
    now_ns += 7;
    msc_mutex_unlock(&mutex);
    return unused;
}

static bool is_waited_for(void)
{
    return msc_lock_is_waited_for(&mutex.msc_id);
}

static void test_a_contended_hold_has_the_number_of_its_release(void **state)
{
    (void)state;
    pthread_t thread;
    msc_mutex_lock(&mutex);
    now_ns += 10;
    pthread_create(&thread, NULL, wait_for_mutex, NULL);
    while (!is_waited_for())
        sched_yield();
    now_ns += 100;
    msc_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
    const struct msc_ev_lock_release *release = &recorded(MSC_EVENT_LOCK_RELEASE, 0)->release;
    size_t first = hold(0)->begin_ns == 1000 ? 0 : 1; /* they are told beside each other */
    assert_hold(first, &mutex, 1000, 110);
    assert_hold(!first, &mutex, 1110, 7);
    assert_int_equal(release->charge_ns, 100);
    assert_int_equal(hold(first)->hold_seq, release->hold_seq);
    assert_int_equal(hold(first)->lock_gen, release->lock_gen);
}

static void test_of_too_many_locks_the_oldest_hold_is_forgotten(void **state)
{
    (void)state;
    static msc_mutex many[HOLDS_MAX + 1];
    for (int i = 0; i <= HOLDS_MAX; i++) {
        msc_mutex_init(&many[i], NULL);
        msc_mutex_lock(&many[i]);
        now_ns += 1;
    }
    for (int i = 0; i <= HOLDS_MAX; i++)
        msc_mutex_unlock(&many[i]);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_HOLD), HOLDS_MAX);
    assert_hold(0, &many[1], 1001, HOLDS_MAX);
    for (int i = 0; i <= HOLDS_MAX; i++)
        msc_mutex_destroy(&many[i]);
}

static void test_a_hold_that_another_thread_ended_does_not_lengthen_the_next(void **state)
{
    (void)state;
    struct msc_ev_lock_hold event;
    int lock = 0;
    holds_begin(&lock, MSC_MODE_EXCLUSIVE);
    now_ns += 1000;
    holds_begin(&lock, MSC_MODE_EXCLUSIVE);
    now_ns += 10;
    holds_end(&lock, MSC_MODE_EXCLUSIVE, &event);
    assert_int_equal(event.hold_ns, 10);
    holds_end(&lock, MSC_MODE_EXCLUSIVE, &event);
    assert_int_equal(event.weight, 0);
}

static uint64_t forbidden_clock(void)
{
    fail_msg("the clock was read though nobody traces");
    return 0;
}

static void test_no_clock_is_read_while_nobody_traces(void **state)
{
    (void)state;
    gates_set(0);
    clock_source = forbidden_clock;
    msc_mutex_lock(&mutex);
    msc_mutex_unlock(&mutex);
    msc_rwlock_rdlock(&rwlock);
    msc_rwlock_unlock(&rwlock);
    assert_int_equal(lock_record_count, 0);
}

#define hold_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        hold_test(test_each_hold_is_told_with_its_length),
        hold_test(test_a_hold_is_sampled_by_its_length),
        hold_test(test_holds_that_cross_have_their_own_lengths),
        hold_test(test_a_reader_that_reads_again_has_two_holds),
        hold_test(test_a_wait_at_a_condition_variable_ends_a_hold_and_begins_another),
        hold_test(test_a_contended_hold_has_the_number_of_its_release),
        hold_test(test_of_too_many_locks_the_oldest_hold_is_forgotten),
        hold_test(test_a_hold_that_another_thread_ended_does_not_lengthen_the_next),
        hold_test(test_no_clock_is_read_while_nobody_traces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
