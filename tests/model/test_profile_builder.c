/* The profile builder: equal things become one, what is too much is summed, what is no text or number is mended. */
#include "model/contention_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/profile_builder.h"
#include "model/profile_reading.h"

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

static struct profile *profile_of_main(uint64_t base, uint64_t size)
{
    struct process_module module = {.base = base, .size = size, .path = (char[]){"/bin/x"}};
    struct profile_builder *builder;
    assert_int_equal(profile_builder_create(&builder), 0);
    profile_builder_main(builder, SERVER, &module);
    profile_builder_value_type(builder, "delay", "nanoseconds");
    profile_builder_period(builder, "contentions", "count", 1);
    profile_builder_time(builder, 1, 0);
    return finish(builder);
}

static void test_a_main_binary_that_ends_behind_all_memory_is_cut(void **state)
{
    (void)state;
    struct profile *profile = profile_of_main(0x1000, UINT64_MAX);
    assert_true(profile->mappings[0].limit == UINT64_MAX);
    profile_destroy(profile);
}

static void test_a_main_binary_of_which_nothing_is_left_is_left_out(void **state)
{
    (void)state;
    struct profile *at_the_end = profile_of_main(UINT64_MAX, 0x1000), *empty = profile_of_main(0x1000, 0);
    assert_int_equal(at_the_end->mapping_count, 0);
    assert_int_equal(empty->mapping_count, 0);
    profile_destroy(at_the_end);
    profile_destroy(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_samples_become_one_and_labels_keep_apart),
        cmocka_unit_test(test_values_saturate_instead_of_turning_negative),
        cmocka_unit_test(test_strings_become_utf8_of_bounded_length),
        cmocka_unit_test(test_pseudo_frames_have_addresses_of_their_own),
        cmocka_unit_test(test_too_many_samples_are_summed_without_changing_the_total),
        cmocka_unit_test(test_an_inlined_leaf_can_be_left_out),
        cmocka_unit_test(test_a_frame_where_no_code_lies_stands_by_its_name),
        cmocka_unit_test(test_a_time_that_is_none_becomes_one),
        cmocka_unit_test(test_a_main_binary_that_ends_behind_all_memory_is_cut),
        cmocka_unit_test(test_a_main_binary_of_which_nothing_is_left_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
