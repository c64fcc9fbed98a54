/* The profile builder, the profiles of contention, and every rule that profile_validate holds. */
#include "model/contention_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/contention_profile.h"
#include "model/profile_builder.h"

static const char *text(const struct profile *profile, str_id id)
{
    return strtab_text(profile->strings, id);
}

static struct profile *profile_of(const struct fixture *f, enum contention_profile_kind kind)
{
    struct contention_profile_input input = {.view = &f->view,
                                             .stacks = f->stacks,
                                             .symbols = &f->symbols,
                                             .processes = &f->processes,
                                             .losses = &f->losses,
                                             .end_epoch_ns = 1700000000000000000,
                                             .duration_ns = 2000000000};
    struct profile *profile;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(contention_profile_create(&input, kind, &profile), 0);
    int error = profile_validate(profile, &diag);
    assert_string_equal(diag_text(&diag), "");
    assert_int_equal(error, 0);
    return profile;
}

static const char *label_of(const struct profile *profile, const struct profile_sample *sample, const char *key)
{
    for (size_t i = 0; i < sample->label_count; i++) {
        const struct profile_label *label = &profile->labels[sample->first_label + i];
        if (label->text && strcmp(text(profile, label->key), key) == 0)
            return text(profile, label->text);
    }
    return NULL;
}

/* The stack as "leaf;caller;...", frames of one location joined by '+'. */
static const char *stack_of(const struct profile *profile, const struct profile_sample *sample)
{
    static char out[512];
    out[0] = '\0';
    for (size_t i = 0; i < sample->location_count; i++) {
        const struct profile_location *location =
            &profile->locations[profile->sample_locations[sample->first_location + i] - 1];
        strcat(out, i ? ";" : "");
        for (size_t j = 0; j < location->line_count; j++) {
            strcat(out, j ? "+" : "");
            strcat(out, text(profile, profile->functions[profile->lines[location->first_line + j].function - 1].name));
        }
    }
    return out;
}

static void assert_sample(const struct profile *profile, size_t index, const char *stack, int64_t count, int64_t delay)
{
    assert_true(index < profile->sample_count);
    assert_string_equal(stack_of(profile, &profile->samples[index]), stack);
    assert_int_equal(profile->samples[index].values[0], count);
    assert_int_equal(profile->samples[index].values[1], delay);
}

static int64_t total_delay(const struct profile *profile)
{
    int64_t sum = 0;
    for (size_t i = 0; i < profile->sample_count; i++)
        sum += profile->samples[i].values[1];
    return sum;
}

static bool has_comment(const struct profile *profile, const char *comment)
{
    for (size_t i = 0; i < profile->comment_count; i++)
        if (strcmp(text(profile, profile->comments[i]), comment) == 0)
            return true;
    return false;
}

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

/* The builder by itself */

static struct profile_builder *new_builder(void)
{
    struct profile_builder *builder;
    assert_int_equal(profile_builder_create(&builder), 0);
    profile_builder_value_type(builder, "contentions", "count");
    profile_builder_value_type(builder, "delay", "nanoseconds");
    profile_builder_period(builder, "contentions", "count", 1);
    profile_builder_time(builder, 1, 0);
    return builder;
}

static struct profile *finish(struct profile_builder *builder)
{
    struct profile *profile;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(profile_builder_finish(builder, &profile), 0);
    int error = profile_validate(profile, &diag);
    assert_string_equal(diag_text(&diag), "");
    assert_int_equal(error, 0);
    return profile;
}

static void add_sample(struct profile_builder *builder, const char *lock, int64_t delay)
{
    profile_builder_frame(builder, SERVER, &fixture_locations[2], 0);
    profile_builder_frame(builder, SERVER, &fixture_locations[5], 0);
    profile_builder_label(builder, "lock", lock);
    profile_builder_sample(builder, (int64_t[]){1, delay});
}

static void test_equal_samples_become_one_and_labels_keep_apart(void **state)
{
    (void)state;
    struct profile_builder *builder = new_builder();
    add_sample(builder, "a", 5);
    add_sample(builder, "b", 7);
    add_sample(builder, "a", 11);
    struct profile *profile = finish(builder);
    assert_int_equal(profile->sample_count, 2);
    assert_sample(profile, 0, "key_hash+cache_put;main", 2, 16);
    assert_sample(profile, 1, "key_hash+cache_put;main", 1, 7);
    assert_int_equal(profile->location_count, 2);
    assert_int_equal(profile->function_count, 3);
    profile_destroy(profile);
}

static void test_values_saturate_instead_of_turning_negative(void **state)
{
    (void)state;
    struct profile_builder *builder = new_builder();
    add_sample(builder, "a", INT64_MAX);
    add_sample(builder, "a", 1);
    struct profile *profile = finish(builder);
    assert_int_equal(profile->samples[0].values[1], INT64_MAX);
    profile_destroy(profile);
}

static void test_strings_become_utf8_of_bounded_length(void **state)
{
    (void)state;
    enum { LONG = 3000 };
    char *name = malloc(LONG + 1);
    assert_non_null(name);
    for (size_t i = 0; i < LONG; i += 2)
        memcpy(name + i, "\xc3\xa9", 2); /* é: a cut at an odd byte would break one */
    name[LONG] = '\0';
    struct profile_builder *builder = new_builder();
    add_sample(builder, "bad \xff\xfe name", 1);
    add_sample(builder, name, 2);
    struct profile *profile = finish(builder);
    assert_string_equal(label_of(profile, &profile->samples[0], "lock"), "bad \xef\xbf\xbd\xef\xbf\xbd name");
    const char *cut = label_of(profile, &profile->samples[1], "lock");
    assert_int_equal(strlen(cut), 2047);
    assert_string_equal(cut + 2044, "...");
    profile_destroy(profile);
    free(name);
}

static void test_pseudo_frames_have_addresses_of_their_own(void **state)
{
    (void)state;
    struct profile_builder *builder = new_builder();
    profile_builder_pseudo_frame(builder, "[lock handoff]");
    profile_builder_sample(builder, (int64_t[]){0, 1});
    profile_builder_sample(builder, (int64_t[]){0, 2}); /* no frames at all */
    struct profile *profile = finish(builder);
    assert_sample(profile, 0, "[lock handoff]", 0, 1);
    assert_sample(profile, 1, "[unknown stack]", 0, 2);
    assert_int_not_equal(profile->locations[0].address, profile->locations[1].address);
    profile_destroy(profile);
}

static void test_too_many_samples_are_summed_without_changing_the_total(void **state)
{
    (void)state;
    struct profile_builder *builder = new_builder();
    int64_t total = 0;
    for (int64_t i = 0; i < PROFILE_SAMPLES_MAX + 5; i++) {
        char lock[24];
        snprintf(lock, sizeof lock, "lock %d", (int)i);
        add_sample(builder, lock, i);
        total += i;
    }
    struct profile *profile = finish(builder);
    assert_int_equal(profile->sample_count, PROFILE_SAMPLES_MAX);
    assert_int_equal(profile->samples[0].values[1], PROFILE_SAMPLES_MAX + 4); /* the largest are kept */
    assert_sample(profile, PROFILE_SAMPLES_MAX - 1, "[smaller samples]", 6, 0 + 1 + 2 + 3 + 4 + 5);
    assert_int_equal(total_delay(profile), total);
    assert_true(has_comment(profile, "6 small samples are summed as [smaller samples]"));
    profile_destroy(profile);
}

static void test_an_inlined_leaf_can_be_left_out(void **state)
{
    (void)state;
    struct profile_builder *builder = new_builder();
    profile_builder_frame(builder, SERVER, &fixture_locations[2], 1);
    profile_builder_sample(builder, (int64_t[]){1, 1});
    add_sample(builder, "a", 5);
    struct profile *profile = finish(builder);
    assert_sample(profile, 0, "cache_put", 1, 1);
    assert_sample(profile, 1, "key_hash+cache_put;main", 1, 5);
    profile_destroy(profile);
}

/* What a damaged trace says costs itself, not the profile. */

static void test_a_frame_where_no_code_lies_stands_by_its_name(void **state)
{
    (void)state;
    static const struct symbol_frame frame = {.function = "0x0", .system_name = "0x0", .file = ""};
    static const struct symbol_location nowhere = {.frames = &frame, .frame_count = 1};
    struct profile_builder *builder = new_builder();
    profile_builder_frame(builder, SERVER, &nowhere, 0);
    add_sample(builder, "a", 5);
    struct profile *profile = finish(builder);
    assert_sample(profile, 0, "0x0;key_hash+cache_put;main", 1, 5);
    profile_destroy(profile);
}

static void test_a_time_that_is_none_becomes_one(void **state)
{
    (void)state;
    struct profile_builder *builder = new_builder();
    profile_builder_time(builder, -5, INT64_MIN);
    struct profile *profile = finish(builder);
    assert_int_equal(profile->time_ns, 1);
    assert_int_equal(profile->duration_ns, 0);
    profile_destroy(profile);
}

static void test_a_main_binary_that_ends_behind_all_memory_is_cut(void **state)
{
    (void)state;
    struct process_module module = {.base = 0x1000, .size = UINT64_MAX, .path = (char[]){"/bin/x"}};
    struct profile_builder *builder;
    assert_int_equal(profile_builder_create(&builder), 0);
    profile_builder_main(builder, SERVER, &module);
    profile_builder_value_type(builder, "delay", "nanoseconds");
    profile_builder_period(builder, "contentions", "count", 1);
    profile_builder_time(builder, 1, 0);
    struct profile *profile = finish(builder);
    assert_true(profile->mappings[0].limit == UINT64_MAX);
    profile_destroy(profile);
}

/* Validation */

struct breakage {
    const char *violation;
    void (*make)(struct profile *profile);
};

static str_id add_string(struct profile *profile, const char *bytes, size_t length)
{
    str_id id;
    assert_int_equal(strtab_intern(profile->strings, bytes, length, &id), 0);
    return id;
}

static str_id long_string(struct profile *profile, size_t length)
{
    char *bytes = malloc(length);
    assert_non_null(bytes);
    memset(bytes, 'x', length);
    str_id id = add_string(profile, bytes, length);
    free(bytes);
    return id;
}

#define BREAK(name, statement)                                                                                         \
    static void break_##name(struct profile *p)                                                                        \
    {                                                                                                                  \
        statement;                                                                                                     \
    }
BREAK(utf8, add_string(p, "\xff", 1))
BREAK(string_length, long_string(p, 65536))
BREAK(no_types, p->value_type_count = 0)
BREAK(five_types, p->value_type_count = 5)
BREAK(type_string, p->value_types[0].type = 9999)
BREAK(type_name, p->value_types[0].type = 0)
BREAK(type_unit, p->value_types[1].unit = 0)
BREAK(dash, p->value_types[0].type = add_string(p, "lock-waits", 10))
BREAK(default_type, p->default_value_type = add_string(p, "hold", 4))
BREAK(period_type, p->period_type.type = 0)
BREAK(period, p->period = 0)
BREAK(time, p->time_ns = 0)
BREAK(duration, p->duration_ns = -1)
BREAK(drop_frames, p->drop_frames = 9999)
BREAK(comment, p->comments[0] = 9999)
BREAK(empty_mapping, p->mappings[0].limit = p->mappings[0].start)
BREAK(mapping_string, p->mappings[0].file = 9999)
BREAK(build_id, p->mappings[0].build_id = add_string(p, "C0FFEE", 6))
BREAK(function_string, p->functions[0].file = 9999)
BREAK(function_name, p->functions[0].name = 0)
BREAK(line_function, p->lines[0].function = (uint32_t)p->function_count + 1)
BREAK(line_no_function, p->lines[0].function = 0)
BREAK(location_mapping, p->locations[0].mapping = (uint32_t)p->mapping_count + 1)
BREAK(no_address, p->locations[0].address = 0)
BREAK(outside, p->locations[0].address = p->mappings[0].limit)
BREAK(location_lines, p->locations[0].line_count = 9999)
BREAK(no_function, p->locations[0].line_count = 0)
BREAK(many_samples, p->sample_count = 16001)
BREAK(no_location, p->samples[1].location_count = 0)
BREAK(sample_range, p->samples[1].first_location = 9999)
BREAK(sample_location, p->sample_locations[p->samples[1].first_location] = 9999)
BREAK(sample_zero_location, p->sample_locations[p->samples[1].first_location] = 0)
BREAK(negative, p->samples[1].values[1] = -1)
BREAK(label_range, p->samples[1].first_label = 9999)
BREAK(label_count, p->samples[0].label_count = 101; p->label_count = 9999)
BREAK(label_string, p->labels[p->samples[1].first_label].text = 9999)
BREAK(label_key, p->labels[p->samples[1].first_label].key = 0)
BREAK(label_both, p->labels[p->samples[1].first_label].number = 3)
BREAK(label_key_length, p->labels[p->samples[1].first_label].key = long_string(p, 1025))
BREAK(label_length, p->labels[p->samples[1].first_label].text = long_string(p, 2049))

#define HAS(name, text)                                                                                                \
    {                                                                                                                  \
        text, break_##name                                                                                             \
    }
static const struct breakage breakages[] = {
    HAS(utf8, "is not UTF-8"),
    HAS(string_length, "is longer than 65535 bytes"),
    HAS(no_types, "0 sample types, not 1 to 4"),
    HAS(five_types, "5 sample types, not 1 to 4"),
    HAS(type_string, "sample type: no such string"),
    HAS(type_name, "sample type has no name or no unit"),
    HAS(type_unit, "sample type has no name or no unit"),
    HAS(dash, "sample type: a '-' in the name"),
    HAS(default_type, "the default sample type is none of the sample types"),
    HAS(period_type, "period type has no name or no unit"),
    HAS(period, "the period is not positive"),
    HAS(time, "the time is not given"),
    HAS(duration, "the duration is negative"),
    HAS(drop_frames, "drop_frames: no such string"),
    HAS(comment, "comment 0: no such string"),
    HAS(empty_mapping, "mapping 1 is empty"),
    HAS(mapping_string, "mapping 1: no such string"),
    HAS(build_id, "mapping 1: the build id is not lower-case hex"),
    HAS(function_string, "function 1: no such string"),
    HAS(function_name, "function 1 has no name"),
    HAS(line_function, "line 0: no such function"),
    HAS(line_no_function, "line 0: no such function"),
    HAS(location_mapping, "location 1: no such mapping"),
    HAS(no_address, "location 1 has no address"),
    HAS(outside, "location 1 lies outside its mapping"),
    HAS(location_lines, "location 1: no such lines"),
    HAS(no_function, "location 1 has no function, and nobody to ask for it"),
    HAS(many_samples, "more than 16000 samples"),
    HAS(no_location, "sample 1 has no location"),
    HAS(sample_range, "sample 1: no such locations"),
    HAS(sample_location, "sample 1: no such location"),
    HAS(sample_zero_location, "sample 1: no such location"),
    HAS(negative, "sample 1 has a negative value"),
    HAS(label_range, "sample 1: no such labels"),
    HAS(label_count, "sample 0 has more than 100 labels"),
    HAS(label_string, "sample 1: a label with no such string"),
    HAS(label_key, "sample 1: a label without key"),
    HAS(label_both, "sample 1: a label that is both text and number"),
    HAS(label_key_length, "sample 1: a label key longer than 1024 bytes"),
    HAS(label_length, "sample 1: a label longer than 2048 bytes"),
};

static void test_validation_names_each_broken_rule(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < sizeof breakages / sizeof *breakages; i++) {
        struct profile *profile = profile_of(&f, CONTENTION_PROFILE_MUTEX);
        struct diag diag;
        diag_init(&diag);
        breakages[i].make(profile);
        assert_int_equal(profile_validate(profile, &diag), -EINVAL);
        if (!strstr(diag_text(&diag), breakages[i].violation))
            assert_string_equal(diag_text(&diag), breakages[i].violation);
        diag_fini(&diag);
        profile_destroy(profile);
    }
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
        cmocka_unit_test(test_equal_samples_become_one_and_labels_keep_apart),
        cmocka_unit_test(test_values_saturate_instead_of_turning_negative),
        cmocka_unit_test(test_strings_become_utf8_of_bounded_length),
        cmocka_unit_test(test_pseudo_frames_have_addresses_of_their_own),
        cmocka_unit_test(test_too_many_samples_are_summed_without_changing_the_total),
        cmocka_unit_test(test_an_inlined_leaf_can_be_left_out),
        cmocka_unit_test(test_a_frame_where_no_code_lies_stands_by_its_name),
        cmocka_unit_test(test_a_time_that_is_none_becomes_one),
        cmocka_unit_test(test_a_main_binary_that_ends_behind_all_memory_is_cut),
        cmocka_unit_test(test_validation_names_each_broken_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
