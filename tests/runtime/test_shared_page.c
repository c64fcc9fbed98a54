/*
 * The shared page, as somebody outside finds it: of a process that hangs, was killed, forked, or ended. Each
 * process under test is a child that begins a page of its own in a folder of the test's, and is read from its file.
 */
#include "runtime/lock_recorder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mapscope/mutex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/page.h"
#include "runtime/stack.h"
#include "runtime/thread.h"

static char folder[64];

static int set_up(void **state)
{
    strcpy(folder, "/tmp/mapscope-page-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return lock_recorder_setup(state);
}

/* How many there are; the first one's path. Removes them if asked to. */
static int pages(char path[128], bool remove)
{
    DIR *dir = opendir(folder);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, 128, "%s/%.60s", folder, entry->d_name);
        count++;
        if (remove)
            unlink(path);
    }
    closedir(dir);
    return count;
}

static int tear_down(void **state)
{
    char path[128];
    pages(path, true);
    rmdir(folder);
    return lock_recorder_teardown(state);
}

/* The page of a process whose file is `path`, mapped to be read. */
static struct page *page_map(const char *path)
{
    int fd = open(path, O_RDWR);
    struct stat status;
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    struct page *mapped = mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(mapped, MAP_FAILED);
    bool has_tables;
    assert_true(page_header_check(&mapped->header, (uint64_t)status.st_size, &has_tables));
    close(fd);
    return mapped;
}

static struct page *only_page(void)
{
    char path[128];
    assert_int_equal(pages(path, false), 1);
    return page_map(path);
}

/* Runs `body` in a child with a page of its own, as after exec. Ends with the child's exit handlers, or by signal. */
static pid_t run(void (*body)(void))
{
    pid_t child = fork();
    if (child == 0) {
        msc_emit_reset();
        page_begin(folder);
        body();
        exit(0);
    }
    return child;
}

static int end_of(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* --- Truth after death -------------------------------------------------------------------------------------- */

static msc_mutex first = MSC_MUTEX_INITIALIZER_NAMED("first"), second = MSC_MUTEX_INITIALIZER_NAMED("second");
static pthread_barrier_t both_hold;

static void *lock_both(void *argument)
{
    bool forwards = argument != NULL;
    msc_mutex_lock(forwards ? &first : &second);
    pthread_barrier_wait(&both_hold);
    msc_mutex_lock(forwards ? &second : &first);
    return NULL;
}

static void deadlock(void)
{
    pthread_t threads[2];
    pthread_barrier_init(&both_hold, NULL, 2);
    pthread_create(&threads[0], NULL, lock_both, NULL);
    pthread_create(&threads[1], NULL, lock_both, &both_hold);
    pthread_join(threads[0], NULL);
}

static struct page_wait waits[PAGE_WAITS];

static uint32_t read_waits(struct page *of)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < PAGE_WAITS; i++)
        if (page_wait_read(&of->waits[i], &waits[count]))
            count += page_wait_phase(atomic_load(&waits[count].state)) == PAGE_WAIT_WAITING;
    return count;
}

static struct page *until_two_wait(pid_t child)
{
    char path[128];
    struct page *mapped = NULL;
    for (uint32_t waiting = 0; waiting < 2; usleep(1000)) {
        assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
        if (!mapped && pages(path, false) == 1 && access(path, R_OK) == 0) {
            struct stat status;
            if (stat(path, &status) == 0 && status.st_size == sizeof *mapped)
                mapped = page_map(path);
        }
        if (mapped && atomic_load(&mapped->header.tables) == PAGE_TABLES_HERE)
            waiting = read_waits(mapped);
    }
    return mapped;
}

static void test_a_deadlock_that_was_killed_is_in_the_page_with_who_waits_for_whom(void **state)
{
    (void)state;
    pid_t child = run(deadlock);
    munmap(until_two_wait(child), sizeof(struct page));
    kill(child, SIGKILL);
    assert_int_equal(WTERMSIG(end_of(child)), SIGKILL);
    struct page *dead = only_page();
    assert_int_equal(dead->header.pid, child);
    assert_int_equal(atomic_load(&dead->header.state), PAGE_RUNNING); /* it never said that it ended */
    assert_int_equal(read_waits(dead), 2);
    for (int i = 0; i < 2; i++) {
        struct page_lock lock;
        assert_true(page_lock_read(&dead->locks[waits[i].lock], &lock));
        assert_string_equal(lock.name, atomic_load(&lock.lock) == (uintptr_t)&first ? "first" : "second");
        assert_true(waits[i].stack_count > 0);
        assert_int_equal(atomic_load(&lock.holder), waits[1 - i].tid); /* a cycle */
        assert_int_equal(atomic_load(&waits[i].owner), waits[1 - i].tid);
        uint64_t word = atomic_load(&lock.word), later_ns = atomic_load(&waits[i].begin_ns) + 12345;
        assert_int_equal(page_word_waiters(word), 1);
        assert_int_equal(page_word_unsettled(word, atomic_load(&lock.paid_ns), later_ns),
                         12345); /* [still held] = [still waiting] */
    }
    munmap(dead, sizeof *dead);
}

/* --- Begin and end of a page --------------------------------------------------------------------------------- */

static void nothing(void)
{
}

static void die(void)
{
    raise(SIGKILL);
}

static void one_wait(void)
{
    struct timespec past = {1, 0};
    msc_mutex_lock(&first);
    msc_mutex_timedlock(&first, &past);
    msc_mutex_unlock(&first);
}

static void test_a_process_without_locks_leaves_no_page_unless_it_is_killed(void **state)
{
    (void)state;
    char path[128];
    end_of(run(nothing));
    assert_int_equal(pages(path, false), 0);
    end_of(run(die));
    struct stat status;
    assert_int_equal(pages(path, false), 1);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, PAGE_HEADER_SIZE);
}

static void test_an_exit_is_said_in_the_page(void **state)
{
    (void)state;
    pid_t child = run(one_wait);
    assert_int_equal(end_of(child), 0);
    struct page *ended = only_page();
    assert_int_equal(atomic_load(&ended->header.state), PAGE_EXITED);
    assert_true(atomic_load(&ended->header.end_ns) > ended->header.begin_ns);
    assert_int_equal(atomic_load(&ended->header.tables), PAGE_TABLES_HERE);
    struct page_lock lock;
    uint32_t entry = 1;
    while (!page_lock_read(&ended->locks[entry], &lock))
        entry++;
    assert_int_equal(atomic_load(&lock.contentions), 1);
    assert_int_equal(atomic_load(&lock.charge_ns), atomic_load(&lock.wait_ns));
    munmap(ended, sizeof *ended);
}

static void wait_and_fork(void)
{
    one_wait();
    pid_t child = fork();
    if (child == 0) {
        one_wait();
        one_wait();
        exit(0);
    }
    _exit(waitpid(child, NULL, 0) == child ? 0 : 1);
}

static uint64_t contentions_of(struct page *of)
{
    uint64_t sum = 0;
    struct page_lock lock;
    for (uint32_t i = 0; i < PAGE_LOCKS; i++)
        sum += page_lock_read(&of->locks[i], &lock) ? atomic_load(&lock.contentions) : 0;
    return sum;
}

static void test_a_forked_child_has_a_page_of_its_own(void **state)
{
    (void)state;
    pid_t parent = run(wait_and_fork);
    assert_int_equal(end_of(parent), 0);
    DIR *dir = opendir(folder);
    int found = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[128];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%.60s", folder, entry->d_name);
        struct page *mapped = page_map(path);
        bool is_parent = mapped->header.pid == (uint32_t)parent;
        if (!is_parent)
            assert_int_equal(mapped->header.parent, parent);
        assert_int_equal(contentions_of(mapped), is_parent ? 1 : 2);
        munmap(mapped, sizeof *mapped);
        found++;
    }
    closedir(dir);
    assert_int_equal(found, 2);
}

/* --- Where no file can be ----------------------------------------------------------------------------------- */

static int own_error;

static void wait_without_a_file(void)
{
    one_wait();
    bool works =
        contentions_of(&page) == 1 && !page_is_shared() && atomic_load(&page.header.tables) == PAGE_TABLES_PRIVATE;
    _exit(works && atomic_load(&page.header.error) == own_error ? 0 : 1);
}

static void test_without_its_folder_the_page_is_private_and_says_why(void **state)
{
    (void)state;
    rmdir(folder);
    own_error = ENOENT;
    msc_emit_reset();
    pid_t child = fork();
    if (child == 0) {
        assert_int_equal(msc_emit_register(keep_lock_event, &gates), 0);
        gates_set(1);
        page_begin(folder);
        wait_without_a_file();
    }
    assert_int_equal(end_of(child), 0);
    mkdir(folder, 0700);
}

static void wait_beyond_the_limit(void)
{
    const struct rlimit limit = {65536, 65536};
    setrlimit(RLIMIT_FSIZE, &limit);
    one_wait();
    bool works = contentions_of(&page) == 1 && atomic_load(&page.header.tables) == PAGE_TABLES_PRIVATE;
    _exit(works && atomic_load(&page.header.error) == EFBIG ? 0 : 1);
}

static void test_a_limit_of_file_size_costs_the_file_and_not_the_program(void **state)
{
    (void)state;
    assert_int_equal(end_of(run(wait_beyond_the_limit)), 0);
}

/* --- Control words ------------------------------------------------------------------------------------------- */

static _Atomic uint64_t told_fraction;

static void keep_settings(enum msc_event event, const void *record)
{
    if (event == MSC_EVENT_SAMPLER_CONFIG)
        told_fraction = ((const struct msc_ev_sampler_config *)record)->mutex_fraction;
}

static void test_settings_from_outside_are_in_force_at_once_and_told_at_the_next_event(void **state)
{
    (void)state;
    const struct msc_ev_note note = {.category = "", .message = ""};
    msc_emit_reset();
    assert_int_equal(msc_emit_register(keep_settings, &gates), 0);
    gates_set(1);
    msc_emit(MSC_EVENT_LOG, &note);
    struct page_control *control = &page.header.control; /* as `mapscope set` does */
    atomic_store(&control->mutex_fraction, 4321);
    atomic_store(&control->mutex_mode, PAGE_MUTEX_BERNOULLI);
    atomic_store(&control->map_rate, 77);
    atomic_fetch_add(&control->changes, 1);
    assert_int_equal(config_mutex_sampling().fraction, 4321);
    assert_int_equal(config_map_rate(), 77);
    assert_int_not_equal(told_fraction, 4321);
    msc_emit(MSC_EVENT_LOG, &note);
    assert_int_equal(told_fraction, 4321);
    told_fraction = 0;
    msc_emit(MSC_EVENT_LOG, &note);
    assert_int_equal(told_fraction, 0); /* once */
}

static void test_off_measures_nothing(void **state)
{
    (void)state;
    uint64_t before = contentions_of(&page);
    atomic_store(&page.header.control.off, 1);
    one_wait();
    assert_int_equal(contentions_of(&page), before);
    atomic_store(&page.header.control.off, 0);
    one_wait();
    assert_int_equal(contentions_of(&page), before + 1);
}

#define page_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        page_test(test_a_deadlock_that_was_killed_is_in_the_page_with_who_waits_for_whom),
        page_test(test_a_process_without_locks_leaves_no_page_unless_it_is_killed),
        page_test(test_an_exit_is_said_in_the_page),
        page_test(test_a_forked_child_has_a_page_of_its_own),
        page_test(test_without_its_folder_the_page_is_private_and_says_why),
        page_test(test_a_limit_of_file_size_costs_the_file_and_not_the_program),
        page_test(test_settings_from_outside_are_in_force_at_once_and_told_at_the_next_event),
        page_test(test_off_measures_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
