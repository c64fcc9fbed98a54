/*
 * The latch of the concurrent maps with real threads. That somebody sleeps is seen in its `asleep`, that it is counted
 * in the word of its entry; the clock is the test's where a time is asserted.
 */
#include "runtime/lock_recorder.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "runtime/flavour.h"
#include "runtime/latch.h"

enum { THREADS = 4, ROUNDS = 20000 };

static const struct flavour map = {.generation = 7, .name = "orders", .latches = 1};
static struct latch latch;

static int setup(void **state)
{
    int error = lock_recorder_setup(state);
    latch_init(&latch, &map);
    return error;
}

static int teardown(void **state)
{
    latch_fini(&latch);
    return lock_recorder_teardown(state);
}

/* ---- one at a time ---- */

static uint64_t counter; /* under the latch */

static void *count_up(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        latch_lock(&latch);
        counter++;
        if (i % 1024 == 0) /* now and then long enough for others to sleep */
            usleep(100);
        latch_unlock(&latch);
    }
    return NULL;
}

static void count_with_threads(void)
{
    pthread_t threads[THREADS];
    counter = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(counter, THREADS * ROUNDS);
    assert_int_equal(latch.holder, 0);
}

static void test_threads_take_turns_and_none_is_forgotten_asleep(void **state)
{
    (void)state;
    count_with_threads();
    assert_int_equal(latch.id.msc_holds, THREADS * ROUNDS);
}

static void test_without_membarrier_either(void **state)
{
    (void)state;
    bool kept = barrier_is_asymmetric;
    barrier_is_asymmetric = false;
    count_with_threads();
    barrier_is_asymmetric = kept;
}

/* ---- who sleeps is seen ---- */

static void *lock_once(void *argument)
{
    latch_lock(&latch);
    *(bool *)argument = true;
    latch_unlock(&latch);
    return NULL;
}

static void until_asleep(void)
{
    while (!atomic_load(&latch.asleep))
        sched_yield();
}

static void test_the_release_wakes_who_sleeps_and_is_charged_his_wait(void **state)
{
    (void)state;
    bool had_it = false;
    pthread_t thread;
    now_ns = 1000;
    clock_source = fake_now;
    latch_lock(&latch);
    assert_int_equal(pthread_create(&thread, NULL, lock_once, &had_it), 0);
    until_asleep();
    assert_false(had_it);
    now_ns = 6000;
    latch_unlock(&latch);
    pthread_join(thread, NULL);
    assert_true(had_it);

    const struct msc_ev_lock_wait *wait = &recorded(MSC_EVENT_LOCK_WAIT, 0)->wait;
    assert_string_equal(wait->name, "orders");
    assert_int_equal(wait->kind, MSC_LOCK_MUTEX);
    assert_int_equal(wait->owner_tid, gettid());
    assert_int_equal(wait->wait_ns, 5000);
    assert_int_equal(recorded_sums(&latch).charge_ns, 5000);
}

static void test_the_totals_say_to_which_map_it_belongs(void **state)
{
    test_the_release_wakes_who_sleeps_and_is_charged_his_wait(state);
    latch_fini(&latch);
    const struct msc_ev_lock_totals *totals = recorded_totals("orders");
    assert_non_null(totals);
    assert_int_equal(totals->map, (uintptr_t)&map);
    assert_int_equal(totals->ops, 2);
    assert_int_equal(totals->contentions, 1);
    latch_init(&latch, &map);
}

static void test_a_timed_hold_is_told(void **state)
{
    (void)state;
    clock_source = fake_now;
    now_ns = 1000;
    msc_lock_holds_timed = 1;
    latch_lock(&latch);
    now_ns = 1005;
    latch_unlock(&latch);
    msc_lock_holds_timed = 0;
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_HOLD), 1);
    assert_int_equal(recorded(MSC_EVENT_LOCK_HOLD, 0)->hold.lock, (uintptr_t)&latch);
    assert_int_equal(recorded(MSC_EVENT_LOCK_HOLD, 0)->hold.hold_ns, 5);
    assert_string_equal(recorded(MSC_EVENT_LOCK_HOLD, 0)->hold.name, "orders");
}

/* ---- deadlines ---- */

static int result;

static void *lock_until(void *deadline_ns)
{
    result = latch_lock_until(&latch, *(uint64_t *)deadline_ns);
    return NULL;
}

static int in_thread(uint64_t deadline_ns)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, lock_until, &deadline_ns), 0);
    pthread_join(thread, NULL);
    return result;
}

static void test_past_the_deadline_nobody_waits(void **state)
{
    (void)state;
    latch_lock(&latch);
    assert_int_equal(in_thread(0), -ETIMEDOUT);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_WAIT), 0);
    latch_unlock(&latch);
    assert_int_equal(latch_lock_until(&latch, 0), 0); /* free: the deadline is not looked at */
    latch_unlock(&latch);
}

static void test_a_wait_ends_at_its_deadline_and_is_recorded_as_timed_out(void **state)
{
    (void)state;
    latch_lock(&latch);
    uint64_t deadline_ns = clock_monotonic_ns() + 5000000;
    assert_int_equal(in_thread(deadline_ns), -ETIMEDOUT);
    assert_true(clock_monotonic_ns() >= deadline_ns);
    assert_int_equal(recorded(MSC_EVENT_LOCK_WAIT, 0)->wait.result, MSC_WAIT_TIMEOUT);
    latch_unlock(&latch);
    latch_lock(&latch); /* and it is as if he had never come */
    latch_unlock(&latch);
}

static void test_errno_is_kept(void **state)
{
    (void)state;
    errno = 4321;
    latch_lock(&latch);
    assert_int_equal(latch_lock_until(&latch, clock_monotonic_ns() + 1000000), -ETIMEDOUT);
    latch_unlock(&latch);
    assert_int_equal(errno, 4321);
}

#define latch_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        latch_test(test_threads_take_turns_and_none_is_forgotten_asleep),
        latch_test(test_without_membarrier_either),
        latch_test(test_the_release_wakes_who_sleeps_and_is_charged_his_wait),
        latch_test(test_the_totals_say_to_which_map_it_belongs),
        latch_test(test_a_timed_hold_is_told),
        latch_test(test_past_the_deadline_nobody_waits),
        latch_test(test_a_wait_ends_at_its_deadline_and_is_recorded_as_timed_out),
        latch_test(test_errno_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
