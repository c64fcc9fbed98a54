/* Calls with a deadline: what comes back from them, and that none keeps us. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/session/bounded.h"
#include "collector/session/deadline.h"

enum { LONG_MS = 60000 };

static int call_double(const void *arg, void *reply, struct diag *diag)
{
    (void)diag;
    *(uint64_t *)reply = 2 * *(const uint64_t *)arg;
    return 7;
}

static int call_fail(const void *arg, void *reply, struct diag *diag)
{
    (void)reply;
    return diag_set(diag, -EPERM, "not %s", (const char *)arg);
}

static int call_hang(const void *arg, void *reply, struct diag *diag)
{
    (void)arg, (void)reply, (void)diag;
    while (pause()) /* it always returns -1, if at all */
        ;
    return 0;
}

static int call_die(const void *arg, void *reply, struct diag *diag)
{
    (void)arg, (void)reply, (void)diag;
    return raise(SIGKILL);
}

static int call_fail_at_length(const void *arg, void *reply, struct diag *diag)
{
    (void)arg, (void)reply;
    char text[20000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    return diag_set(diag, -EIO, "%s", text);
}

static void expect_no_child(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void test_result_and_reply_come_back(void **state)
{
    (void)state;
    uint64_t number = 21, reply = 0;
    assert_int_equal(bounded_run(call_double, &number, &reply, sizeof reply, LONG_MS, NULL), 7);
    assert_int_equal(reply, 42);
    expect_no_child();
}

static void test_the_cause_of_a_failure_comes_back(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(bounded_run(call_fail, "you", NULL, 0, LONG_MS, &diag), -EPERM);
    assert_string_equal(diag_text(&diag), "not you");
    assert_int_equal(bounded_run(call_fail_at_length, NULL, NULL, 0, LONG_MS, &diag), -EIO);
    assert_int_equal(strlen(diag_text(&diag)), 4096);
    diag_fini(&diag);
    expect_no_child();
}

static void test_a_call_that_hangs_is_given_up(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    uint64_t reply = 5, begin_ns = deadline_now_ns();
    assert_int_equal(bounded_run(call_hang, NULL, &reply, sizeof reply, 50, &diag), -ETIMEDOUT);
    uint64_t took_ns = deadline_now_ns() - begin_ns;
    assert_in_range(took_ns, 50000000, 10000000000);
    assert_string_equal(diag_text(&diag), "no answer within 0.05 s");
    assert_int_equal(reply, 5);
    diag_fini(&diag);
    expect_no_child();
}

static void test_a_call_that_is_killed_is_no_success(void **state)
{
    (void)state;
    uint64_t reply = 5;
    assert_int_equal(bounded_run(call_die, NULL, &reply, sizeof reply, LONG_MS, NULL), -ECHILD);
    assert_int_equal(reply, 5);
    expect_no_child();
}

static void count(void *self)
{
    ++*(unsigned *)self;
}

static void test_somebody_is_asked_for_patience_once_after_a_second(void **state)
{
    (void)state;
    unsigned asked = 0;
    struct bounded_patience patience = {count, &asked};
    uint64_t number = 21, reply = 0;
    assert_int_equal(bounded_run_patiently(call_double, &number, &reply, sizeof reply, LONG_MS, patience, NULL), 7);
    assert_int_equal(asked, 0);
    assert_int_equal(bounded_run_patiently(call_hang, NULL, NULL, 0, 1200, patience, NULL), -ETIMEDOUT);
    assert_int_equal(asked, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_result_and_reply_come_back),
        cmocka_unit_test(test_the_cause_of_a_failure_comes_back),
        cmocka_unit_test(test_a_call_that_hangs_is_given_up),
        cmocka_unit_test(test_a_call_that_is_killed_is_no_success),
        cmocka_unit_test(test_somebody_is_asked_for_patience_once_after_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
