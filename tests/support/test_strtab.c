/* Interned strings and chains of causes. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <stdio.h>

#include "support/diag.h"
#include "support/strtab.h"

static str_id intern(struct strtab *table, const char *text, size_t length)
{
    str_id id;
    assert_int_equal(strtab_intern(table, text, length, &id), 0);
    return id;
}

static void test_ids_are_dense_and_begin_with_the_empty_string(void **state)
{
    (void)state;
    struct strtab *table;
    assert_int_equal(strtab_create(&table), 0);
    assert_int_equal(intern(table, "", 0), 0);
    assert_int_equal(intern(table, "abcd", 3), 1);
    assert_int_equal(intern(table, "abc", 3), 1);
    assert_int_equal(intern(table, "abcd", 4), 2);
    assert_string_equal(strtab_text(table, 1), "abc");
    assert_int_equal(strtab_length(table, 2), 4);
    strtab_destroy(table);
}

static void test_ten_thousand_strings_keep_their_ids_and_addresses(void **state)
{
    (void)state;
    struct strtab *table;
    assert_int_equal(strtab_create(&table), 0);
    const char *first = strtab_text(table, intern(table, "first", 5));
    char text[16];
    for (int round = 0; round < 2; round++)
        for (unsigned i = 0; i < 10000; i++) {
            int length = snprintf(text, sizeof text, "s%u", i);
            assert_int_equal(intern(table, text, (size_t)length), i + 2);
        }
    assert_int_equal(strtab_count(table), 10002);
    assert_ptr_equal(strtab_text(table, 1), first);
    strtab_destroy(table);
}

static void test_causes_read_from_the_outside_in(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    assert_string_equal(diag_text(&diag), "");
    assert_int_equal(diag_errno(&diag, ENOENT, "cannot open %s", "x"), -ENOENT);
    assert_int_equal(diag_wrap(&diag, -EIO, "cannot read the trace"), -EIO);
    assert_string_equal(diag_text(&diag), "cannot read the trace: cannot open x: No such file or directory");
    assert_int_equal(diag_set(&diag, -EINVAL, "other"), -EINVAL);
    assert_string_equal(diag_text(&diag), "other");
    assert_int_equal(diag_set(NULL, -EINVAL, "nobody listens"), -EINVAL);
    diag_fini(&diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_are_dense_and_begin_with_the_empty_string),
        cmocka_unit_test(test_ten_thousand_strings_keep_their_ids_and_addresses),
        cmocka_unit_test(test_causes_read_from_the_outside_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
