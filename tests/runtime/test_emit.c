/* The seam: who gets events, once each, with errno kept and nothing from within an emit. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/config.h"
#include "runtime/emit.h"
#include "runtime/thread.h"

static unsigned counts[MSC_EVENT_COUNT];
static struct msc_ev_sampler_config announced;
static union msc_gate *gates;

static const struct msc_ev_note note = {.category = "", .message = ""};

static void count(enum msc_event event, const void *record)
{
    counts[event]++;
    if (event == MSC_EVENT_SAMPLER_CONFIG)
        announced = *(const struct msc_ev_sampler_config *)record;
    errno = EIO;
}

static void count_and_emit(enum msc_event event, const void *record)
{
    counts[event]++;
    msc_emit(MSC_EVENT_LOG, record); /* an instrumented lock within the tracer */
}

static int teardown(void **state)
{
    (void)state;
    msc_emit_reset();
    memset(counts, 0, sizeof counts);
    return 0;
}

static void test_without_a_tracer_nothing_happens(void **state)
{
    (void)state;
    msc_emit(MSC_EVENT_LOG, &note);
    for (int event = 0; event < MSC_EVENT_COUNT; event++)
        assert_false(msc_gate_on((enum msc_event)event));
}

static void test_the_first_tracer_wins(void **state)
{
    (void)state;
    assert_int_equal(msc_emit_register(count, &gates), 0);
    union msc_gate *other = NULL;
    assert_int_equal(msc_emit_register(count_and_emit, &other), -EBUSY);
    assert_null(other);
    msc_emit(MSC_EVENT_LOG, &note);
    assert_int_equal(counts[MSC_EVENT_LOG], 1);
}

static void test_a_gate_is_the_tracers_memory(void **state)
{
    (void)state;
    msc_emit_register(count, &gates);
    int on = 1;
    memcpy(gates[MSC_EVENT_LOG].tracer + MSC_GATE_STATE_OFFSET, &on, sizeof on);
    assert_true(msc_gate_on(MSC_EVENT_LOG));
    assert_false(msc_gate_on(MSC_EVENT_VARIANT));
    msc_emit_reset();
    assert_false(msc_gate_on(MSC_EVENT_LOG));
}

static void test_errno_is_kept(void **state)
{
    (void)state;
    msc_emit_register(count, &gates);
    errno = 4321;
    msc_emit(MSC_EVENT_LOG, &note);
    assert_int_equal(errno, 4321);
    assert_int_equal(counts[MSC_EVENT_LOG], 1);
}

static void test_an_emit_within_an_emit_is_dropped(void **state)
{
    (void)state;
    msc_emit_register(count_and_emit, &gates);
    msc_emit(MSC_EVENT_VARIANT, &note);
    assert_int_equal(counts[MSC_EVENT_VARIANT], 1);
    assert_int_equal(counts[MSC_EVENT_LOG], 0);
    msc_emit(MSC_EVENT_VARIANT, &note);
    assert_int_equal(counts[MSC_EVENT_VARIANT], 2);
}

static void count_and_cancel(enum msc_event event, const void *record)
{
    (void)record;
    counts[event]++;
    pthread_testcancel(); /* a tracer that writes to a pipe */
}

static void *emit_cancelled(void *emitted)
{
    pthread_cancel(pthread_self());
    msc_emit(MSC_EVENT_LOG, &note);
    *(bool *)emitted = true;
    pthread_testcancel();
    return NULL;
}

static void test_a_cancelled_thread_ends_after_the_emit_not_within(void **state)
{
    (void)state;
    msc_emit_register(count_and_cancel, &gates);
    bool emitted = false;
    void *result;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, emit_cancelled, &emitted), 0);
    pthread_join(thread, &result);
    assert_int_equal(counts[MSC_EVENT_LOG], 1);
    assert_true(emitted);
    assert_ptr_equal(result, PTHREAD_CANCELED);
}

static int child_announces(void)
{
    msc_emit(MSC_EVENT_LOG, &note);
    return counts[MSC_EVENT_SAMPLER_CONFIG] == 2 ? 0 : 1;
}

static void test_the_settings_are_told_once_an_audience_and_process(void **state)
{
    (void)state;
    config.mutex_fraction = 17;
    config_apply(&config);
    msc_emit_register(count, &gates);
    msc_emit(MSC_EVENT_LOG, &note);
    assert_int_equal(counts[MSC_EVENT_SAMPLER_CONFIG], 0);
    atomic_store(&gates[MSC_EVENT_SAMPLER_CONFIG].state.on, 1);
    msc_emit(MSC_EVENT_LOG, &note);
    msc_emit(MSC_EVENT_LOG, &note);
    assert_int_equal(counts[MSC_EVENT_SAMPLER_CONFIG], 1);
    assert_int_equal(announced.map_rate, config.map_rate);
    assert_int_equal(announced.mutex_mode, config.mutex_mode);
    assert_int_equal(announced.mutex_fraction, 17);
    assert_int_equal(announced.mutex_rate_ns, config.mutex_rate_ns);
    pid_t child = fork();
    if (child == 0)
        _exit(child_announces());
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    msc_emit_new_audience();
    msc_emit(MSC_EVENT_LOG, &note);
    msc_emit(MSC_EVENT_LOG, &note);
    assert_int_equal(counts[MSC_EVENT_SAMPLER_CONFIG], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_without_a_tracer_nothing_happens, teardown),
        cmocka_unit_test_teardown(test_the_first_tracer_wins, teardown),
        cmocka_unit_test_teardown(test_a_gate_is_the_tracers_memory, teardown),
        cmocka_unit_test_teardown(test_errno_is_kept, teardown),
        cmocka_unit_test_teardown(test_an_emit_within_an_emit_is_dropped, teardown),
        cmocka_unit_test_teardown(test_a_cancelled_thread_ends_after_the_emit_not_within, teardown),
        cmocka_unit_test_teardown(test_the_settings_are_told_once_an_audience_and_process, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
