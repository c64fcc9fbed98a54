/* The line that tells how far a long work is: only after a second, only on a terminal, and wiped at the end. */
#include "support/cmocka_main.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/progress.h"

enum { NS_A_S = 1000000000 };

static bool has_terminal;
static uint64_t clock_ns;

/* In place of the C library's (--wrap). */
int __wrap_isatty(int fd);
int __wrap_isatty(int fd)
{
    return fd == STDERR_FILENO && has_terminal;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    (void)clock;
    *out = (struct timespec){.tv_sec = (time_t)(clock_ns / NS_A_S), .tv_nsec = (long)(clock_ns % NS_A_S)};
    return 0;
}

/* What stderr is told of a work of 200 steps of 10 ms each. */
static const char *told_by_work(void)
{
    static char text[1024];
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    assert_non_null(file);
    assert_true(kept >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    struct progress progress;
    clock_ns = 5;
    progress_begin(&progress, "reading");
    bool goes_on = true;
    for (uint64_t step = 1; step <= 200 && goes_on; step++) {
        clock_ns += NS_A_S / 100;
        goes_on = progress_update(&progress, step, 200);
    }
    progress_end(&progress);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    assert_true(goes_on);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void test_work_of_over_a_second_says_how_far_it_is_ten_times_a_second(void **state)
{
    (void)state;
    has_terminal = true;
    assert_string_equal(told_by_work(), "\rreading: 50 %\rreading: 56 %\rreading: 61 %\rreading: 67 %\rreading: 72 %"
                                        "\rreading: 78 %\rreading: 83 %\rreading: 89 %\rreading: 94 %\rreading: 100 %"
                                        "\r\033[K");
}

static void test_a_file_is_told_nothing(void **state)
{
    (void)state;
    has_terminal = false;
    assert_string_equal(told_by_work(), "");
}

/* In a process of its own: a work is interrupted once and for all. How that ended, as wait(2) says. */
static int status_of(void (*work)(struct progress *progress))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct progress progress;
        work(&progress);
        _exit(progress_update(&progress, 1, 1) ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int signal_number;

static void begin_and_raise(struct progress *progress, void (*found)(int number))
{
    signal(signal_number, found);
    progress_begin(progress, "reading");
    raise(signal_number);
}

static void signalled(struct progress *progress)
{
    begin_and_raise(progress, SIG_DFL);
}

static void signalled_in_the_background(struct progress *progress)
{
    begin_and_raise(progress, SIG_IGN);
}

static void signalled_twice(struct progress *progress)
{
    signalled(progress);
    raise(signal_number);
}

static void test_an_interrupt_ends_the_work_in_good_order_and_a_second_one_at_once(void **state)
{
    (void)state;
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        signal_number = numbers[i];
        assert_int_equal(status_of(signalled), 1);
        assert_int_equal(status_of(signalled_twice), -signal_number);
        assert_int_equal(status_of(signalled_in_the_background), 0);
    }
}

static void write_fails(struct progress *progress)
{
    progress_begin(progress, "reading");
    signal(signal_number, SIG_DFL);
    progress_fail_writes();
    raise(signal_number);
}

static void test_a_write_that_fails_does_not_kill(void **state)
{
    (void)state;
    static const int numbers[] = {SIGPIPE, SIGXFSZ};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        signal_number = numbers[i];
        assert_int_equal(status_of(write_fails), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_of_over_a_second_says_how_far_it_is_ten_times_a_second),
        cmocka_unit_test(test_a_file_is_told_nothing),
        cmocka_unit_test(test_an_interrupt_ends_the_work_in_good_order_and_a_second_one_at_once),
        cmocka_unit_test(test_a_write_that_fails_does_not_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
