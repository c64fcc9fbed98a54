/* When what was retired is freed: never under a reader, soon without one, and within the bound. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/epoch.h"
#include "runtime/memory.h"
#include "runtime/recorder.h"
#include "runtime/thread.h"

static _Atomic unsigned released;

static void count_release(void *block)
{
    atomic_fetch_add(&released, 1);
    free(block);
}

static struct memory usual;

static int setup(void **state)
{
    usual = memory;
    memory.release = count_release;
    int error = recorder_setup(state);
    recorder_close_gates();
    clock_source = clock_monotonic_ns;
    epoch_collect();
    atomic_store(&released, 0);
    return error;
}

static int teardown(void **state)
{
    epoch_collect();
    memory = usual;
    return recorder_teardown(state);
}

static void retire(size_t bytes)
{
    struct epoch_item *item = memory.allocate(sizeof *item);
    assert_non_null(item);
    epoch_retire(item, bytes);
}

/* A thread that reads until it is let go. */
struct reader {
    pthread_t thread;
    sem_t reading, leave;
    uint32_t tid;
};

static void *reader_main(void *argument)
{
    struct reader *reader = argument;
    reader->tid = thread_tid();
    epoch_enter();
    sem_post(&reader->reading);
    sem_wait(&reader->leave);
    epoch_leave();
    return NULL;
}

static void reader_begin(struct reader *reader)
{
    sem_init(&reader->reading, 0, 0);
    sem_init(&reader->leave, 0, 0);
    assert_int_equal(pthread_create(&reader->thread, NULL, reader_main, reader), 0);
    sem_wait(&reader->reading);
}

static void reader_end(struct reader *reader)
{
    sem_post(&reader->leave);
    pthread_join(reader->thread, NULL);
}

static void test_without_readers_a_block_is_freed_at_once(void **state)
{
    (void)state;
    retire(100);
    assert_int_equal(released, 0);
    epoch_collect();
    assert_int_equal(released, 1);
}

static void test_under_a_reader_nothing_is_freed_until_it_leaves(void **state)
{
    (void)state;
    struct reader reader;
    reader_begin(&reader);
    retire(100);
    for (int i = 0; i < 10; i++)
        epoch_collect();
    assert_int_equal(released, 0);
    reader_end(&reader);
    epoch_collect();
    assert_int_equal(released, 1);
}

static void test_a_reader_that_came_later_holds_up_nothing_older(void **state)
{
    (void)state;
    struct reader early, late;
    reader_begin(&early);
    retire(100);
    epoch_collect(); /* the epoch moves once, up to the early reader's end */
    reader_begin(&late);
    reader_end(&early);
    epoch_collect();
    epoch_collect();
    retire(100); /* under the late one */
    epoch_collect();
    assert_int_equal(released, 1);
    reader_end(&late);
    epoch_collect();
    assert_int_equal(released, 2);
}

static void test_guards_nest(void **state)
{
    (void)state;
    msc_guard_enter();
    msc_guard_enter();
    msc_guard_leave();
    retire(100);
    epoch_collect();
    assert_int_equal(released, 0);
    msc_guard_leave();
    epoch_collect();
    assert_int_equal(released, 1);
}

static void test_a_thread_frees_what_it_gathered_a_batch_at_a_time(void **state)
{
    (void)state;
    for (int i = 0; i < EPOCH_BATCH_COUNT - 1; i++)
        retire(1);
    assert_int_equal(released, 0);
    retire(1);
    assert_int_equal(released, EPOCH_BATCH_COUNT);
    retire(EPOCH_BATCH_BYTES);
    assert_int_equal(released, EPOCH_BATCH_COUNT + 1);
}

static void *retire_three(void *argument)
{
    (void)argument;
    epoch_enter();
    for (int i = 0; i < 3; i++)
        retire(10);
    epoch_leave();
    return NULL;
}

static void *retire_three_once_it_can(void *argument)
{
    epoch_enter();
    epoch_can_list = true;
    for (int i = 0; i < 3; i++)
        retire(10);
    epoch_leave();
    return argument;
}

static void test_what_an_ended_thread_gathered_is_freed(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, retire_three, NULL), 0);
    pthread_join(thread, NULL);
    epoch_collect();
    assert_int_equal(released, 3);
}

static void test_a_reader_without_a_slot_is_safe_too(void **state)
{
    (void)state;
    struct reader reader;
    epoch_can_list = false;
    reader_begin(&reader);
    retire(10);
    epoch_collect();
    assert_int_equal(released, 0);
    reader_end(&reader);
    epoch_can_list = true;
    epoch_collect();
    assert_int_equal(released, 1);
}

static void test_a_reader_without_a_slot_that_retires_leaves_as_it_came(void **state)
{
    (void)state;
    pthread_t thread;
    epoch_can_list = false;
    assert_int_equal(pthread_create(&thread, NULL, retire_three_once_it_can, NULL), 0);
    pthread_join(thread, NULL);
    assert_true(epoch_can_list);
    epoch_collect();
    assert_int_equal(released, 3);
}

/* ---- threads that end ---- */

static pthread_key_t later_key;
static int rounds_left;

static void use_once_more(void *value)
{
    epoch_enter();
    retire(10);
    epoch_leave();
    if (--rounds_left > 0)
        pthread_setspecific(later_key, value);
}

static void *end_using(void *argument)
{
    epoch_enter();
    epoch_leave();
    pthread_setspecific(later_key, argument);
    return NULL;
}

/*
 * The C library gives destructors four rounds: whoever was listed in the last one would be for ever. By then the thread
 * sanitizer knows the thread no more.
 */
#ifdef __SANITIZE_THREAD__
enum { DESTRUCTOR_ROUNDS = 3 };
#else
enum { DESTRUCTOR_ROUNDS = 4 };
#endif

static void test_destructors_of_a_thread_read_to_its_last_moment(void **state)
{
    (void)state;
    enum { STACK = 1 << 20 };
    pthread_attr_t attributes;
    pthread_t thread;
    void *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(stack, MAP_FAILED);
    assert_int_equal(pthread_key_create(&later_key, use_once_more), 0);
    rounds_left = DESTRUCTOR_ROUNDS;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK), 0);
    assert_int_equal(pthread_create(&thread, &attributes, end_using, &later_key), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    munmap(stack, STACK);
    pthread_key_delete(later_key);
    assert_int_equal(rounds_left, 0);
    epoch_collect(); /* looks at every listed thread */
    assert_int_equal(released, DESTRUCTOR_ROUNDS);
}

static void *end_inside(void *argument)
{
    msc_guard_enter();
    return argument;
}

static void test_a_thread_that_ends_inside_a_guard_gives_it_up(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, end_inside, NULL), 0);
    pthread_join(thread, NULL);
    retire(10);
    epoch_collect();
    assert_int_equal(released, 1);
}

/* ---- the bound ---- */

static uint64_t backlog(void)
{
    struct msc_guard_numbers stats;
    msc_guard_stats(&stats);
    return stats.pending_bytes;
}

static void *let_go_when_somebody_waits(void *argument)
{
    while (!epoch_is_waited_for())
        sched_yield();
    sem_post(&((struct reader *)argument)->leave);
    return NULL;
}

static void test_past_the_bound_a_writer_waits_for_the_reader_and_says_so(void **state)
{
    (void)state;
    atomic_store(&gates[MSC_EVENT_RECLAIM_STALL].state.on, 1);
    struct msc_guard_numbers before, after;
    msc_guard_stats(&before);
    struct reader reader;
    reader_begin(&reader);
    retire(EPOCH_BACKLOG_MAX);
    assert_int_equal(epoch_admit(), 0); /* the bound itself is allowed */
    retire(EPOCH_BATCH_BYTES);
    assert_true(backlog() > EPOCH_BACKLOG_MAX);
    pthread_t helper;
    assert_int_equal(pthread_create(&helper, NULL, let_go_when_somebody_waits, &reader), 0);
    assert_int_equal(epoch_admit(), 0);
    pthread_join(helper, NULL);
    pthread_join(reader.thread, NULL);
    assert_int_equal(backlog(), 0);
    assert_int_equal(released, 2);
    msc_guard_stats(&after);
    assert_int_equal(after.stalls - before.stalls, 1);
    assert_true(after.stalled_ns > before.stalled_ns);
    const struct msc_ev_reclaim_stall *stall = &recorded(MSC_EVENT_RECLAIM_STALL, 0)->stall;
    assert_int_equal(stall->reader_tid, reader.tid);
    assert_int_equal(stall->pending_bytes, EPOCH_BACKLOG_MAX + EPOCH_BATCH_BYTES);
    assert_int_equal(stall->waited_ns, after.stalled_ns - before.stalled_ns);
}

static void test_a_writer_that_is_itself_the_reader_is_refused(void **state)
{
    (void)state;
    struct msc_guard_numbers before, after;
    msc_guard_stats(&before);
    msc_guard_enter();
    retire(EPOCH_BACKLOG_MAX + 1);
    assert_int_equal(epoch_admit(), -EDEADLK);
    msc_guard_leave();
    assert_int_equal(epoch_admit(), 0);
    msc_guard_stats(&after);
    assert_int_equal(after.refusals - before.refusals, 1);
    assert_int_equal(after.stalls, before.stalls);
    assert_int_equal(released, 1);
}

/* ---- without membarrier, and after a fork ---- */

static void test_without_membarrier_readers_hold_up_what_they_may_see(void **state)
{
    bool kept = barrier_is_asymmetric;
    barrier_is_asymmetric = false;
    test_under_a_reader_nothing_is_freed_until_it_leaves(state);
    barrier_is_asymmetric = kept;
}

static void test_in_a_forked_child_the_other_readers_are_gone(void **state)
{
    (void)state;
    struct reader reader;
    reader_begin(&reader);
    pid_t child = fork();
    if (child == 0) {
        retire(100);
        epoch_collect();
        _exit(released == 1 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    reader_end(&reader);
}

/* ---- many threads ---- */

enum { STRESS_THREADS = 4, STRESS_STEPS = 20000 };

struct counted {
    struct epoch_item item;
    _Atomic uint64_t alive; /* a pattern; a freed block has another */
};

static _Atomic(struct counted *) shared;

static void poison_and_free(void *block)
{
    if (block)
        atomic_store(&((struct counted *)block)->alive, 0);
    free(block);
}

/* cmocka's assertions are for the main thread. */
static void must_be_alive(const struct counted *seen)
{
    if (seen->alive != 77)
        abort();
}

static void *replace_and_read(void *argument)
{
    (void)argument;
    for (int i = 0; i < STRESS_STEPS; i++) {
        epoch_enter();
        struct counted *seen = atomic_load_explicit(&shared, memory_order_acquire);
        must_be_alive(seen);
        if (i % 4 == 0) {
            struct counted *fresh = memory.allocate(sizeof *fresh);
            fresh->alive = 77;
            struct counted *old = atomic_exchange_explicit(&shared, fresh, memory_order_acq_rel);
            epoch_retire(&old->item, sizeof *old);
        }
        must_be_alive(seen);
        epoch_leave();
    }
    return NULL;
}

static void test_no_thread_ever_reads_a_freed_block(void **state)
{
    (void)state;
    memory.release = poison_and_free;
    pthread_t threads[STRESS_THREADS];
    struct counted *first = memory.allocate(sizeof *first);
    first->alive = 77;
    atomic_store(&shared, first);
    for (int i = 0; i < STRESS_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, replace_and_read, NULL), 0);
    for (int i = 0; i < STRESS_THREADS; i++)
        pthread_join(threads[i], NULL);
    epoch_collect();
    assert_int_equal(backlog(), 0);
    memory.release(atomic_load(&shared));
}

#define epoch_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        epoch_test(test_without_readers_a_block_is_freed_at_once),
        epoch_test(test_under_a_reader_nothing_is_freed_until_it_leaves),
        epoch_test(test_a_reader_that_came_later_holds_up_nothing_older),
        epoch_test(test_guards_nest),
        epoch_test(test_a_thread_frees_what_it_gathered_a_batch_at_a_time),
        epoch_test(test_what_an_ended_thread_gathered_is_freed),
        epoch_test(test_a_reader_without_a_slot_is_safe_too),
        epoch_test(test_a_reader_without_a_slot_that_retires_leaves_as_it_came),
        epoch_test(test_destructors_of_a_thread_read_to_its_last_moment),
        epoch_test(test_a_thread_that_ends_inside_a_guard_gives_it_up),
        epoch_test(test_past_the_bound_a_writer_waits_for_the_reader_and_says_so),
        epoch_test(test_a_writer_that_is_itself_the_reader_is_refused),
        epoch_test(test_without_membarrier_readers_hold_up_what_they_may_see),
        epoch_test(test_in_a_forked_child_the_other_readers_are_gone),
        epoch_test(test_no_thread_ever_reads_a_freed_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
