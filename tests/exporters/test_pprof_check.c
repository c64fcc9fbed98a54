/* mapscope check: each rule is found broken where it is, and nothing else; bytes of any kind are survived. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/pprof/pprof_check.h"
#include "exporters/pprof/pprof_rules.h"
#include "profile.pb-c.h"

enum { LONG_TEXT = 70000, MANY = 16001 };

enum { NONE, CONTENTIONS, COUNT, DELAY, NANOSECONDS, FILE_NAME, BUILD_ID, MAIN, LOCK, CACHE, SPARE, STRINGS };

/* A sound profile of one stack, to be spoilt: two samples, two locations, one inlined function. */
struct sound {
    Perftools__Profiles__Profile profile;
    Perftools__Profiles__ValueType types[5], *type_list[5], period_type;
    Perftools__Profiles__Mapping mapping, *mapping_list[1];
    Perftools__Profiles__Function functions[2], *function_list[2];
    Perftools__Profiles__Line lines[3], *line_list[3];
    Perftools__Profiles__Location locations[2], *location_list[2];
    Perftools__Profiles__Label labels[2], *label_list[101];
    Perftools__Profiles__Sample samples[2], *sample_list[MANY];
    uint64_t stack[2];
    int64_t values[5];
    char *strings[STRINGS];
    char text[LONG_TEXT + 1];
};

static void make_types(struct sound *s)
{
    for (int i = 0; i < 5; i++) {
        perftools__profiles__value_type__init(&s->types[i]);
        s->types[i].type = i ? DELAY : CONTENTIONS;
        s->types[i].unit = i ? NANOSECONDS : COUNT;
        s->type_list[i] = &s->types[i];
    }
    s->period_type = s->types[0];
    s->profile.sample_type = s->type_list;
    s->profile.n_sample_type = 2;
    s->profile.period_type = &s->period_type;
    s->profile.period = 1;
    s->profile.time_nanos = 1700000000000000000;
}

static void make_code(struct sound *s)
{
    perftools__profiles__mapping__init(&s->mapping);
    s->mapping.id = 1;
    s->mapping.memory_start = 0x1000;
    s->mapping.memory_limit = 0x2000;
    s->mapping.filename = FILE_NAME;
    s->mapping.build_id = BUILD_ID;
    s->mapping.has_functions = true;
    s->mapping_list[0] = &s->mapping;
    for (size_t i = 0; i < 3; i++) {
        perftools__profiles__line__init(&s->lines[i]);
        s->lines[i].function_id = i == 2 ? 2 : 1;
        s->line_list[i] = &s->lines[i];
    }
    for (size_t i = 0; i < 2; i++) {
        perftools__profiles__function__init(&s->functions[i]);
        s->functions[i].id = i + 1;
        s->functions[i].name = MAIN;
        s->function_list[i] = &s->functions[i];
        perftools__profiles__location__init(&s->locations[i]);
        s->locations[i].id = i + 1;
        s->locations[i].mapping_id = 1;
        s->locations[i].address = 0x1100 + i;
        s->locations[i].line = &s->line_list[2 * i];
        s->locations[i].n_line = i ? 1 : 2;
        s->location_list[i] = &s->locations[i];
    }
    s->profile.mapping = s->mapping_list;
    s->profile.n_mapping = 1;
    s->profile.function = s->function_list;
    s->profile.n_function = 2;
    s->profile.location = s->location_list;
    s->profile.n_location = 2;
}

static void make_samples(struct sound *s)
{
    s->stack[0] = 1;
    s->stack[1] = 2;
    for (size_t i = 0; i < 2; i++) {
        perftools__profiles__label__init(&s->labels[i]);
        s->labels[i].key = LOCK;
        perftools__profiles__sample__init(&s->samples[i]);
        s->samples[i].location_id = s->stack;
        s->samples[i].n_location_id = 2;
        s->samples[i].value = s->values;
        s->samples[i].n_value = 2;
        s->samples[i].label = s->label_list;
        s->samples[i].n_label = 2;
    }
    s->labels[0].str = CACHE;
    s->labels[1].num = 7;
    for (size_t i = 0; i < 101; i++)
        s->label_list[i] = &s->labels[i & 1];
    for (size_t i = 0; i < MANY; i++)
        s->sample_list[i] = &s->samples[i & 1];
    s->profile.sample = s->sample_list;
    s->profile.n_sample = 2;
}

static void make_sound(struct sound *s)
{
    static char *const strings[STRINGS] = {
        "", "contentions", "count", "delay", "nanoseconds", "/bin/server", "c0ffee", "main", "lock", "cache", ""};
    memset(s, 0, sizeof *s);
    perftools__profiles__profile__init(&s->profile);
    memcpy(s->strings, strings, sizeof strings);
    memset(s->text, 'x', LONG_TEXT);
    s->profile.string_table = s->strings;
    s->profile.n_string_table = STRINGS;
    make_types(s);
    make_code(s);
    make_samples(s);
}

static unsigned char *pack(const struct sound *s, size_t *size)
{
    *size = perftools__profiles__profile__get_packed_size(&s->profile);
    unsigned char *bytes = malloc(*size);
    assert_non_null(bytes);
    perftools__profiles__profile__pack(&s->profile, bytes);
    return bytes;
}

static struct pprof_verdict verdict_of(const struct sound *s, unsigned consumers)
{
    size_t size;
    unsigned char *bytes = pack(s, &size);
    struct pprof_verdict verdict;
    assert_int_equal(pprof_check(bytes, size, consumers, &verdict, NULL), 0);
    free(bytes);
    return verdict;
}

static void test_a_sound_profile_breaks_no_rule(void **state)
{
    (void)state;
    static struct sound s;
    make_sound(&s);
    struct pprof_verdict verdict = verdict_of(&s, PPROF_FOR_ALL);
    if (verdict.breach_count)
        fail_msg("%s: %s", verdict.breaches[0].where, verdict.breaches[0].rule->what);
    assert_int_equal(verdict.samples, 2);
    assert_int_equal(verdict.locations, 2);
    assert_int_equal(verdict.functions, 2);
    assert_int_equal(verdict.mappings, 1);
    assert_string_equal(verdict.types, "contentions/count delay/nanoseconds");
}

/* ---- one rule at a time ---- */

static void first_string(struct sound *s)
{
    s->strings[0] = "x";
    s->types[3].type = 0;
}
static void no_strings(struct sound *s)
{
    s->strings[SPARE] = "\xff\xfe";
}
static void long_string(struct sound *s)
{
    s->strings[SPARE] = s->text;
}
static void string_index(struct sound *s)
{
    s->functions[1].filename = STRINGS;
}
static void negative_string_index(struct sound *s)
{
    s->functions[1].filename = -1;
}
static void no_types(struct sound *s)
{
    s->profile.n_sample_type = s->samples[0].n_value = s->samples[1].n_value = 0;
}
static void type_name(struct sound *s)
{
    s->types[1].unit = 0;
}
static void type_dash(struct sound *s)
{
    s->strings[DELAY] = "de-lay";
}
static void type_count(struct sound *s)
{
    s->strings[DELAY] = "cpu";
    s->profile.n_sample_type = s->samples[0].n_value = s->samples[1].n_value = 5;
}
static void type_order(struct sound *s)
{
    s->types[0].type = DELAY;
    s->types[1].type = CONTENTIONS;
}
static void default_type(struct sound *s)
{
    s->profile.default_sample_type = CACHE;
}
static void no_period_type(struct sound *s)
{
    s->profile.period_type = NULL;
}
static void no_time(struct sound *s)
{
    s->profile.time_nanos = 0;
}
static void duration(struct sound *s)
{
    s->profile.duration_nanos = -1;
}
static void id_twice(struct sound *s)
{
    s->functions[1].id = 1;
    s->lines[2].function_id = 1;
}
static void id_order(struct sound *s)
{
    s->functions[1].id = 77;
    s->lines[2].function_id = 77;
}
static void mapping_range(struct sound *s)
{
    s->mapping.memory_start = s->mapping.memory_limit;
}
static void build_id(struct sound *s)
{
    s->strings[BUILD_ID] = "C0FFEE";
}
static void function_name(struct sound *s)
{
    s->functions[1].name = 0;
}
static void line_function(struct sound *s)
{
    s->lines[2].function_id = 9;
}
static void location_mapping(struct sound *s)
{
    s->locations[1].mapping_id = 9;
}
static void location_address(struct sound *s)
{
    s->locations[1].address = 0;
}
static void location_range(struct sound *s)
{
    s->locations[1].address = 0x2000;
}
static void location_nameless(struct sound *s)
{
    s->locations[1].n_line = 0;
}
static void sample_count(struct sound *s)
{
    s->profile.n_sample = MANY;
}
static void sample_values(struct sound *s)
{
    s->samples[1].n_value = 1;
}
static void sample_stack(struct sound *s)
{
    s->samples[1].n_location_id = 0;
}
static void sample_location(struct sound *s)
{
    s->stack[1] = 3;
    s->samples[0].n_location_id = 1;
}
static void negative_value(struct sound *s)
{
    s->values[1] = -5;
    s->samples[0].n_value = 0;
    s->profile.n_sample = 1;
    s->samples[0] = s->samples[1];
}
static void label_count(struct sound *s)
{
    s->samples[1].n_label = 101;
}
static void label_key(struct sound *s)
{
    s->labels[1].key = 0;
    s->samples[0].n_label = 1;
}
static void label_both(struct sound *s)
{
    s->labels[1].str = CACHE;
    s->samples[0].n_label = 1;
}
static void label_length(struct sound *s)
{
    s->text[2049] = '\0';
    s->strings[CACHE] = s->text;
    s->samples[0].n_label = 0;
}

static const struct {
    enum pprof_rule_id rule;
    void (*spoil)(struct sound *s);
    const char *where;
} cases[] = {
    {RULE_FIRST_STRING, first_string, "string table"},
    {RULE_UTF8, no_strings, "string 10"},
    {RULE_STRING_LENGTH, long_string, "string 10"},
    {RULE_STRING_INDEX, string_index, "function 2"},
    {RULE_STRING_INDEX, negative_string_index, "function 2"},
    {RULE_TYPES, no_types, "profile"},
    {RULE_TYPE_NAME, type_name, "sample type 2"},
    {RULE_TYPE_DASH, type_dash, "sample type 2"},
    {RULE_TYPE_COUNT, type_count, "profile"},
    {RULE_TYPE_ORDER, type_order, "sample types"},
    {RULE_DEFAULT_TYPE, default_type, "profile"},
    {RULE_PERIOD_TYPE, no_period_type, "profile"},
    {RULE_TIME, no_time, "profile"},
    {RULE_DURATION, duration, "profile"},
    {RULE_ID, id_twice, "function 2"},
    {RULE_ID_ORDER, id_order, "function 2"},
    {RULE_MAPPING_RANGE, mapping_range, "mapping 1"},
    {RULE_BUILD_ID, build_id, "mapping 1"},
    {RULE_FUNCTION_NAME, function_name, "function 2"},
    {RULE_LINE_FUNCTION, line_function, "location 2"},
    {RULE_LOCATION_MAPPING, location_mapping, "location 2"},
    {RULE_LOCATION_ADDRESS, location_address, "location 2"},
    {RULE_LOCATION_RANGE, location_range, "location 2"},
    {RULE_LOCATION_NAMELESS, location_nameless, "location 2"},
    {RULE_SAMPLE_COUNT, sample_count, "profile"},
    {RULE_SAMPLE_VALUES, sample_values, "sample 2"},
    {RULE_SAMPLE_STACK, sample_stack, "sample 2"},
    {RULE_SAMPLE_LOCATION, sample_location, "sample 2"},
    {RULE_NEGATIVE_VALUE, negative_value, "sample 1"},
    {RULE_LABEL_COUNT, label_count, "sample 2"},
    {RULE_LABEL_KEY, label_key, "sample 2"},
    {RULE_LABEL_BOTH, label_both, "sample 2"},
    {RULE_LABEL_LENGTH, label_length, "sample 2"},
};

static void test_each_rule_is_found_broken_by_itself_and_where_it_is(void **state)
{
    (void)state;
    static struct sound s;
    bool is_tried[RULE_COUNT] = {[RULE_SIZE] = true}; /* has a test of its own */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_sound(&s);
        cases[i].spoil(&s);
        struct pprof_verdict verdict = verdict_of(&s, PPROF_FOR_ALL);
        const struct pprof_rule *rule = &pprof_rules[cases[i].rule];
        is_tried[cases[i].rule] = true;
        if (verdict.breach_count != 1 || verdict.breaches[0].rule != rule)
            fail_msg("%s: %zu breaches, the first of %s", rule->name, verdict.breach_count,
                     verdict.breach_count ? verdict.breaches[0].rule->name : "none");
        assert_string_equal(verdict.breaches[0].where, cases[i].where);
    }
    for (size_t i = 0; i < RULE_COUNT; i++)
        if (!is_tried[i])
            fail_msg("no case breaks %s", pprof_rules[i].name);
}

static void test_a_profile_above_four_mebibytes_is_too_large(void **state)
{
    (void)state;
    static struct sound s;
    static char *strings[70];
    make_sound(&s);
    s.text[65535] = '\0';
    for (size_t i = 0; i < 70; i++)
        strings[i] = i < STRINGS ? s.strings[i] : s.text;
    s.profile.string_table = strings;
    s.profile.n_string_table = 70;
    struct pprof_verdict verdict = verdict_of(&s, PPROF_FOR_ALL);
    assert_int_equal(verdict.breach_count, 0);
    make_sound(&s);
    s.profile.n_sample = MANY - 1;
    for (size_t i = 0; i < 2; i++)
        s.samples[i].n_label = 60;
    verdict = verdict_of(&s, PPROF_FOR_ALL);
    assert_int_equal(verdict.breach_count, 1);
    assert_ptr_equal(verdict.breaches[0].rule, &pprof_rules[RULE_SIZE]);
}

static void test_only_what_the_asked_for_consumer_minds_is_told(void **state)
{
    (void)state;
    static struct sound s;
    make_sound(&s);
    id_order(&s);         /* Parca */
    location_address(&s); /* Alloy */
    assert_int_equal(verdict_of(&s, PPROF_FOR_ALL).breach_count, 2);
    assert_int_equal(verdict_of(&s, PPROF_FOR_GO).breach_count, 0);
    struct pprof_verdict verdict = verdict_of(&s, PPROF_FOR_ALLOY | PPROF_FOR_GO);
    assert_int_equal(verdict.breach_count, 1);
    assert_ptr_equal(verdict.breaches[0].rule, &pprof_rules[RULE_LOCATION_ADDRESS]);
}

static void test_breaches_of_one_rule_are_counted_and_told_once(void **state)
{
    (void)state;
    static struct sound s;
    make_sound(&s);
    s.values[0] = -1;
    s.profile.n_sample = 100;
    struct pprof_verdict verdict = verdict_of(&s, PPROF_FOR_ALL);
    assert_int_equal(verdict.breach_count, 1);
    assert_int_equal(verdict.breaches[0].count, 100);
    assert_string_equal(verdict.breaches[0].where, "sample 1");
}

/* ---- what is no profile ---- */

static int check_bytes(const void *bytes, size_t size)
{
    struct pprof_verdict verdict;
    return pprof_check(bytes, size, PPROF_FOR_ALL, &verdict, NULL);
}

static void test_what_is_no_profile_is_said_to_be_none(void **state)
{
    (void)state;
    static struct sound s;
    size_t size;
    make_sound(&s);
    unsigned char *bytes = pack(&s, &size);
    assert_int_equal(check_bytes("", 0), -EINVAL);
    assert_int_equal(check_bytes("#!/bin/sh\nexit 1\n", 17), -EINVAL);
    assert_int_equal(check_bytes(bytes, size - 1), -EINVAL);
    free(bytes);
}

/* Two bytes each become a struct: 60 MB of them would be gigabytes. */
static void test_a_file_that_swells_in_memory_is_refused(void **state)
{
    (void)state;
    enum { SIZE = 60 * 1000 * 1000 };
    unsigned char *bytes = malloc(SIZE);
    assert_non_null(bytes);
    for (size_t i = 0; i < SIZE; i += 2) {
        bytes[i] = 0x12; /* sample, of no bytes */
        bytes[i + 1] = 0;
    }
    assert_int_equal(check_bytes(bytes, SIZE), -ENOMEM);
    free(bytes);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void test_damaged_bytes_are_survived(void **state)
{
    (void)state;
    enum { ROUNDS = 20000 };
    static struct sound s;
    size_t size;
    uint32_t seed = 1;
    size_t told = 0, refused = 0;
    make_sound(&s);
    unsigned char *sound = pack(&s, &size), *bytes = malloc(size);
    assert_non_null(bytes);
    for (int round = 0; round < ROUNDS; round++) {
        struct pprof_verdict verdict;
        memcpy(bytes, sound, size);
        for (uint32_t i = next_random(&seed) % 4 + 1; i; i--)
            bytes[next_random(&seed) % size] = (unsigned char)next_random(&seed);
        int error = pprof_check(bytes, size, PPROF_FOR_ALL, &verdict, NULL);
        refused += error != 0;
        told += error == 0 && verdict.breach_count;
    }
    assert_true(told > ROUNDS / 10 && refused > ROUNDS / 10); /* the test damages what matters */
    free(bytes);
    free(sound);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sound_profile_breaks_no_rule),
        cmocka_unit_test(test_each_rule_is_found_broken_by_itself_and_where_it_is),
        cmocka_unit_test(test_a_profile_above_four_mebibytes_is_too_large),
        cmocka_unit_test(test_only_what_the_asked_for_consumer_minds_is_told),
        cmocka_unit_test(test_breaches_of_one_rule_are_counted_and_told_once),
        cmocka_unit_test(test_what_is_no_profile_is_said_to_be_none),
        cmocka_unit_test(test_a_file_that_swells_in_memory_is_refused),
        cmocka_unit_test(test_damaged_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
