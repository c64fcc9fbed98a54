/* Streams without metadata of their own: read by a known text where it explains them, and left alone where not. */
#include "support/cmocka_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctf_reading.h"

enum { EVENTS_BEYOND_THE_TRIAL = 1500 };

struct found {
    unsigned events, out_of_order;
    char warnings[4096];
    struct losses losses;
    int64_t clock_offset_ns;
};

static void keep_warning(void *self, const char *text)
{
    struct found *found = self;
    size_t used = strlen(found->warnings);
    snprintf(found->warnings + used, sizeof found->warnings - used, "%s\n", text);
}

/* Reads `folder` with the metadata of `layout` as what is known. */
static struct found read_knowing(const char *folder, const struct ctf_layout *layout)
{
    struct found found = {0};
    char *text = ctf_layout_text(layout);
    const char *const known[] = {"no TSDL", text, NULL};
    struct ctf_options options = {.warn = keep_warning, .known = known, .self = &found};
    struct ctf_reader *reader;
    struct ctf_event event;
    uint64_t last_ns = 0;
    assert_int_equal(ctf_open(folder, &options, NULL, &reader), 0);
    while (ctf_next(reader, &event) == 1) {
        assert_int_equal(reading_field(&event, "n")->u, event.time_ns);
        found.out_of_order += event.time_ns < last_ns;
        last_ns = event.time_ns;
        found.events++;
    }
    found.losses = ctf_losses(reader);
    found.clock_offset_ns = ctf_clock_offset_ns(reader);
    ctf_close(reader);
    free(text);
    return found;
}

/* One stream of numbered events: `packets` of ten, from `first` on. */
static void write_stream(const char *folder, uint64_t instance, const char *name, uint64_t first, uint64_t packets)
{
    struct ctf_writer writer;
    ctf_writer_open(&writer, &numbered, instance);
    for (uint64_t i = 0; i < packets; i++)
        put_numbered_packet(&writer, i, first + 100 * i, 10);
    ctf_writer_save(&writer, folder, name);
    ctf_writer_close(&writer);
}

/* A trace of two streams whose metadata is empty. */
static char *make_orphan(void)
{
    char *folder = ctf_make_folder();
    write_stream(folder, 0, "ch_0", 1000, 3);
    write_stream(folder, 1, "ch_1", 1050, 3);
    ctf_write_file(folder, "metadata", "", 0);
    return folder;
}

static void test_a_known_text_reads_what_it_explains(void **state)
{
    (void)state;
    char *folder = make_orphan();
    struct found found = read_knowing(folder, &numbered);
    assert_int_equal(found.events, 60);
    assert_int_equal(found.out_of_order, 0);
    assert_int_equal(found.losses.known_traces, 1);
    assert_int_equal(found.losses.skipped_traces + found.losses.skipped_streams + found.losses.damaged_packets, 0);
    assert_non_null(
        strstr(found.warnings, "the metadata is empty; its events are read as this mapscope records them\n"));
    ctf_remove_folder(folder);
}

static void test_events_of_other_sizes_are_not_guessed_at(void **state)
{
    (void)state;
    static const char *const fields[] = {"u32 _n;", "u64 _n; u8 _m;", "string _n;",
                                         "u64 __n_length; u8 _n[ __n_length ];"};
    char *folder = make_orphan();
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char events[256];
        snprintf(events, sizeof events, "event { name = \"t:one\"; id = 0; stream_id = 0; fields := struct { %s }; };",
                 fields[i]);
        struct ctf_layout other = numbered;
        other.events = events;
        struct found found = read_knowing(folder, &other);
        assert_int_equal(found.events, 0);
        assert_int_equal(found.losses.skipped_traces, 1);
        assert_int_equal(found.losses.known_traces, 0);
        assert_non_null(strstr(found.warnings, "trace skipped: "));
    }
    ctf_remove_folder(folder);
}

static void test_unknown_ids_are_not_guessed_at(void **state)
{
    (void)state;
    char *folder = make_orphan();
    struct ctf_layout other = numbered;
    other.events = "event { name = \"t:one\"; id = 1; stream_id = 0; fields := struct { u64 _n; }; };";
    assert_int_equal(read_knowing(folder, &other).losses.skipped_traces, 1);
    ctf_remove_folder(folder);
}

/* The sizes agree, but what would be the process is none. */
static void test_numbers_that_no_process_has_are_not_believed(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    struct ctf_writer writer;
    ctf_writer_open(&writer, &numbered, 0);
    ctf_packet_begin(&writer, 5, 0);
    ctf_put_event(&writer, 0, 5);
    ctf_put(&writer, 32, 1 << 23);
    ctf_put(&writer, 32, 8);
    ctf_put(&writer, 64, 5);
    ctf_packet_end(&writer, 4096);
    ctf_writer_save(&writer, folder, "ch_0");
    ctf_writer_close(&writer);
    assert_int_equal(read_knowing(folder, &numbered).losses.skipped_traces, 1);
    ctf_remove_folder(folder);
}

/* Of two streams one is not as known: the other is read, and it is counted. */
static void test_a_stream_that_is_not_explained_costs_itself(void **state)
{
    (void)state;
    char *folder = make_orphan();
    size_t size;
    uint8_t *bytes = ctf_read_file(folder, "ch_1", &size);
    bytes[84] = 77; /* the first event's id */
    ctf_write_file(folder, "ch_1", bytes, size);
    free(bytes);
    struct found found = read_knowing(folder, &numbered);
    assert_int_equal(found.events, 30);
    assert_int_equal(found.losses.skipped_streams, 1);
    assert_int_equal(found.losses.known_traces, 1);
    assert_non_null(strstr(found.warnings, "but for streams that are not like that"));
    ctf_remove_folder(folder);
}

static void test_a_cut_end_is_explained_as_far_as_it_goes(void **state)
{
    (void)state;
    char *folder = make_orphan(), *path = ctf_path(folder, "ch_0");
    assert_int_equal(truncate(path, 2 * 4096 + 200), 0);
    struct found found = read_knowing(folder, &numbered);
    assert_true(found.events > 50 && found.events < 60);
    assert_int_equal(found.losses.damaged_packets, 1);
    assert_int_equal(found.losses.known_traces, 1);
    free(path);
    ctf_remove_folder(folder);
}

static void test_damage_behind_the_trial_is_counted_as_ever(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    write_stream(folder, 0, "ch_0", 1000, EVENTS_BEYOND_THE_TRIAL / 10);
    size_t size;
    uint8_t *bytes = ctf_read_file(folder, "ch_0", &size);
    bytes[size - 4096 + 84] = 77;
    ctf_write_file(folder, "ch_0", bytes, size);
    free(bytes);
    struct found found = read_knowing(folder, &numbered);
    assert_int_equal(found.events, EVENTS_BEYOND_THE_TRIAL - 10);
    assert_int_equal(found.losses.damaged_packets, 1);
    ctf_remove_folder(folder);
}

static void test_a_stream_without_events_is_no_loss(void **state)
{
    (void)state;
    char *folder = make_orphan();
    struct ctf_writer writer;
    ctf_writer_open(&writer, &numbered, 2);
    ctf_packet_begin(&writer, 5, 0);
    ctf_packet_end(&writer, 4096);
    ctf_writer_save(&writer, folder, "ch_2");
    ctf_writer_close(&writer);
    struct found found = read_knowing(folder, &numbered);
    assert_int_equal(found.events, 60);
    assert_int_equal(found.losses.skipped_streams, 0);
    ctf_remove_folder(folder);
}

/* Nothing is known of its clock: it is taken for that of the traces beside it. */
static void test_the_clock_is_that_of_the_traces_beside_it(void **state)
{
    (void)state;
    char *folder = ctf_make_folder(), *orphan = ctf_path(folder, "b");
    struct ctf_layout whole = numbered;
    whole.uuid = 2;
    whole.clock_offset = 1000000;
    write_single(folder, "a", &whole, 1055);
    write_single(folder, "b", &numbered, 1050);
    ctf_write_file(orphan, "metadata", "", 0);
    struct found found = read_knowing(folder, &numbered);
    assert_int_equal(found.events, 2);
    assert_int_equal(found.out_of_order, 0);
    assert_int_equal(found.clock_offset_ns, 1000000);
    free(orphan);
    ctf_remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_known_text_reads_what_it_explains),
        cmocka_unit_test(test_events_of_other_sizes_are_not_guessed_at),
        cmocka_unit_test(test_unknown_ids_are_not_guessed_at),
        cmocka_unit_test(test_numbers_that_no_process_has_are_not_believed),
        cmocka_unit_test(test_a_stream_that_is_not_explained_costs_itself),
        cmocka_unit_test(test_a_cut_end_is_explained_as_far_as_it_goes),
        cmocka_unit_test(test_damage_behind_the_trial_is_counted_as_ever),
        cmocka_unit_test(test_a_stream_without_events_is_no_loss),
        cmocka_unit_test(test_the_clock_is_that_of_the_traces_beside_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
