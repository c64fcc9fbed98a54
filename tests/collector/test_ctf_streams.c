/* Streams spread over files, merged, and what is missing from them. */
#include "support/cmocka_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/ctf_reading.h"

/* ---- several files ---- */

static void test_streams_merge_in_the_order_of_time(void **state)
{
    (void)state;
    enum { STREAMS = 7, EVENTS = 50 };
    char *folder = ctf_make_folder();
    ctf_write_metadata(folder, &numbered);
    for (uint64_t stream = 0; stream < STREAMS; stream++) {
        struct ctf_writer writer;
        ctf_writer_open(&writer, &numbered, stream);
        ctf_packet_begin(&writer, stream, 0);
        for (uint64_t i = 0; i < EVENTS; i++)
            put_numbered(&writer, i * STREAMS + stream, i * STREAMS + stream);
        ctf_packet_end(&writer, 4096);
        char name[16];
        snprintf(name, sizeof name, "ch_%u", (unsigned)stream);
        ctf_writer_save(&writer, folder, name);
        ctf_writer_close(&writer);
    }
    struct reading reading;
    reading_open(&reading, folder);
    for (uint64_t i = 0; i < EVENTS * STREAMS; i++) {
        struct ctf_event event = reading_next(&reading);
        assert_int_equal(event.time_ns, i);
        assert_int_equal(event.cpu, i % STREAMS);
    }
    reading_finish(&reading);
    ctf_remove_folder(folder);
}

static void test_unordered_reading_goes_stream_by_stream(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    ctf_write_metadata(folder, &numbered);
    for (uint64_t stream = 0; stream < 2; stream++) {
        struct ctf_writer writer;
        ctf_writer_open(&writer, &numbered, stream);
        put_numbered_packet(&writer, 0, 100, 3);
        ctf_writer_save(&writer, folder, stream ? "b" : "a");
        ctf_writer_close(&writer);
    }
    struct ctf_reader *reader;
    struct ctf_event event;
    assert_int_equal(
        ctf_open(folder, &(struct ctf_options){.unordered = true, .threads = reading_threads}, NULL, &reader), 0);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(ctf_next(reader, &event), 1);
        assert_int_equal(event.cpu, i / 3);
    }
    assert_int_equal(ctf_next(reader, &event), 0);
    ctf_close(reader);
    ctf_remove_folder(folder);
}

static void test_rotation_chunks_and_rings_are_one_stream(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    write_chunk(folder, "chunk-a", "ch_0_3", 4, 5);
    write_chunk(folder, "chunk-a", "ch_0_0", 6, 7); /* in the order of numbers, not of names */
    write_chunk(folder, "chunk-b", "ch_0", 0, 3);
    struct reading reading;
    reading_open(&reading, folder);
    reading_assert_packets(&reading, 0, 7);
    struct losses losses = reading_finish(&reading);
    assert_int_equal(losses.lost_packets, 0);
    assert_int_equal(losses.events, 80);
    ctf_remove_folder(folder);
}

static void test_packets_in_several_snapshots_count_once(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    write_chunk(folder, "snapshot-1", "ch_0", 3, 6);
    write_chunk(folder, "snapshot-2", "ch_0", 5, 8);
    write_chunk(folder, "snapshot-3", "ch_0", 5, 9);
    struct reading reading;
    reading_open(&reading, folder);
    reading_assert_packets(&reading, 3, 9);
    struct losses losses = reading_finish(&reading);
    assert_int_equal(losses.events, 70);
    assert_int_equal(losses.lost_packets, 3); /* 0 to 2 were never kept */
    assert_int_equal(losses.damaged_packets, 0);
    ctf_remove_folder(folder);
}

/* The second snapshot holds packet 5 as a whole, the first only the beginning of it. */
static void test_of_two_copies_the_whole_one_is_read(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    write_chunk(folder, "snapshot-1", "ch_0", 4, 5);
    write_chunk(folder, "snapshot-2", "ch_0", 5, 6);
    char *path = ctf_path(folder, "snapshot-1/ch_0");
    assert_int_equal(truncate(path, 4096 + 150), 0);
    free(path);
    struct reading reading;
    reading_open(&reading, folder);
    reading_assert_packets(&reading, 4, 6);
    assert_int_equal(reading_finish(&reading).events, 30);
    ctf_remove_folder(folder);
}

static void test_equal_numbers_of_different_traces_are_kept(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    struct ctf_layout second = numbered;
    second.uuid = 2;
    write_single(folder, "a", &numbered, 5);
    write_single(folder, "b", &second, 5);
    struct reading reading;
    reading_open(&reading, folder);
    assert_int_equal(reading_finish(&reading).events, 2);
    ctf_remove_folder(folder);
}

static void test_the_pid_of_a_per_process_trace_is_known(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    struct ctf_layout second = numbered;
    second.uuid = 2;
    second.vpid = 815;
    write_single(folder, "a", &numbered, 5);
    write_single(folder, "b", &second, 6);
    struct reading reading;
    reading_open(&reading, folder);
    assert_int_equal(reading_next(&reading).class->trace_pid, -1);
    assert_int_equal(reading_next(&reading).class->trace_pid, 815);
    reading_finish(&reading);
    ctf_remove_folder(folder);
}

/* ---- losses ---- */

static void test_gaps_in_the_numbers_are_lost_packets(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    write_chunk(folder, "t", "ch_0_0", 2, 3);
    write_chunk(folder, "t", "ch_0_1", 10, 10);
    struct reading reading;
    reading_open(&reading, folder);
    assert_int_equal(reading_finish(&reading).lost_packets, 2 + 6);
    ctf_remove_folder(folder);
}

static void test_discarded_events_are_the_maximum_of_a_stream(void **state)
{
    (void)state;
    static const uint64_t counters[] = {0, 500, 83811, 0, 83811, 90000};
    char *folder = ctf_make_folder();
    ctf_write_metadata(folder, &numbered);
    for (uint64_t stream = 0; stream < 2; stream++) {
        struct ctf_writer writer;
        ctf_writer_open(&writer, &numbered, stream);
        for (uint64_t packet = 0; packet < 6; packet++) {
            writer.discarded = counters[packet] / (stream + 1);
            put_numbered_packet(&writer, packet, 100 * packet, 1);
        }
        ctf_writer_save(&writer, folder, stream ? "ch_1" : "ch_0");
        ctf_writer_close(&writer);
    }
    struct reading reading;
    reading_open(&reading, folder);
    assert_int_equal(reading_finish(&reading).discarded_events, 90000 + 45000);
    ctf_remove_folder(folder);
}

static void test_a_32_bit_counter_of_discarded_events_wraps(void **state)
{
    (void)state;
    static const uint64_t counters[] = {0x70000000, 0xE0000000, 0x00000010};
    char *folder = ctf_make_folder();
    struct ctf_layout layout = numbered;
    layout.discarded_bits = 32;
    struct ctf_writer writer;
    ctf_write_metadata(folder, &layout);
    ctf_writer_open(&writer, &layout, 0);
    for (uint64_t packet = 0; packet < 3; packet++) {
        writer.discarded = counters[packet];
        put_numbered_packet(&writer, packet, 100 * packet, 1);
    }
    ctf_writer_save(&writer, folder, "ch_0");
    ctf_writer_close(&writer);
    struct reading reading;
    reading_open(&reading, folder);
    assert_int_equal(reading_finish(&reading).discarded_events, UINT64_C(0x100000010));
    ctf_remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_merge_in_the_order_of_time),
        cmocka_unit_test(test_unordered_reading_goes_stream_by_stream),
        cmocka_unit_test(test_rotation_chunks_and_rings_are_one_stream),
        cmocka_unit_test(test_packets_in_several_snapshots_count_once),
        cmocka_unit_test(test_of_two_copies_the_whole_one_is_read),
        cmocka_unit_test(test_equal_numbers_of_different_traces_are_kept),
        cmocka_unit_test(test_the_pid_of_a_per_process_trace_is_known),
        cmocka_unit_test(test_gaps_in_the_numbers_are_lost_packets),
        cmocka_unit_test(test_discarded_events_are_the_maximum_of_a_stream),
        cmocka_unit_test(test_a_32_bit_counter_of_discarded_events_wraps),
    };
    reading_threads = 1;
    int failed = cmocka_run_group_tests_name("decoded when asked", tests, NULL, NULL);
    reading_threads = 3;
    return failed + cmocka_run_group_tests_name("decoded ahead", tests, NULL, NULL);
}
