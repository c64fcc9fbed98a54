/*
 * The totals of each msc_mutex, at the end and to a new audience: of locks that vanished, were inherited by a child,
 * came in the place of another, or had no entry.
 */
#include "runtime/lock_recorder.h"
#include "runtime/lock_threads.h"

#include <errno.h>
#include <mapscope/mutex.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/contention.h"
#include "runtime/page.h"

static void test_the_end_tells_the_totals_of_every_lock_that_was_held(void **state)
{
    (void)state;
    static msc_mutex contended = MSC_MUTEX_INITIALIZER_NAMED("contended"), quiet, unused;
    msc_mutex_init(&quiet, "quiet");
    msc_mutex_init(&unused, "unused");
    for (int i = 0; i < 5; i++) {
        msc_mutex_lock(&quiet);
        msc_mutex_unlock(&quiet);
    }
    let_one_wait(&contended);
    msc_mutex_lock(&contended); /* after the last contention */
    msc_mutex_unlock(&contended);
    msc_emit_farewell();
    assert_int_equal(recorded_totals("quiet")->ops, 5);
    assert_int_equal(recorded_totals("quiet")->contentions, 0);
    assert_null(recorded_totals("unused"));
    const struct msc_ev_lock_totals *totals = recorded_totals("contended");
    assert_int_equal(totals->ops, 3);
    assert_int_equal(totals->contentions, 1);
    assert_int_equal(totals->wait_ns, recorded_sums(&contended).wait_ns);
    assert_int_equal(totals->max_ns, totals->wait_ns);
    msc_mutex_destroy(&quiet);
    msc_mutex_destroy(&unused);
}

/* The last one of that name in an inventory. */
static const struct msc_ev_lock_totals *inventoried(const char *name)
{
    for (size_t i = lock_record_count; i-- > 0;)
        if (lock_records[i].event == MSC_EVENT_LOCK_INVENTORY && strcmp(lock_records[i].totals.name, name) == 0)
            return &lock_records[i].totals;
    return NULL;
}

static void test_a_new_audience_is_told_of_each_lock_with_its_totals(void **state)
{
    (void)state;
    msc_mutex known;
    struct timespec past = {1, 0};
    msc_mutex_init(&known, "known");
    msc_mutex_lock(&known);
    assert_int_equal(msc_mutex_timedlock(&known, &past), -ETIMEDOUT);
    msc_mutex_unlock(&known);
    msc_emit_new_audience();
    struct msc_ev_lock_totals first = *inventoried("known");
    assert_int_equal(first.ops, 1);
    assert_int_equal(first.contentions, 1);
    assert_int_equal(first.wait_ns, recorded_sums(&known).wait_ns);
    assert_int_equal(first.lock_gen, recorded(MSC_EVENT_LOCK_WAIT, 0)->wait.lock_gen);
    assert_int_equal(inventoried("[other locks]")->round, first.round); /* also if there are none: the round is told */
    msc_mutex_lock(&known);
    msc_mutex_unlock(&known);
    msc_emit_new_audience();
    assert_int_equal(inventoried("known")->ops, 2);
    assert_int_equal(inventoried("known")->round, first.round + 1);
    gates_set(0);
    lock_record_count = 0;
    msc_emit_new_audience();
    assert_int_equal(lock_record_count, 0);
    msc_mutex_destroy(&known);
}

static void test_a_lock_that_vanished_still_has_its_totals(void **state)
{
    (void)state;
    msc_mutex *mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(mutex, MAP_FAILED);
    msc_mutex_init(mutex, "vanished");
    let_one_wait(mutex);
    munmap(mutex, 4096);
    msc_emit_farewell();
    const struct msc_ev_lock_totals *totals = recorded_totals("vanished");
    assert_int_equal(totals->contentions, 1);
    assert_int_equal(totals->ops, 2);
}

/* A library that is unloaded takes its locks and their names along. */
static void test_a_name_that_vanished_was_copied_and_cut(void **state)
{
    (void)state;
    char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    msc_mutex *mutex = (msc_mutex *)(void *)memory;
    char *name = memory + sizeof *mutex;
    char expected[128] = "";
    memset(name, 'n', 200);
    memset(expected, 'n', sizeof expected - 1);
    msc_mutex_init(mutex, name);
    let_one_wait(mutex);
    munmap(memory, 4096);
    msc_emit_farewell();
    assert_int_equal(recorded_totals(expected)->contentions, 1);
}

/* --- Forks ----------------------------------------------------------------------------------------------- */

static void assert_true_in_child(bool (*holds)(msc_mutex *), msc_mutex *mutex)
{
    pid_t child = fork();
    if (child == 0) {
        lock_record_count = 0;
        _exit(holds(mutex) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static bool destroys_in_silence(msc_mutex *mutex)
{
    msc_mutex_destroy(mutex);
    return recorded_count(MSC_EVENT_LOCK_TOTALS) == 0;
}

static void test_a_child_that_destroys_a_lock_does_not_tell_its_parents_totals(void **state)
{
    (void)state;
    msc_mutex mutex;
    msc_mutex_init(&mutex, "inherited");
    let_one_wait(&mutex);
    assert_true_in_child(destroys_in_silence, &mutex);
    msc_mutex_destroy(&mutex);
    assert_int_equal(recorded_totals("inherited")->contentions, 1);
}

static void test_memory_that_became_another_lock_is_not_taken_for_the_first(void **state)
{
    (void)state;
    msc_mutex mutex;
    msc_mutex_init(&mutex, "first");
    let_one_wait(&mutex);
    msc_mutex_init(&mutex, "second"); /* without destroy */
    for (int i = 0; i < 7; i++) {
        msc_mutex_lock(&mutex);
        msc_mutex_unlock(&mutex);
    }
    msc_emit_farewell();
    const struct msc_ev_lock_totals *first = recorded_totals("first"), *second = recorded_totals("second");
    assert_int_equal(first->ops, 2);
    assert_int_equal(second->ops, 7);
    assert_int_equal(first->lock, second->lock);
    assert_int_not_equal(first->lock_gen, second->lock_gen);
    msc_mutex_destroy(&mutex);
}

static void test_destroyed_quiet_locks_count_among_the_others(void **state)
{
    (void)state;
    msc_emit_farewell();
    const struct msc_ev_lock_totals *before = recorded_totals("[other locks]");
    uint64_t ops = before ? before->ops : 0;
    for (int i = 0; i < 6000; i++) { /* more than the table holds, one after the other */
        msc_mutex mutex;
        msc_mutex_init(&mutex, "short-lived");
        msc_mutex_lock(&mutex);
        msc_mutex_unlock(&mutex);
        msc_mutex_destroy(&mutex);
    }
    assert_null(recorded_totals("short-lived"));
    msc_emit_farewell();
    assert_int_equal(recorded_totals("[other locks]")->ops, ops + 6000);
    assert_int_equal(recorded_totals("[other locks]")->lock, 0);
}

/* What is lost is counted: the wait is in the totals of the others, as dropped, and in no event. */
static void test_a_wait_for_a_lock_without_an_entry_is_counted_as_lost(void **state)
{
    (void)state;
    msc_mutex mutex = MSC_MUTEX_INITIALIZER_NAMED("unlisted");
    uint64_t lost_ns = atomic_load(&page.header.losses.waits_unlocked_ns);
    uint64_t others_ns = atomic_load(&page.locks[0].vain_ns);
    page_limits.locks = 1;
    uint64_t begin_ns = clock_monotonic_ns();
    msc_mutex_lock(&mutex);
    struct timespec past = {1, 0};
    msc_mutex_timedlock(&mutex, &past);
    msc_mutex_unlock(&mutex);
    uint64_t end_ns = clock_monotonic_ns();
    page_limits.locks = PAGE_LOCKS;
    lost_ns = atomic_load(&page.header.losses.waits_unlocked_ns) - lost_ns;
    assert_in_range(lost_ns, 1, end_ns - begin_ns);
    assert_int_equal(lost_ns, atomic_load(&page.locks[0].vain_ns) - others_ns);
    assert_int_equal(lock_record_count, 0);
    msc_emit_farewell();
    assert_null(recorded_totals("unlisted"));
    assert_true(recorded_totals("[other locks]")->dropped > 0);
}

static void test_locks_beyond_the_table_work_as_ever(void **state)
{
    (void)state;
    enum { LOCKS = 5000 };
    static msc_mutex mutexes[LOCKS];
    uint64_t unlisted = atomic_load(&page.header.losses.locks_unlisted);
    for (int i = 0; i < LOCKS; i++)
        msc_mutex_init(&mutexes[i], "many");
    assert_true(atomic_load(&page.header.losses.locks_unlisted) >= unlisted + LOCKS - PAGE_LOCKS);
    for (int i = 0; i < LOCKS; i++) {
        assert_int_equal(msc_mutex_lock(&mutexes[i]), 0);
        assert_int_equal(msc_mutex_unlock(&mutexes[i]), 0);
    }
    msc_emit_farewell();
    uint64_t ops = recorded_totals("[other locks]")->ops;
    for (int i = 0; i < LOCKS; i++)
        msc_mutex_destroy(&mutexes[i]);
    msc_emit_farewell();
    assert_int_equal(recorded_totals("[other locks]")->ops, ops + LOCKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lock_test(test_the_end_tells_the_totals_of_every_lock_that_was_held),
        lock_test(test_a_new_audience_is_told_of_each_lock_with_its_totals),
        lock_test(test_a_lock_that_vanished_still_has_its_totals),
        lock_test(test_a_name_that_vanished_was_copied_and_cut),
        lock_test(test_a_child_that_destroys_a_lock_does_not_tell_its_parents_totals),
        lock_test(test_memory_that_became_another_lock_is_not_taken_for_the_first),
        lock_test(test_destroyed_quiet_locks_count_among_the_others),
        lock_test(test_a_wait_for_a_lock_without_an_entry_is_counted_as_lost),
        lock_test(test_locks_beyond_the_table_work_as_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
