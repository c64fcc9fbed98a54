/* collector/symbolize/symbolize_opener: files that are opened ahead, on this very program and copies of it. */
#include "support/cmocka_main.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collector/symbolize/symbolize.h"
#include "collector/symbolize/symbolize_opener.h"

enum { MANY = 32, PID = 7, DEADLINE_S = 60 };

static const struct build_id any_build_id;

/* To be unlinked. */
static void copy_this_program(char path[])
{
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = mkstemp(path);
    struct stat status;
    assert_true(from >= 0 && to >= 0);
    assert_int_equal(fstat(from, &status), 0);
    for (off_t left = status.st_size; left > 0;) {
        ssize_t sent = sendfile(to, from, NULL, (size_t)left);
        assert_true(sent > 0);
        left -= sent;
    }
    close(from);
    close(to);
}

static bool is_open(const char *path)
{
    DIR *fds = opendir("/proc/self/fd");
    char link[300], target[4096];
    bool found = false;
    assert_non_null(fds);
    for (const struct dirent *fd; !found && (fd = readdir(fds));) {
        snprintf(link, sizeof link, "/proc/self/fd/%s", fd->d_name);
        ssize_t length = readlink(link, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        found = strcmp(target, path) == 0;
    }
    closedir(fds);
    return found;
}

static void wait_until_open(const char *path)
{
    time_t end = time(NULL) + DEADLINE_S;
    while (!is_open(path) && time(NULL) < end)
        sched_yield();
    assert_true(is_open(path));
}

static struct symbol_opener *create(void)
{
    struct symbol_opener *opener;
    assert_int_equal(symbol_opener_create(&opener), 0);
    return opener;
}

static struct symbol_request request_for(const char *path)
{
    struct symbol_request request;
    assert_int_equal(symbol_request_init(&request, path, &any_build_id, "/none"), 0);
    return request;
}

static void test_what_is_not_expected_is_opened_when_it_is_asked_for(void **state)
{
    (void)state;
    struct symbol_opener *opener = create();
    struct symbol_request request = request_for("/proc/self/exe"), missing = request_for("/none");
    const struct symbol_file *file, *again;
    assert_int_equal(symbol_opener_open(opener, &request, &file), 0);
    assert_true(file->has_program);
    assert_int_equal(symbol_opener_open(opener, &request, &again), 0);
    assert_ptr_equal(file, again);
    assert_int_equal(symbol_opener_open(opener, &missing, &file), 0);
    assert_false(file->has_program);
    symbol_opener_destroy(opener);
    symbol_request_fini(&request);
    symbol_request_fini(&missing);
}

static void test_what_is_expected_is_opened_ahead(void **state)
{
    (void)state;
    char path[] = "/tmp/test_symbolize_opener.XXXXXX";
    copy_this_program(path);
    struct symbol_opener *opener = create();
    struct symbol_request request = request_for(path);
    symbol_opener_expect(opener, &request);
    wait_until_open(path);
    unlink(path);
    const struct symbol_file *file;
    assert_int_equal(symbol_opener_open(opener, &request, &file), 0);
    assert_true(file->has_program);
    assert_true(file->functions.count > 0);
    symbol_opener_destroy(opener);
    symbol_request_fini(&request);
}

/* Whoever gets to one first: each is opened once, and the last may never be asked for. */
static void test_requests_are_answered_in_any_order(void **state)
{
    (void)state;
    struct symbol_opener *opener = create();
    struct symbol_request requests[MANY];
    for (size_t i = 0; i < MANY; i++) {
        requests[i] = request_for("/proc/self/exe");
        symbol_opener_expect(opener, &requests[i]);
    }
    for (size_t i = MANY; i-- > 1;) {
        const struct symbol_file *file;
        assert_int_equal(symbol_opener_open(opener, &requests[i], &file), 0);
        assert_true(file->has_program);
    }
    symbol_opener_destroy(opener);
    for (size_t i = 0; i < MANY; i++)
        symbol_request_fini(&requests[i]);
}

/* ---- what a symboliser expects ---- */

static void tell(struct process_table *processes, const struct event *event)
{
    assert_int_equal(process_table_apply(processes, event), 0);
}

static void load(struct process_table *processes, uint64_t base, const char *path)
{
    struct event event = {.kind = EVENT_MODULE_LOAD,
                          .pid = PID,
                          .time_ns = 1,
                          .module = {.base = base, .size = 0x1000, .path = {path, (uint32_t)strlen(path)}}};
    tell(processes, &event);
}

/* Of two modules one has a build id yet: its file is at hand when both are gone. */
static void test_modules_of_a_stack_are_expected_once_their_build_ids_are_known(void **state)
{
    (void)state;
    char told[] = "/tmp/test_symbolize_opener.XXXXXX", untold[] = "/tmp/test_symbolize_opener.XXXXXX";
    const uint64_t pcs[] = {0x20010, 0x10010, 0x90000};
    const struct stack_view stack = {.pid = PID, .first_ns = 2, .pcs = pcs, .count = 3};
    struct process_table processes;
    struct symbolizer *symbolizer;
    copy_this_program(told);
    copy_this_program(untold);
    process_table_init(&processes);
    assert_int_equal(symbolizer_create(&processes, &symbolizer), 0);
    load(&processes, 0x10000, told);
    load(&processes, 0x20000, untold);
    struct elf_file elf;
    assert_int_equal(elf_file_open(told, &elf), 0);
    tell(&processes, &(struct event){.kind = EVENT_MODULE_BUILD_ID,
                                     .pid = PID,
                                     .module = {.base = 0x10000,
                                                .build_id = {(const char *)elf.build_id.bytes, elf.build_id.length}}});
    assert_int_not_equal(elf.build_id.length, 0);
    elf_file_close(&elf);
    symbolizer_expect(symbolizer, &stack);
    symbolizer_expect(symbolizer, &stack);
    wait_until_open(told);
    assert_false(is_open(untold));
    unlink(told);
    unlink(untold);
    struct symbols symbols = symbolizer_symbols(symbolizer);
    assert_string_equal(symbols_resolve(&symbols, PID, 0x10010, 2)->module->path, told);
    assert_null(strstr(symbols_resolve(&symbols, PID, 0x10010, 2)->module->reason, "the file is gone"));
    assert_non_null(strstr(symbols_resolve(&symbols, PID, 0x20010, 2)->module->reason, "the file is gone"));
    symbolizer_destroy(symbolizer);
    process_table_fini(&processes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_expected_is_opened_when_it_is_asked_for),
        cmocka_unit_test(test_what_is_expected_is_opened_ahead),
        cmocka_unit_test(test_requests_are_answered_in_any_order),
        cmocka_unit_test(test_modules_of_a_stack_are_expected_once_their_build_ids_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
