/* gzip: what comes out is read back with zlib's own gzip reader. */
#include "exporters/gzip.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

/* Where the compressed bytes end up; fails once it holds more than `limit`. */
struct target {
    struct outbuf out;
    unsigned char *bytes;
    size_t size, limit;
};

static int collect(void *self, const void *bytes, size_t size)
{
    struct target *target = self;
    if (target->size + size > target->limit)
        return -ENOSPC;
    target->bytes = realloc(target->bytes, target->size + size);
    assert_non_null(target->bytes);
    memcpy(target->bytes + target->size, bytes, size);
    target->size += size;
    return 0;
}

static void target_init(struct target *target, size_t limit)
{
    *target = (struct target){.limit = limit};
    assert_int_equal(outbuf_init(&target->out, collect, target), 0);
}

static void target_fini(struct target *target)
{
    outbuf_fini(&target->out);
    free(target->bytes);
}

/* Text that neither repeats nor is noise. */
static unsigned char *sample(size_t size)
{
    unsigned char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (unsigned char)('a' + (state >> 28));
    }
    return bytes;
}

static void compress_into(struct target *target, const unsigned char *bytes, size_t size, size_t step)
{
    struct gzip *gzip;
    assert_int_equal(gzip_create(&target->out, GZIP_FAST, &gzip), 0);
    for (size_t at = 0; at < size; at += step)
        outbuf_bytes(gzip_front(gzip), bytes + at, size - at < step ? size - at : step);
    assert_int_equal(gzip_finish(gzip), 0);
    gzip_destroy(gzip);
    assert_int_equal(outbuf_flush(&target->out), 0);
}

static void assert_inflates_to(const struct target *target, const unsigned char *bytes, size_t size)
{
    unsigned char *plain = malloc(size + 1);
    assert_non_null(plain);
    z_stream stream = {
        .next_in = target->bytes, .avail_in = (uInt)target->size, .next_out = plain, .avail_out = (uInt)size + 1};
    assert_int_equal(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END); /* checks length and CRC, too */
    assert_int_equal(stream.avail_in, 0);
    assert_int_equal(stream.total_out, size);
    inflateEnd(&stream);
    assert_memory_equal(plain, bytes, size);
    free(plain);
}

static void check_round_trip(size_t size, size_t step)
{
    struct target target;
    target_init(&target, SIZE_MAX);
    unsigned char *bytes = sample(size);
    compress_into(&target, bytes, size, step);
    assert_inflates_to(&target, bytes, size);
    free(bytes);
    target_fini(&target);
}

static void test_nothing_written_is_an_empty_gzip_stream(void **state)
{
    (void)state;
    check_round_trip(0, 1);
}

static void test_small_writes_come_back(void **state)
{
    (void)state;
    check_round_trip(100, 7);
}

static void test_many_blocks_come_back(void **state)
{
    (void)state;
    check_round_trip(5 * 1024 * 1024 + 13, 1000);
}

static void test_a_write_larger_than_a_block_comes_back(void **state)
{
    (void)state;
    check_round_trip(3 * 1024 * 1024 + 1, 3 * 1024 * 1024);
}

static void test_a_whole_number_of_blocks_comes_back(void **state)
{
    (void)state;
    check_round_trip(1024 * 1024, 256 * 1024);
}

static void test_equal_input_gives_equal_output(void **state)
{
    (void)state;
    struct target first, second;
    target_init(&first, SIZE_MAX);
    target_init(&second, SIZE_MAX);
    unsigned char *bytes = sample(700000);
    compress_into(&first, bytes, 700000, 999);
    compress_into(&second, bytes, 700000, 999);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.bytes, second.bytes, first.size);
    free(bytes);
    target_fini(&first);
    target_fini(&second);
}

static void test_a_full_disk_fails_finish_and_blocks_nobody(void **state)
{
    (void)state;
    struct target target;
    target_init(&target, 300000);
    unsigned char *bytes = sample(8 * 1024 * 1024);
    struct gzip *gzip;
    assert_int_equal(gzip_create(&target.out, GZIP_FAST, &gzip), 0);
    outbuf_bytes(gzip_front(gzip), bytes, 8 * 1024 * 1024);
    assert_int_equal(gzip_front(gzip)->error, -ENOSPC); /* the writer learns it on the way */
    assert_int_equal(gzip_finish(gzip), -ENOSPC);
    gzip_destroy(gzip);
    free(bytes);
    target_fini(&target);
}

static void test_destroy_without_finish_leaves_no_thread(void **state)
{
    (void)state;
    struct target target;
    target_init(&target, SIZE_MAX);
    struct gzip *gzip;
    assert_int_equal(gzip_create(&target.out, GZIP_SMALL, &gzip), 0);
    outbuf_text(gzip_front(gzip), "never finished");
    gzip_destroy(gzip);
    gzip_destroy(NULL);
    target_fini(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_written_is_an_empty_gzip_stream),
        cmocka_unit_test(test_small_writes_come_back),
        cmocka_unit_test(test_many_blocks_come_back),
        cmocka_unit_test(test_a_write_larger_than_a_block_comes_back),
        cmocka_unit_test(test_a_whole_number_of_blocks_comes_back),
        cmocka_unit_test(test_equal_input_gives_equal_output),
        cmocka_unit_test(test_a_full_disk_fails_finish_and_blocks_nobody),
        cmocka_unit_test(test_destroy_without_finish_leaves_no_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
