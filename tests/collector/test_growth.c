/* Growth, told by hand: which of it is a burst, what it is said to have cost, and growth under an iteration. */
#include "support/cmocka_main.h"

#include <string.h>

#include "collector/analyses/growth.h"

enum { PID = 100, TID = 7, MAP = 0x1000, SHARDED = 3, MS = 1000000 };

struct story {
    struct stacks *stacks;
    struct findings findings;
    struct live_maps *maps;
    struct growth *growth;
    uint64_t map; /* that the events are about */
};

static void apply(struct story *story, enum event_kind kind, uint64_t time_ns, struct event event)
{
    static const uint64_t pcs[] = {0x401000, 0x402000}, iteration_pcs[] = {0x403000};
    bool iterates = kind == EVENT_MAP_ITER_END;
    event.kind = kind;
    event.pid = PID;
    event.tid = TID;
    event.time_ns = time_ns;
    if (kind == EVENT_MAP_ASSIGN || iterates)
        event.stack = (struct event_stack){.pcs = iterates ? iteration_pcs : pcs, .count = iterates ? 1 : 2};
    struct sighting sighting;
    assert_int_equal(live_maps_see(story->maps, &event, &sighting), 0);
    assert_int_equal(growth_apply(story->growth, &sighting), 0);
    live_maps_leave(story->maps, &sighting);
}

static void alloc(struct story *story, uint64_t map, uint32_t flavor)
{
    story->map = map;
    apply(story, EVENT_MAP_ALLOC, 1,
          (struct event){.map_life = {.map = {map, 1}, .name = {"sessions", 8}, .flavor = flavor}});
}

static void begin(struct story *story)
{
    *story = (struct story){0};
    assert_int_equal(stacks_create(&story->stacks), 0);
    findings_init(&story->findings);
    assert_int_equal(live_maps_create(story->stacks, &story->maps), 0);
    assert_int_equal(growth_create(story->maps, &story->findings, &story->growth), 0);
    alloc(story, MAP, 0);
}

static size_t finish(struct story *story)
{
    assert_int_equal(growth_finish(story->growth), 0);
    return story->findings.count;
}

static void end(struct story *story)
{
    live_maps_destroy(story->maps);
    growth_destroy(story->growth);
    findings_fini(&story->findings);
    stacks_destroy(story->stacks);
}

/* An assign of a new key that begins to grow the map at `time_ns`; the growth is over 5 us later. */
static void grow(struct story *story, uint64_t time_ns, uint32_t old_B, uint64_t count)
{
    struct event_object map = {story->map, 1};
    apply(story, EVENT_MAP_GROW, time_ns,
          (struct event){.map_grow = {.map = map, .old_B = old_B, .new_B = old_B + 1, .count = count}});
    apply(story, EVENT_MAP_ASSIGN, time_ns + 20,
          (struct event){.map_op = {.map = map, .rate = 1, .begin_ns = time_ns - 10, .end_ns = time_ns + 10}});
    apply(story, EVENT_MAP_GROW_END, time_ns + 5000,
          (struct event){.map_grow_end = {.map = map, .moved = count, .evac_ns = 1500}});
}

/* Five doublings, a millisecond apart, from 2^4 buckets: 104 + 208 + 416 + 832 + 1664 entries are moved. */
static void fill(struct story *story, uint64_t from_ns)
{
    for (uint32_t i = 0; i < 5; i++)
        grow(story, from_ns + i * (uint64_t)MS, 4 + i, (uint64_t)104 << i);
}

static void insert(struct story *story, uint32_t rate)
{
    apply(story, EVENT_MAP_ASSIGN, 100 * MS,
          (struct event){.map_op = {.map = {story->map, 1}, .rate = rate, .begin_ns = 99 * MS, .end_ns = 100 * MS}});
}

static void test_a_burst_is_told_with_what_it_cost_and_what_would_spare_it(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    fill(&story, MS);
    insert(&story, 1); /* besides the one that grew it last: 1666 */
    apply(&story, EVENT_MAP_DELETE, 101 * MS, (struct event){.map_op = {.map = {MAP, 1}, .rate = 1, .found = true}});
    insert(&story, 1);
    assert_int_equal(finish(&story), 1);
    const struct finding *finding = &story.findings.items[0];
    assert_int_equal(finding->kind, FINDING_GROWTH_BURST);
    assert_int_equal(finding->severity, FINDING_CERTAIN);
    assert_string_equal(finding->map_name, "sessions");
    assert_int_equal(finding->map.address, MAP);
    assert_string_equal(finding->figures,
                        "It grew 5 times within 4005 us, from 2^4 to 2^9 buckets, and moved 3224 entries, which took 7 "
                        "us. It held 1666 at the most: with room for as many from the start it does not grow at all.");
    assert_int_equal(finding->operation_count, 2);
    assert_int_equal(finding->operations[0].begin_ns, MS);
    assert_int_equal(finding->operations[1].begin_ns, 5 * MS);
    assert_int_equal(finding->operations[0].tid, TID);
    assert_int_equal(stacks_get(story.stacks, finding->operations[0].stack).pcs[0], 0x401000);
    assert_int_equal(finding->operations[1].stack, finding->operations[0].stack);
    end(&story);
}

static void test_it_is_told_when_the_map_goes_and_knows_what_it_held(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    fill(&story, MS);
    apply(&story, EVENT_MAP_FREE, 200 * MS, (struct event){.map_life = {.map = {MAP, 1}, .count = 3000}});
    assert_int_equal(story.findings.count, 1);
    assert_non_null(strstr(story.findings.items[0].figures, "It held 3000 at the most"));
    assert_int_equal(finish(&story), 1);
    end(&story);
}

static void test_of_sampled_keys_none_is_counted(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    fill(&story, MS);
    insert(&story, 10);
    finish(&story);
    assert_non_null(strstr(story.findings.items[0].figures, "It held 1665 at the most"));
    end(&story);
}

static void test_slow_small_or_sparse_growth_is_no_burst(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    for (uint32_t i = 0; i < 8; i++) /* too slow */
        grow(&story, (i + 1) * ((uint64_t)GROWTH_GAP_NS + 1), 4 + i, (uint64_t)104 << i);
    alloc(&story, 0x2000, 0);
    for (uint32_t i = 0; i < 6; i++) /* 8 + 16 + ... + 256: too few entries */
        grow(&story, MS, i, (uint64_t)8 << i);
    alloc(&story, 0x3000, 0);
    for (uint32_t i = 0; i < 3; i++) /* too few times */
        grow(&story, MS, 10 + i, (uint64_t)6656 << i);
    alloc(&story, 0x4000, SHARDED);
    fill(&story, MS);
    alloc(&story, 0x5000, 0);
    for (int i = 0; i < 9; i++)
        apply(
            &story, EVENT_MAP_GROW, MS,
            (struct event){.map_grow = {.map = {0x5000, 1}, .old_B = 9, .new_B = 9, .count = 900, .same_size = true}});
    assert_int_equal(finish(&story), 0);
    end(&story);
}

static void test_two_bursts_of_a_map_and_those_of_others_from_the_same_place_are_one(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    fill(&story, MS);
    fill(&story, 2 * (uint64_t)GROWTH_GAP_NS);
    alloc(&story, 0x2000, 0);
    fill(&story, MS);
    assert_int_equal(finish(&story), 1);
    assert_int_equal(story.findings.items[0].times, 3);
    end(&story);
}

static void test_of_a_table_that_is_not_ours_no_function_of_ours_is_named(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    alloc(&story, 0x2000, LIVE_MAP_FOREIGN);
    fill(&story, MS);
    assert_int_equal(finish(&story), 1);
    assert_null(strstr(story.findings.items[0].sentence, "msc_"));
    end(&story);
}

static void test_growth_under_an_iteration_names_both(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    struct event iteration = {.map_iter = {.map = {MAP, 1}, .iter = 5, .count = 110, .visited = 104, .grew = true}};
    grow(&story, MS, 4, 104);
    apply(&story, EVENT_MAP_ITER_END, 2 * MS, iteration);
    apply(&story, EVENT_MAP_ITER_END, 3 * MS, iteration);
    iteration.map_iter.grew = false;
    apply(&story, EVENT_MAP_ITER_END, 4 * MS, iteration);
    assert_int_equal(finish(&story), 1);
    const struct finding *finding = &story.findings.items[0];
    assert_int_equal(finding->kind, FINDING_GROWTH_IN_ITERATION);
    assert_int_equal(finding->times, 2);
    assert_string_equal(finding->figures, "It had handed out 104 entries, of 110 that there were at its end.");
    assert_string_equal(finding->operations[0].verb, "grow");
    assert_int_equal(stacks_get(story.stacks, finding->operations[0].stack).pcs[0], 0x401000);
    assert_string_equal(finding->operations[1].verb, "iteration ends");
    assert_int_equal(finding->operations[1].begin_ns, 2 * MS);
    assert_int_equal(stacks_get(story.stacks, finding->operations[1].stack).pcs[0], 0x403000);
    end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_burst_is_told_with_what_it_cost_and_what_would_spare_it),
        cmocka_unit_test(test_it_is_told_when_the_map_goes_and_knows_what_it_held),
        cmocka_unit_test(test_of_sampled_keys_none_is_counted),
        cmocka_unit_test(test_slow_small_or_sparse_growth_is_no_burst),
        cmocka_unit_test(test_two_bursts_of_a_map_and_those_of_others_from_the_same_place_are_one),
        cmocka_unit_test(test_of_a_table_that_is_not_ours_no_function_of_ours_is_named),
        cmocka_unit_test(test_growth_under_an_iteration_names_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
