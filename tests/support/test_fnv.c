/* FNV-1a's own test vectors. */
#include "support/cmocka_main.h"

#include "support/fnv.h"

static void test_known_texts_have_their_hashes(void **state)
{
    (void)state;
    assert_int_equal(fnv_mix(FNV_BEGIN, NULL, 0), UINT64_C(0xcbf29ce484222325));
    assert_int_equal(fnv_mix(FNV_BEGIN, "a", 1), UINT64_C(0xaf63dc4c8601ec8c));
    assert_int_equal(fnv_mix(FNV_BEGIN, "foobar", 6), UINT64_C(0x85944171f73967e8));
}

static void test_pieces_are_the_whole(void **state)
{
    (void)state;
    assert_int_equal(fnv_mix(fnv_mix(FNV_BEGIN, "foo", 3), "bar", 3), fnv_mix(FNV_BEGIN, "foobar", 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_texts_have_their_hashes),
        cmocka_unit_test(test_pieces_are_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
