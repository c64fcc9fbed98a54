/* Looking values up in JSON: what is found, and that no text whatever is read beyond its end. */
#include "support/cmocka_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json_find.h"

static const char text[] = "{\"mapscope\": \"0.1.0\", \"list\": [1, {\"state\": \"no\"}, []], \"nothing\": {},\n"
                           " \"state\": \"cut\", \"losses\": {\"events\" : 12345678901, \"other\": null},"
                           " \"quoted\": \"a\\\"}\", \"last\": 7}";

static bool finds(const char *path, const char *value)
{
    struct json_span span;
    return json_find(text, sizeof text - 1, path, &span) && span.length == strlen(value) &&
           memcmp(span.text, value, span.length) == 0;
}

static void test_members_are_found_at_any_level(void **state)
{
    (void)state;
    assert_true(finds("mapscope", "\"0.1.0\""));
    assert_true(finds("state", "\"cut\"")); /* not the one in the list */
    assert_true(finds("losses.events", "12345678901"));
    assert_true(finds("losses.other", "null"));
    assert_true(finds("nothing", "{}"));
    assert_true(finds("last", "7"));
}

static void test_what_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct json_span span;
    static const char *const paths[] = {"mapscop",    "mapscopes", "losses.state", "nothing.at", "state.cut",
                                        "list.state", ""};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_false(json_find(text, sizeof text - 1, paths[i], &span));
}

static void test_numbers_that_fit_are_numbers(void **state)
{
    (void)state;
    uint64_t number = 1;
    assert_true(json_u64((struct json_span){"18446744073709551615", 20}, &number));
    assert_int_equal(number, UINT64_MAX);
    assert_false(json_u64((struct json_span){"18446744073709551616", 20}, &number));
    assert_false(json_u64((struct json_span){"-1", 2}, &number));
    assert_false(json_u64((struct json_span){"null", 4}, &number));
    assert_false(json_u64((struct json_span){"", 0}, &number));
}

/* Each prefix in memory of its own, so that a sanitizer sees a byte too far. */
static void test_a_text_may_end_anywhere(void **state)
{
    (void)state;
    for (size_t length = 0; length < sizeof text - 1; length++) {
        char *cut = malloc(length + 1);
        memcpy(cut, text, length);
        struct json_span span;
        char *exact = realloc(cut, length + !length);
        assert_false(json_find(exact, length, "last", &span) && span.text[span.length - 1] != '7');
        free(exact);
    }
}

static void test_nesting_is_limited(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    char *deep = malloc(DEEP);
    memset(deep, '[', DEEP);
    memcpy(deep, "{\"a\":", 5);
    struct json_span span;
    assert_false(json_find(deep, DEEP, "a", &span));
    free(deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_found_at_any_level),
        cmocka_unit_test(test_what_is_not_there_is_not_found),
        cmocka_unit_test(test_numbers_that_fit_are_numbers),
        cmocka_unit_test(test_a_text_may_end_anywhere),
        cmocka_unit_test(test_nesting_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
