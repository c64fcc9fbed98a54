/* Settings from an environment that the test makes up. */
#include "support/cmocka_main.h"

#include <stdbool.h>
#include <string.h>

#include "runtime/config.h"

static const char *const *environment; /* name, value, name, value, ..., NULL */

static const char *lookup(const char *name)
{
    for (const char *const *at = environment; *at; at += 2)
        if (strcmp(at[0], name) == 0)
            return at[1];
    return NULL;
}

static struct config read_from(const char *const *settings)
{
    environment = settings;
    return config_read(lookup);
}

#define READ(...) read_from((const char *const[]){__VA_ARGS__ NULL})

static void test_without_settings_the_defaults_hold(void **state)
{
    (void)state;
    struct config read = READ();
    assert_int_equal(read.map_rate, 1);
    assert_int_equal(read.mutex_mode, MSC_SAMPLER_HYBRID);
    assert_int_equal(read.mutex_fraction, 100);
    assert_int_equal(read.mutex_rate_ns, 10000000);
    assert_false(read.record_keys);
}

static void test_a_fraction_alone_is_bernoulli(void **state)
{
    (void)state;
    struct config read = READ("MAPSCOPE_MUTEX_FRACTION", "1", );
    assert_int_equal(read.mutex_mode, MSC_SAMPLER_BERNOULLI);
    assert_int_equal(read.mutex_fraction, 1);
    assert_int_equal(READ("MAPSCOPE_MUTEX_FRACTION", "0", ).mutex_mode, MSC_SAMPLER_OFF);
}

static void test_a_rate_is_hybrid(void **state)
{
    (void)state;
    struct config read = READ("MAPSCOPE_MUTEX_FRACTION", "50", "MAPSCOPE_MUTEX_RATE", "2000", );
    assert_int_equal(read.mutex_mode, MSC_SAMPLER_HYBRID);
    assert_int_equal(read.mutex_fraction, 50);
    assert_int_equal(read.mutex_rate_ns, 2000);
    read = READ("MAPSCOPE_MUTEX_RATE", "3000", );
    assert_int_equal(read.mutex_mode, MSC_SAMPLER_HYBRID);
    assert_int_equal(read.mutex_fraction, 100);
    assert_int_equal(READ("MAPSCOPE_MUTEX_RATE", "0", ).mutex_mode, MSC_SAMPLER_BERNOULLI);
}

static void test_only_abort_aborts(void **state)
{
    (void)state;
    assert_false(READ().abort_on_fault);
    assert_false(READ("MAPSCOPE_FAULT", "record", ).abort_on_fault);
    assert_false(READ("MAPSCOPE_FAULT", "aborted", ).abort_on_fault);
    assert_true(READ("MAPSCOPE_FAULT", "abort", ).abort_on_fault);
}

static void test_what_is_no_number_in_range_is_as_good_as_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"", " 5", "5 ", "-5", "+5", "0x5", "5.0", "ten", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct config read =
            READ("MAPSCOPE_MAP_RATE", bad[i], "MAPSCOPE_MUTEX_FRACTION", bad[i], "MAPSCOPE_KEYS", bad[i], );
        assert_int_equal(read.map_rate, 1);
        assert_int_equal(read.mutex_fraction, 100);
        assert_int_equal(read.mutex_mode, MSC_SAMPLER_HYBRID);
        assert_false(read.record_keys);
    }
    assert_int_equal(READ("MAPSCOPE_MAP_RATE", "4294967295", ).map_rate, UINT32_MAX);
    assert_int_equal(READ("MAPSCOPE_MAP_RATE", "4294967296", ).map_rate, 1);
    assert_int_equal(READ("MAPSCOPE_MAP_RATE", "0", ).map_rate, 0);
}

static void test_keys_are_recorded_only_if_asked_for(void **state)
{
    (void)state;
    assert_true(READ("MAPSCOPE_KEYS", "1", ).record_keys);
    assert_false(READ("MAPSCOPE_KEYS", "0", ).record_keys);
    assert_false(READ("MAPSCOPE_KEYS", "yes", ).record_keys);
}

static void test_holds_are_timed_only_if_asked_for(void **state)
{
    (void)state;
    assert_true(READ("MAPSCOPE_HOLD", "1", ).time_holds);
    assert_false(READ("MAPSCOPE_HOLD", "0", ).time_holds);
    assert_false(READ().time_holds);
}

static void test_the_key_seed_is_given_or_random(void **state)
{
    (void)state;
    assert_true(READ("MAPSCOPE_KEY_SEED", "00f00D1234567890", ).key_seed == UINT64_C(0xf00d1234567890));
    assert_true(READ().key_seed != READ().key_seed);
    assert_true(READ("MAPSCOPE_KEY_SEED", "seed", ).key_seed != READ("MAPSCOPE_KEY_SEED", "seed", ).key_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_settings_the_defaults_hold),
        cmocka_unit_test(test_a_fraction_alone_is_bernoulli),
        cmocka_unit_test(test_a_rate_is_hybrid),
        cmocka_unit_test(test_only_abort_aborts),
        cmocka_unit_test(test_what_is_no_number_in_range_is_as_good_as_none),
        cmocka_unit_test(test_keys_are_recorded_only_if_asked_for),
        cmocka_unit_test(test_holds_are_timed_only_if_asked_for),
        cmocka_unit_test(test_the_key_seed_is_given_or_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
