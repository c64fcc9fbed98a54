/* model/stacks: one id a distinct (pid, return addresses). */
#include "support/cmocka_main.h"

#include "model/stacks.h"

static int setup(void **state)
{
    return stacks_create((struct stacks **)state);
}

static int teardown(void **state)
{
    stacks_destroy(*state);
    return 0;
}

static stack_id intern(struct stacks *stacks, uint32_t pid, const uint64_t *pcs, uint32_t count, uint64_t time_ns)
{
    stack_id id = UINT32_MAX;
    assert_int_equal(stacks_intern(stacks, pid, pcs, count, time_ns, &id), 0);
    return id;
}

static void test_the_same_stack_has_one_id_and_keeps_its_first_time(void **state)
{
    const uint64_t pcs[] = {0x1000, 0x2000, 0x3000}, same[] = {0x1000, 0x2000, 0x3000};
    assert_int_equal(intern(*state, 7, pcs, 3, 50), 1);
    assert_int_equal(intern(*state, 7, same, 3, 60), 1);
    assert_int_equal(stacks_count(*state), 1);
    struct stack_view view = stacks_get(*state, 1);
    assert_int_equal(view.pid, 7);
    assert_int_equal(view.first_ns, 50);
    assert_int_equal(view.count, 3);
    assert_memory_equal(view.pcs, pcs, sizeof pcs);
}

static void test_pid_length_order_and_each_address_tell_stacks_apart(void **state)
{
    const uint64_t pcs[] = {1, 2, 3, 4}, swapped[] = {2, 1, 3, 4}, last[] = {1, 2, 3, 5};
    assert_int_equal(intern(*state, 7, pcs, 4, 0), 1);
    assert_int_equal(intern(*state, 8, pcs, 4, 0), 2);
    assert_int_equal(intern(*state, 7, pcs, 3, 0), 3);
    assert_int_equal(intern(*state, 7, swapped, 4, 0), 4);
    assert_int_equal(intern(*state, 7, last, 4, 0), 5);
    assert_int_equal(intern(*state, 7, pcs, 4, 0), 1);
}

static void test_the_empty_stack_is_zero_and_is_not_stored(void **state)
{
    assert_int_equal(intern(*state, 7, NULL, 0, 0), 0);
    assert_int_equal(stacks_count(*state), 0);
    assert_int_equal(stacks_get(*state, 0).count, 0);
}

static void test_different_stacks_that_were_cut_are_counted(void **state)
{
    const uint64_t whole[] = {STACK_CUT, 2}, cut[] = {2, STACK_CUT}, other[] = {3, STACK_CUT};
    intern(*state, 7, whole, 2, 0);
    assert_int_equal(stacks_count_cut(*state), 0);
    intern(*state, 7, cut, 2, 0);
    intern(*state, 7, cut, 2, 0);
    intern(*state, 7, other, 2, 0);
    assert_int_equal(stacks_count_cut(*state), 2);
}

static void test_an_unknown_id_is_the_empty_stack(void **state)
{
    const uint64_t pc = 1;
    intern(*state, 7, &pc, 1, 0);
    assert_int_equal(stacks_get(*state, 2).count, 0);
    assert_null(stacks_get(*state, UINT32_MAX).pcs);
}

static void make_stack(uint64_t pcs[33], uint32_t number)
{
    for (uint32_t i = 0; i < 33; i++)
        pcs[i] = i == number % 33 ? UINT64_C(0x7f0000000000) + number : i;
}

static void test_ids_stay_dense_and_right_over_many_growths(void **state)
{
    enum { STACKS = 20000 };
    uint64_t pcs[33];
    for (uint32_t n = 0; n < STACKS; n++) {
        make_stack(pcs, n);
        assert_int_equal(intern(*state, 1, pcs, 33, n), n + 1);
    }
    for (uint32_t n = 0; n < STACKS; n++) {
        make_stack(pcs, n);
        assert_int_equal(intern(*state, 1, pcs, 33, 0), n + 1);
        assert_memory_equal(stacks_get(*state, n + 1).pcs, pcs, sizeof pcs);
    }
    assert_int_equal(stacks_count(*state), STACKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_same_stack_has_one_id_and_keeps_its_first_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pid_length_order_and_each_address_tell_stacks_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_empty_stack_is_zero_and_is_not_stored, setup, teardown),
        cmocka_unit_test_setup_teardown(test_different_stacks_that_were_cut_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_unknown_id_is_the_empty_stack, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ids_stay_dense_and_right_over_many_growths, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
