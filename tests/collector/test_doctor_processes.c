/*
 * The doctor's checks on processes, sockets and environments made for them. What needs a machine in a certain state is
 * in tests/e2e/test_doctor.sh.
 */
#include "collector/doctor_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "collector/doctor/proc.h"
#include "collector/doctor/unix_peers.h"
#include "collector/session/daemon.h"

static const char maps[] = "559b0000-559b1000 r-xp 00000000 08:01 131 /srv/lib x/server\n"
                           "7f000000-7f001000 r-xp 00000000 08:01 132 /usr/lib/libmapscope.so.0.1.0\n"
                           "7f002000-7f003000 rw-p 00000000 00:00 0 \n"
                           "7f004000-7f005000 r-xp 00000000 08:01 133 /usr/lib/liblttng-ust.so.1.0.0 (deleted)\n"
                           "7ffe0000-7ffe1000 r-xp 00000000 00:00 0 [vdso]";

static void test_mapped_files_are_found_by_name(void **state)
{
    (void)state;
    assert_true(proc_maps_has(maps, "libmapscope.so"));
    assert_true(proc_maps_has(maps, "liblttng-ust.so"));
    assert_true(proc_maps_has(maps, "server"));
    assert_false(proc_maps_has(maps, "libmapscope-lttng.so"));
    assert_false(proc_maps_has(maps, "mapscope.so"));
    assert_false(proc_maps_has(maps, "vdso"));
    assert_false(proc_maps_has("", "server"));
}

/* A child that does nothing. */
static pid_t start_child(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        raise(SIGSTOP);
        pause();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    return pid;
}

static void test_a_process_is_seen_stopped_ended_and_gone(void **state)
{
    (void)state;
    siginfo_t info;
    uid_t user = 12345;
    pid_t pid = start_child();
    assert_int_equal(proc_state(pid), 'T');
    assert_true(proc_exists(pid));
    assert_int_equal(proc_user(pid, &user), 0);
    assert_int_equal(user, geteuid());
    assert_int_equal(proc_shares_folder(pid, "/dev/shm"), 1);
    kill(pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(proc_state(pid), 'Z');
    assert_false(proc_exists(pid));
    waitpid(pid, NULL, 0);
    assert_int_equal(proc_state(pid), 0);
    assert_true(proc_user(pid, &user) < 0);
}

static void examine_process(pid_t pid, check_fn *check)
{
    char target[24];
    snprintf(target, sizeof target, "%ld", (long)pid);
    examine(target, check);
}

static void test_a_process_that_cannot_be_traced_says_why(void **state)
{
    (void)state;
    pid_t pid = start_child();
    examine_process(pid, check_process);
    char self[256], found[512];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self);
    assert_true(length > 0 && length < (ssize_t)sizeof self);
    snprintf(found, sizeof found, "%ld runs %.*s as user ", (long)pid, (int)length, self);
    assert_memory_equal(checkup.lines[0].found, found, strlen(found));
    assert_null(strstr(checkup.lines[0].found, "not as you"));
    expect(VERDICT_NOTE, "it is stopped");
    expect_mend("kill -CONT");
    examine_process(pid, check_loaded);
    expect(VERDICT_PROBLEM, "not loaded libmapscope");
    expect_mend("mapscope record");
    examine_process(pid, check_surroundings);
    expect(VERDICT_OK, "the same");
    kill(pid, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    examine_process(pid, check_process);
    expect(VERDICT_PROBLEM, "has ended");
    waitpid(pid, NULL, 0);
    examine_process(pid, check_process);
    expect(VERDICT_PROBLEM, "there is no process");
}

/* ---- sockets ---- */

static int listen_at(const char *path, int queue)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, queue), 0);
    return fd;
}

/* A connected socket, or -1 if it would have to wait. */
static int connect_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static uint64_t inode_of(int fd)
{
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    return status.st_ino;
}

static bool contains(const uint64_t *inodes, size_t count, uint64_t inode)
{
    for (size_t i = 0; i < count; i++)
        if (inodes[i] == inode)
            return true;
    return false;
}

static void test_a_socket_leads_to_the_listener_that_accepted_it(void **state)
{
    (void)state;
    int listener = listen_at("a-listener", 4), client = connect_at("a-listener");
    int server = accept(listener, NULL, NULL);
    struct unix_sockets sockets;
    uint64_t *inodes;
    size_t count;
    assert_int_equal(unix_sockets_read(&sockets), 0);
    assert_string_equal(unix_sockets_peer(&sockets, inode_of(client)), "a-listener");
    assert_string_equal(unix_sockets_peer(&sockets, inode_of(server)), "");
    assert_null(unix_sockets_peer(&sockets, inode_of(listener)));
    unix_sockets_fini(&sockets);
    assert_int_equal(proc_sockets(getpid(), &inodes, &count), 0);
    assert_true(contains(inodes, count, inode_of(client)));
    free(inodes);
    uint64_t closed = inode_of(client);
    close(client);
    assert_int_equal(proc_sockets(getpid(), &inodes, &count), 0);
    assert_false(contains(inodes, count, closed));
    assert_true(contains(inodes, count, inode_of(listener)));
    free(inodes);
    close(server);
    close(listener);
}

static void test_a_daemon_is_seen_by_its_socket(void **state)
{
    (void)state;
    mkdir("daemon", 0700);
    assert_int_equal(daemon_look("nowhere", false).state, DAEMON_ABSENT);
    assert_int_equal(daemon_look("daemon", false).state, DAEMON_ABSENT);
    int listener = listen_at("daemon/" DAEMON_COMMAND_SOCKET, 0);
    struct daemon_probe probe = daemon_look("daemon", false);
    assert_int_equal(probe.state, DAEMON_ALIVE);
    assert_int_equal(probe.pid, getpid());
    int waiting[8], count = 0;
    while (count < 8 && (waiting[count] = connect_at("daemon/" DAEMON_COMMAND_SOCKET)) >= 0)
        count++; /* until the queue is full: nobody accepts */
    assert_true(count < 8);
    assert_int_equal(daemon_look("daemon", false).state, DAEMON_HUNG);
    while (count > 0)
        close(waiting[--count]);
    close(listener);
    assert_int_equal(daemon_look("daemon", false).state, DAEMON_ABSENT); /* its socket is still there */
    char deep[200];
    memset(deep, 'x', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_int_equal(daemon_look(deep, false).state, DAEMON_ABSENT);
}

/* ---- environment ---- */

static void examine_environment(enum patient_kind kind, const char *variable)
{
    char item[256];
    snprintf(item, sizeof item, "%s", variable);
    struct patient patient = {.kind = kind};
    assert_int_equal(environment_init(&patient.environment, (char *[]){(char[]){"HOME=/root"}, item, NULL}), 0);
    checkup_fini(&checkup);
    check_environment(&patient, &checkup);
    environment_fini(&patient.environment);
    assert_int_equal(checkup.count, 1);
}

static void test_variables_that_disturb_are_named(void **state)
{
    (void)state;
    examine_environment(PATIENT_PROGRAM, "LTTNG_UST_WITHOUT_BADDR_STATEDUMP=1");
    expect(VERDICT_PROBLEM, "LTTNG_UST_WITHOUT_BADDR_STATEDUMP=1: ");
    expect_mend("unset LTTNG_UST_WITHOUT_BADDR_STATEDUMP");
    examine_environment(PATIENT_MACHINE, "LTTNG_UST_CLOCK_PLUGIN=clock.so");
    expect(VERDICT_PROBLEM, "another clock");
    examine_environment(PATIENT_MACHINE, "LTTNG_CONSUMERD64_BIN=/nowhere");
    expect(VERDICT_PROBLEM, "cannot start its consumer");
    examine_environment(PATIENT_MACHINE, "LTTNG_CONSUMERD64_BIN=/bin/sh");
    expect(VERDICT_OK, "no variable");
    examine_environment(PATIENT_PROGRAM, "MAPSCOPE_MAP_RATE=0");
    expect(VERDICT_NOTE, "no map operation");
    examine_environment(PATIENT_PROGRAM, "MAPSCOPE_MAP_RATE=10");
    expect(VERDICT_OK, "no variable");
}

/* A recording sets it itself; a process has started with it. */
static void test_what_a_recording_sets_itself_counts_for_processes_only(void **state)
{
    (void)state;
    examine_environment(PATIENT_PROGRAM, "LTTNG_UST_REGISTER_TIMEOUT=0");
    expect(VERDICT_OK, "no variable");
    examine_environment(PATIENT_PROCESS, "LTTNG_UST_REGISTER_TIMEOUT=0");
    expect(VERDICT_NOTE, "its first events are not recorded");
    expect_mend("start the program again");
    examine_environment(PATIENT_PROCESS, "LTTNG_UST_REGISTER_TIMEOUT=3000");
    expect(VERDICT_OK, "no variable");
}

static void test_a_home_too_long_for_sockets(void **state)
{
    (void)state;
    char item[256] = "LTTNG_HOME=/";
    size_t length = strlen(item), room = 107 - strlen("/.lttng/ustconsumerd64/command");
    memset(item + length, 'h', room - 1);
    examine_environment(PATIENT_MACHINE, item);
    expect(VERDICT_OK, "no variable");
    memset(item + length, 'h', room);
    examine_environment(PATIENT_MACHINE, item);
    expect(VERDICT_NOTE, "LTTNG_HOME is too long (78 characters)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mapped_files_are_found_by_name),
        cmocka_unit_test(test_a_process_is_seen_stopped_ended_and_gone),
        cmocka_unit_test(test_a_process_that_cannot_be_traced_says_why),
        cmocka_unit_test(test_a_socket_leads_to_the_listener_that_accepted_it),
        cmocka_unit_test(test_a_daemon_is_seen_by_its_socket),
        cmocka_unit_test(test_variables_that_disturb_are_named),
        cmocka_unit_test(test_what_a_recording_sets_itself_counts_for_processes_only),
        cmocka_unit_test(test_a_home_too_long_for_sockets),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
