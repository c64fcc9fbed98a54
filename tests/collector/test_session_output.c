/* The folder of a recording and what lies in it: capture.json, and nothing of anybody else's lost. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/session/capture.h"
#include "collector/session/output.h"
#include "collector/session/tree.h"

static char root[64], folder[96];

static int set_up(void **state)
{
    (void)state;
    sprintf(root, "/tmp/mapscope-output-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(folder, sizeof folder, "%s/out", root);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return tree_remove(AT_FDCWD, root);
}

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void put(const char *name, const char *text)
{
    int fd = open(path_of(name), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static bool exists(const char *name)
{
    struct stat status;
    return lstat(path_of(name), &status) == 0;
}

static char *const argv[] = {(char[]){"./a\"b"}, (char[]){"x\ny"}, (char[]){"\xff"}, NULL};

static struct capture example(const struct environment *environment)
{
    return (struct capture){
        .version = "0.1.0",
        .lttng_version = "2.13.9",
        .place = "own folder",
        .argv = argv,
        .ring_bytes = 65536,
        .environment = environment,
        .begin = {.epoch_ns = 5, .monotonic_ns = 3},
    };
}

static void write_capture(const struct capture *capture)
{
    assert_int_equal(capture_write(path_of("out/" CAPTURE_NAME), capture, NULL), 0);
}

static void expect_file(const char *name, const char *expected)
{
    char text[2048];
    int fd = open(path_of(name), O_RDONLY);
    assert_true(fd >= 0);
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    assert_true(got >= 0);
    text[got] = '\0';
    assert_string_equal(text, expected);
}

static void test_a_new_folder_is_private(void **state)
{
    (void)state;
    struct output output;
    assert_int_equal(output_open(&output, folder, NULL), 0);
    struct stat status;
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    output_discard(&output);
    assert_false(exists("out"));
}

static void test_a_folder_that_was_there_is_not_removed(void **state)
{
    (void)state;
    struct output output;
    assert_int_equal(mkdir(folder, 0755), 0);
    assert_int_equal(output_open(&output, folder, NULL), 0);
    assert_int_equal(mkdir(path_of("out/trace"), 0700), 0);
    output_discard(&output);
    assert_true(exists("out"));
    assert_false(exists("out/trace"));
}

static void test_an_earlier_recording_is_replaced_and_nothing_else(void **state)
{
    (void)state;
    struct environment environment = {0};
    struct capture capture = example(&environment);
    assert_int_equal(mkdir(folder, 0700), 0);
    write_capture(&capture);
    assert_int_equal(mkdir(path_of("out/trace"), 0700), 0);
    put("out/trace/ev_0", "packet");
    put("out/report.txt", "mine");
    put("precious", "mine");
    assert_int_equal(symlink(root, path_of("out/trace/link")), 0);
    struct output output;
    assert_int_equal(output_open(&output, folder, NULL), 0);
    assert_false(exists("out/trace"));
    assert_false(exists("out/" CAPTURE_NAME));
    assert_true(exists("out/report.txt"));
    assert_true(exists("precious")); /* the link was not followed */
    output_close(&output);
}

static void expect_refused(int expected)
{
    struct output output;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(output_open(&output, folder, &diag), expected);
    assert_non_null(strstr(diag_text(&diag), folder));
    diag_fini(&diag);
}

static void test_somebody_elses_folder_is_refused(void **state)
{
    (void)state;
    assert_int_equal(mkdir(folder, 0700), 0);
    put("out/" CAPTURE_NAME, "{\"other\": 1}");
    expect_refused(-ENOTEMPTY);
    assert_true(exists("out/" CAPTURE_NAME));
    unlink(path_of("out/" CAPTURE_NAME));
    put("elsewhere", "{\"mapscope\": \"0.1.0\"}");
    assert_int_equal(symlink("../elsewhere", path_of("out/" CAPTURE_NAME)), 0);
    expect_refused(-ENOTEMPTY);
    assert_true(exists("out/" CAPTURE_NAME));
}

static void test_a_folder_in_use_is_refused(void **state)
{
    (void)state;
    struct output first;
    assert_int_equal(output_open(&first, folder, NULL), 0);
    expect_refused(-EBUSY);
    output_close(&first);
    assert_int_equal(output_open(&first, folder, NULL), 0);
    output_close(&first);
}

static void test_a_capture_that_has_just_begun(void **state)
{
    (void)state;
    char *const variables[] = {(char[]){"MAPSCOPE_KEY_SEED=5ec3e7"}, (char[]){"MAPSCOPE_MAP_RATE=007"},
                               (char[]){"MAPSCOPE_MUTEX_RATE=10"}, NULL};
    struct environment environment;
    assert_int_equal(environment_init(&environment, variables), 0);
    struct capture capture = example(&environment);
    assert_int_equal(mkdir(folder, 0700), 0);
    write_capture(&capture);
    expect_file("out/" CAPTURE_NAME,
                "{\"mapscope\": \"0.1.0\", \"lttng\": \"2.13.9\", \"state\": \"recording\",\n"
                " \"command\": \"./a\\\"b\", \"arguments\": null, \"pid\": null,\n"
                " \"daemon\": \"own folder\",\n"
                " \"settings\": {\"ring_bytes\": 65536, \"MAPSCOPE_MAP_RATE\": \"007\", \"MAPSCOPE_MUTEX_RATE\": 10},\n"
                " \"pages\": null,\n"
                " \"begin\": {\"epoch_ns\": 5, \"monotonic_ns\": 3},\n"
                " \"end\": {\"epoch_ns\": null, \"monotonic_ns\": null},\n"
                " \"ended_by\": null, \"exit\": {\"status\": null, \"signal\": null},\n"
                " \"counts\": {\"processes\": null, \"bytes\": null},\n"
                " \"losses\": {\"discarded_events\": null, \"lost_packets\": null,\n"
                "  \"without_buffers\": {\"count\": null, \"first\": []},\n"
                "  \"without_metadata\": {\"count\": null, \"first\": []}}}\n");
    environment_fini(&environment);
}

static void test_a_capture_that_has_ended(void **state)
{
    (void)state;
    struct environment environment = {0};
    struct survey survey = {.bytes = 4096,
                            .processes = 3,
                            .discarded_events = 12,
                            .lost_packets = 1,
                            .without_buffers = {1, {"c-3-z"}},
                            .without_metadata = {2, {"a-1-x", "b\"-2-y", "not one of two"}}};
    struct capture capture = example(&environment);
    capture.state = CAPTURE_COMPLETE;
    capture.with_arguments = true;
    capture.pid = 99;
    capture.end = (struct capture_time){.epoch_ns = 9, .monotonic_ns = 7};
    capture.has_exit = true;
    capture.wait_status = 11; /* SIGSEGV */
    capture.survey = &survey;
    assert_int_equal(mkdir(folder, 0700), 0);
    write_capture(&capture);
    expect_file("out/" CAPTURE_NAME,
                "{\"mapscope\": \"0.1.0\", \"lttng\": \"2.13.9\", \"state\": \"complete\",\n"
                " \"command\": \"./a\\\"b\", \"arguments\": [\"x\\u000ay\", \"\xEF\xBF\xBD\"], \"pid\": 99,\n"
                " \"daemon\": \"own folder\",\n"
                " \"settings\": {\"ring_bytes\": 65536},\n"
                " \"pages\": null,\n"
                " \"begin\": {\"epoch_ns\": 5, \"monotonic_ns\": 3},\n"
                " \"end\": {\"epoch_ns\": 9, \"monotonic_ns\": 7},\n"
                " \"ended_by\": \"program\", \"exit\": {\"status\": null, \"signal\": 11},\n"
                " \"counts\": {\"processes\": 3, \"bytes\": 4096},\n"
                " \"losses\": {\"discarded_events\": 12, \"lost_packets\": 1,\n"
                "  \"without_buffers\": {\"count\": 1, \"first\": [\"c-3-z\"]},\n"
                "  \"without_metadata\": {\"count\": 2, \"first\": [\"a-1-x\", \"b\\\"-2-y\"]}}}\n");
}

/* What of capture.json says why the recording has ended, while the program went on. */
static void expect_ended_by(enum capture_end ended_by, const char *expected)
{
    char text[2048];
    struct environment environment = {0};
    struct capture capture = example(&environment);
    capture.end = (struct capture_time){.epoch_ns = 9, .monotonic_ns = 7};
    capture.ended_by = ended_by;
    capture.wait_status = 11;
    write_capture(&capture);
    int fd = open(path_of("out/" CAPTURE_NAME), O_RDONLY);
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    assert_true(got > 0);
    text[got] = '\0';
    assert_non_null(strstr(text, expected));
    assert_non_null(strstr(text, "\"exit\": {\"status\": null, \"signal\": null}"));
}

static void test_a_capture_that_ended_before_the_program(void **state)
{
    (void)state;
    assert_int_equal(mkdir(folder, 0700), 0);
    expect_ended_by(CAPTURE_BY_DURATION, "\"ended_by\": \"duration\"");
    expect_ended_by(CAPTURE_BY_SIZE, "\"ended_by\": \"size\"");
    expect_ended_by(CAPTURE_BY_SIGNAL, "\"ended_by\": \"signal\"");
    expect_ended_by(CAPTURE_BY_DAEMON, "\"ended_by\": \"daemon\"");
}

#define OUTPUT_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OUTPUT_TEST(test_a_new_folder_is_private),
        OUTPUT_TEST(test_a_folder_that_was_there_is_not_removed),
        OUTPUT_TEST(test_an_earlier_recording_is_replaced_and_nothing_else),
        OUTPUT_TEST(test_somebody_elses_folder_is_refused),
        OUTPUT_TEST(test_a_folder_in_use_is_refused),
        OUTPUT_TEST(test_a_capture_that_has_just_begun),
        OUTPUT_TEST(test_a_capture_that_has_ended),
        OUTPUT_TEST(test_a_capture_that_ended_before_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
