/* What is said of a running process before it is recorded: processes of ours, as /proc shows them. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/session/target.h"

/* A child that is there until it is killed; it maps a library of that name if it is given one. */
static pid_t start_child(const char *library)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = library ? open(library, O_RDWR | O_CREAT, 0600) : -1;
        if (library && (ftruncate(fd, 4096) || mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED))
            _exit(1);
        close(ready[0]);
        close(ready[1]);
        for (;;)
            pause();
    }
    assert_true(pid > 0);
    close(ready[1]);
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 0); /* the end: the child has closed its side */
    close(ready[0]);
    return pid;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void expect_refused(pid_t pid, int expected, const char *text)
{
    struct target target;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(target_open(&target, pid, &diag), expected);
    assert_non_null(strstr(diag_text(&diag), text));
    diag_fini(&diag);
}

static void test_a_process_with_the_library_is_opened(void **state)
{
    (void)state;
    char folder[] = "/tmp/mapscope-target-XXXXXX", library[64];
    assert_non_null(mkdtemp(folder));
    strcat(strcpy(library, folder), "/libmapscope-lttng.so.0");
    pid_t pid = start_child(library);
    struct target target;
    assert_int_equal(target_open(&target, pid, NULL), 0);
    assert_int_equal(target.pid, pid);
    assert_int_equal(target.vpid, pid);
    assert_non_null(strstr(target.program, "/test_session_target"));
    assert_string_equal(target_home(&target), "/the/daemons/home");
    struct pollfd wait = {.fd = target.fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 0), 0);
    end_child(pid);
    assert_int_equal(poll(&wait, 1, 5000), 1);
    target_close(&target);
    unlink(library);
    rmdir(folder);
}

static void test_a_process_without_the_library_is_refused_with_the_way_out(void **state)
{
    (void)state;
    pid_t pid = start_child(NULL);
    expect_refused(pid, -ENOENT, "-lmapscope-lttng");
    end_child(pid);
}

static void test_a_process_that_has_ended_is_none(void **state)
{
    (void)state;
    pid_t pid = start_child(NULL);
    end_child(pid);
    expect_refused(pid, -ESRCH, "there is no process");
    expect_refused(0, -ESRCH, "there is no process 0");
}

static void test_a_process_that_nobody_has_waited_for_is_none(void **state)
{
    (void)state;
    pid_t pid = start_child(NULL);
    kill(pid, SIGKILL);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    expect_refused(pid, -ESRCH, "there is no process");
    end_child(pid);
}

int main(int argc, char **argv)
{
    (void)argc;
    /* The environment that children show is the one that this program was started with. */
    const char *home = getenv("LTTNG_HOME");
    if (!home || strcmp(home, "/the/daemons/home") != 0) {
        setenv("LTTNG_HOME", "/the/daemons/home", 1);
        execv("/proc/self/exe", argv);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_process_with_the_library_is_opened),
        cmocka_unit_test(test_a_process_without_the_library_is_refused_with_the_way_out),
        cmocka_unit_test(test_a_process_that_has_ended_is_none),
        cmocka_unit_test(test_a_process_that_nobody_has_waited_for_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
