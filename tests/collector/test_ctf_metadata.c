/* The metadata file's packets: whole, broken anywhere, cut, foreign. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/metadata.h"

enum { HEADER_BYTES = 37, PACKET_BYTES = 64 };

static void put_u32(uint8_t *at, uint32_t number, bool big)
{
    for (unsigned i = 0; i < 4; i++)
        at[big ? 3 - i : i] = (uint8_t)(number >> 8 * i);
}

/* A packet of PACKET_BYTES around `text`. */
static void make_packet(uint8_t *packet, const char *text, bool big)
{
    memset(packet, 0, PACKET_BYTES);
    put_u32(packet, 0x75D11D57, big);
    put_u32(packet + 24, (uint32_t)(HEADER_BYTES + strlen(text)) * 8, big);
    put_u32(packet + 28, PACKET_BYTES * 8, big);
    memcpy(packet + HEADER_BYTES, text, strlen(text));
}

static void assert_unpacks(const void *bytes, size_t size, const char *expected)
{
    char *text;
    size_t length;
    assert_int_equal(ctf_metadata_unpack(bytes, size, "m", NULL, &text, &length), 0);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
    free(text);
}

static void assert_refused(const void *bytes, size_t size, const char *why)
{
    char *text = NULL;
    size_t length;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(ctf_metadata_unpack(bytes, size, "the/file", &diag, &text, &length), -EBADMSG);
    assert_null(text);
    assert_non_null(strstr(diag_text(&diag), "the/file"));
    assert_non_null(strstr(diag_text(&diag), why));
    diag_fini(&diag);
}

static void test_text_may_break_inside_a_word(void **state)
{
    (void)state;
    uint8_t packets[3 * PACKET_BYTES];
    for (int big = 0; big <= 1; big++) {
        make_packet(packets, "eve", big);
        make_packet(packets + PACKET_BYTES, "", big);
        make_packet(packets + 2 * PACKET_BYTES, "nt { };", big);
        assert_unpacks(packets, sizeof packets, "event { };");
    }
}

static void test_plain_text_is_taken_as_it_is(void **state)
{
    (void)state;
    assert_unpacks("/* CTF 1.8 */\nclock { };", 24, "/* CTF 1.8 */\nclock { };");
}

static void test_every_cut_is_refused(void **state)
{
    (void)state;
    uint8_t packets[2 * PACKET_BYTES];
    make_packet(packets, "abc", false);
    make_packet(packets + PACKET_BYTES, "def", false);
    assert_refused(packets, 0, "empty");
    for (size_t size = 1; size < sizeof packets; size++)
        if (size != PACKET_BYTES)
            assert_refused(packets, size, size < 4 ? "not CTF metadata" : "cut or damaged");
}

static void test_sizes_that_contradict_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint32_t number;
    } wrong[] = {{24, 8 * (HEADER_BYTES - 1)},
                 {24, 8 * (PACKET_BYTES + 1)},
                 {24, 8 * HEADER_BYTES + 1},
                 {28, 8 * (PACKET_BYTES + 1)},
                 {28, 0},
                 {28, UINT32_MAX - 7}};
    uint8_t packet[PACKET_BYTES];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        make_packet(packet, "abc", false);
        put_u32(packet + wrong[i].at, wrong[i].number, false);
        assert_refused(packet, sizeof packet, "cut or damaged at byte 0");
    }
}

static void test_compressed_and_encrypted_packets_are_refused(void **state)
{
    (void)state;
    uint8_t packet[PACKET_BYTES];
    for (size_t at = 32; at <= 33; at++) {
        make_packet(packet, "abc", false);
        packet[at] = 1;
        assert_refused(packet, sizeof packet, "damaged");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_may_break_inside_a_word),
        cmocka_unit_test(test_plain_text_is_taken_as_it_is),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_sizes_that_contradict_are_refused),
        cmocka_unit_test(test_compressed_and_encrypted_packets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
