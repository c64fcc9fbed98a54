/* What capture.json says, as it reaches every output. */
#include "support/cmocka_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/capture_read.h"
#include "collector/ctf_writer.h"
#include "collector/known_metadata.h"

/* A file as capture_write writes it. */
static void write_capture(const char *folder, const char *version, const char *state, const char *ended_by)
{
    char text[1024];
    int length = snprintf(text, sizeof text,
                          "{\"mapscope\": \"%s\", \"lttng\": \"2.13.9\", \"state\": \"%s\",\n \"command\": \"state\",\n"
                          " \"begin\": {\"epoch_ns\": 1700000000000000005, \"monotonic_ns\": 5},\n"
                          " \"ended_by\": %s, \"losses\": {\"discarded_events\": 7, \"lost_packets\": null,\n"
                          " \"without_buffers\": {\"count\": 4, \"first\": []},\n"
                          " \"without_metadata\": {\"count\": 3, \"first\": [\"a\", \"b\", \"c\"]}}}\n",
                          version, state, ended_by);
    ctf_write_file(folder, "capture.json", text, (size_t)length);
}

static void test_each_end_is_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *state, *ended_by;
        enum losses_end end;
        const char *text; /* part of what the outputs say */
    } ends[] = {
        {"complete", "\"program\"", LOSSES_END_PROGRAM, NULL},
        {"complete", "\"duration\"", LOSSES_END_DURATION, "--duration"},
        {"complete", "\"size\"", LOSSES_END_SIZE, "--max-size"},
        {"complete", "\"signal\"", LOSSES_END_SIGNAL, "by a signal"},
        {"cut", "\"program\"", LOSSES_END_CUT, "cut: the tracer"},
        {"cut", "\"daemon\"", LOSSES_END_DAEMON, "cut: the session daemon"},
        {"recording", "null", LOSSES_END_KILLED, "cut: the recorder was killed"},
    };
    char *folder = ctf_make_folder();
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        write_capture(folder, known_metadata_version, ends[i].state, ends[i].ended_by);
        struct capture_said said = capture_read(folder);
        struct losses losses = {0};
        capture_add_losses(&said, &losses);
        assert_int_equal(losses.end, ends[i].end);
        const char *text = losses_end_text(losses.end);
        assert_true(ends[i].text ? strstr(text, ends[i].text) != NULL : text == NULL);
        assert_int_equal(losses_is_cut(&losses), ends[i].end >= LOSSES_END_CUT);
    }
    ctf_remove_folder(folder);
}

static void test_of_two_counts_the_higher_is_right(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    write_capture(folder, known_metadata_version, "complete", "\"program\"");
    struct capture_said said = capture_read(folder);
    struct losses losses = {.discarded_events = 3, .lost_packets = 2, .known_traces = 1, .skipped_traces = 1};
    capture_add_losses(&said, &losses);
    assert_int_equal(losses.discarded_events, 7);
    assert_int_equal(losses.lost_packets, 2);
    assert_int_equal(losses.known_traces, 1);
    assert_int_equal(losses.unrecorded_processes, 4);
    assert_int_equal(losses.skipped_traces, 2); /* one is not there any more */
    losses.discarded_events = 9;
    losses.skipped_traces = 5;
    capture_add_losses(&said, &losses);
    assert_int_equal(losses.discarded_events, 9);
    assert_int_equal(losses.skipped_traces, 5);
    ctf_remove_folder(folder);
}

static void test_the_file_may_lie_beside_the_folder(void **state)
{
    (void)state;
    char *folder = ctf_make_folder(), *trace = ctf_path(folder, "trace");
    write_capture(folder, "0.0.0", "complete", "\"program\"");
    ctf_write_metadata(trace, &(struct ctf_layout){0});
    struct capture_said said = capture_read(trace);
    assert_true(said.is_there);
    assert_true(said.is_of_other_version);
    assert_int_equal(said.clock_offset_ns, 1700000000000000000);
    free(trace);
    ctf_remove_folder(folder);
}

static void test_a_missing_or_foreign_file_says_nothing(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    assert_false(capture_read(folder).is_there);
    ctf_write_file(folder, "capture.json", "[1, 2", 5);
    struct capture_said said = capture_read(folder);
    assert_false(said.is_there);
    assert_false(said.is_of_other_version);
    assert_int_equal(said.end, LOSSES_END_UNKNOWN);
    ctf_remove_folder(folder);
}

static void test_long_arguments_hide_nothing_behind_them(void **state)
{
    (void)state;
    enum { LONG = 3 << 20 };
    static const char begin[] = "{\"mapscope\": \"1\", \"arguments\": [\"",
                      end[] = "\"], \"losses\": {\"lost_packets\": 9}}";
    char *folder = ctf_make_folder(), *text = malloc(LONG);
    assert_non_null(text);
    memset(text, 'x', LONG);
    memcpy(text, begin, strlen(begin));
    memcpy(text + LONG - strlen(end), end, strlen(end));
    ctf_write_file(folder, "capture.json", text, LONG);
    assert_int_equal(capture_read(folder).lost_packets, 9);
    free(text);
    ctf_remove_folder(folder);
}

/* A pipe that nobody writes to, a device that never ends: anybody may have put them there. */
static void test_what_is_no_plain_file_says_nothing(void **state)
{
    (void)state;
    char *folder = ctf_make_folder(), *path = ctf_path(folder, "capture.json");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(capture_read(folder).is_there);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/zero", path), 0);
    assert_false(capture_read(folder).is_there);
    free(path);
    ctf_remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_plain_file_says_nothing),
        cmocka_unit_test(test_long_arguments_hide_nothing_behind_them),
        cmocka_unit_test(test_each_end_is_told_apart),
        cmocka_unit_test(test_of_two_counts_the_higher_is_right),
        cmocka_unit_test(test_the_file_may_lie_beside_the_folder),
        cmocka_unit_test(test_a_missing_or_foreign_file_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
