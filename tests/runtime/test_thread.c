/* Threads: identity across ends and forks, announced once, and their end. */
#include "support/cmocka_main.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/emit.h"
#include "runtime/thread.h"

enum { SEEN_MAX = 64 };

static struct seen {
    enum msc_event event;
    uint32_t tid;
    char name[16];
} seen[SEEN_MAX];
static _Atomic unsigned seen_count;
static union msc_gate *gates;

static void see(enum msc_event event, const void *record)
{
    unsigned at = atomic_fetch_add(&seen_count, 1);
    if (at >= SEEN_MAX)
        _exit(99);
    seen[at] = (struct seen){.event = event, .tid = thread_tid()};
    if (event == MSC_EVENT_THREAD_START || event == MSC_EVENT_THREAD_EXIT)
        strncpy(seen[at].name, ((const struct msc_ev_thread *)record)->name, sizeof seen[at].name - 1);
}

static int setup(void **state)
{
    (void)state;
    msc_emit_reset();
    thread_self.audience = 0;
    assert_int_equal(msc_emit_register(see, &gates), 0);
    atomic_store(&gates[MSC_EVENT_THREAD_START].state.on, 1);
    atomic_store(&gates[MSC_EVENT_THREAD_EXIT].state.on, 1);
    seen_count = 0;
    return 0;
}

static void emit_something(void)
{
    struct msc_ev_note note = {.category = "", .message = ""};
    msc_emit(MSC_EVENT_LOG, &note);
}

static void *named_thread(void *unused)
{
    pthread_setname_np(pthread_self(), "worker 7");
    emit_something();
    emit_something();
    return unused;
}

static void test_a_thread_is_announced_before_its_first_event_and_its_end_is_told(void **state)
{
    (void)state;
    pthread_t thread;
    pthread_create(&thread, NULL, named_thread, NULL);
    pthread_join(thread, NULL);
    static const enum msc_event expected[] = {MSC_EVENT_THREAD_START, MSC_EVENT_LOG, MSC_EVENT_LOG,
                                              MSC_EVENT_THREAD_EXIT};
    assert_int_equal(seen_count, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(seen[i].event, expected[i]);
        assert_int_equal(seen[i].tid, seen[0].tid);
    }
    assert_string_equal(seen[0].name, "worker 7");
    assert_string_equal(seen[3].name, "worker 7");
}

static void test_a_thread_is_announced_once_tracing_is_on(void **state)
{
    (void)state;
    atomic_store(&gates[MSC_EVENT_THREAD_START].state.on, 0);
    emit_something();
    atomic_store(&gates[MSC_EVENT_THREAD_START].state.on, 1);
    emit_something();
    assert_int_equal(seen_count, 3);
    assert_int_equal(seen[1].event, MSC_EVENT_THREAD_START);
}

static void test_a_thread_is_announced_again_to_each_new_audience(void **state)
{
    (void)state;
    emit_something();
    emit_something();
    msc_emit_new_audience();
    emit_something();
    emit_something();
    assert_int_equal(seen_count, 6);
    assert_int_equal(seen[0].event, MSC_EVENT_THREAD_START);
    assert_int_equal(seen[3].event, MSC_EVENT_THREAD_START);
}

static void *silent_thread(void *unused)
{
    return unused;
}

static void test_a_thread_without_events_is_not_mentioned(void **state)
{
    (void)state;
    pthread_t thread;
    pthread_create(&thread, NULL, silent_thread, NULL);
    pthread_join(thread, NULL);
    assert_int_equal(seen_count, 0);
}

static int child_is_new(uint32_t parent_tid)
{
    seen_count = 0;
    emit_something();
    bool announced = seen_count == 2 && seen[0].event == MSC_EVENT_THREAD_START;
    bool tid = thread_tid() == (uint32_t)syscall(SYS_gettid) && thread_tid() != parent_tid;
    return announced && tid && atomic_load(&thread_forks) == 1 ? 0 : 1;
}

static void test_a_forked_child_has_its_own_tid_and_is_announced_again(void **state)
{
    (void)state;
    emit_something();
    uint32_t tid = thread_tid();
    assert_int_equal(tid, syscall(SYS_gettid));
    pid_t child = fork();
    if (child == 0)
        _exit(child_is_new(tid));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(atomic_load(&thread_forks), 0);
    assert_int_equal(thread_tid(), tid);
}

static void *take_id(void *out)
{
    *(uint64_t *)out = thread_unique_id();
    return NULL;
}

static void test_ids_are_unique_even_if_the_kernel_gives_a_tid_again(void **state)
{
    (void)state;
    enum { THREADS = 50 };
    uint64_t ids[THREADS + 2];
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread; /* glibc and the kernel reuse what the one before left */
        pthread_create(&thread, NULL, take_id, &ids[i]);
        pthread_join(thread, NULL);
    }
    ids[THREADS] = thread_unique_id();
    ids[THREADS + 1] = thread_unique_id();
    for (int i = 0; i < THREADS + 2; i++) {
        assert_int_not_equal(ids[i], 0);
        for (int k = 0; k < i; k++)
            assert_int_not_equal(ids[i], ids[k]);
    }
}

static void test_ids_go_on_where_a_thread_has_used_up_its_share(void **state)
{
    (void)state;
    uint64_t own = thread_unique_id();
    thread_self.last_id = own | UINT32_MAX;
    uint64_t next = thread_unique_id();
    assert_true(next >> 32 > own >> 32);
    assert_int_equal((uint32_t)next, 1);
    assert_int_equal(thread_unique_id(), next + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_thread_is_announced_before_its_first_event_and_its_end_is_told, setup),
        cmocka_unit_test_setup(test_a_thread_is_announced_once_tracing_is_on, setup),
        cmocka_unit_test_setup(test_a_thread_is_announced_again_to_each_new_audience, setup),
        cmocka_unit_test_setup(test_a_thread_without_events_is_not_mentioned, setup),
        cmocka_unit_test_setup(test_a_forked_child_has_its_own_tid_and_is_announced_again, setup),
        cmocka_unit_test_setup(test_ids_are_unique_even_if_the_kernel_gives_a_tid_again, setup),
        cmocka_unit_test_setup(test_ids_go_on_where_a_thread_has_used_up_its_share, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
