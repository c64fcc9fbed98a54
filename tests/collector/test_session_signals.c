/* Which signals reach the recorded program, and what it finds of ours when it begins. */
#include "support/cmocka_main.h"

#include <unistd.h>

#include "collector/session/signals.h"

#define SECOND_NS UINT64_C(1000000000)

static int pass_on(struct signals *signals, int number, int code, uint64_t now_ns)
{
    struct signalfd_siginfo info = {.ssi_signo = (uint32_t)number, .ssi_code = code};
    return signals_pass_on(signals, &info, now_ns);
}

static void test_what_is_sent_to_us_is_passed_on(void **state)
{
    (void)state;
    struct signals signals = {0};
    assert_int_equal(pass_on(&signals, SIGTERM, SI_USER, SECOND_NS), SIGTERM);
    assert_int_equal(pass_on(&signals, SIGTERM, SI_USER, 2 * SECOND_NS), SIGTERM);
    assert_int_equal(pass_on(&signals, SIGHUP, SI_USER, SECOND_NS), SIGHUP);
    assert_int_equal(pass_on(&signals, SIGQUIT, SI_QUEUE, SECOND_NS), SIGQUIT);
    assert_int_equal(pass_on(&signals, SIGINT, SI_USER, SECOND_NS), SIGINT);
}

static void test_what_the_terminal_sends_is_not_delivered_twice(void **state)
{
    (void)state;
    struct signals signals = {0};
    assert_int_equal(pass_on(&signals, SIGINT, SI_KERNEL, SECOND_NS), 0);
    assert_int_equal(pass_on(&signals, SIGQUIT, SI_KERNEL, SECOND_NS), 0);
    assert_int_equal(pass_on(&signals, SIGHUP, SI_KERNEL, SECOND_NS), 0);
}

static void test_the_second_interrupt_kills_but_not_the_echo_of_the_first(void **state)
{
    (void)state;
    struct signals signals = {0};
    assert_int_equal(pass_on(&signals, SIGINT, SI_USER, SECOND_NS), SIGINT);
    assert_int_equal(pass_on(&signals, SIGINT, SI_USER, SECOND_NS + SECOND_NS / 4 - 1), SIGINT);
    assert_int_equal(pass_on(&signals, SIGINT, SI_KERNEL, SECOND_NS + SECOND_NS / 4), SIGKILL);
}

static void test_the_end_of_a_child_is_nobodys_business(void **state)
{
    (void)state;
    struct signals signals = {0};
    assert_int_equal(pass_on(&signals, SIGCHLD, CLD_EXITED, SECOND_NS), 0);
}

static void test_signals_wait_to_be_read_and_everything_is_given_back(void **state)
{
    (void)state;
    struct signals signals;
    sigset_t before, after;
    sigprocmask(SIG_BLOCK, NULL, &before);
    assert_int_equal(signals_open(&signals, NULL), 0);
    assert_int_equal(signals_read_end(&signals), 0);
    raise(SIGCHLD);
    raise(SIGTERM);
    assert_int_equal(signals_read_end(&signals), SIGTERM);
    raise(SIGPIPE); /* ignored: or this test ends here */
    signals_close(&signals);
    sigprocmask(SIG_BLOCK, NULL, &after);
    for (int number = 1; number < 64; number++)
        assert_int_equal(sigismember(&after, number), sigismember(&before, number));
    struct sigaction pipe_action;
    sigaction(SIGPIPE, NULL, &pipe_action);
    assert_ptr_equal(pipe_action.sa_handler, SIG_DFL);
}

static void test_a_signal_that_was_ignored_stays_ignored(void **state)
{
    (void)state;
    struct signals signals;
    signal(SIGHUP, SIG_IGN);
    assert_int_equal(signals_open(&signals, NULL), 0);
    raise(SIGHUP);
    assert_int_equal(signals_read_end(&signals), 0);
    signals_close(&signals);
    signal(SIGHUP, SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_sent_to_us_is_passed_on),
        cmocka_unit_test(test_what_the_terminal_sends_is_not_delivered_twice),
        cmocka_unit_test(test_the_second_interrupt_kills_but_not_the_echo_of_the_first),
        cmocka_unit_test(test_the_end_of_a_child_is_nobodys_business),
        cmocka_unit_test(test_signals_wait_to_be_read_and_everything_is_given_back),
        cmocka_unit_test(test_a_signal_that_was_ignored_stays_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
