/* The profiles of contention: who is charged, what it is called, and what the comments say. */
#include "model/profile_fixture.h"

static void test_mutex_profile_charges_releasers_and_the_handoff(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct profile *profile = profile_of(&f, CONTENTION_PROFILE_MUTEX);
    assert_int_equal(profile->sample_count, 4);
    assert_sample(profile, 0, "key_hash+cache_put;handle_request;main", 10, 1500000000);
    assert_sample(profile, 1, "cache_remove(int);main", 3, 200);
    assert_sample(profile, 2, "[lock handoff]", 0, 777);
    assert_sample(profile, 3, "key_hash+cache_put;main", 1, 300);
    assert_string_equal(label_of(profile, &profile->samples[0], "lock"), "session table");
    assert_string_equal(label_of(profile, &profile->samples[0], "kind"), "mutex");
    assert_string_equal(label_of(profile, &profile->samples[0], "mode"), "exclusive");
    assert_string_equal(label_of(profile, &profile->samples[0], "pid"), "100");
    assert_string_equal(label_of(profile, &profile->samples[0], "process"), "server");
    assert_string_equal(label_of(profile, &profile->samples[2], "lock"), "session table");
    assert_string_equal(label_of(profile, &profile->samples[3], "lock"), "0x8000");
    assert_string_equal(label_of(profile, &profile->samples[3], "mode"), "shared");
    assert_null(label_of(profile, &profile->samples[0], "result"));
    profile_destroy(profile);
    fixture_fini(&f);
}

static void test_block_profile_splits_waits_by_result_and_bucket(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct profile *profile = profile_of(&f, CONTENTION_PROFILE_BLOCK);
    assert_int_equal(profile->sample_count, 4);
    assert_sample(profile, 0, "key_hash+cache_put;handle_request;main", 2, 3000);
    assert_sample(profile, 1, "key_hash+cache_put;handle_request;main", 4, 1000000000);
    assert_sample(profile, 2, "handle_request;main", 1, 499997977);
    assert_sample(profile, 3, "key_hash+cache_put;0x123455;main", 1, 300);
    assert_string_equal(label_of(profile, &profile->samples[0], "wait_bucket"), "1us-2us");
    assert_string_equal(label_of(profile, &profile->samples[1], "wait_bucket"), "200ms-500ms");
    assert_string_equal(label_of(profile, &profile->samples[1], "result"), "acquired");
    assert_string_equal(label_of(profile, &profile->samples[2], "result"), "timeout");
    profile_destroy(profile);
    fixture_fini(&f);
}

static void test_labels_of_thread_map_and_kind_are_told_where_they_are_known(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.locks[0].map = "sessions";
    f.parts[5].kind = CONTENTION_COND;
    struct profile *profile = profile_of(&f, CONTENTION_PROFILE_MUTEX);
    assert_string_equal(label_of(profile, &profile->samples[0], "thread"), "phone");
    assert_null(label_of(profile, &profile->samples[1], "thread"));
    assert_string_equal(label_of(profile, &profile->samples[1], "kind"), "cond");
    assert_string_equal(label_of(profile, &profile->samples[2], "kind"), "mutex");
    assert_string_equal(label_of(profile, &profile->samples[2], "map"), "sessions");
    assert_null(label_of(profile, &profile->samples[3], "map"));
    profile_destroy(profile);
    fixture_fini(&f);
}

static void test_what_has_not_ended_is_still_held_and_still_waited_for(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.locks[1].still_held_ns = f.view.still_held_ns = 5000;
    f.locks[1].holder = "hog";
    f.locks[1].still_waiters = &f.sites[3]; /* as if it still waited */
    f.locks[1].still_waiter_count = 1;
    struct profile *mutex = profile_of(&f, CONTENTION_PROFILE_MUTEX), *block = profile_of(&f, CONTENTION_PROFILE_BLOCK);
    assert_sample(mutex, 4, "[still held]", 1, 5000);
    assert_string_equal(label_of(mutex, &mutex->samples[4], "thread"), "hog");
    assert_string_equal(label_of(mutex, &mutex->samples[4], "lock"), "0x8000");
    assert_sample(block, 4, "[still waiting];handle_request;main", 1, 499997977);
    assert_string_equal(label_of(block, &block->samples[4], "result"), "still waiting");
    profile_destroy(mutex);
    profile_destroy(block);
    fixture_fini(&f);
}

static void test_why_a_module_has_no_names_is_told_once(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.sites[1].stack = fixture_stack(&f, SERVER, (uint64_t[]){IN_UNLOCK, IN_REMOVE, IN_LOCK, IN_MAIN}, 4);
    struct profile *profile = profile_of(&f, CONTENTION_PROFILE_MUTEX);
    assert_true(has_comment(profile, "symbols: /usr/lib/libmapscope.so.0: no debug information"));
    profile_destroy(profile);
    fixture_fini(&f);
}

static void test_hold_profile_has_holds_of_every_length(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct profile *empty = profile_of(&f, CONTENTION_PROFILE_HOLD);
    assert_true(has_comment(empty, "empty: holds are recorded only with mapscope record --hold"));
    profile_destroy(empty);
    f.locks[0].holds = &f.sites[0];
    f.locks[0].hold_count = 2;
    f.view.holds = 13;
    struct profile *profile = profile_of(&f, CONTENTION_PROFILE_HOLD);
    assert_int_equal(profile->sample_count, 2); /* no hand-off: nobody held the lock */
    assert_sample(profile, 0, "key_hash+cache_put;handle_request;main", 10, 1500000000);
    assert_string_equal(text(profile, profile->value_types[0].type), "holds");
    assert_string_equal(text(profile, profile->value_types[1].type), "hold");
    assert_string_equal(text(profile, profile->default_value_type), "hold");
    assert_string_equal(text(profile, profile->period_type.type), "holds");
    profile_destroy(profile);
    fixture_fini(&f);
}

static void test_the_interval_of_the_total_and_of_the_largest_sites_is_told(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.view.mutex_variance = 1e12;
    f.sites[0].delay_variance = 4e10;
    f.sites[0].count_variance = 4;
    struct profile *profile = profile_of(&f, CONTENTION_PROFILE_MUTEX);
    assert_true(has_comment(profile, "95 % interval: total 1500001277 ns +- 1959964 ns"));
    assert_true(has_comment(profile, "control total: 1500000977 ns, difference 300 ns"));
    assert_true(has_comment(profile, "95 % interval: site 1: 1500000000 ns +- 391993 ns, 10 +- 4 times: key_hash, "
                                     "lock session table"));
    assert_true(has_comment(profile, "95 % interval: site 2: 300 ns +- 0 ns, 1 +- 0 times: key_hash, lock 0x8000"));
    assert_true(has_comment(profile, "95 % interval: site 3: 200 ns +- 0 ns, 3 +- 0 times: cache_remove(int), "
                                     "lock session table"));
    profile_destroy(profile);
    fixture_fini(&f);
}

static void test_mutex_and_block_profile_add_up_to_the_same(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct profile *mutex = profile_of(&f, CONTENTION_PROFILE_MUTEX), *block = profile_of(&f, CONTENTION_PROFILE_BLOCK);
    assert_int_equal(total_delay(mutex), 1500001277);
    assert_int_equal(total_delay(block), 1500001277);
    profile_destroy(mutex);
    profile_destroy(block);
    fixture_fini(&f);
}

static const struct symbol_location *resolve_inlined_lock(void *self, uint32_t pid, uint64_t return_address,
                                                          uint64_t time_ns)
{
    static const struct symbol_frame frames[] = {FRAME("msc_mutex_unlock", 3, 1), FRAME("cache_put", 12, 10)};
    static const struct symbol_location location = LOCATION(IN_UNLOCK, NULL, frames);
    return return_address == IN_UNLOCK ? &location : fixture_resolve(self, pid, return_address, time_ns);
}

static void test_a_lock_function_inlined_into_the_users_is_cut_out_of_it(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.symbols.resolve = resolve_inlined_lock;
    struct profile *profile = profile_of(&f, CONTENTION_PROFILE_MUTEX);
    assert_sample(profile, 1, "cache_put;cache_remove(int);main", 3, 200);
    profile_destroy(profile);
    fixture_fini(&f);
}

static void test_header_is_what_pprof_and_pyroscope_expect(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct profile *profile = profile_of(&f, CONTENTION_PROFILE_MUTEX);
    assert_int_equal(profile->value_type_count, 2);
    assert_string_equal(text(profile, profile->value_types[0].type), "contentions");
    assert_string_equal(text(profile, profile->value_types[0].unit), "count");
    assert_string_equal(text(profile, profile->value_types[1].type), "delay");
    assert_string_equal(text(profile, profile->value_types[1].unit), "nanoseconds");
    assert_string_equal(text(profile, profile->default_value_type), "delay");
    assert_string_equal(text(profile, profile->period_type.type), "contentions");
    assert_int_equal(profile->period, 1);
    assert_int_equal(profile->time_ns, 1700000000000000000);
    assert_int_equal(profile->duration_ns, 2000000000);
    assert_true(has_comment(profile, "sampling: bernoulli, n=1, R=0 ns; values are un-sampled"));
    assert_true(has_comment(profile, "exact totals: 7 contended of 5000 lock operations, 1500000977 ns waited, "
                                     "longest 499997977 ns"));
    assert_true(has_comment(profile,
                            "conservation: charged 1500000500 ns + hand-off 777 ns + still held 0 ns against waited "
                            "1500001277 ns + still waiting 0 ns, difference 0 ns"));
    profile_destroy(profile);
    fixture_fini(&f);
}

static void test_losses_are_told(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct profile *profile = profile_of(&f, CONTENTION_PROFILE_MUTEX);
    assert_true(has_comment(profile, "losses: none"));
    profile_destroy(profile);
    f.losses.discarded_events = 5;
    f.losses.dropped_by_runtime = 2;
    f.losses.known_traces = 1;
    f.losses.cut_stacks = 7;
    f.losses.end = LOSSES_END_DAEMON;
    profile = profile_of(&f, CONTENTION_PROFILE_MUTEX);
    assert_true(has_comment(profile, "losses: 5 events discarded, 0 packets lost, 0 damaged, 0 streams and 0 traces "
                                     "skipped, 1 traces read without metadata of their own, 2 waits or charges "
                                     "dropped by the runtime"));
    assert_true(has_comment(profile, "7 stacks are not complete: they begin at [stack cut]"));
    assert_true(has_comment(profile, losses_end_text(LOSSES_END_DAEMON)));
    profile_destroy(profile);
    fixture_fini(&f);
}

static void test_main_binary_is_the_first_mapping(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct profile *profile = profile_of(&f, CONTENTION_PROFILE_MUTEX);
    assert_int_equal(profile->mapping_count, 3); /* server, [mapscope], server of the other process */
    const struct profile_mapping *main = &profile->mappings[0];
    assert_string_equal(text(profile, main->file), "/opt/app/server");
    assert_string_equal(text(profile, main->build_id), "c0ffee");
    assert_int_equal(main->start, 0x401000);
    assert_int_equal(main->limit, 0x402000);
    assert_int_equal(main->file_offset, 0x1000);
    assert_true(main->has_functions && main->has_files && main->has_lines && main->has_inlines);
    assert_string_equal(text(profile, profile->mappings[1].file), "[mapscope]");
    assert_string_equal(text(profile, profile->mappings[2].file), "/opt/app/server");
    profile_destroy(profile);
    fixture_fini(&f);
}

static void test_locations_are_call_addresses_one_for_each_process(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct profile *profile = profile_of(&f, CONTENTION_PROFILE_MUTEX);
    size_t puts = 0;
    for (size_t i = 0; i < profile->location_count; i++) {
        const struct profile_location *location = &profile->locations[i];
        puts += location->address == IN_PUT - 1;
        assert_int_not_equal(location->address, IN_UNLOCK - 1); /* ours: trimmed */
    }
    assert_int_equal(puts, 2);
    const struct profile_location *leaf = &profile->locations[profile->sample_locations[0] - 1];
    assert_int_equal(leaf->line_count, 2);
    assert_int_equal(profile->lines[leaf->first_line].line, 7); /* innermost first */
    assert_int_equal(profile->lines[leaf->first_line + 1].line, 12);
    const struct profile_function *outer = &profile->functions[profile->lines[leaf->first_line + 1].function - 1];
    assert_string_equal(text(profile, outer->file), "session_cache.c");
    assert_int_equal(outer->start_line, 10);
    profile_destroy(profile);
    fixture_fini(&f);
}

static void test_mangled_names_are_kept_beside_the_readable(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct profile *profile = profile_of(&f, CONTENTION_PROFILE_MUTEX);
    const char *mangled = NULL;
    for (size_t i = 0; i < profile->function_count; i++)
        if (strcmp(text(profile, profile->functions[i].name), "cache_remove(int)") == 0)
            mangled = text(profile, profile->functions[i].system_name);
    assert_non_null(mangled);
    assert_string_equal(mangled, "_Z12cache_removei");
    profile_destroy(profile);
    fixture_fini(&f);
}

static void test_an_empty_profile_is_valid_and_says_why(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_empty(&f);
    struct profile *profile = profile_of(&f, CONTENTION_PROFILE_MUTEX);
    assert_int_equal(profile->sample_count, 0);
    assert_string_equal(text(profile, profile->mappings[0].file), "/opt/app/server");
    assert_true(has_comment(profile, "exact totals: 0 contended of 5000 lock operations, 0 ns waited, longest 0 ns"));
    profile_destroy(profile);
    f.view.totals.ops = 0; /* a program that was killed has not told */
    profile = profile_of(&f, CONTENTION_PROFILE_MUTEX);
    assert_true(has_comment(profile, "exact totals: 0 contended of an unknown number of lock operations, 0 ns waited, "
                                     "longest 0 ns"));
    profile_destroy(profile);
    f.view = (struct contention_view){0};
    profile = profile_of(&f, CONTENTION_PROFILE_BLOCK);
    assert_true(has_comment(profile, "empty: no lock events among 1234 events of the trace"));
    profile_destroy(profile);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutex_profile_charges_releasers_and_the_handoff),
        cmocka_unit_test(test_block_profile_splits_waits_by_result_and_bucket),
        cmocka_unit_test(test_labels_of_thread_map_and_kind_are_told_where_they_are_known),
        cmocka_unit_test(test_what_has_not_ended_is_still_held_and_still_waited_for),
        cmocka_unit_test(test_why_a_module_has_no_names_is_told_once),
        cmocka_unit_test(test_hold_profile_has_holds_of_every_length),
        cmocka_unit_test(test_the_interval_of_the_total_and_of_the_largest_sites_is_told),
        cmocka_unit_test(test_mutex_and_block_profile_add_up_to_the_same),
        cmocka_unit_test(test_a_lock_function_inlined_into_the_users_is_cut_out_of_it),
        cmocka_unit_test(test_header_is_what_pprof_and_pyroscope_expect),
        cmocka_unit_test(test_losses_are_told),
        cmocka_unit_test(test_main_binary_is_the_first_mapping),
        cmocka_unit_test(test_locations_are_call_addresses_one_for_each_process),
        cmocka_unit_test(test_mangled_names_are_kept_beside_the_readable),
        cmocka_unit_test(test_an_empty_profile_is_valid_and_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
