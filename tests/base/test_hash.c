/* The keyed hash: frozen values, agreement of its forms, spread. */
#include "support/cmocka_main.h"

#include <string.h>

#include "base/hash.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char text[] = "the quick brown fox jumps over the lazy dog, twice: the quick brown fox";

/* Recordings are compared across versions: a changed value is another format. */
static void test_values_are_frozen(void **state)
{
    (void)state;
    static const struct {
        size_t length;
        uint64_t seed, hash;
    } frozen[] = {
        {0, 0, UINT64_C(0x3823e17cc22d221b)},  {1, 0, UINT64_C(0x5234b3f38865849a)},
        {3, 1, UINT64_C(0x4084d7b12d09e852)},  {4, 1, UINT64_C(0x27e81674192df8bb)},
        {8, 7, UINT64_C(0x1d0eff524a37c7bd)},  {9, 7, UINT64_C(0x896d9f340d586ec2)},
        {15, 7, UINT64_C(0x8e9776168588c4a0)}, {16, 7, UINT64_C(0x4c660eeda982041b)},
        {17, 7, UINT64_C(0x9edd3155f52dcae5)}, {32, 7, UINT64_C(0x36cb076cf1ab2b7d)},
        {33, 7, UINT64_C(0x939fd9e8bfbc73ef)}, {70, 7, UINT64_C(0x56e7d93282879c46)},
    };
    for (size_t i = 0; i < COUNT(frozen); i++)
        assert_int_equal(hash_bytes(text, frozen[i].length, frozen[i].seed), frozen[i].hash);
}

static void test_a_number_hashes_as_its_eight_bytes(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 64; i++) {
        uint64_t number = (UINT64_C(0x0123456789abcdef) << i) + i;
        unsigned char bytes[8];
        for (int byte = 0; byte < 8; byte++)
            bytes[byte] = (unsigned char)(number >> (8 * byte));
        assert_int_equal(hash_u64(number, i), hash_bytes(bytes, sizeof bytes, i));
    }
}

static void test_alignment_does_not_matter(void **state)
{
    (void)state;
    _Alignas(16) unsigned char moved[sizeof text + 16];
    for (size_t length = 0; length < sizeof text; length++)
        for (size_t offset = 0; offset < 16; offset++) {
            memcpy(moved + offset, text, length);
            assert_int_equal(hash_bytes(moved + offset, length, 3), hash_bytes(text, length, 3));
        }
}

static void test_no_bytes_need_no_address(void **state)
{
    (void)state;
    assert_int_equal(hash_bytes(NULL, 0, 5), hash_bytes(text, 0, 5));
}

/* All-zero inputs differ in nothing but their length. */
static void test_every_length_has_its_own_value(void **state)
{
    (void)state;
    static const unsigned char zeroes[200];
    uint64_t seen[201];
    for (size_t length = 0; length <= 200; length++) {
        seen[length] = hash_bytes(zeroes, length, 11);
        for (size_t other = 0; other < length; other++)
            assert_int_not_equal(seen[other], seen[length]);
    }
}

/* Each bit of the input changes each bit of the value half of the time: 4096 trials, 6 sigma = 192. */
static void check_avalanche(size_t length)
{
    unsigned char bytes[64];
    for (size_t in = 0; in < length * 8; in++) {
        unsigned flips[64] = {0};
        for (uint64_t trial = 0; trial < 4096; trial++) {
            for (size_t i = 0; i < length; i++)
                bytes[i] = (unsigned char)(hash_u64(trial, i) >> 13);
            uint64_t before = hash_bytes(bytes, length, 99);
            bytes[in / 8] ^= (unsigned char)(1u << in % 8);
            uint64_t changed = before ^ hash_bytes(bytes, length, 99);
            for (int out = 0; out < 64; out++)
                flips[out] += (changed >> out & 1) != 0;
        }
        for (int out = 0; out < 64; out++)
            assert_in_range(flips[out], 2048 - 192, 2048 + 192);
    }
}

static void test_each_input_bit_reaches_each_output_bit(void **state)
{
    (void)state;
    static const size_t lengths[] = {3, 8, 13, 24};
    for (size_t i = 0; i < COUNT(lengths); i++)
        check_avalanche(lengths[i]);
}

/* Of 4096 keys that fall into one of 1024 buckets under one seed, about 4 do under another. */
static void test_a_flood_made_for_one_seed_misses_another(void **state)
{
    (void)state;
    unsigned same = 0;
    for (uint64_t key = 0, found = 0; found < 4096; key++) {
        if (hash_u64(key, 1) % 1024 != 0)
            continue;
        found++;
        same += hash_u64(key, 2) % 1024 == 0;
    }
    assert_in_range(same, 0, 16);
}

/* Words that zero a product of wyhash, and swapped words, which a symmetric fold cannot tell apart. */
static void test_no_key_collides_under_every_seed(void **state)
{
    (void)state;
    const uint64_t words[] = {0,
                              UINT64_C(0xa0761d6478bd642f),
                              UINT64_C(0xe7037ed1a0b428db),
                              UINT64_C(0x9e3779b97f4a7c15),
                              UINT64_C(0xd1342543de82ef95),
                              UINT64_MAX};
    for (size_t a = 0; a < COUNT(words); a++)
        for (size_t b = 0; b < COUNT(words); b++) {
            uint64_t pair[2] = {words[a], words[b]}, swapped[2] = {words[b], words[a]};
            for (uint64_t seed = 0; seed < 16 && a != b; seed++) {
                assert_int_not_equal(hash_u64(words[a], seed), hash_u64(words[b], seed));
                assert_int_not_equal(hash_bytes(pair, 16, seed), hash_bytes(swapped, 16, seed));
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_frozen),
        cmocka_unit_test(test_a_number_hashes_as_its_eight_bytes),
        cmocka_unit_test(test_alignment_does_not_matter),
        cmocka_unit_test(test_no_bytes_need_no_address),
        cmocka_unit_test(test_every_length_has_its_own_value),
        cmocka_unit_test(test_each_input_bit_reaches_each_output_bit),
        cmocka_unit_test(test_a_flood_made_for_one_seed_misses_another),
        cmocka_unit_test(test_no_key_collides_under_every_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
