/* Writes that are done or given up: by a deadline, by a cancel; what they wait for, and that nothing stays behind. */
#include <mapscope/mapwriter.h>

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "runtime/recorder.h"

enum { KEY = 42 };
static const uint64_t ms = 1000000;

struct world {
    struct msc_mapwriter *map;
    sem_t inside, leave; /* of a range that lasts */
    pthread_t ranger;
};

static struct world world;

static int setup(void **state)
{
    int error = recorder_setup(state);
    clock_source = clock_monotonic_ns;
    struct msc_map_options options = {.struct_size = sizeof options, .name = "orders", .value_size = sizeof(uint64_t)};
    assert_int_equal(msc_mapwriter_create(&options, &world.map), 0);
    uint64_t value = 1;
    assert_int_equal(msc_mapwriter_store_u64(world.map, KEY, &value, NULL), 0);
    recorder_close_gates(); /* the recorder is for one thread */
    atomic_store(&gates[MSC_EVENT_MAP_WRITER_TIMEOUT].state.on, 1);
    sem_init(&world.inside, 0, 0);
    sem_init(&world.leave, 0, 0);
    return error;
}

static int teardown(void **state)
{
    msc_mapwriter_destroy(world.map);
    return recorder_teardown(state);
}

static int stay(void *context, const void *key, const void *value, uint64_t version)
{
    (void)context, (void)key, (void)value, (void)version;
    sem_post(&world.inside);
    sem_wait(&world.leave);
    return 0;
}

static void *range_main(void *argument)
{
    (void)argument;
    msc_mapwriter_range(world.map, stay, NULL);
    return NULL;
}

static void range_begin(void)
{
    assert_int_equal(pthread_create(&world.ranger, NULL, range_main, NULL), 0);
    sem_wait(&world.inside);
}

static void range_end(void)
{
    sem_post(&world.leave);
    pthread_join(world.ranger, NULL);
}

static uint64_t value_now(void)
{
    uint64_t value = 0;
    msc_mapwriter_load_u64(world.map, KEY, &value);
    return value;
}

static unsigned thread_count(void)
{
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static void test_a_write_that_nobody_holds_up_is_done(void **state)
{
    (void)state;
    uint64_t value = 2, out = 0;
    struct msc_write_limit at_once = {.timeout_ns = 0};
    assert_int_equal(msc_mapwriter_store_u64(world.map, KEY, &value, &at_once), 0);
    assert_int_equal(value_now(), 2);
    uint64_t key = KEY, third = 3;
    assert_int_equal(msc_mapwriter_swap(world.map, &key, &third, &out, &at_once), 1);
    assert_int_equal(out, 2);
    assert_int_equal(msc_mapwriter_compare_and_swap(world.map, &key, &third, &value, &at_once), 0);
    assert_int_equal(msc_mapwriter_load_or_store(world.map, &key, &third, &out, &at_once), 1);
    assert_int_equal(out, 2);
    assert_int_equal(msc_mapwriter_compare_and_delete(world.map, &key, &third, &at_once), -ESTALE);
    uint64_t version;
    assert_int_equal(msc_mapwriter_load_version(world.map, &key, &out, &version), 0);
    assert_int_equal(msc_mapwriter_store_version(world.map, &key, version + 1, &third, &at_once), -ESTALE);
    assert_int_equal(msc_mapwriter_store_version(world.map, &key, version, &third, &at_once), 0);
    assert_int_equal(msc_mapwriter_delete_version(world.map, &key, version, &at_once), -ESTALE);
    assert_int_equal(msc_mapwriter_load_and_delete(world.map, &key, &out, &at_once), 0);
    assert_int_equal(out, 3);
    assert_int_equal(msc_mapwriter_store_u64(world.map, KEY, &value, NULL), 0);
    assert_int_equal(msc_mapwriter_clear(world.map, &at_once), 0);
    assert_int_equal(msc_mapwriter_count(world.map), 0);
    assert_int_equal(msc_mapwriter_delete_u64(world.map, KEY, &at_once), -ENOENT);
}

static void test_past_its_deadline_a_write_leaves_the_map_untouched(void **state)
{
    (void)state;
    uint64_t value = 2, key = KEY, out = 77;
    struct msc_write_limit limit = {.timeout_ns = 5 * ms};
    range_begin();
    unsigned threads = thread_count();
    uint64_t begin_ns = clock_monotonic_ns();
    assert_int_equal(msc_mapwriter_store_u64(world.map, KEY, &value, &limit), -ETIMEDOUT);
    assert_true(clock_monotonic_ns() - begin_ns >= 5 * ms);
    assert_int_equal(msc_mapwriter_swap(world.map, &key, &value, &out, &limit), -ETIMEDOUT);
    assert_int_equal(msc_mapwriter_delete_u64(world.map, KEY, &limit), -ETIMEDOUT);
    assert_int_equal(msc_mapwriter_clear(world.map, &limit), -ETIMEDOUT);
    assert_int_equal(out, 77);
    assert_int_equal(value_now(), 1);
    assert_int_equal(msc_mapwriter_count(world.map), 1);
    assert_int_equal(thread_count(), threads);
    range_end();
    assert_int_equal(value_now(), 1); /* and nothing comes late */
    assert_int_equal(msc_mapwriter_store_u64(world.map, KEY, &value, &limit), 0);
    assert_int_equal(value_now(), 2);
}

static void test_a_write_that_does_not_wait_is_refused_at_once(void **state)
{
    (void)state;
    uint64_t value = 2;
    struct msc_write_limit at_once = {.timeout_ns = 0};
    range_begin();
    assert_int_equal(msc_mapwriter_store_u64(world.map, KEY, &value, &at_once), -ETIMEDOUT);
    range_end();
    assert_int_equal(value_now(), 1);
}

static void test_a_timeout_says_which_key_waited_how_long(void **state)
{
    (void)state;
    uint64_t value = 2;
    struct msc_write_limit limit = {.timeout_ns = 3 * ms};
    range_begin();
    assert_int_equal(msc_mapwriter_store_u64(world.map, KEY, &value, &limit), -ETIMEDOUT);
    range_end();
    assert_int_equal(recorded_count(MSC_EVENT_MAP_WRITER_TIMEOUT), 1);
    const struct msc_ev_map_writer_timeout *event = &recorded(MSC_EVENT_MAP_WRITER_TIMEOUT, 0)->timeout;
    assert_int_equal(event->map, (uintptr_t)world.map);
    assert_int_equal(event->map_gen, recorded(MSC_EVENT_MAP_ALLOC, 0)->life.map_gen);
    assert_int_equal(event->key_id, recorded(MSC_EVENT_MAP_ASSIGN, 0)->assign.key_id);
    assert_true(event->waited_ns >= 3 * ms);
}

/* ---- writes that go on waiting ---- */

struct waiter {
    struct msc_write_limit limit;
    pthread_t thread;
    _Atomic bool done;
    int result;
};

static void *write_main(void *argument)
{
    struct waiter *waiter = argument;
    uint64_t value = 9;
    waiter->result = msc_mapwriter_store_u64(world.map, KEY, &value, &waiter->limit);
    atomic_store(&waiter->done, true);
    return NULL;
}

static void waiter_begin(struct waiter *waiter)
{
    assert_int_equal(pthread_create(&waiter->thread, NULL, write_main, waiter), 0);
}

static void waiter_end(struct waiter *waiter)
{
    pthread_join(waiter->thread, NULL);
}

static void test_a_cancel_ends_a_wait_without_end(void **state)
{
    (void)state;
    struct msc_cancel cancel = {0};
    struct waiter waiter = {.limit = {.timeout_ns = MSC_NO_TIMEOUT, .cancel = &cancel}};
    range_begin();
    waiter_begin(&waiter);
    assert_false(atomic_load(&waiter.done));
    msc_mapwriter_cancel(world.map, &cancel);
    waiter_end(&waiter);
    assert_int_equal(waiter.result, -ECANCELED);
    range_end();
    assert_int_equal(value_now(), 1);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_WRITER_TIMEOUT), 0);
    uint64_t value = 5;
    assert_int_equal(msc_mapwriter_store_u64(world.map, KEY, &value, &waiter.limit), -ECANCELED);
}

static void test_a_cancel_ends_only_the_writes_that_it_is_for(void **state)
{
    (void)state;
    struct msc_cancel one = {0}, other = {0};
    struct waiter first = {.limit = {.timeout_ns = MSC_NO_TIMEOUT, .cancel = &one}};
    struct waiter second = {.limit = {.timeout_ns = MSC_NO_TIMEOUT, .cancel = &other}};
    range_begin();
    waiter_begin(&first);
    waiter_begin(&second);
    msc_mapwriter_cancel(world.map, &one);
    waiter_end(&first);
    assert_int_equal(first.result, -ECANCELED);
    assert_false(atomic_load(&second.done));
    range_end();
    waiter_end(&second);
    assert_int_equal(second.result, 0);
    assert_int_equal(value_now(), 9);
}

static void test_the_write_is_done_when_the_range_is_over(void **state)
{
    (void)state;
    struct waiter waiter = {.limit = {.timeout_ns = 60000 * ms}};
    range_begin();
    waiter_begin(&waiter);
    assert_int_equal(value_now(), 1); /* loads do not wait */
    range_end();
    waiter_end(&waiter);
    assert_int_equal(waiter.result, 0);
    assert_int_equal(value_now(), 9);
}

/* Ranges that follow one another without a gap do not keep a writer out. */
static void test_a_waiting_write_comes_before_the_next_range(void **state)
{
    (void)state;
    struct waiter waiter = {.limit = {.timeout_ns = MSC_NO_TIMEOUT}};
    range_begin();
    waiter_begin(&waiter);
    struct msc_write_limit at_once = {.timeout_ns = 0};
    uint64_t value = 3;
    assert_int_equal(msc_mapwriter_store_u64(world.map, KEY, &value, &at_once), -ETIMEDOUT);
    range_end();
    waiter_end(&waiter);
    range_begin();
    range_end();
    assert_int_equal(value_now(), 9);
}

/* ---- many at once ---- */

enum { THREADS = 4, STEPS = 3000 };
static _Atomic uint64_t written;

static int look(void *context, const void *key, const void *value, uint64_t version)
{
    (void)context, (void)key, (void)value, (void)version;
    return 0;
}

static void *count_up(void *argument)
{
    unsigned n = (unsigned)(uintptr_t)argument;
    struct msc_write_limit limit = {.timeout_ns = n % 2 ? MSC_NO_TIMEOUT : 1000};
    for (unsigned i = 0; i < STEPS; i++) {
        uint64_t value, version, key = KEY;
        if (i % 50 == n)
            msc_mapwriter_range(world.map, look, NULL);
        if (msc_mapwriter_load_version(world.map, &key, &value, &version))
            return "lost";
        value++;
        if (msc_mapwriter_store_version(world.map, &key, version, &value, &limit) == 0)
            atomic_fetch_add(&written, 1);
    }
    return NULL;
}

static void test_each_write_that_said_it_was_done_was_done_once(void **state)
{
    (void)state;
    recorder_close_gates();
    atomic_store(&written, 0);
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, (void *)i), 0);
    for (int i = 0; i < THREADS; i++) {
        void *lost;
        pthread_join(threads[i], &lost);
        assert_null(lost);
    }
    assert_int_equal(value_now(), 1 + atomic_load(&written));
}

#define mapwriter_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        mapwriter_test(test_a_write_that_nobody_holds_up_is_done),
        mapwriter_test(test_past_its_deadline_a_write_leaves_the_map_untouched),
        mapwriter_test(test_a_write_that_does_not_wait_is_refused_at_once),
        mapwriter_test(test_a_timeout_says_which_key_waited_how_long),
        mapwriter_test(test_a_cancel_ends_a_wait_without_end),
        mapwriter_test(test_a_cancel_ends_only_the_writes_that_it_is_for),
        mapwriter_test(test_the_write_is_done_when_the_range_is_over),
        mapwriter_test(test_a_waiting_write_comes_before_the_next_range),
        mapwriter_test(test_each_write_that_said_it_was_done_was_done_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
