/* What the recorder and `mapscope set` write into shared pages: only into those of processes that still have them. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "collector/ctf_writer.h"
#include "collector/page_fixture.h"
#include "collector/session/pages.h"

enum { END_NS = 777 };

/* A recording with one page, of this very process; its tables or only its header. */
struct recording {
    char *folder, *path;
    int at;
};

static void setup_page(struct recording *recording, bool has_tables)
{
    unsigned char *page = page_fixture_create();
    page_fixture_header(page)->pid = (uint32_t)getpid();
    page_fixture_header(page)->end_ns = 0;
    page_fixture_header(page)->tables = has_tables ? PAGE_TABLES_HERE : PAGE_TABLES_NONE;
    recording->folder = ctf_make_folder();
    recording->at = open(recording->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(recording->at >= 0);
    assert_int_equal(pages_make(recording->at), 0);
    ctf_write_file(recording->folder, "pages/1-1000.page", page, has_tables ? PAGE_SIZE_WHOLE : PAGE_HEADER_SIZE);
    recording->path = ctf_path(recording->folder, "pages/1-1000.page");
    free(page);
}

static void teardown_page(struct recording *recording)
{
    close(recording->at);
    free(recording->path);
    ctf_remove_folder(recording->folder);
}

/* As the process sees it. */
static struct page_header *map_page(const struct recording *recording)
{
    int fd = open(recording->path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    void *mapped = mmap(NULL, PAGE_HEADER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    assert_true(mapped != MAP_FAILED);
    return mapped;
}

static struct page_header read_page(const struct recording *recording)
{
    struct page_header *mapped = map_page(recording), header;
    memcpy((void *)&header, (void *)mapped, sizeof header);
    munmap(mapped, PAGE_HEADER_SIZE);
    return header;
}

static const struct pages_settings all = {.has_fraction = true,
                                          .has_rate = true,
                                          .has_map_rate = true,
                                          .has_off = true,
                                          .mutex_fraction = 5,
                                          .mutex_rate_ns = 6,
                                          .map_rate = 7,
                                          .off = true};

static void test_settings_are_in_force_in_the_process_at_once(void **state)
{
    (void)state;
    struct recording recording;
    size_t count = 0;
    setup_page(&recording, true);
    struct page_header *header = map_page(&recording);
    uint64_t changes = header->control.changes;
    assert_int_equal(pages_set(recording.folder, &all, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(header->control.mutex_fraction, 5);
    assert_int_equal(header->control.mutex_rate_ns, 6);
    assert_int_equal(header->control.mutex_mode, PAGE_MUTEX_HYBRID);
    assert_int_equal(header->control.map_rate, 7);
    assert_true(header->control.map_limit == UINT64_MAX / 7);
    assert_int_equal(header->control.off, 1);
    assert_int_equal(header->control.changes, changes + 1);
    munmap(header, PAGE_HEADER_SIZE);
    teardown_page(&recording);
}

/* A process of that number runs, but it is another one by now. */
static void test_a_page_of_a_reused_number_is_of_a_process_that_is_gone(void **state)
{
    (void)state;
    struct recording recording;
    size_t count = 0;
    setup_page(&recording, true);
    assert_int_equal(pages_set(recording.folder, &all, &count, NULL), -ESRCH);
    assert_int_equal(read_page(&recording).control.changes, 0);
    pages_settle(recording.at, END_NS);
    assert_int_equal(read_page(&recording).end_ns, END_NS);
    pages_settle(recording.at, END_NS + 1); /* of an earlier end nothing is changed */
    assert_int_equal(read_page(&recording).end_ns, END_NS);
    teardown_page(&recording);
}

static void test_a_process_that_runs_has_no_end_and_keeps_its_page(void **state)
{
    (void)state;
    struct recording recording;
    setup_page(&recording, false);
    struct page_header *header = map_page(&recording);
    pages_settle(recording.at, END_NS);
    assert_int_equal(header->end_ns, 0);
    munmap(header, PAGE_HEADER_SIZE);
    pages_settle(recording.at, END_NS);
    assert_int_equal(access(recording.path, F_OK), -1); /* it is gone, and there is nothing in it */
    teardown_page(&recording);
}

static void test_what_is_no_page_is_left_alone(void **state)
{
    (void)state;
    struct recording recording;
    struct stat status;
    size_t count = 0;
    setup_page(&recording, false);
    char *odd[] = {ctf_path(recording.folder, "pages/2-1.page"), ctf_path(recording.folder, "pages/3-1.page"),
                   ctf_path(recording.folder, "pages/4-1.page")};
    assert_int_equal(mkfifo(odd[0], 0600), 0);
    assert_int_equal(symlink(recording.path, odd[1]), 0);
    ctf_write_file(recording.folder, "pages/4-1.page", "short", 5);
    pages_settle(recording.at, END_NS);
    assert_int_equal(pages_set(recording.folder, &all, &count, NULL), -ESRCH);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        assert_int_equal(lstat(odd[i], &status), 0);
        free(odd[i]);
    }
    teardown_page(&recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_are_in_force_in_the_process_at_once),
        cmocka_unit_test(test_a_page_of_a_reused_number_is_of_a_process_that_is_gone),
        cmocka_unit_test(test_a_process_that_runs_has_no_end_and_keeps_its_page),
        cmocka_unit_test(test_what_is_no_page_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
