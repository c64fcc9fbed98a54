/* Every rule that profile_validate holds, broken once. */
#include "model/profile_fixture.h"

#include <errno.h>
#include <stdlib.h>

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
        cmocka_unit_test(test_validation_names_each_broken_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
