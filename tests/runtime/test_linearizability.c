/* The checker of histories itself: what it must accept, what it must refuse, and a map that is broken. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "runtime/linearizability.h"
#include "support/cmocka_main.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_a_read_beside_a_write_may_see_it_or_not(void **state)
{
    (void)state;
    struct lin_op history[] = {
        {.begin = 1, .end = 6, .verb = LIN_STORE, .value = 7},
        {.begin = 2, .end = 3, .verb = LIN_LOAD, .result = -ENOENT},
        {.begin = 4, .end = 5, .verb = LIN_LOAD, .result = 0, .out = 7},
    };
    assert_true(lin_check(history, COUNT(history)));
}

static void test_a_read_after_a_read_that_saw_it_sees_it_too(void **state)
{
    (void)state;
    struct lin_op history[] = {
        {.begin = 1, .end = 6, .verb = LIN_STORE, .value = 7},
        {.begin = 2, .end = 3, .verb = LIN_LOAD, .result = 0, .out = 7},
        {.begin = 4, .end = 5, .verb = LIN_LOAD, .result = -ENOENT},
    };
    assert_false(lin_check(history, COUNT(history)));
}

static void test_a_write_that_was_done_is_not_lost(void **state)
{
    (void)state;
    struct lin_op history[] = {
        {.begin = 1, .end = 2, .verb = LIN_STORE, .value = 7},
        {.begin = 3, .end = 4, .verb = LIN_STORE, .value = 8},
        {.begin = 5, .end = 6, .verb = LIN_LOAD, .result = 0, .out = 7},
    };
    assert_false(lin_check(history, COUNT(history)));
}

static void test_only_one_of_two_equal_exchanges_can_succeed(void **state)
{
    (void)state;
    struct lin_op history[] = {
        {.begin = 1, .end = 2, .verb = LIN_STORE, .value = 7},
        {.begin = 3, .end = 6, .verb = LIN_COMPARE_AND_SWAP, .expected = 7, .value = 8, .result = 0},
        {.begin = 4, .end = 5, .verb = LIN_COMPARE_AND_SWAP, .expected = 7, .value = 9, .result = 0},
    };
    assert_false(lin_check(history, COUNT(history)));
    history[2].result = -ESTALE;
    assert_true(lin_check(history, COUNT(history)));
}

static void test_every_verb_gives_what_the_register_gives(void **state)
{
    (void)state;
    struct lin_op history[] = {
        {.verb = LIN_COMPARE_AND_DELETE, .expected = 1, .result = -ENOENT},
        {.verb = LIN_LOAD_OR_STORE, .value = 1, .result = 0},
        {.verb = LIN_LOAD_OR_STORE, .value = 2, .result = 1, .out = 1},
        {.verb = LIN_SWAP, .value = 3, .result = 1, .out = 1},
        {.verb = LIN_COMPARE_AND_DELETE, .expected = 1, .result = -ESTALE},
        {.verb = LIN_COMPARE_AND_DELETE, .expected = 3, .result = 0},
        {.verb = LIN_SWAP, .value = 4, .result = 0},
        {.verb = LIN_DELETE, .result = 0, .out = 4},
        {.verb = LIN_DELETE, .result = -ENOENT},
    };
    for (size_t i = 0; i < COUNT(history); i++) {
        history[i].begin = 2 * i + 1;
        history[i].end = 2 * i + 2;
    }
    assert_true(lin_check(history, COUNT(history)));
    for (size_t i = 0; i < COUNT(history); i++) {
        struct lin_op kept = history[i];
        history[i].result = kept.result == 0 ? -ENOENT : 0;
        assert_false(lin_check(history, COUNT(history)));
        history[i] = kept;
    }
}

/* Many writers at once and a reader of an impossible value: every order has to be tried, and each once. */
static void test_a_full_history_without_an_order_is_refused_in_time(void **state)
{
    (void)state;
    struct lin_op history[20];
    for (size_t i = 0; i < COUNT(history); i++)
        history[i] = (struct lin_op){.begin = i + 1, .end = 100 + i, .verb = LIN_STORE, .value = i % 3 + 1};
    history[0] = (struct lin_op){.begin = 50, .end = 51, .verb = LIN_LOAD, .result = 0, .out = 77};
    assert_false(lin_check(history, COUNT(history)));
}

/* A register whose exchange is a look and then a write. */
struct broken {
    _Atomic uint64_t value, clock;
    pthread_barrier_t looked;
    struct lin_op ops[2];
};

struct broken_thread {
    struct broken *broken;
    size_t index;
};

static void *exchange_brokenly(void *argument)
{
    struct broken_thread *self = argument;
    struct broken *broken = self->broken;
    struct lin_op *op = &broken->ops[self->index];
    *op = (struct lin_op){.verb = LIN_COMPARE_AND_SWAP, .expected = 7, .value = 8 + self->index};
    op->begin = atomic_fetch_add(&broken->clock, 1);
    bool equal = atomic_load(&broken->value) == op->expected;
    pthread_barrier_wait(&broken->looked);
    if (equal)
        atomic_store(&broken->value, op->value);
    op->result = equal ? 0 : -ESTALE;
    op->end = atomic_fetch_add(&broken->clock, 1);
    return NULL;
}

static void test_a_map_that_looks_before_it_writes_is_refused(void **state)
{
    (void)state;
    struct broken broken = {.value = 7, .clock = 3};
    pthread_t thread;
    struct broken_thread first = {&broken, 0}, second = {&broken, 1};
    pthread_barrier_init(&broken.looked, NULL, 2);
    assert_int_equal(pthread_create(&thread, NULL, exchange_brokenly, &first), 0);
    exchange_brokenly(&second);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&broken.looked);
    struct lin_op history[] = {{.begin = 1, .end = 2, .verb = LIN_STORE, .value = 7}, broken.ops[0], broken.ops[1]};
    assert_false(lin_check(history, COUNT(history)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_read_beside_a_write_may_see_it_or_not),
        cmocka_unit_test(test_a_read_after_a_read_that_saw_it_sees_it_too),
        cmocka_unit_test(test_a_write_that_was_done_is_not_lost),
        cmocka_unit_test(test_only_one_of_two_equal_exchanges_can_succeed),
        cmocka_unit_test(test_every_verb_gives_what_the_register_gives),
        cmocka_unit_test(test_a_full_history_without_an_order_is_refused_in_time),
        cmocka_unit_test(test_a_map_that_looks_before_it_writes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
