/* support/helper: what is filled ahead of its owner and drained behind it, in order, by whichever thread. */
#include "support/cmocka_main.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/helper.h"
#include "support/worker.h"

enum { BLOCKS = 4 };

/* Numbers that go through: filled in, doubled by the owner, taken out. */
struct flow {
    struct helper *helper;
    struct helper_ring ahead, behind;
    uint64_t in[BLOCKS], out[BLOCKS];
    uint64_t filled, last;    /* so far; all that are to come */
    uint64_t drained, errors; /* of those that came out */
    unsigned fill_us, drain_us;
};

static bool fill(void *self, size_t block)
{
    struct flow *flow = self;
    flow->in[block] = flow->filled++;
    if (flow->fill_us)
        usleep(flow->fill_us);
    return flow->filled < flow->last;
}

static bool drain(void *self, size_t block)
{
    struct flow *flow = self;
    flow->errors += flow->out[block] != 2 * flow->drained++;
    if (flow->drain_us)
        usleep(flow->drain_us);
    return true;
}

static void begin(struct flow *flow)
{
    flow->helper = helper_create();
    assert_non_null(flow->helper);
    helper_drains(flow->helper, &flow->behind, BLOCKS, drain, flow);
    helper_fills(flow->helper, &flow->ahead, BLOCKS, fill, flow);
}

/* Passes on what comes, at most so many. Returns how many came. */
static uint64_t pass_on(struct flow *flow, uint64_t most)
{
    uint64_t count = 0;
    size_t block;
    while (count < most && helper_take(&flow->ahead, &block)) {
        assert_int_equal(flow->in[block], count++);
        flow->out[helper_filling(&flow->behind)] = 2 * flow->in[block];
        helper_give_back(&flow->ahead);
        helper_pass(&flow->behind);
    }
    return count;
}

static void end(struct flow *flow)
{
    helper_stop(&flow->ahead);
    helper_stop(&flow->behind);
    helper_destroy(flow->helper);
}

static void check_all_pass(uint64_t count, unsigned fill_us, unsigned drain_us)
{
    struct flow flow = {.last = count, .fill_us = fill_us, .drain_us = drain_us};
    begin(&flow);
    assert_int_equal(pass_on(&flow, UINT64_MAX), count);
    helper_flush(&flow.behind);
    assert_int_equal(flow.drained, count);
    assert_int_equal(flow.errors, 0);
    size_t block;
    assert_false(helper_take(&flow.ahead, &block)); /* the end stays the end */
    end(&flow);
}

static void test_all_blocks_pass_in_order(void **state)
{
    (void)state;
    check_all_pass(1, 0, 0);
    check_all_pass(BLOCKS, 0, 0);
    check_all_pass(200000, 0, 0);
}

static void test_whichever_side_is_slow(void **state)
{
    (void)state;
    check_all_pass(200, 200, 0);
    check_all_pass(200, 0, 200);
    check_all_pass(200, 100, 100);
}

static void test_the_owner_may_stop_at_any_point(void **state)
{
    (void)state;
    for (unsigned count = 0; count < 40; count++) {
        struct flow flow = {.last = UINT64_MAX, .fill_us = count % 3 * 20, .drain_us = count % 5 * 20};
        begin(&flow);
        assert_int_equal(pass_on(&flow, count), count);
        end(&flow);
        assert_true(flow.drained <= count && flow.filled >= count && flow.filled <= count + BLOCKS);
        assert_int_equal(flow.errors, 0);
    }
}

static void test_what_was_filled_may_be_taken_after_the_stop(void **state)
{
    (void)state;
    struct flow flow = {.last = BLOCKS};
    begin(&flow);
    size_t block;
    assert_true(helper_take(&flow.ahead, &block));
    helper_stop(&flow.ahead);
    uint64_t taken = 1;
    helper_give_back(&flow.ahead);
    while (helper_take(&flow.ahead, &block)) {
        assert_int_equal(flow.in[block], taken++);
        helper_give_back(&flow.ahead);
    }
    assert_int_equal(taken, flow.filled);
    helper_stop(&flow.behind);
    helper_destroy(flow.helper);
}

/* So much is to be done in each that neither thread has to wait: a helper that sleeps wakes for both. */
static void test_one_ring_alone_is_enough(void **state)
{
    (void)state;
    struct flow flow = {.last = 1000};
    flow.helper = helper_create();
    assert_non_null(flow.helper);
    helper_drains(flow.helper, &flow.behind, BLOCKS, drain, &flow);
    for (uint64_t i = 0; i < 1000; i++) {
        flow.out[helper_filling(&flow.behind)] = 2 * i;
        helper_pass(&flow.behind);
        if (i % 100 == 0)
            helper_flush(&flow.behind);
    }
    helper_flush(&flow.behind);
    assert_int_equal(flow.drained, 1000);
    assert_int_equal(flow.errors, 0);
    helper_stop(&flow.behind);
    helper_destroy(flow.helper);
}

static void test_on_one_processor_there_is_no_helper(void **state)
{
    (void)state;
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    CPU_SET((unsigned)sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(worker_processors(), 1);
    assert_null(helper_create());
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    helper_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_blocks_pass_in_order),
        cmocka_unit_test(test_whichever_side_is_slow),
        cmocka_unit_test(test_the_owner_may_stop_at_any_point),
        cmocka_unit_test(test_what_was_filled_may_be_taken_after_the_stop),
        cmocka_unit_test(test_one_ring_alone_is_enough),
        cmocka_unit_test(test_on_one_processor_there_is_no_helper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
