/* Text of others on a terminal, and paths that a shell takes as they were meant. */
#include "support/cmocka_main.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/say.h"

static void assert_said(void (*say)(FILE *stream, const char *text), const char *text, const char *expected)
{
    char *said;
    size_t size;
    FILE *stream = open_memstream(&said, &size);
    assert_non_null(stream);
    say(stream, text);
    assert_int_equal(fclose(stream), 0);
    assert_string_equal(said, expected);
    free(said);
}

static void test_a_name_moves_no_cursor(void **state)
{
    (void)state;
    assert_said(say_text, "caf\xc3\xa9 \x1b[2J\r\n\xff", "caf\xc3\xa9 ?[2J??\xef\xbf\xbd");
}

static void test_a_path_is_quoted_where_a_shell_needs_it(void **state)
{
    (void)state;
    assert_said(say_path, "out/trace-1.gz", "out/trace-1.gz");
    assert_said(say_path, "", "''");
    assert_said(say_path, "my out", "'my out'");
    assert_said(say_path, "$(reboot)", "'$(reboot)'");
    assert_said(say_path, "\xc3\xa9", "'\xc3\xa9'");
    assert_said(say_path, "it's", "$'it\\'s'");
    assert_said(say_path, "a\nb\\\xff", "$'a\\012b\\\\\\377'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_moves_no_cursor),
        cmocka_unit_test(test_a_path_is_quoted_where_a_shell_needs_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
