/* Contention profiles of brpc and gperftools, in text: values, stacks and names come back; any bytes are survived. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/contention_text.h"

enum { NOW = 1700000000 };

__attribute__((noinline, used)) static int text_profile_leaf(int number)
{
    return number * 3 + 1;
}

/* A text with this test's own maps behind it, to be freed. */
static char *with_maps(const char *head)
{
    char *text = malloc(1 << 20);
    assert_non_null(text);
    size_t used = (size_t)sprintf(text, "%s", head);
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    used += fread(text + used, 1, (1 << 20) - used - 1, maps);
    text[used] = '\0';
    fclose(maps);
    return text;
}

static struct profile *read_text(const char *text)
{
    struct profile *profile;
    struct diag diag;
    diag_init(&diag);
    if (contention_text_read(text, strlen(text), NOW, &profile, &diag))
        fail_msg("%s", diag_text(&diag));
    assert_int_equal(profile_validate(profile, &diag), 0);
    diag_fini(&diag);
    return profile;
}

static const char *leaf_of(const struct profile *profile, size_t sample)
{
    const struct profile_location *location =
        &profile->locations[profile->sample_locations[profile->samples[sample].first_location] - 1];
    return strtab_text(profile->strings, profile->functions[profile->lines[location->first_line].function - 1].name);
}

static void test_brpc_text_becomes_a_profile_with_names(void **state)
{
    (void)state;
    char head[256];
    uintptr_t inside = (uintptr_t)text_profile_leaf + 2;
    snprintf(head, sizeof head,
             "--- contention\ncycles/second=1000000000\n1500 3 @ 0x%" PRIxPTR " 0x10\n200 1 @ 0x20\n\n", inside);
    char *text = with_maps(head);
    struct profile *profile = read_text(text);
    assert_int_equal(profile->sample_count, 2);
    assert_int_equal(profile->samples[0].values[0], 3);
    assert_int_equal(profile->samples[0].values[1], 1500);
    assert_int_equal(profile->samples[0].location_count, 2);
    assert_string_equal(leaf_of(profile, 0), "text_profile_leaf");
    assert_string_equal(leaf_of(profile, 1), "0x1f");
    assert_string_equal(strtab_text(profile->strings, profile->value_types[1].type), "delay");
    profile_destroy(profile);
    free(text);
}

static void test_gperftools_text_is_scaled(void **state)
{
    (void)state;
    struct profile *profile = read_text("--- mutex:\ncycles/second = 2000000000\nsampling period = 100\n"
                                        "ms since reset = 5000\ndiscarded samples = 7\n"
                                        "4000 2 @ 0x1000 0x2000\n--- Memory map: ---\n");
    assert_int_equal(profile->sample_count, 1);
    assert_int_equal(profile->samples[0].values[0], 200);
    assert_int_equal(profile->samples[0].values[1], 200000); /* 4000 cycles of half a ns, 100 times */
    assert_string_equal(strtab_text(profile->strings, profile->comments[1]), "losses: 7 samples discarded");
    profile_destroy(profile);
}

static void test_other_text_is_not_taken_for_one(void **state)
{
    (void)state;
    struct profile *profile;
    struct diag diag;
    assert_false(contention_text_is("--- heap", 8));
    assert_false(contention_text_is("---", 3));
    assert_true(contention_text_is("--- contentionz 1 ---", 21));
    diag_init(&diag);
    assert_int_equal(contention_text_read("hello", 5, NOW, &profile, &diag), -EINVAL);
    static const char zero[] = "--- mutex:\ncycles/second=0\n1 1 @ 0x1\n";
    assert_int_equal(contention_text_read(zero, strlen(zero), NOW, &profile, &diag), -EINVAL);
    assert_string_equal(diag_text(&diag), "line 3: cycles/second or the sampling period is 0");
    diag_fini(&diag);
    profile = read_text("--- contention"); /* nothing in it */
    assert_int_equal(profile->sample_count, 0);
    profile_destroy(profile);
}

static void test_absurd_numbers_do_not_overflow(void **state)
{
    (void)state;
    struct profile *profile = read_text("--- mutex:\nsampling period = 18446744073709551615\ncycles/second=1\n"
                                        "18446744073709551615 18446744073709551615 @ 0xffffffffffffffff\n");
    assert_true(profile->samples[0].values[0] > 0 && profile->samples[0].values[1] > 0);
    profile_destroy(profile);
}

static void test_damaged_text_is_survived(void **state)
{
    (void)state;
    enum { ROUNDS = 3000 };
    static const char sound[] = "--- contention\ncycles/second=1000000000\n1500 3 @ 0x4011 0x4012\n20 1 @ 0x4013\n\n"
                                "4000-5000 r-xp 00001000 08:01 1234 /nowhere/server\n"
                                "5000-6000 rw-p 00000000 00:00 0 \n";
    uint32_t seed = 1;
    for (int round = 0; round < ROUNDS; round++) {
        char text[sizeof sound];
        struct profile *profile;
        memcpy(text, sound, sizeof sound);
        for (int i = 0; i < 3; i++) {
            seed = seed * 1664525 + 1013904223;
            text[14 + (seed >> 8) % (sizeof sound - 15)] = (char)(seed >> 24);
        }
        size_t size = round % 4 ? sizeof sound - 1 : (seed >> 10) % sizeof sound;
        if (contention_text_read(text, size, NOW, &profile, NULL) == 0) {
            assert_int_equal(profile_validate(profile, NULL), 0);
            profile_destroy(profile);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_brpc_text_becomes_a_profile_with_names),
        cmocka_unit_test(test_gperftools_text_is_scaled),
        cmocka_unit_test(test_other_text_is_not_taken_for_one),
        cmocka_unit_test(test_absurd_numbers_do_not_overflow),
        cmocka_unit_test(test_damaged_text_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
