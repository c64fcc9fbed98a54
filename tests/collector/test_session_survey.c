/* What a trace holds and lost, from index files as LTTng writes them; and how much memory its buffers take. */
#include "support/cmocka_main.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/session/buffers.h"
#include "collector/session/survey.h"
#include "collector/session/tree.h"

enum { ENTRY_WORDS = 9, DISCARDED_WORD = 5, SEQUENCE_WORD = 8 };

static char root[64];

static int set_up(void **state)
{
    (void)state;
    sprintf(root, "/tmp/mapscope-survey-XXXXXX");
    assert_non_null(mkdtemp(root));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return tree_remove(AT_FDCWD, root);
}

/* The file `name` in the folder, for writing. */
static FILE *create(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    return file;
}

/* An index of packets with these numbers and losses so far, and `cut` bytes of one more entry. */
static void write_index(const char *name, const uint64_t (*packets)[2], size_t count, size_t cut)
{
    const uint32_t header[] = {htobe32(0xC1F1DCC1), htobe32(1), htobe32(1), htobe32(ENTRY_WORDS * 8)};
    FILE *file = create(name);
    fwrite(header, sizeof header, 1, file);
    for (size_t i = 0; i < count; i++) {
        uint64_t entry[ENTRY_WORDS] = {0};
        entry[SEQUENCE_WORD] = htobe64(packets[i][0]);
        entry[DISCARDED_WORD] = htobe64(packets[i][1]);
        fwrite(entry, sizeof entry, 1, file);
    }
    const uint64_t garbage[ENTRY_WORDS] = {~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL};
    fwrite(garbage, cut, 1, file);
    assert_int_equal(fclose(file), 0);
}

static struct survey survey_root(void)
{
    struct survey survey;
    assert_int_equal(survey_trace(AT_FDCWD, root, &survey), 0);
    return survey;
}

static void test_losses_are_the_last_sum_of_each_stream(void **state)
{
    (void)state;
    write_index("ev_0.idx", (const uint64_t[][2]){{0, 0}, {1, 40}, {2, 100}}, 3, 0);
    write_index("ev_1.idx", (const uint64_t[][2]){{0, 7}}, 1, 71);
    struct survey survey = survey_root();
    assert_int_equal(survey.discarded_events, 107);
    assert_int_equal(survey.lost_packets, 0);
}

static void test_gaps_in_the_numbers_are_lost_packets(void **state)
{
    (void)state;
    write_index("ev_0.idx", (const uint64_t[][2]){{10, 0}, {11, 0}, {15, 0}}, 3, 0);
    assert_int_equal(survey_root().lost_packets, 3);
}

static void test_index_files_that_are_none_lose_nothing(void **state)
{
    (void)state;
    write_index("empty.idx", NULL, 0, 5);
    FILE *file = create("garbage.idx");
    for (int i = 0; i < 500; i++)
        fputc(0xff, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(fclose(create("nothing.idx")), 0);
    write_index("other.idx", (const uint64_t[][2]){{0, 9}, {5, 9}}, 2, 0);
    char path[128];
    snprintf(path, sizeof path, "%s/other.idx", root);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "no", 2, 0), 2);
    close(fd);
    struct survey survey = survey_root();
    assert_int_equal(survey.discarded_events, 0);
    assert_int_equal(survey.lost_packets, 0);
    assert_int_equal(survey.bytes, 16 + 5 + 500 + 16 + 2 * 72);
}

/* A folder as LTTng makes it for a process, with packets of metadata with these texts, each of 4 KiB. */
static void make_folder(const char *name, const char *const *texts)
{
    enum { HEADER_BYTES = 37, PACKET_BYTES = 4096 };
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/metadata", name);
    FILE *file = create(path);
    for (; *texts; texts++) {
        char packet[PACKET_BYTES] = {0};
        uint32_t magic = 0x75D11D57, bits[] = {(uint32_t)(HEADER_BYTES + strlen(*texts)) * 8, PACKET_BYTES * 8};
        memcpy(packet, &magic, sizeof magic);
        memcpy(packet + 24, bits, sizeof bits);
        memcpy(packet + HEADER_BYTES, *texts, strlen(*texts));
        fwrite(packet, sizeof packet, 1, file);
    }
    assert_int_equal(fclose(file), 0);
}

/* The same with a stream. */
static void make_process(const char *name, const char *const *texts)
{
    char stream[64];
    make_folder(name, texts);
    snprintf(stream, sizeof stream, "%s/ev_0", name);
    assert_int_equal(fclose(create(stream)), 0);
}

static void test_processes_are_folders_with_a_stream_of_events(void **state)
{
    (void)state;
    assert_int_equal(fclose(create("ev_0")), 0);
    assert_int_equal(survey_root().processes, 0); /* not yet: LTTng makes the metadata last */
    assert_int_equal(tree_clear(root), 0);
    make_folder("none", (const char *[]){"env {};\n", NULL});
    assert_int_equal(fclose(create("none/meta_0")), 0);
    make_process("one", (const char *[]){"env {};\n", NULL});
    make_process("two", (const char *[]){"env {};\n", NULL});
    struct survey survey = survey_root();
    assert_int_equal(survey.processes, 2);
    assert_int_equal(survey.without_buffers.count, 1);
    assert_string_equal(survey.without_buffers.names[0], "none");
    assert_int_equal(survey.without_metadata.count, 0);
    assert_int_equal(survey.bytes, 3 * 4096);
    assert_int_equal(survey_trace(AT_FDCWD, "/no/such", &survey), -ENOENT);
}

static void test_folders_with_metadata_that_is_empty_or_cut_are_counted_and_the_first_named(void **state)
{
    (void)state;
    make_process("whole",
                 (const char *[]){"/* CTF 1.8 */ typealias integer {", " size = 8; } := a;\nevent {\n};\n\n", NULL});
    assert_int_equal(survey_root().without_metadata.count, 0);
    make_process("cut", (const char *[]){"/* CTF 1.8 */ typealias integer {", NULL});
    struct survey survey = survey_root();
    assert_int_equal(survey.without_metadata.count, 1);
    assert_string_equal(survey.without_metadata.names[0], "cut");
    for (int i = 0; i < SURVEY_NAMES + 1; i++) {
        char name[32];
        snprintf(name, sizeof name, "empty-%d", i);
        make_process(name, (const char *[]){NULL});
    }
    survey = survey_root();
    assert_int_equal(survey.without_metadata.count, SURVEY_NAMES + 2);
    for (int i = 0; i < SURVEY_NAMES; i++)
        assert_true(survey.without_metadata.names[i][0] == 'c' || survey.without_metadata.names[i][0] == 'e');
}

static void test_a_ring_is_rounded_up_to_a_power_of_two_in_four_parts(void **state)
{
    (void)state;
    assert_int_equal(buffers_of_ring(BUFFERS_RING_DEFAULT).bytes, 262144);
    assert_int_equal(buffers_of_ring(BUFFERS_RING_DEFAULT).count, 4);
    assert_int_equal(buffers_of_ring(100000).bytes, 32768);
    assert_int_equal(buffers_of_ring(1).bytes, BUFFERS_RING_MIN / 4);
    assert_int_equal(buffers_of_ring(UINT64_MAX).bytes, BUFFERS_RING_MAX / 4);
}

/* One part more than asked for in each ring of each CPU; measured 2364096 bytes for 8 x 256 KiB on one. */
static void test_buffers_take_one_part_more_than_they_say(void **state)
{
    (void)state;
    struct buffers eight = {262144, 8};
    uint64_t one = buffers_process_bytes(eight, 1), two = buffers_process_bytes(eight, 2);
    uint64_t meta_bytes = 3 * 65536 + 8192;
    assert_int_equal(two - one, 9 * 262144 + 8192 + meta_bytes);
    assert_true(two - one - meta_bytes >= 2364096);
}

static void test_too_little_room_is_said_with_what_to_do(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    uint64_t processes = 1;
    struct buffers huge = {UINT64_C(1) << 50, 4};
    assert_int_equal(buffers_check(root, huge, &processes, &diag), -ENOSPC);
    assert_int_equal(processes, 0);
    assert_non_null(strstr(diag_text(&diag), "--buffer"));
    diag_fini(&diag);
    assert_int_equal(buffers_check("/no/such", huge, &processes, NULL), -ENOENT);
}

#define SURVEY_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SURVEY_TEST(test_losses_are_the_last_sum_of_each_stream),
        SURVEY_TEST(test_gaps_in_the_numbers_are_lost_packets),
        SURVEY_TEST(test_index_files_that_are_none_lose_nothing),
        SURVEY_TEST(test_processes_are_folders_with_a_stream_of_events),
        SURVEY_TEST(test_folders_with_metadata_that_is_empty_or_cut_are_counted_and_the_first_named),
        SURVEY_TEST(test_a_ring_is_rounded_up_to_a_power_of_two_in_four_parts),
        SURVEY_TEST(test_buffers_take_one_part_more_than_they_say),
        SURVEY_TEST(test_too_little_room_is_said_with_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
