/* Deferred cleanup: order, nesting, hand-over, memory, and what the trace is told. */
#include "mapscope/scope.h"

#include <errno.h>
#include <pthread.h>

#include "failing_memory.h"
#include "recorder.h"
#include "runtime/map_core.h"
#include "runtime/thread.h"

/* What ran, as letters in order; and under which ids the last one ran. */
static char ran[64];
static uint64_t ran_action, ran_scope;

static void note(void *letter)
{
    size_t length = strlen(ran);
    assert_true(length < sizeof ran - 1);
    ran[length] = *(const char *)letter;
    ran[length + 1] = '\0';
    ran_action = thread_self.action;
    ran_scope = thread_self.scope;
}

static char letters[] = "abcdefghijklmnopqrst";

__attribute__((noinline)) static void defer_letters(struct msc_scope *scope, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        assert_int_equal(msc_defer(scope, note, &letters[i]), 0);
}

static int setup(void **state)
{
    ran[0] = '\0';
    failing_memory_begin(0, false);
    return recorder_setup(state);
}

static int teardown(void **state)
{
    int64_t leaked = failing_memory.alive;
    recorder_teardown(state);
    return leaked != 0 || thread_self.scope != 0 || thread_self.action != 0;
}

static int leave_early(int early)
{
    MSC_SCOPE(scope);
    defer_letters(&scope, 0, 3);
    if (early)
        return 1;
    defer_letters(&scope, 3, 1);
    return 0;
}

static void test_actions_run_last_in_first_out_on_every_way_out(void **state)
{
    (void)state;
    assert_int_equal(leave_early(1), 1);
    assert_string_equal(ran, "cba");
    assert_int_equal(leave_early(0), 0);
    assert_string_equal(ran, "cbadcba");
}

static void test_a_closed_scope_runs_nothing_twice_and_takes_nothing(void **state)
{
    (void)state;
    {
        MSC_SCOPE(scope);
        struct msc_batch *batch;
        defer_letters(&scope, 0, 1);
        msc_scope_close(&scope);
        assert_string_equal(ran, "a");
        assert_int_equal(msc_defer(&scope, note, letters), -EINVAL);
        assert_int_equal(msc_scope_handover(&scope, &batch), -EINVAL);
    }
    assert_string_equal(ran, "a");
}

static void test_an_action_needs_a_function(void **state)
{
    (void)state;
    MSC_SCOPE(scope);
    assert_int_equal(msc_defer(&scope, NULL, NULL), -EINVAL);
}

static void test_more_actions_than_fit_inline_keep_their_order(void **state)
{
    (void)state;
    {
        MSC_SCOPE(scope);
        defer_letters(&scope, 0, 20);
        assert_int_equal(failing_memory.alive, 1);
    }
    assert_string_equal(ran, "tsrqponmlkjihgfedcba");
}

static void test_without_memory_a_scope_stays_as_it_was(void **state)
{
    (void)state;
    {
        MSC_SCOPE(scope);
        struct msc_batch *batch = NULL;
        defer_letters(&scope, 0, MSC_SCOPE_INLINE);
        failing_memory.fail_at = 1;
        failing_memory.for_good = true;
        assert_int_equal(msc_defer(&scope, note, &letters[9]), -ENOMEM);
        assert_int_equal(msc_scope_handover(&scope, &batch), -ENOMEM);
        failing_memory.fail_at = failing_memory.asked + 2; /* the second part of a batch */
        assert_int_equal(msc_scope_handover(&scope, &batch), -ENOMEM);
        assert_null(batch);
        failing_memory_recover();
        defer_letters(&scope, 4, 1);
    }
    assert_string_equal(ran, "edcba");
}

static struct msc_scope *open_scope;

static void defer_more(void *letter)
{
    note(letter);
    defer_letters(open_scope, 10, 2);
}

static void test_actions_registered_by_an_action_run_next(void **state)
{
    (void)state;
    {
        MSC_SCOPE(scope);
        open_scope = &scope;
        defer_letters(&scope, 0, 1);
        assert_int_equal(msc_defer(&scope, defer_more, &letters[1]), 0);
        defer_letters(&scope, 2, 1);
    }
    assert_string_equal(ran, "cblka");
}

static void run_a_scope_within(void *letter)
{
    uint64_t action = thread_self.action, scope_id = thread_self.scope;
    {
        MSC_SCOPE(inner);
        assert_int_equal(msc_defer(&inner, note, letter), 0);
        assert_int_not_equal(thread_self.scope, scope_id);
        assert_int_equal(thread_self.action, action);
    }
    assert_int_not_equal(ran_action, action);
    assert_int_equal(thread_self.action, action);
    assert_int_equal(thread_self.scope, scope_id);
}

static void test_scopes_and_actions_nest(void **state)
{
    (void)state;
    {
        MSC_SCOPE(outer);
        assert_int_equal(thread_self.scope, outer.id);
        assert_int_equal(msc_defer(&outer, run_a_scope_within, &letters[0]), 0);
        {
            MSC_SCOPE(inner);
            assert_int_equal(thread_self.scope, inner.id);
            defer_letters(&inner, 1, 1);
        }
        assert_string_equal(ran, "b");
        assert_int_equal(thread_self.scope, outer.id);
    }
    assert_string_equal(ran, "ba");
    assert_int_equal(thread_self.scope, 0);
    assert_int_equal(thread_self.action, 0);
}

static void *run_batch(void *batch)
{
    msc_batch_run(batch);
    return (void *)(uintptr_t)(thread_self.action | thread_self.scope);
}

static void check_handover(size_t count, const char *order)
{
    struct msc_batch *batch;
    uint64_t scope_id;
    ran[0] = '\0';
    {
        MSC_SCOPE(scope);
        scope_id = scope.id;
        defer_letters(&scope, 0, count);
        assert_int_equal(msc_scope_handover(&scope, &batch), 0);
        defer_letters(&scope, 19, 1); /* stays */
    }
    assert_string_equal(ran, "t");
    pthread_t thread;
    void *left;
    assert_int_equal(pthread_create(&thread, NULL, run_batch, batch), 0);
    pthread_join(thread, &left);
    assert_null(left);
    assert_string_equal(ran + 1, order);
    assert_int_equal(ran_scope, scope_id);
}

static void test_a_batch_runs_in_the_same_order_on_another_thread(void **state)
{
    (void)state;
    check_handover(3, "cba");
    check_handover(11, "kjihgfedcba"); /* from the heap */
}

static void test_a_dropped_batch_never_runs(void **state)
{
    (void)state;
    {
        MSC_SCOPE(scope);
        struct msc_batch *batch;
        assert_int_equal(msc_scope_handover(&scope, &batch), 0);
        assert_null(batch); /* there was nothing */
        defer_letters(&scope, 0, 2);
        assert_int_equal(msc_scope_handover(&scope, &batch), 0);
        msc_batch_drop(batch);
    }
    msc_batch_drop(NULL);
    msc_batch_run(NULL);
    assert_string_equal(ran, "");
}

static void assert_run(const struct msc_ev_defer_run *run, const struct msc_ev_defer_push *push)
{
    assert_int_equal(run->action, push->action);
    assert_int_equal(run->scope, push->scope);
    assert_int_equal(run->fn, push->fn);
    assert_int_equal(run->map, push->map);
    assert_int_equal(run->map_gen, push->map_gen);
    assert_int_equal(run->key_id, push->key_id);
    assert_int_equal(run->version, push->version);
}

static void test_the_trace_follows_an_action_from_push_to_end(void **state)
{
    (void)state;
    uint64_t scope_id;
    {
        MSC_SCOPE(scope);
        scope_id = scope.id;
        defer_letters(&scope, 0, 2);
    }
    const struct record *first = recorded(MSC_EVENT_DEFER_PUSH, 0);
    assert_int_equal(first->push.scope, scope_id);
    assert_int_equal(first->push.fn, (uintptr_t)note);
    assert_int_equal(first->push.map | first->push.map_gen | first->push.key_id | first->push.version, 0);
    assert_in_range(first->stack_leaf, (uintptr_t)defer_letters, (uintptr_t)defer_letters + 4096);
    const struct record *second = recorded(MSC_EVENT_DEFER_PUSH, 1);
    assert_int_not_equal(second->push.action, first->push.action);
    assert_run(&recorded(MSC_EVENT_DEFER_RUN_BEGIN, 0)->run, &second->push);
    assert_run(&recorded(MSC_EVENT_DEFER_RUN_END, 0)->run, &second->push);
    assert_run(&recorded(MSC_EVENT_DEFER_RUN_BEGIN, 1)->run, &first->push);
    assert_run(&recorded(MSC_EVENT_DEFER_RUN_END, 1)->run, &first->push);
    assert_int_equal(ran_action, first->push.action);
    static const enum msc_event order[] = {MSC_EVENT_DEFER_PUSH,      MSC_EVENT_DEFER_PUSH,
                                           MSC_EVENT_DEFER_RUN_BEGIN, MSC_EVENT_DEFER_RUN_END,
                                           MSC_EVENT_DEFER_RUN_BEGIN, MSC_EVENT_DEFER_RUN_END};
    assert_int_equal(record_count, 6);
    for (size_t i = 0; i < record_count; i++)
        assert_int_equal(records[i].event, order[i]);
}

static struct msc_map *make_map(enum msc_key_kind kind)
{
    struct msc_map_options options = {.struct_size = sizeof options, .key = kind};
    struct msc_map *map;
    assert_int_equal(msc_map_create(&options, &map), 0);
    return map;
}

static void test_a_bound_action_names_the_entry_that_it_saw(void **state)
{
    (void)state;
    struct msc_map *numbers = make_map(MSC_KEY_U64), *strings = make_map(MSC_KEY_BYTES);
    assert_int_equal(msc_map_assign_bytes(strings, "x", 1, NULL), 0);
    assert_int_equal(msc_map_assign_bytes(strings, "k", 1, NULL), 0);
    size_t accesses = recorded_count(MSC_EVENT_MAP_ACCESS);
    {
        MSC_SCOPE(scope);
        assert_int_equal(msc_defer_map_u64(&scope, note, letters, numbers, 5), 0);
        assert_int_equal(msc_defer_map_bytes(&scope, note, letters, strings, "k", 1), 0);
        assert_int_equal(msc_map_assign_bytes(strings, "k", 1, NULL), 0); /* replaced: version 3 */
        assert_int_equal(msc_defer_map_u64(&scope, note, letters, strings, 5), -EINVAL);
        assert_int_equal(msc_defer_map_u64(&scope, note, letters, NULL, 5), 0);
    }
    const struct msc_ev_defer_push *push = &recorded(MSC_EVENT_DEFER_PUSH, 0)->push;
    assert_int_equal(push->map, (uintptr_t)numbers);
    assert_int_equal(push->map_gen, numbers->identity.generation);
    assert_int_equal(push->key_id, hash_u64(5, 7));
    assert_int_equal(push->version, 0); /* absent */
    push = &recorded(MSC_EVENT_DEFER_PUSH, 1)->push;
    assert_int_equal(push->map, (uintptr_t)strings);
    assert_int_equal(push->key_id, hash_bytes("k", 1, 7));
    assert_int_equal(push->version, 2);
    assert_run(&recorded(MSC_EVENT_DEFER_RUN_BEGIN, 1)->run, push);
    assert_int_equal(recorded(MSC_EVENT_DEFER_PUSH, 2)->push.map, 0);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_ACCESS), accesses);
    assert_string_equal(ran, "aaa");
    msc_map_destroy(numbers);
    msc_map_destroy(strings);
}

/* An entry that nobody traced is not one that was absent. */
static void test_an_action_pushed_untraced_is_not_bound(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64);
    atomic_store(&gates[MSC_EVENT_DEFER_PUSH].state.on, 0);
    {
        MSC_SCOPE(scope);
        assert_int_equal(msc_defer_map_u64(&scope, note, letters, map, 5), 0);
    }
    const struct msc_ev_defer_run *run = &recorded(MSC_EVENT_DEFER_RUN_BEGIN, 0)->run;
    assert_int_not_equal(run->action, 0);
    assert_int_equal(run->action, ran_action);
    assert_int_equal(run->map | run->map_gen | run->key_id | run->version, 0);
    msc_map_destroy(map);
}

static void test_with_closed_gates_all_works_the_same(void **state)
{
    (void)state;
    recorder_close_gates();
    assert_int_equal(leave_early(0), 0);
    assert_string_equal(ran, "dcba");
    assert_int_not_equal(ran_action, 0);
    assert_int_not_equal(ran_scope, 0);
    check_handover(6, "fedcba");
    assert_int_equal(record_count, 0);
}

#define scope_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        scope_test(test_actions_run_last_in_first_out_on_every_way_out),
        scope_test(test_a_closed_scope_runs_nothing_twice_and_takes_nothing),
        scope_test(test_an_action_needs_a_function),
        scope_test(test_more_actions_than_fit_inline_keep_their_order),
        scope_test(test_without_memory_a_scope_stays_as_it_was),
        scope_test(test_actions_registered_by_an_action_run_next),
        scope_test(test_scopes_and_actions_nest),
        scope_test(test_a_batch_runs_in_the_same_order_on_another_thread),
        scope_test(test_a_dropped_batch_never_runs),
        scope_test(test_the_trace_follows_an_action_from_push_to_end),
        scope_test(test_a_bound_action_names_the_entry_that_it_saw),
        scope_test(test_an_action_pushed_untraced_is_not_bound),
        scope_test(test_with_closed_gates_all_works_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
