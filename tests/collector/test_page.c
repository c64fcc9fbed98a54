/* The shared page, read: what it says of a dead process and of a living one, and bytes of any kind. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "collector/page.h"
#include "collector/page_fixture.h"
#include "collector/page_list.h"

static struct lock_snapshot parsed(unsigned char *page)
{
    struct lock_snapshot snapshot;
    assert_int_equal(page_parse(page, PAGE_SIZE_WHOLE, 0, &snapshot, NULL), 0);
    return snapshot;
}

static void test_a_page_tells_who_holds_and_who_waits(void **state)
{
    (void)state;
    unsigned char *page = page_fixture_create();
    struct lock_snapshot snapshot = parsed(page);
    assert_int_equal(snapshot.pid, PAGE_PID);
    assert_string_equal(snapshot.comm, "server");
    assert_int_equal(snapshot.at_ns, 5000);
    assert_int_equal(snapshot.clock_offset_ns, 1700000000000000000);
    assert_true(snapshot.has_ended && snapshot.has_tables);
    assert_int_equal(snapshot.lock_count, 2);
    assert_string_equal(snapshot.locks[0].name, "table");
    assert_int_equal(snapshot.locks[0].object.generation, 300);
    assert_int_equal(snapshot.locks[0].holder_tid, 11);
    assert_int_equal(snapshot.locks[0].waiters, 2);
    assert_int_equal(snapshot.locks[0].owed_ns, 3000 + 2000);
    assert_int_equal(snapshot.locks[0].since_ns, 2000);
    assert_int_equal(snapshot.locks[0].totals.wait_ns, 400);
    assert_int_equal(snapshot.locks[1].owed_ns, 3500);
    assert_int_equal(snapshot.wait_count, 3);
    assert_int_equal(snapshot.waits[0].tid, 11); /* the oldest first */
    assert_int_equal(snapshot.waits[0].lock, 1);
    assert_int_equal(snapshot.waits[0].wait_ns, 3500);
    assert_int_equal(snapshot.waits[0].owner_tid, 12);
    assert_int_equal(snapshot.waits[1].wait_ns, 3000);
    assert_int_equal(snapshot.waits[1].pc_count, 2);
    assert_int_equal(snapshot.waits[1].pcs[0], 0x401111);
    lock_snapshot_fini(&snapshot);
    free(page);
}

static void test_conservation_holds_over_a_page(void **state)
{
    (void)state;
    unsigned char *page = page_fixture_create();
    struct lock_snapshot snapshot = parsed(page);
    uint64_t waited = 0, charged = 0;
    for (size_t i = 0; i < snapshot.lock_count; i++) {
        waited += snapshot.locks[i].totals.wait_ns;
        charged += snapshot.locks[i].totals.charge_ns + snapshot.locks[i].totals.handoff_ns + snapshot.locks[i].owed_ns;
    }
    for (size_t i = 0; i < snapshot.wait_count; i++)
        waited += snapshot.waits[i].wait_ns;
    assert_int_equal(waited, charged);
    lock_snapshot_fini(&snapshot);
    free(page);
}

static void test_threads_that_wait_for_each_other_are_a_circle(void **state)
{
    (void)state;
    unsigned char *page = page_fixture_create();
    struct lock_snapshot snapshot = parsed(page);
    size_t cycle[8];
    assert_int_equal(lock_snapshot_cycle(&snapshot, 0, cycle, 8), 2); /* 11 for the queue */
    assert_int_equal(snapshot.waits[cycle[0]].tid, 11);
    assert_int_equal(snapshot.waits[cycle[1]].tid, 12);
    assert_int_equal(lock_snapshot_cycle(&snapshot, 2, cycle, 8), 0); /* 13 waits for the circle, but is not in it */
    assert_int_equal(lock_snapshot_cycle(&snapshot, 0, cycle, 1), 0);
    lock_snapshot_fini(&snapshot);
    free(page);
}

static void test_waits_that_are_no_contention_or_over_are_told_apart(void **state)
{
    (void)state;
    unsigned char *page = page_fixture_create();
    struct page_wait *wait = page_fixture_wait(page, OF_TABLE_13);
    wait->state = 0x100 | PAGE_WAIT_ENDED;
    wait->end_ns = 3100;
    page_fixture_put_wait(page, 8, QUEUE, 14, 0);
    page_fixture_wait(page, 8)->state = 0x100 | PAGE_WAIT_SIGNAL;
    page_fixture_wait(page, 8)->kind = 3;
    page_fixture_wait(page, 9)->state = 0x100 | PAGE_WAIT_FILLING;
    struct lock_snapshot snapshot = parsed(page);
    assert_int_equal(snapshot.wait_count, 4);
    assert_int_equal(snapshot.waits[0].state, LOCK_WAIT_SIGNAL);
    assert_int_equal(snapshot.waits[0].kind, CONTENTION_COND);
    assert_int_equal(snapshot.waits[0].wait_ns, 0);
    assert_int_equal(snapshot.waits[3].state, LOCK_WAIT_ENDED);
    assert_int_equal(snapshot.waits[3].wait_ns, 100);
    lock_snapshot_fini(&snapshot);
    free(page);
}

static void test_a_page_without_tables_has_no_locks(void **state)
{
    (void)state;
    unsigned char *page = page_fixture_create();
    struct lock_snapshot snapshot;
    page_fixture_header(page)->tables = PAGE_TABLES_NONE;
    assert_int_equal(page_parse(page, PAGE_HEADER_SIZE, 0, &snapshot, NULL), 0);
    assert_false(snapshot.has_tables);
    assert_int_equal(snapshot.lock_count + snapshot.wait_count, 0);
    lock_snapshot_fini(&snapshot);
    page_fixture_header(page)->tables = PAGE_TABLES_PRIVATE;
    page_fixture_header(page)->error = ENOSPC;
    assert_int_equal(page_parse(page, PAGE_HEADER_SIZE, 0, &snapshot, NULL), 0);
    assert_int_equal(snapshot.error, ENOSPC);
    lock_snapshot_fini(&snapshot);
    free(page);
}

static void test_nothing_in_the_page_is_later_than_what_it_is_as_of(void **state)
{
    (void)state;
    unsigned char *page = page_fixture_create();
    struct lock_snapshot snapshot;
    page_fixture_header(page)->end_ns = 0; /* killed, and nobody saw when */
    snapshot = parsed(page);
    assert_int_equal(snapshot.at_ns, 3000);
    assert_int_equal(snapshot.locks[0].owed_ns, 1000);
    lock_snapshot_fini(&snapshot);
    assert_int_equal(page_parse(page, PAGE_SIZE_WHOLE, 9000, &snapshot, NULL), 0);
    assert_int_equal(snapshot.at_ns, 9000);
    assert_int_equal(snapshot.locks[0].owed_ns, 7000 + 6000);
    lock_snapshot_fini(&snapshot);
    free(page);
}

/* ---- files and processes ---- */

struct folder {
    char path[64], pages[80];
};

static void make_folder(struct folder *folder)
{
    strcpy(folder->path, "/tmp/mapscope-page-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->pages, sizeof folder->pages, "%s/pages", folder->path);
    assert_int_equal(mkdir(folder->pages, 0700), 0);
}

static void write_page(const struct folder *folder, const char *name, const unsigned char *page, size_t size)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder->pages, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(page, 1, size, file), size);
    fclose(file);
}

static void remove_folder(const struct folder *folder)
{
    char command[120];
    snprintf(command, sizeof command, "rm -r '%s'", folder->path);
    assert_int_equal(system(command), 0);
}

static void test_the_pages_of_a_recording_are_found_from_it_and_from_its_trace(void **state)
{
    (void)state;
    struct folder folder;
    struct page_list pages;
    char trace[120];
    unsigned char *page = page_fixture_create();
    make_folder(&folder);
    assert_int_equal(page_list_init(&pages, folder.path, NULL), 0);
    assert_int_equal(pages.count, 0);
    page_list_fini(&pages);
    write_page(&folder, "70-1.page", page, PAGE_SIZE_WHOLE);
    write_page(&folder, "70-1.page.tmp", page, 10);
    snprintf(trace, sizeof trace, "%s/trace", folder.path);
    assert_int_equal(mkdir(trace, 0700), 0);
    const char *from[] = {folder.path, trace};
    for (int i = 0; i < 2; i++) {
        struct lock_snapshot snapshot;
        assert_int_equal(page_list_init(&pages, from[i], NULL), 0);
        assert_int_equal(pages.count, 1);
        assert_int_equal(page_read(pages.paths[0], 4000, &snapshot, NULL), 0);
        assert_int_equal(snapshot.at_ns, 5000); /* what the page says comes first */
        lock_snapshot_fini(&snapshot);
        page_list_fini(&pages);
    }
    assert_int_equal(page_list_init(&pages, "/nowhere/at/all", NULL), 0);
    assert_int_equal(pages.count, 0);
    remove_folder(&folder);
    free(page);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* A page that this very process maps. */
static void test_a_page_of_a_living_process_is_as_of_now(void **state)
{
    (void)state;
    struct folder folder;
    struct lock_snapshot snapshot;
    char name[200], *path = NULL;
    unsigned char *page = page_fixture_create();
    make_folder(&folder);
    page_fixture_header(page)->pid = (uint32_t)getpid();
    page_fixture_header(page)->end_ns = 0;
    assert_int_equal(page_path_of(getpid(), &path), -ENOENT);
    write_page(&folder, "1-1.page", page, PAGE_SIZE_WHOLE);
    snprintf(name, sizeof name, "%s/1-1.page", folder.pages);
    assert_int_equal(page_read(name, 4000, &snapshot, NULL), 0);
    assert_true(snapshot.has_ended); /* not mapped: whoever has that pid now is another */
    assert_int_equal(snapshot.at_ns, 4000);
    lock_snapshot_fini(&snapshot);
    FILE *file = fopen(name, "r+b");
    void *mapping = mmap(NULL, PAGE_SIZE_WHOLE, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    assert_ptr_not_equal(mapping, MAP_FAILED);
    fclose(file);
    assert_int_equal(page_path_of(getpid(), &path), 0);
    assert_string_equal(path, name);
    uint64_t before_ns = now_ns();
    assert_int_equal(page_read(path, 4000, &snapshot, NULL), 0);
    assert_false(snapshot.has_ended);
    assert_true(snapshot.at_ns >= before_ns && snapshot.at_ns <= now_ns());
    assert_int_equal(snapshot.waits[0].wait_ns, snapshot.at_ns - 1500);
    lock_snapshot_fini(&snapshot);
    munmap(mapping, PAGE_SIZE_WHOLE);
    free(path);
    remove_folder(&folder);
    free(page);
}

static void test_what_is_no_page_says_so(void **state)
{
    (void)state;
    struct folder folder;
    struct lock_snapshot snapshot;
    struct diag diag;
    char name[200];
    diag_init(&diag);
    make_folder(&folder);
    write_page(&folder, "1-1.page", (const unsigned char *)"hello", 5);
    snprintf(name, sizeof name, "%s/1-1.page", folder.pages);
    assert_int_equal(page_read(name, 0, &snapshot, &diag), -EINVAL);
    assert_non_null(strstr(diag_text(&diag), "1-1.page: this is no page of mapscope, or of another version"));
    assert_int_equal(page_read(folder.pages, 0, &snapshot, NULL), -EINVAL);
    assert_int_equal(page_read("/nowhere", 0, &snapshot, NULL), -ENOENT);
    assert_int_equal(page_path_of(0x7ffffff0, &(char *){NULL}), -ESRCH);
    remove_folder(&folder);
    diag_fini(&diag);
}

/* ---- hostile bytes ---- */

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* An offset where something is: in the header, a lock that is used, or a wait that is. */
static size_t interesting(uint32_t *seed)
{
    static const struct {
        size_t begin, size;
    } places[] = {{0, sizeof(struct page_header)},
                  {PAGE_LOCKS_OFFSET + TABLE * sizeof(struct page_lock), 5 * sizeof(struct page_lock)},
                  {PAGE_WAITS_OFFSET, 6 * sizeof(struct page_wait)}};
    uint32_t place = next_random(seed) % 3;
    return places[place].begin + next_random(seed) % places[place].size;
}

static void check_sane(const struct lock_snapshot *snapshot)
{
    size_t cycle[64];
    for (size_t i = 0; i < snapshot->wait_count; i++) {
        assert_true(snapshot->waits[i].lock < snapshot->lock_count);
        assert_true(snapshot->waits[i].pc_count <= LOCK_SNAPSHOT_STACK_MAX);
        assert_true(snapshot->waits[i].state <= LOCK_WAIT_SIGNAL);
        lock_snapshot_cycle(snapshot, i, cycle, 64);
    }
    for (size_t i = 0; i < snapshot->lock_count; i++)
        assert_non_null(memchr(snapshot->locks[i].name, 0, sizeof snapshot->locks[i].name));
    assert_non_null(memchr(snapshot->comm, 0, sizeof snapshot->comm));
}

static void test_damaged_pages_are_survived(void **state)
{
    (void)state;
    enum { ROUNDS = 1000 };
    unsigned char *page = page_fixture_create(), *sound = page_fixture_create();
    uint32_t seed = 1, read = 0, refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct lock_snapshot snapshot;
        size_t at[8], size = round % 10 ? PAGE_SIZE_WHOLE : next_random(&seed) % PAGE_SIZE_WHOLE;
        for (int i = 0; i < 8; i++) {
            at[i] = interesting(&seed);
            page[at[i]] = (unsigned char)next_random(&seed);
        }
        if (page_parse(page, size, 0, &snapshot, NULL) == 0) {
            check_sane(&snapshot);
            lock_snapshot_fini(&snapshot);
            read++;
        } else
            refused++;
        for (int i = 0; i < 8; i++)
            page[at[i]] = sound[at[i]];
    }
    assert_true(read > ROUNDS / 10 && refused > ROUNDS / 10);
    free(page);
    free(sound);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_tells_who_holds_and_who_waits),
        cmocka_unit_test(test_conservation_holds_over_a_page),
        cmocka_unit_test(test_threads_that_wait_for_each_other_are_a_circle),
        cmocka_unit_test(test_waits_that_are_no_contention_or_over_are_told_apart),
        cmocka_unit_test(test_a_page_without_tables_has_no_locks),
        cmocka_unit_test(test_nothing_in_the_page_is_later_than_what_it_is_as_of),
        cmocka_unit_test(test_the_pages_of_a_recording_are_found_from_it_and_from_its_trace),
        cmocka_unit_test(test_a_page_of_a_living_process_is_as_of_now),
        cmocka_unit_test(test_what_is_no_page_says_so),
        cmocka_unit_test(test_damaged_pages_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
