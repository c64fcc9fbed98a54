/* The checker of finished files: it takes what is right, and finds each broken rule. */
#include "exporters/chrome_rules.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAMES                                                                                                          \
    "{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"p\"}},"                                    \
    "{\"ph\":\"M\",\"pid\":1,\"tid\":2,\"name\":\"thread_name\",\"args\":{\"name\":\"t\"}}"
#define PLACE "\"pid\":1,\"tid\":2,\"name\":\"n\""
#define SLICE(ts, dur, more) "{\"ph\":\"X\"," PLACE ",\"ts\":" ts ",\"dur\":" dur more "}"
#define FILE_OF(events) "{\"traceEvents\":[" NAMES "," events "]}"
#define OUT(id) ",\"bind_id\":" id ",\"flow_out\":true"
#define IN(id) ",\"bind_id\":" id ",\"flow_in\":true"

static void assert_takes(const char *text)
{
    struct diag diag;
    struct chrome_counts counts;
    diag_init(&diag);
    if (chrome_rules_check(text, strlen(text), &diag, &counts))
        fail_msg("%s: %s", text, diag_text(&diag));
    diag_fini(&diag);
}

static void assert_refuses(const char *text, const char *why)
{
    struct diag diag;
    struct chrome_counts counts;
    diag_init(&diag);
    assert_int_equal(chrome_rules_check(text, strlen(text), &diag, &counts), -EINVAL);
    if (!strstr(diag_text(&diag), why))
        fail_msg("%s: says \"%s\", not \"%s\"", text, diag_text(&diag), why);
    diag_fini(&diag);
}

static void test_it_counts_what_is_right(void **state)
{
    (void)state;
    static const char text[] =
        FILE_OF(SLICE("1.000", "2.000", OUT("4294967296")) "," SLICE("1.000", "1.000", IN("4294967296")) "," SLICE(
            "3.000", "0.000", "") ",{\"ph\":\"i\",\"s\":\"t\"," PLACE
                                  ",\"ts\":0.000},{\"ph\":\"C\",\"pid\":1,\"name\":\"c\",\"ts\":1.000,\"args\":{\"v\":"
                                  "1.5}}");
    struct chrome_counts counts;
    assert_int_equal(chrome_rules_check(text, sizeof text - 1, NULL, &counts), 0);
    assert_int_equal(counts.slices, 3);
    assert_int_equal(counts.instants, 1);
    assert_int_equal(counts.counters, 1);
    assert_int_equal(counts.labels, 2);
    assert_int_equal(counts.flows, 1);
    assert_takes("{\"traceEvents\":[],\"metadata\":{\"a\":[1,-2.5e3,null,{}],\"b\":\"\\u00e4\xC3\xA4\"}}");
}

static void test_slices_of_one_row_must_nest_to_the_nanosecond(void **state)
{
    (void)state;
    assert_takes(FILE_OF(SLICE("1.000", "2.000", "") "," SLICE("3.000", "1.000", "") "," SLICE("2.000", "1.000", "")));
    assert_refuses(FILE_OF(SLICE("1.000", "2.000", "") "," SLICE("2.000", "1.001", "")), "overlap");
    assert_refuses(FILE_OF(SLICE("2.000", "2.000", "") "," SLICE("1.000", "1.001", "")), "overlap");
}

static void test_nesting_has_a_limit(void **state)
{
    (void)state;
    char text[100000], *at = text;
    at += sprintf(at, "{\"traceEvents\":[" NAMES);
    for (int i = 0; i < 513; i++)
        at += sprintf(at, "," SLICE("%d.000", "%d.000", ""), i, 2000 - 2 * i);
    sprintf(at, "]}");
    assert_refuses(text, "too deeply");
}

static void test_a_flow_has_one_out_and_an_in_that_is_not_earlier(void **state)
{
    (void)state;
    assert_refuses(FILE_OF(SLICE("1.000", "1.000", OUT("4294967296"))), "no flow_in");
    assert_refuses(FILE_OF(SLICE("1.000", "1.000", IN("4294967296"))), "no flow_out");
    assert_refuses(FILE_OF(SLICE("1.000", "1.000", OUT("4294967296")) "," SLICE("2.000", "1.000", OUT("4294967296"))),
                   "two flow_outs");
    assert_refuses(FILE_OF(SLICE("1.001", "1.000", OUT("4294967296")) "," SLICE("1.000", "0.000", IN("4294967296"))),
                   "before it begins");
    assert_refuses(FILE_OF(SLICE("1.000", "1.000", OUT("4294967295"))), "below 2^32");
    assert_refuses(FILE_OF(SLICE("1.000", "1.000", ",\"bind_id\":4294967296")), "no direction");
    assert_refuses(FILE_OF(SLICE("1.000", "1.000", ",\"flow_in\":true")), "without bind_id");
    assert_refuses(FILE_OF("{\"ph\":\"i\",\"s\":\"t\"," PLACE ",\"ts\":0.000" IN("4294967296") "}"), "no slice");
}

static void test_events_have_what_their_phase_needs(void **state)
{
    (void)state;
    assert_refuses(FILE_OF("{\"ph\":\"B\"," PLACE ",\"ts\":1.000}"), "a phase other than");
    assert_refuses(FILE_OF("{}"), "a phase other than");
    assert_refuses(FILE_OF("{\"ph\":\"X\"," PLACE ",\"ts\":1.000}"), "a dur is missing");
    assert_refuses(FILE_OF("{\"ph\":\"X\"," PLACE ",\"dur\":1.000}"), "no ts");
    assert_refuses(FILE_OF("{\"ph\":\"X\",\"tid\":2,\"name\":\"n\",\"ts\":1.000,\"dur\":1.000}"), "no pid");
    assert_refuses(FILE_OF("{\"ph\":\"X\",\"pid\":1,\"name\":\"n\",\"ts\":1.000,\"dur\":1.000}"), "no tid");
    assert_refuses(FILE_OF("{\"ph\":\"X\",\"pid\":1,\"tid\":2,\"ts\":1.000,\"dur\":1.000}"), "no name");
    assert_refuses(FILE_OF("{\"ph\":\"i\"," PLACE ",\"ts\":1.000}"), "an instant that is not a thread's");
    assert_refuses(FILE_OF("{\"ph\":\"C\",\"pid\":1,\"name\":\"c\",\"ts\":1.000,\"args\":{\"v\":\"1\"}}"),
                   "without a number");
    assert_refuses(FILE_OF("{\"ph\":\"C\",\"pid\":1,\"name\":\"c\",\"ts\":1.000}"), "without a number");
    assert_refuses(FILE_OF("{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"\"}}"),
                   "without a name");
    assert_refuses(FILE_OF("{\"ph\":\"M\",\"pid\":1,\"name\":\"process_sort_index\",\"args\":{\"sort_index\":\"1\"}}"),
                   "without a sort index");
    assert_refuses(FILE_OF("{\"ph\":\"M\",\"pid\":1,\"name\":\"thread_name\",\"args\":{\"name\":\"x\"}}"),
                   "without tid");
    assert_refuses(FILE_OF("{\"ph\":\"M\",\"pid\":1,\"name\":\"process_labels\"}"), "nobody reads");
    assert_refuses(FILE_OF(SLICE("1.000", "1.000", ",\"cname\":\"good\"")), "nobody reads");
}

static void test_ids_and_times_are_plain_numbers(void **state)
{
    (void)state;
    assert_refuses(FILE_OF("{\"ph\":\"X\",\"pid\":4294967296}"), "a pid is not a uint32");
    assert_refuses(FILE_OF("{\"ph\":\"X\",\"pid\":-1}"), "a pid is not a uint32");
    assert_refuses(FILE_OF("{\"ph\":\"X\",\"pid\":\"1\"}"), "not a number");
    assert_refuses(FILE_OF("{\"ph\":\"X\",\"pid\":1,\"tid\":0}"), "tid 0");
    assert_refuses(FILE_OF(SLICE("-1.000", "1.000", "")), "three decimals");
    assert_refuses(FILE_OF(SLICE("1.0", "1.000", "")), "three decimals");
    assert_refuses(FILE_OF(SLICE("1", "1.000", "")), "three decimals");
    assert_refuses(FILE_OF(SLICE("1.000", "null", "")), "not a number");
    assert_refuses(FILE_OF(SLICE("1.000", "1.000", ",\"args\":{\"n\":9223372036854775808}")), "beyond 64 bits");
}

static void test_whatever_is_used_has_a_name(void **state)
{
    (void)state;
    assert_refuses(FILE_OF("{\"ph\":\"C\",\"pid\":3,\"name\":\"c\",\"ts\":1.000,\"args\":{\"v\":1}}"),
                   "pid 3, tid 0 has no name");
    assert_refuses(FILE_OF("{\"ph\":\"i\",\"s\":\"t\",\"pid\":1,\"tid\":9,\"name\":\"n\",\"ts\":1.000}"),
                   "pid 1, tid 9 has no name");
}

static void test_the_text_is_strict_json_in_utf8(void **state)
{
    (void)state;
    assert_refuses("", "ends too early");
    assert_refuses(" {\"traceEvents\":[]}", "before the first bracket");
    assert_refuses("\xEF\xBB\xBF{\"traceEvents\":[]}", "an object is missing");
    assert_refuses("{\"meta\":1,\"traceEvents\":[]}", "not the first key");
    assert_refuses("{\"traceEvents\":[],\"traceEvents\":[]}", "comes twice");
    assert_refuses("{\"traceEvents\":[]", "ends too early");
    assert_refuses("{\"traceEvents\":[]}x", "something follows");
    assert_refuses("{\"traceEvents\":[],}", "a string is missing");
    assert_refuses("{\"traceEvents\":[],\"a\":NaN}", "not a number");
    assert_refuses("{\"traceEvents\":[],\"a\":01}", "not a number");
    assert_refuses("{\"traceEvents\":[],\"a\":\"\n\"}", "control character");
    assert_refuses("{\"traceEvents\":[],\"a\":\"\\ud83d\\ude00\"}", "a surrogate escape");
    assert_refuses("{\"traceEvents\":[],\"a\":\"\\x\"}", "no such escape");
    assert_refuses("{\"traceEvents\":[],\"a\":\"\xff\"}", "not UTF-8");
    assert_refuses("{\"traceEvents\":[],\"a\":\"\xC0\xAF\"}", "not UTF-8");
    assert_refuses("{\"traceEvents\":[],\"a\":\"\xED\xA0\x80\"}", "not UTF-8");
    assert_refuses("{\"traceEvents\":[],\"a\":\"\xE2\x82\"}", "not UTF-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_counts_what_is_right),
        cmocka_unit_test(test_slices_of_one_row_must_nest_to_the_nanosecond),
        cmocka_unit_test(test_nesting_has_a_limit),
        cmocka_unit_test(test_a_flow_has_one_out_and_an_in_that_is_not_earlier),
        cmocka_unit_test(test_events_have_what_their_phase_needs),
        cmocka_unit_test(test_ids_and_times_are_plain_numbers),
        cmocka_unit_test(test_whatever_is_used_has_a_name),
        cmocka_unit_test(test_the_text_is_strict_json_in_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
