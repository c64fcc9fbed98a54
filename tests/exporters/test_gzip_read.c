/* A file in memory: as it is, unpacked, or refused with the reason. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "exporters/gzip_read.h"

static const char text[] = "some text, some text, some text";

/* A file of these bytes; the caller frees the name, after unlinking it. */
static char *write_file(const void *bytes, size_t size)
{
    char *path = strdup("/tmp/mapscope-gzip-XXXXXX");
    assert_non_null(path);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
    return path;
}

static size_t pack(const void *bytes, size_t size, unsigned char *out, size_t room)
{
    z_stream stream = {
        .next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)size, .next_out = out, .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

static int read_bytes(const void *bytes, size_t size, struct gzip_content *out, struct diag *diag)
{
    char *path = write_file(bytes, size);
    int error = gzip_read(path, out, diag);
    unlink(path);
    free(path);
    return error;
}

static void test_plain_bytes_come_as_they_are(void **state)
{
    (void)state;
    struct gzip_content content;
    assert_int_equal(read_bytes(text, sizeof text - 1, &content, NULL), 0);
    assert_false(content.was_compressed);
    assert_int_equal(content.size, sizeof text - 1);
    assert_string_equal((char *)content.bytes, text); /* the NUL is there */
    gzip_content_fini(&content);
    assert_int_equal(read_bytes("", 0, &content, NULL), 0);
    assert_int_equal(content.size, 0);
    gzip_content_fini(&content);
}

static void test_members_of_gzip_become_one(void **state)
{
    (void)state;
    unsigned char packed[400];
    size_t first = pack(text, sizeof text - 1, packed, sizeof packed);
    size_t size = first + pack("and more", 8, packed + first, sizeof packed - first);
    struct gzip_content content;
    assert_int_equal(read_bytes(packed, size, &content, NULL), 0);
    assert_true(content.was_compressed);
    assert_string_equal((char *)content.bytes, "some text, some text, some textand more");
    gzip_content_fini(&content);
}

static void test_damaged_gzip_is_refused(void **state)
{
    (void)state;
    unsigned char packed[400];
    size_t size = pack(text, sizeof text - 1, packed, sizeof packed);
    struct gzip_content content;
    for (size_t cut = 2; cut < size; cut++)
        assert_int_equal(read_bytes(packed, cut, &content, NULL), -EINVAL);
    packed[size] = 'x'; /* something behind it */
    assert_int_equal(read_bytes(packed, size + 1, &content, NULL), -EINVAL);
    packed[size - 8] ^= 1; /* CRC */
    assert_int_equal(read_bytes(packed, size, &content, NULL), -EINVAL);
}

static void test_what_unpacks_without_end_is_refused(void **state)
{
    (void)state;
    size_t room = 1 << 20;
    unsigned char *zeros = calloc(1, GZIP_READ_MAX + 1), *packed = malloc(room);
    assert_true(zeros && packed);
    size_t size = pack(zeros, GZIP_READ_MAX + 1, packed, room);
    struct gzip_content content;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(read_bytes(packed, size, &content, &diag), -EFBIG);
    assert_non_null(strstr(diag_text(&diag), "unpacks to more than 64 MiB"));
    diag_fini(&diag);
    free(zeros);
    free(packed);
}

static void test_a_file_that_is_not_there_says_so(void **state)
{
    (void)state;
    struct gzip_content content;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(gzip_read("/nowhere/at/all", &content, &diag), -ENOENT);
    assert_string_equal(diag_text(&diag), "cannot read /nowhere/at/all: No such file or directory");
    assert_int_equal(gzip_read("/tmp", &content, NULL), -EISDIR);
    diag_fini(&diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_bytes_come_as_they_are),
        cmocka_unit_test(test_members_of_gzip_become_one),
        cmocka_unit_test(test_damaged_gzip_is_refused),
        cmocka_unit_test(test_what_unpacks_without_end_is_refused),
        cmocka_unit_test(test_a_file_that_is_not_there_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
