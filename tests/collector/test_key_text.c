/* Recorded keys as text. */
#include "support/cmocka_main.h"

#include <stdlib.h>

#include "collector/analyses/key_text.h"

static void assert_text(struct event_map_op op, const char *expected)
{
    char *text = key_text(&op);
    assert_string_equal(text, expected);
    free(text);
}

static void test_bytes_that_do_not_print_are_hexadecimal(void **state)
{
    (void)state;
    assert_text((struct event_map_op){.key = {"a \\\n\xff", 5}, .key_bytes = 5}, "a \\x5c\\x0a\\xff");
}

static void test_a_key_that_was_cut_tells_its_length(void **state)
{
    (void)state;
    assert_text((struct event_map_op){.key = {"\xff\xff", 2}, .key_bytes = UINT32_MAX},
                "\\xff\\xff... (4294967295 bytes)");
}

static void test_an_older_trace_tells_no_length(void **state)
{
    (void)state;
    assert_text((struct event_map_op){.key = {"user:7", 6}}, "user:7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_that_do_not_print_are_hexadecimal),
        cmocka_unit_test(test_a_key_that_was_cut_tells_its_length),
        cmocka_unit_test(test_an_older_trace_tells_no_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
