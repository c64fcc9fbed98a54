/* The checked writer: what it formats, that errors stick, and that a file appears whole or not at all. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/outbuf.h"

struct sink {
    char bytes[1 << 20];
    size_t used;
    size_t room; /* bytes until the disk is full */
};

static int sink_drain(void *self, const void *bytes, size_t size)
{
    struct sink *sink = self;
    if (size > sink->room)
        return -ENOSPC;
    sink->room -= size;
    memcpy(sink->bytes + sink->used, bytes, size);
    sink->used += size;
    return 0;
}

static struct sink sink;

static void reset_sink(struct outbuf *out, size_t room)
{
    sink.used = 0;
    sink.room = room;
    assert_int_equal(outbuf_init(out, sink_drain, &sink), 0);
}

static void test_numbers_are_written_to_the_last_digit(void **state)
{
    (void)state;
    struct outbuf out;
    reset_sink(&out, sizeof sink.bytes);
    outbuf_u64(&out, 0);
    outbuf_char(&out, ' ');
    outbuf_u64(&out, UINT64_MAX);
    outbuf_printf(&out, " %s", "end");
    assert_int_equal(outbuf_flush(&out), 0);
    const char expected[] = "0 18446744073709551615 end";
    assert_int_equal(sink.used, strlen(expected));
    assert_memory_equal(sink.bytes, expected, sink.used);
    assert_int_equal(out.total, sink.used);
    outbuf_fini(&out);
}

static void test_bytes_larger_than_the_buffer_keep_their_order(void **state)
{
    (void)state;
    static char large[600 * 1024];
    memset(large, 'x', sizeof large);
    struct outbuf out;
    reset_sink(&out, sizeof sink.bytes);
    outbuf_text(&out, "a");
    outbuf_bytes(&out, large, sizeof large);
    outbuf_text(&out, "b");
    assert_int_equal(outbuf_flush(&out), 0);
    assert_int_equal(sink.used, sizeof large + 2);
    assert_int_equal(sink.bytes[0], 'a');
    assert_int_equal(sink.bytes[1], 'x');
    assert_int_equal(sink.bytes[sink.used - 1], 'b');
    outbuf_fini(&out);
}

static void test_what_is_written_in_place_keeps_its_order(void **state)
{
    (void)state;
    enum { PIECES = 3000, PIECE_BYTES = 300 };
    struct outbuf out;
    reset_sink(&out, sizeof sink.bytes);
    for (unsigned i = 0; i < PIECES; i++) {
        char *at = outbuf_room(&out, OUTBUF_ROOM_MAX);
        memset(at, 'a' + (int)(i % 26), PIECE_BYTES - 1);
        outbuf_wrote(&out, at + PIECE_BYTES - 1);
        outbuf_char(&out, '\n');
    }
    assert_int_equal(outbuf_flush(&out), 0);
    assert_int_equal(sink.used, PIECES * PIECE_BYTES);
    assert_int_equal(out.total, PIECES * PIECE_BYTES);
    for (unsigned i = 0; i < PIECES * PIECE_BYTES; i++)
        assert_int_equal(sink.bytes[i], (i + 1) % PIECE_BYTES ? 'a' + (int)(i / PIECE_BYTES % 26) : '\n');
    outbuf_fini(&out);
}

static void test_the_first_error_sticks(void **state)
{
    (void)state;
    struct outbuf out;
    reset_sink(&out, 3);
    outbuf_text(&out, "four");
    assert_int_equal(outbuf_flush(&out), -ENOSPC);
    sink.room = 100;
    outbuf_text(&out, "more");
    assert_int_equal(outbuf_flush(&out), -ENOSPC);
    assert_int_equal(sink.used, 0);
    outbuf_fini(&out);
}

static void temporary_folder(char *folder, size_t size)
{
    snprintf(folder, size, "/tmp/mapscope-outbuf-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static void test_a_committed_file_is_private_and_whole(void **state)
{
    (void)state;
    char folder[64], path[128];
    temporary_folder(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/file", folder);
    struct outfile file;
    assert_int_equal(outfile_open(&file, path, NULL), 0);
    outbuf_text(&file.out, "hello");
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(outfile_commit(&file, NULL), 0);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 5);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left behind */
}

static void test_an_aborted_or_failed_file_leaves_nothing(void **state)
{
    (void)state;
    char folder[64], path[128];
    temporary_folder(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/file", folder);
    struct outfile file;
    assert_int_equal(outfile_open(&file, path, NULL), 0);
    outbuf_text(&file.out, "hello");
    outfile_abort(&file);

    assert_int_equal(outfile_open(&file, path, NULL), 0);
    file.out.error = -ENOSPC;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(outfile_commit(&file, &diag), -ENOSPC);
    assert_non_null(strstr(diag_text(&diag), path));
    diag_fini(&diag);
    assert_int_equal(rmdir(folder), 0);
}

/* Renaming over a device would remove it. */
static void test_a_device_is_written_to_and_stays(void **state)
{
    (void)state;
    struct outfile file;
    assert_int_equal(outfile_open(&file, "/dev/full", NULL), 0);
    outbuf_text(&file.out, "hello");
    assert_int_equal(outfile_commit(&file, NULL), -ENOSPC);
    struct stat status;
    assert_int_equal(stat("/dev/full", &status), 0);
    assert_true(S_ISCHR(status.st_mode));
}

/* An empty file, and a link to it. */
struct linked {
    char folder[64], file[128], link[128];
};

static void link_begin(struct linked *linked)
{
    temporary_folder(linked->folder, sizeof linked->folder);
    snprintf(linked->file, sizeof linked->file, "%s/file", linked->folder);
    snprintf(linked->link, sizeof linked->link, "%s/link", linked->folder);
    fclose(fopen(linked->file, "w"));
    assert_int_equal(symlink("file", linked->link), 0);
}

static void link_end(const struct linked *linked)
{
    unlink(linked->link);
    unlink(linked->file);
    assert_int_equal(rmdir(linked->folder), 0);
}

static void test_a_link_stays_a_link(void **state)
{
    (void)state;
    struct linked linked;
    link_begin(&linked);
    struct outfile file;
    assert_int_equal(outfile_open(&file, linked.link, NULL), 0);
    outbuf_text(&file.out, "hello");
    assert_int_equal(outfile_commit(&file, NULL), 0);
    struct stat status;
    assert_int_equal(lstat(linked.link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(stat(linked.file, &status), 0);
    assert_int_equal(status.st_size, 5);
    link_end(&linked);
}

/* Somebody else's link may lead to a file of ours. */
static void test_a_file_of_a_name_that_nobody_chose_replaces_a_link(void **state)
{
    (void)state;
    struct linked linked;
    link_begin(&linked);
    struct outfile file;
    assert_int_equal(outfile_create(&file, linked.link, NULL), 0);
    outbuf_text(&file.out, "hello");
    assert_int_equal(outfile_commit(&file, NULL), 0);
    struct stat status;
    assert_int_equal(lstat(linked.link, &status), 0);
    assert_true(S_ISREG(status.st_mode));
    assert_int_equal(status.st_size, 5);
    assert_int_equal(stat(linked.file, &status), 0);
    assert_int_equal(status.st_size, 0);
    link_end(&linked);
}

static void test_a_missing_folder_is_named(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    struct outfile file;
    assert_int_equal(outfile_open(&file, "/nonexistent/x", &diag), -ENOENT);
    assert_string_equal(diag_text(&diag), "cannot write /nonexistent/x: No such file or directory");
    diag_fini(&diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_written_to_the_last_digit),
        cmocka_unit_test(test_bytes_larger_than_the_buffer_keep_their_order),
        cmocka_unit_test(test_what_is_written_in_place_keeps_its_order),
        cmocka_unit_test(test_the_first_error_sticks),
        cmocka_unit_test(test_a_committed_file_is_private_and_whole),
        cmocka_unit_test(test_an_aborted_or_failed_file_leaves_nothing),
        cmocka_unit_test(test_a_device_is_written_to_and_stays),
        cmocka_unit_test(test_a_link_stays_a_link),
        cmocka_unit_test(test_a_file_of_a_name_that_nobody_chose_replaces_a_link),
        cmocka_unit_test(test_a_missing_folder_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
