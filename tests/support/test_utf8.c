/* support/utf8 against the sequences of the Unicode standard, tables 3-7 and 3-8. */
#include "support/cmocka_main.h"

#include <stdlib.h>
#include <string.h>

#include "support/utf8.h"

#define BAD UTF8_REPLACEMENT

static void assert_sanitized(const char *bytes, size_t length, const char *expected)
{
    char *copy = utf8_sanitize(bytes, length);
    assert_non_null(copy);
    assert_string_equal(copy, expected);
    assert_true(utf8_is_valid(copy, strlen(copy)));
    free(copy);
}

#define ASSERT_SANITIZED(literal, expected) assert_sanitized(literal, sizeof(literal) - 1, expected)

static void test_valid_text_of_every_length_is_kept(void **state)
{
    (void)state;
    ASSERT_SANITIZED("", "");
    ASSERT_SANITIZED("a\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF",
                     "a\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF");
}

static void test_overlong_forms_are_replaced(void **state)
{
    (void)state;
    ASSERT_SANITIZED("\xC0\xAF", BAD BAD);
    ASSERT_SANITIZED("\xC1\xBF", BAD BAD);
    ASSERT_SANITIZED("\xE0\x80\xBF", BAD BAD BAD);
    ASSERT_SANITIZED("\xF0\x81\x82", BAD BAD BAD);
}

static void test_surrogates_and_what_lies_above_the_last_plane_are_replaced(void **state)
{
    (void)state;
    ASSERT_SANITIZED("\xED\xA0\x80", BAD BAD BAD);
    ASSERT_SANITIZED("\xF4\x90\x80\x80", BAD BAD BAD BAD);
    ASSERT_SANITIZED("\xF5\xFF", BAD BAD);
}

static void test_a_cut_sequence_is_one_replacement(void **state)
{
    (void)state;
    ASSERT_SANITIZED("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", BAD BAD BAD BAD "A"); /* table 3-11 */
    ASSERT_SANITIZED("x\xF0\x9F\x98", "x" BAD);
    ASSERT_SANITIZED("\xE2\x82"
                     "a",
                     BAD "a");
}

static void test_a_nul_inside_is_replaced_and_hides_nothing(void **state)
{
    (void)state;
    ASSERT_SANITIZED("a\0b", "a" BAD "b");
}

static void test_a_step_never_passes_the_end(void **state)
{
    (void)state;
    for (unsigned lead = 0; lead < 256; lead++) {
        char byte = (char)lead;
        bool valid;
        assert_int_equal(utf8_step(&byte, 1, &valid), 1);
        assert_int_equal(valid, lead < 0x80);
    }
}

static void test_what_drives_a_terminal_is_not_printable(void **state)
{
    (void)state;
    static const char bytes[] = "\x1b[31m\x7f\n\xc2\x9b"
                                "2J\xc2\xa0\xc3\xa9\xff";
    char *text = utf8_printable(bytes, sizeof bytes - 1);
    assert_non_null(text);
    assert_string_equal(text, "?[31m???2J\xc2\xa0\xc3\xa9" BAD);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid_text_of_every_length_is_kept),
        cmocka_unit_test(test_overlong_forms_are_replaced),
        cmocka_unit_test(test_surrogates_and_what_lies_above_the_last_plane_are_replaced),
        cmocka_unit_test(test_a_cut_sequence_is_one_replacement),
        cmocka_unit_test(test_a_nul_inside_is_replaced_and_hides_nothing),
        cmocka_unit_test(test_a_step_never_passes_the_end),
        cmocka_unit_test(test_what_drives_a_terminal_is_not_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
