/*
 * The doctor's checks on programs, libraries, processes, sockets and environments made for them. What needs
 * a machine in a certain state is in tests/e2e/test_doctor.sh.
 */
#include "support/cmocka_main.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/doctor/checks.h"
#include "collector/doctor/library.h"
#include "collector/doctor/proc.h"
#include "collector/doctor/unix_peers.h"
#include "collector/session/buffers.h"
#include "collector/session/daemon.h"
#include "collector/tiny_elf.h"

/* ---- files ---- */

static char folder[] = "/tmp/mapscope-doctor-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0700);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

static void write_elf(const char *path, const struct tiny_elf *elf)
{
    uint8_t bytes[TINY_ELF_MAX];
    size_t size = tiny_elf_make(elf, bytes);
    write_file(path, bytes, size);
}

/* ---- one check on one target ---- */

static struct checkup checkup;

static void examine(const char *target, check_fn *check)
{
    struct patient patient;
    checkup_fini(&checkup);
    assert_int_equal(patient_init(&patient, target, BUFFERS_RING_DEFAULT), 0);
    check(&patient, &checkup);
    assert_false(checkup.is_short);
    patient_fini(&patient);
}

static void examine_elf(const struct tiny_elf *elf, check_fn *check)
{
    write_elf("program", elf);
    examine("./program", check);
}

/* The last line says so. */
static void expect(enum verdict verdict, const char *found)
{
    assert_true(checkup.count > 0);
    const struct checkup_line *line = &checkup.lines[checkup.count - 1];
    if (line->verdict != verdict || !strstr(line->found, found))
        fail_msg("verdict %d: %s", line->verdict, line->found);
}

static void expect_mend(const char *mend)
{
    const char *text = checkup.lines[checkup.count - 1].mend;
    if (!text || !strstr(text, mend))
        fail_msg("mend: %s", text ? text : "(none)");
}

/* ---- the list of lines ---- */

static void test_each_line_has_its_subject_verdict_and_mend(void **state)
{
    (void)state;
    struct checkup lines;
    checkup_init(&lines);
    lines.subject = "one";
    checkup_ok(&lines, "%d fine", 1);
    lines.subject = "two";
    checkup_problem(&lines, "broken");
    checkup_mend(&lines, "mend %s", "it");
    checkup_note(&lines, "odd");
    assert_int_equal(lines.count, 3);
    assert_string_equal(lines.lines[0].subject, "one");
    assert_string_equal(lines.lines[0].found, "1 fine");
    assert_null(lines.lines[0].mend);
    assert_string_equal(lines.lines[1].subject, "two");
    assert_string_equal(lines.lines[1].mend, "mend it");
    assert_int_equal(checkup_count(&lines, VERDICT_OK), 1);
    assert_int_equal(checkup_count(&lines, VERDICT_NOTE), 1);
    assert_int_equal(checkup_count(&lines, VERDICT_PROBLEM), 1);
    checkup_fini(&lines);
}

/* ---- programs ---- */

#define LOADER "/bin/sh" /* any executable file will do: nothing is run */

static void test_a_program_that_can_be_preloaded(void **state)
{
    (void)state;
    examine_elf(&(struct tiny_elf){.interpreter = LOADER}, check_executable);
    expect(VERDICT_OK, "./program: ");
    expect(VERDICT_OK, "linked dynamically");
}

static void test_programs_that_cannot_be_preloaded(void **state)
{
    (void)state;
    examine_elf(&(struct tiny_elf){.type = ET_EXEC}, check_executable);
    expect(VERDICT_PROBLEM, "linked statically");
    expect_mend("without -static");
    examine_elf(&(struct tiny_elf){.interpreter = "/nowhere/ld.so"}, check_executable);
    expect(VERDICT_PROBLEM, "the loader /nowhere/ld.so, which is not there");
    write_elf("ld-musl-x86_64.so.1", &(struct tiny_elf){0});
    char loader[64];
    snprintf(loader, sizeof loader, "%s/ld-musl-x86_64.so.1", folder);
    examine_elf(&(struct tiny_elf){.interpreter = loader}, check_executable);
    expect(VERDICT_PROBLEM, "built with musl");
    examine_elf(&(struct tiny_elf){.machine = EM_RISCV}, check_executable);
    expect(VERDICT_PROBLEM, "a 64-bit program for riscv");
    examine_elf(&(struct tiny_elf){.type = ET_REL}, check_executable);
    expect(VERDICT_PROBLEM, "no program but an object file");
}

static void test_programs_that_are_not_there(void **state)
{
    (void)state;
    examine("./nowhere", check_executable);
    expect(VERDICT_PROBLEM, "cannot run ./nowhere: No such file");
    examine("mapscope-has-no-such-program", check_executable);
    expect(VERDICT_PROBLEM, "no such program in PATH");
    examine("/etc/passwd", check_executable);
    expect(VERDICT_PROBLEM, "cannot run /etc/passwd: Permission denied");
    examine("/", check_executable);
    expect(VERDICT_PROBLEM, "cannot run /: Permission denied");
    write_file("empty", "", 0);
    examine("./empty", check_executable);
    expect(VERDICT_PROBLEM, "./empty: not an ELF file");
}

static void expect_runner(const char *text, const char *runner)
{
    char found[256];
    write_file("script", text, strlen(text));
    examine("./script", check_executable);
    assert_int_equal(checkup.count, 2);
    snprintf(found, sizeof found, "./script: a script, run by %s", runner);
    assert_string_equal(checkup.lines[0].found, found);
    expect(VERDICT_OK, "linked dynamically");
}

static void test_a_script_is_judged_by_what_runs_it(void **state)
{
    (void)state;
    char first[128], runner[64];
    write_elf("runner", &(struct tiny_elf){.interpreter = LOADER});
    snprintf(runner, sizeof runner, "%s/runner", folder);
    snprintf(first, sizeof first, "#! %s -x\n", runner);
    expect_runner(first, runner);
    snprintf(first, sizeof first, "#!/usr/bin/env %s\n", runner);
    expect_runner(first, runner);
    expect_runner("#!/usr/bin/env -S sh -e\n", "/usr/bin/env");
    expect_runner("echo no first line\n", "/bin/sh");
    write_elf("runner", &(struct tiny_elf){.type = ET_EXEC});
    write_file("script", first, strlen(first));
    examine("./script", check_executable);
    expect(VERDICT_PROBLEM, "runner is linked statically");
    write_file("script", "#!\n", 3);
    examine("./script", check_executable);
    expect(VERDICT_PROBLEM, "does not say what runs it");
    write_file("script", "#!/nowhere/sh\n", 14);
    examine("./script", check_executable);
    expect(VERDICT_PROBLEM, "/nowhere/sh: No such file");
}

static void test_an_address_sanitizer_of_its_own_library_must_come_first(void **state)
{
    (void)state;
    unsetenv("ASAN_OPTIONS");
    const struct tiny_elf shared = {.needed = {"libasan.so.8", "libc.so.6"}};
    examine_elf(&shared, check_sanitizer);
    expect(VERDICT_PROBLEM, "AddressSanitizer ends the program");
    expect_mend("verify_asan_link_order=0");
    setenv("ASAN_OPTIONS", "abort_on_error=1:verify_asan_link_order=0", 1);
    examine_elf(&shared, check_sanitizer);
    expect(VERDICT_OK, "AddressSanitizer");
    unsetenv("ASAN_OPTIONS");
    examine_elf(&(struct tiny_elf){.symbol = "__asan_init"}, check_sanitizer);
    expect(VERDICT_NOTE, "AddressSanitizer: times are the sanitizer's");
    examine_elf(&(struct tiny_elf){.needed = {"libtsan.so.2"}}, check_sanitizer);
    expect(VERDICT_NOTE, "ThreadSanitizer");
    examine_elf(&(struct tiny_elf){.needed = {"libubsan.so.1"}}, check_sanitizer);
    assert_int_equal(checkup.count, 0);
}

static void test_libmapscope_counts_directly_and_through_a_library(void **state)
{
    (void)state;
    mkdir("lib", 0700);
    write_elf("lib/libown.so", &(struct tiny_elf){.needed = {"libmapscope.so.0"}});
    examine_elf(&(struct tiny_elf){.needed = {"libmapscope.so.0", "libmapscope-lttng.so.0"}}, check_linking);
    expect(VERDICT_OK, "linked with libmapscope-lttng");
    examine_elf(&(struct tiny_elf){.needed = {"libmapscope.so.0"}}, check_linking);
    expect(VERDICT_OK, "linked with libmapscope: ");
    examine_elf(&(struct tiny_elf){.needed = {"libown.so"}, .run_path = "$ORIGIN/lib"}, check_linking);
    expect(VERDICT_OK, "linked with libmapscope: ");
    examine_elf(&(struct tiny_elf){.needed = {"libown.so"}}, check_linking);
    expect(VERDICT_OK, "not linked with libmapscope: mapscope record sees its pthread and C11 locks");
}

static void test_build_id(void **state)
{
    (void)state;
    examine_elf(&(struct tiny_elf){.build_id = "\x01\x02\x03\x04\x05\x06\x07\x08\x09"}, check_build_id);
    expect(VERDICT_OK, "0102030405060708...");
    examine_elf(&(struct tiny_elf){0}, check_build_id);
    expect(VERDICT_NOTE, "no build id");
    expect_mend("--build-id");
}

static void test_symbols_are_those_that_convert_will_find(void **state)
{
    (void)state;
    char self[256];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(length > 0);
    self[length] = '\0';
    examine(self, check_symbols);
    expect(VERDICT_OK, "functions, files and lines");
    examine_elf(&(struct tiny_elf){.interpreter = LOADER}, check_symbols);
    expect(VERDICT_NOTE, "stripped");
    expect_mend("-g");
}

static void test_frame_pointers_without_unwind_tables_are_not_known(void **state)
{
    (void)state;
    examine_elf(&(struct tiny_elf){0}, check_frame_pointers);
    expect(VERDICT_NOTE, "cannot be told");
    examine("/proc/self/exe", check_frame_pointers); /* built with -fno-omit-frame-pointer */
    expect(VERDICT_OK, "stacks are cheap");
}

/* ---- libraries ---- */

/* Which of the libraries of that name is found, by its type. */
static int found_type(const struct library_user *user, const char *name)
{
    struct elf_image image;
    if (library_open(user, name, &image))
        return 0;
    int type = image.type;
    elf_image_close(&image);
    return type;
}

static void open_user(const struct tiny_elf *elf, struct elf_image *image)
{
    write_elf("user", elf);
    assert_int_equal(elf_image_open("user", image), 0);
}

static void test_libraries_are_found_in_the_loaders_order(void **state)
{
    (void)state;
    mkdir("a", 0700);
    mkdir("b", 0700);
    write_elf("a/libx.so", &(struct tiny_elf){.type = ET_DYN});
    write_elf("b/libx.so", &(struct tiny_elf){.type = ET_EXEC});
    struct elf_image image;
    char path[64];
    snprintf(path, sizeof path, "%s/user", folder);
    struct library_user user = {&image, path, NULL};
    open_user(&(struct tiny_elf){.run_path = "/nowhere:$ORIGIN/a"}, &image);
    assert_int_equal(found_type(&user, "libx.so"), ET_DYN);
    user.library_path = "b"; /* before RUNPATH */
    assert_int_equal(found_type(&user, "libx.so"), ET_EXEC);
    elf_image_close(&image);
    open_user(&(struct tiny_elf){.rpath = "${ORIGIN}/a"}, &image); /* before LD_LIBRARY_PATH */
    assert_int_equal(found_type(&user, "libx.so"), ET_DYN);
    elf_image_close(&image);
    open_user(&(struct tiny_elf){.rpath = "$ORIGIN/a", .run_path = "/nowhere"}, &image); /* RPATH does not count */
    assert_int_equal(found_type(&user, "libx.so"), ET_EXEC);
    user.library_path = NULL;
    assert_int_equal(found_type(&user, "libx.so"), 0);
    elf_image_close(&image);
    assert_int_equal(found_type(&(struct library_user){0}, "libc.so.6"), ET_DYN);
    assert_int_equal(found_type(&(struct library_user){0}, "b/libx.so"), ET_EXEC);
}

static void test_libraries_of_other_machines_are_passed_over(void **state)
{
    (void)state;
    mkdir("foreign", 0700);
    mkdir("own", 0700);
    write_elf("foreign/liby.so", &(struct tiny_elf){.machine = EM_RISCV});
    write_elf("own/liby.so", &(struct tiny_elf){.type = ET_EXEC});
    assert_int_equal(found_type(&(struct library_user){.library_path = "foreign:own"}, "liby.so"), ET_EXEC);
}

/* ---- processes ---- */

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
        cmocka_unit_test(test_each_line_has_its_subject_verdict_and_mend),
        cmocka_unit_test(test_a_program_that_can_be_preloaded),
        cmocka_unit_test(test_programs_that_cannot_be_preloaded),
        cmocka_unit_test(test_programs_that_are_not_there),
        cmocka_unit_test(test_a_script_is_judged_by_what_runs_it),
        cmocka_unit_test(test_an_address_sanitizer_of_its_own_library_must_come_first),
        cmocka_unit_test(test_libmapscope_counts_directly_and_through_a_library),
        cmocka_unit_test(test_build_id),
        cmocka_unit_test(test_symbols_are_those_that_convert_will_find),
        cmocka_unit_test(test_frame_pointers_without_unwind_tables_are_not_known),
        cmocka_unit_test(test_libraries_are_found_in_the_loaders_order),
        cmocka_unit_test(test_libraries_of_other_machines_are_passed_over),
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
