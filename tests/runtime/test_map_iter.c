/*
 * Iteration against Go's guarantees, with writes between any two steps: nothing twice, nothing missed that
 * was there throughout, nothing that was deleted before it was reached.
 */
#include <pthread.h>

#include "failing_memory.h"
#include "map_fixture.h"

struct watch {
    bool throughout[UNIVERSE_MAX]; /* there since the begin */
    bool deleted[UNIVERSE_MAX];    /* at any time since the begin */
    unsigned produced[UNIVERSE_MAX];
};

/* What the runs of a test came across: a test that never met a case proves nothing about it. */
static struct {
    unsigned begun_while_growing, doubled, re_packed, doubled_twice;
} met;

/* Makes the map believe that it is sparse: the next new key re-packs it. */
static bool sparse_now_and_then;

static void write_randomly(struct subject *subject, struct watch *watch, unsigned assigns_of_10, uint64_t step)
{
    size_t i = draw(subject, subject->size);
    if (sparse_now_and_then && draw(subject, 20) == 0)
        subject->map->noverflow = subject->map->table->view.mask + 1;
    if (draw(subject, 10) < assigns_of_10) {
        must_assign(subject, i, step);
        return;
    }
    must_delete(subject, i);
    watch->throughout[i] = false;
    watch->deleted[i] = true;
}

static void check_produced(struct subject *subject, struct watch *watch, const struct msc_map_iter *iter)
{
    size_t i = index_of(subject, iter);
    assert_true(subject->expected[i].present);
    assert_int_equal(*(const uint64_t *)iter->value, subject->expected[i].value);
    assert_int_equal(iter->version, subject->expected[i].version);
    watch->produced[i]++;
    assert_true(watch->produced[i] == 1 || watch->deleted[i]);
}

static void note_growth(const struct subject *subject, uint32_t B, const struct msc_map_table *table)
{
    const struct msc_map *map = subject->map;
    met.doubled += map->table->B == B + 1;
    met.doubled_twice += map->table->B >= B + 2;
    met.re_packed += map->table->B == B && map->table != table;
}

/* One iteration with up to `writes` random writes before each step. */
static void iterate(struct subject *subject, unsigned writes, unsigned assigns_of_10)
{
    struct watch *watch = calloc(1, sizeof *watch);
    assert_non_null(watch);
    for (size_t i = 0; i < subject->size; i++)
        watch->throughout[i] = subject->expected[i].present;
    uint32_t B = subject->map->table->B;
    const struct msc_map_table *table = subject->map->table;
    met.begun_while_growing += subject->map->old != NULL;

    struct msc_map_iter iter;
    assert_int_equal(msc_map_iter_begin(subject->map, &iter), 0);
    for (uint64_t step = 0; msc_map_iter_next(&iter) == 1; step++) {
        check_produced(subject, watch, &iter);
        for (uint64_t n = draw(subject, writes + 1); n; n--)
            write_randomly(subject, watch, assigns_of_10, step);
        if (subject->kind == MSC_KEY_BYTES) /* borrowed until the next step, whatever is written */
            index_of(subject, &iter);
    }
    msc_map_iter_end(&iter);
    for (size_t i = 0; i < subject->size; i++)
        assert_true(watch->produced[i] == 1 || !watch->throughout[i]);
    note_growth(subject, B, table);
    free(watch);
}

/* From every size of the map, so from every stage of its growth. */
static void check_iterations(enum msc_key_kind kind, size_t colliding, unsigned writes, unsigned assigns_of_10)
{
    failing_memory_begin(0, false);
    for (size_t prefill = 1; prefill <= 240; prefill++) {
        struct subject *subject = subject_create(kind, 600, 0);
        if (colliding)
            make_colliding(subject, 600 - colliding, 5);
        subject->random = prefill;
        for (size_t i = 0; i < prefill; i++)
            must_assign(subject, 599 - i, i);
        iterate(subject, writes, assigns_of_10);
        check_all(subject);
        subject_destroy(subject);
        assert_int_equal(failing_memory.alive, 0);
    }
}

static void test_without_writes_each_entry_comes_once(void **state)
{
    (void)state;
    met.begun_while_growing = 0;
    check_iterations(MSC_KEY_U64, 0, 0, 0);
    check_iterations(MSC_KEY_BYTES, 0, 0, 0);
    assert_true(met.begun_while_growing > 20);
}

static void test_with_writes_in_between_each_lasting_entry_comes_once(void **state)
{
    (void)state;
    for (int kind = MSC_KEY_U64; kind <= MSC_KEY_BYTES; kind++)
        for (unsigned assigns = 0; assigns <= 10; assigns += 5)
            check_iterations((enum msc_key_kind)kind, 0, 3, assigns);
    assert_true(met.doubled > 100);
}

static void test_the_map_may_double_several_times_under_an_iteration(void **state)
{
    (void)state;
    met.doubled_twice = 0;
    check_iterations(MSC_KEY_U64, 0, 12, 9);
    check_iterations(MSC_KEY_BYTES, 0, 12, 9);
    assert_true(met.doubled_twice > 50);
}

static void test_the_map_may_be_re_packed_under_an_iteration(void **state)
{
    (void)state;
    met.re_packed = 0;
    sparse_now_and_then = true;
    check_iterations(MSC_KEY_U64, 0, 8, 5);
    check_iterations(MSC_KEY_BYTES, 300, 8, 5);
    sparse_now_and_then = false;
    assert_true(met.re_packed > 50);
}

static void test_deleting_each_entry_as_it_comes_empties_the_map(void **state)
{
    (void)state;
    struct subject *subject = subject_create(MSC_KEY_BYTES, 500, 0);
    for (size_t i = 0; i < 500; i++)
        must_assign(subject, i, i);
    struct msc_map_iter iter;
    size_t produced = 0;
    assert_int_equal(msc_map_iter_begin(subject->map, &iter), 0);
    for (; msc_map_iter_next(&iter) == 1; produced++)
        assert_int_equal(msc_map_delete_bytes(subject->map, iter.key.bytes, iter.key_length), 0);
    msc_map_iter_end(&iter);
    assert_int_equal(produced, 500);
    assert_int_equal(msc_map_count(subject->map), 0);
    subject_destroy(subject);
}

static void test_after_a_clear_the_iteration_is_over(void **state)
{
    (void)state;
    struct subject *subject = subject_create(MSC_KEY_BYTES, 110, 0);
    for (size_t i = 0; i < 105; i++)
        must_assign(subject, i, i);
    struct msc_map_iter iter;
    assert_int_equal(msc_map_iter_begin(subject->map, &iter), 0);
    assert_int_equal(msc_map_iter_next(&iter), 1);
    must_clear(subject);
    index_of(subject, &iter); /* the key at hand is still readable */
    for (size_t i = 0; i < 110; i++)
        must_assign(subject, i, i);
    assert_int_equal(msc_map_iter_next(&iter), 0);
    msc_map_iter_end(&iter);
    check_all(subject);
    subject_destroy(subject);
}

static void test_what_the_map_gave_up_is_freed_by_the_last_end(void **state)
{
    (void)state;
    failing_memory_begin(0, false);
    struct subject *subject = subject_create(MSC_KEY_BYTES, 1000, 0);
    must_assign(subject, 0, 0);
    struct msc_map_iter first, second;
    assert_int_equal(msc_map_iter_begin(subject->map, &first), 0);
    assert_int_equal(msc_map_iter_begin(subject->map, &second), 0);
    for (size_t i = 0; i < 1000; i++)
        must_assign(subject, i, i);
    for (size_t i = 0; i < 1000; i++)
        must_delete(subject, i);
    msc_map_iter_end(&first);
    assert_true(failing_memory.alive > 1000); /* the keys, and the tables of B = 0, 1, 2, ... */
    msc_map_iter_end(&second);
    assert_in_range(failing_memory.alive, 2, 20); /* the map, its table with overflow buckets */
    subject_destroy(subject);
    assert_int_equal(failing_memory.alive, 0);
}

static void test_an_iteration_begins_anywhere(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 0);
    for (uint64_t key = 0; key < 8; key++)
        assert_int_equal(msc_map_assign_u64(map, key, NULL), 0);
    unsigned seen = 0;
    for (int round = 0; round < 200; round++) {
        struct msc_map_iter iter;
        assert_int_equal(msc_map_iter_begin(map, &iter), 0);
        assert_int_equal(msc_map_iter_next(&iter), 1);
        seen |= 1u << iter.key.number;
        msc_map_iter_end(&iter);
    }
    assert_int_equal(seen, 0xff); /* missed by chance once in 10^10 runs */
    msc_map_destroy(map);
}

struct reader {
    pthread_barrier_t *start;
    struct subject *subject;
    uint64_t sum;
};

static void *read_all(void *arg)
{
    struct reader *reader = arg;
    pthread_barrier_wait(reader->start);
    for (int round = 0; round < 50; round++) {
        struct msc_map_iter iter;
        if (msc_map_iter_begin(reader->subject->map, &iter))
            return NULL;
        while (msc_map_iter_next(&iter) == 1)
            reader->sum += *(const uint64_t *)iter.value;
        msc_map_iter_end(&iter);
    }
    return NULL;
}

/* For the thread sanitizer above all: beginning and ending is all that readers write. */
static void test_many_threads_may_iterate_at_once(void **state)
{
    (void)state;
    struct subject *subject = subject_create(MSC_KEY_BYTES, 300, 0);
    for (size_t i = 0; i < 300; i++)
        must_assign(subject, i, i);
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, 2);
    struct reader one = {&start, subject, 0}, other = {&start, subject, 0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_all, &other), 0);
    read_all(&one);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&start);
    assert_int_equal(one.sum, 50 * (299 * 300 / 2));
    assert_int_equal(other.sum, one.sum);
    subject_destroy(subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_writes_each_entry_comes_once),
        cmocka_unit_test(test_with_writes_in_between_each_lasting_entry_comes_once),
        cmocka_unit_test(test_the_map_may_double_several_times_under_an_iteration),
        cmocka_unit_test(test_the_map_may_be_re_packed_under_an_iteration),
        cmocka_unit_test(test_deleting_each_entry_as_it_comes_empties_the_map),
        cmocka_unit_test(test_after_a_clear_the_iteration_is_over),
        cmocka_unit_test(test_what_the_map_gave_up_is_freed_by_the_last_end),
        cmocka_unit_test(test_an_iteration_begins_anywhere),
        cmocka_unit_test(test_many_threads_may_iterate_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
