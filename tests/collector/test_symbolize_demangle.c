/* collector/symbolize/symbolize_demangle: names that are none, or too much. */
#include "support/cmocka_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/symbolize/symbolize_demangle.h"

/* A symbol that unfolds to 2^200 characters must not be unfolded. */
static void test_a_symbol_without_bound_stays_as_it_is(void **state)
{
    (void)state;
    char symbol[1024] = "_Z1fPFvvE";
    for (int i = 0; i < 100; i++)
        snprintf(symbol + strlen(symbol), sizeof symbol - strlen(symbol), "PFvS%c_S%c_E", "0123456789"[i % 10],
                 "0123456789"[i % 10]);
    assert_null(demangle(symbol));
    assert_null(demangle("main"));
    assert_null(demangle("_Z"));
    char *name = demangle("_ZN3fooIiE3barEv.constprop.0");
    assert_string_equal(name, "foo<int>::bar()");
    free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_symbol_without_bound_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
