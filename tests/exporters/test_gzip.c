/*
 * gzip: what comes out is read back with zlib's own gzip reader. How many processors there are, and what cannot be had
 * (memory, a thread) is decided here.
 */
#include "exporters/gzip.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "exporters/gzip_block.h"
#include "support/worker.h"

enum { MANY = 2 * 1024 * 1024 + 1 };

/* ---- what the machine gives ---- */

static struct machine {
    size_t processors;
    bool has_no_threads;
    bool is_refusing;
    unsigned requests, refused; /* the one of that number, from 0, while it is refusing */
    unsigned threads;           /* started */
} machine = {.processors = 3};

static bool refuses(void)
{
    return machine.is_refusing && machine.requests++ == machine.refused;
}

size_t __wrap_worker_processors(void);
size_t __wrap_worker_processors(void)
{
    return machine.processors;
}

int __real_worker_start(pthread_t *thread, void *(*work)(void *self), void *self);
int __wrap_worker_start(pthread_t *thread, void *(*work)(void *self), void *self);
int __wrap_worker_start(pthread_t *thread, void *(*work)(void *self), void *self)
{
    if (machine.has_no_threads || refuses())
        return -EAGAIN;
    machine.threads++;
    return __real_worker_start(thread, work, self);
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return refuses() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return refuses() ? NULL : __real_calloc(count, size);
}

int __real_deflateInit2_(z_stream *stream, int level, int method, int window_bits, int memory_level, int strategy,
                         const char *version, int stream_size);
int __wrap_deflateInit2_(z_stream *stream, int level, int method, int window_bits, int memory_level, int strategy,
                         const char *version, int stream_size);
int __wrap_deflateInit2_(z_stream *stream, int level, int method, int window_bits, int memory_level, int strategy,
                         const char *version, int stream_size)
{
    return refuses()
               ? Z_MEM_ERROR
               : __real_deflateInit2_(stream, level, method, window_bits, memory_level, strategy, version, stream_size);
}

/* ---- where it goes, and what ---- */

/* Where the compressed bytes end up; the disk is full after so many writes. */
struct target {
    struct outbuf out;
    unsigned char *bytes;
    size_t size, writes_left;
};

static int collect(void *self, const void *bytes, size_t size)
{
    struct target *target = self;
    if (!target->writes_left)
        return -ENOSPC;
    target->writes_left--;
    target->bytes = realloc(target->bytes, target->size + size);
    assert_non_null(target->bytes);
    memcpy(target->bytes + target->size, bytes, size);
    target->size += size;
    return 0;
}

static void target_init(struct target *target, size_t writes)
{
    *target = (struct target){.writes_left = writes};
    assert_int_equal(outbuf_init(&target->out, collect, target), 0);
}

static void target_fini(struct target *target)
{
    outbuf_fini(&target->out);
    free(target->bytes);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 24;
}

/* Text that neither repeats nor is noise; noise, which deflate can only store; one line again and again. */
enum kind { TEXT, NOISE, LINES };

static unsigned char *sample(enum kind kind, size_t size)
{
    static const char line[] = "{\"ph\":\"C\",\"pid\":4194305,\"ts\":2434.001,\"name\":\"entries\"},\n";
    unsigned char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        uint32_t random = next_random(&state);
        if (kind == LINES)
            bytes[i] = (unsigned char)line[i % (sizeof line - 1)];
        else
            bytes[i] = (unsigned char)(kind == NOISE ? random : 'a' + (random >> 4));
    }
    return bytes;
}

/* 0, or the first error of any step. */
static int try_to_compress(struct target *target, enum gzip_level level, const unsigned char *bytes, size_t size,
                           size_t step)
{
    struct gzip *gzip;
    int error = gzip_create(&target->out, level, &gzip);
    if (error)
        return error;
    for (size_t at = 0; at < size; at += step)
        outbuf_bytes(gzip_front(gzip), bytes + at, size - at < step ? size - at : step);
    int front_error = gzip_front(gzip)->error;
    error = gzip_finish(gzip);
    assert_true(!front_error || error == front_error);
    gzip_destroy(gzip);
    return error ? error : outbuf_flush(&target->out);
}

static void compress_into(struct target *target, const unsigned char *bytes, size_t size, size_t step)
{
    assert_int_equal(try_to_compress(target, GZIP_FAST, bytes, size, step), 0);
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

static size_t check_round_trip(enum kind kind, enum gzip_level level, size_t size, size_t step)
{
    struct target target;
    target_init(&target, SIZE_MAX);
    unsigned char *bytes = sample(kind, size);
    assert_int_equal(try_to_compress(&target, level, bytes, size, step), 0);
    assert_inflates_to(&target, bytes, size);
    free(bytes);
    target_fini(&target);
    return target.size;
}

static void assert_same(const struct target *one, const struct target *other)
{
    assert_int_equal(one->size, other->size);
    assert_memory_equal(one->bytes, other->bytes, one->size);
}

/* ---- what is written comes back ---- */

static void test_nothing_written_is_an_empty_gzip_stream(void **state)
{
    (void)state;
    assert_int_equal(check_round_trip(TEXT, GZIP_FAST, 0, 1), 20);
}

static void test_small_writes_come_back(void **state)
{
    (void)state;
    check_round_trip(TEXT, GZIP_FAST, 100, 7);
    check_round_trip(TEXT, GZIP_SMALL, 100, 1);
}

static void test_many_blocks_of_any_kind_come_back(void **state)
{
    (void)state;
    for (enum kind kind = TEXT; kind <= LINES; kind++) {
        check_round_trip(kind, GZIP_FAST, MANY, 1000);
        check_round_trip(kind, GZIP_SMALL, MANY, GZIP_BLOCK_BYTES);
    }
}

static void test_a_write_larger_than_a_block_comes_back(void **state)
{
    (void)state;
    check_round_trip(TEXT, GZIP_FAST, MANY, MANY - 1);
}

static void test_every_size_around_the_end_of_a_block_comes_back(void **state)
{
    (void)state;
    for (size_t blocks = 1; blocks <= 3; blocks++)
        for (size_t size = blocks * GZIP_BLOCK_BYTES - 3; size <= blocks * GZIP_BLOCK_BYTES + 3; size++)
            check_round_trip(TEXT, GZIP_FAST, size, size);
}

static void test_noise_hardly_grows(void **state)
{
    (void)state;
    assert_true(check_round_trip(NOISE, GZIP_FAST, MANY, MANY) < MANY + MANY / 1000);
}

/* The first block has to spell the line, and any other only refers to it. */
static void test_a_block_knows_what_came_before_it(void **state)
{
    (void)state;
    size_t one = check_round_trip(LINES, GZIP_FAST, GZIP_BLOCK_BYTES, MANY);
    size_t ten = check_round_trip(LINES, GZIP_FAST, 10 * (size_t)GZIP_BLOCK_BYTES, MANY);
    size_t other = (ten - one) / 9, first = one - 18; /* header and trailer */
    assert_true(other < first - 30);
}

/* ---- the same for everybody ---- */

static void test_the_bytes_depend_neither_on_the_threads_nor_on_the_writes(void **state)
{
    (void)state;
    static const struct way {
        size_t processors, step;
    } ways[] = {{1, MANY}, {2, MANY}, {3, 999}, {6, 70000}, {64, GZIP_BLOCK_BYTES}};
    for (enum kind kind = TEXT; kind <= LINES; kind++) {
        unsigned char *bytes = sample(kind, MANY);
        struct target first, other;
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
            struct target *target = i ? &other : &first;
            machine.processors = ways[i].processors;
            target_init(target, SIZE_MAX);
            compress_into(target, bytes, MANY, ways[i].step);
            if (!i)
                continue;
            assert_same(&first, &other);
            target_fini(&other);
        }
        target_fini(&first);
        free(bytes);
    }
    machine.processors = 3;
}

static void test_the_header_holds_no_time_and_no_name(void **state)
{
    (void)state;
    static const unsigned char fast[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 3};
    struct target target;
    target_init(&target, SIZE_MAX);
    compress_into(&target, NULL, 0, 1);
    assert_memory_equal(target.bytes, fast, sizeof fast);
    target_fini(&target);
}

/* ---- threads ---- */

static unsigned threads_for(size_t size)
{
    machine.threads = 0;
    check_round_trip(TEXT, GZIP_SMALL, size, 1000);
    return machine.threads;
}

static void test_what_fits_into_one_block_starts_no_thread(void **state)
{
    (void)state;
    assert_int_equal(threads_for(GZIP_BLOCK_BYTES), 0);
    assert_int_equal(threads_for(GZIP_BLOCK_BYTES + 1), 1);
}

static void test_there_is_never_more_than_a_thread_for_each_other_processor(void **state)
{
    (void)state;
    unsigned threads = threads_for(MANY);
    assert_true(threads == 1 || threads == 2);
    machine.processors = 1;
    assert_int_equal(threads_for(MANY), 0);
    machine.processors = 3;
}

static void test_without_threads_the_writer_deflates(void **state)
{
    (void)state;
    machine.has_no_threads = true;
    assert_int_equal(threads_for(MANY), 0);
    machine.has_no_threads = false;
}

/* ---- what goes wrong ---- */

/* Each request for memory or a thread in turn: either the stream is whole all the same, or there is an error. */
static void test_whatever_is_refused_the_stream_is_whole_or_an_error_says_so(void **state)
{
    (void)state;
    unsigned char *bytes = sample(LINES, MANY);
    struct target whole;
    target_init(&whole, SIZE_MAX);
    compress_into(&whole, bytes, MANY, MANY);
    unsigned outcomes[2] = {0};
    bool was_refused = true;
    for (machine.refused = 0; was_refused; machine.refused++) {
        struct target target;
        target_init(&target, SIZE_MAX);
        machine.requests = 0;
        machine.is_refusing = true;
        int error = try_to_compress(&target, GZIP_FAST, bytes, MANY, MANY);
        machine.is_refusing = false;
        was_refused = machine.requests > machine.refused;
        assert_true(!error || error == -ENOMEM);
        outcomes[!error]++;
        if (!error)
            assert_same(&target, &whole);
        target_fini(&target);
    }
    assert_true(outcomes[false] > 5); /* what gzip_create asks for, and further blocks */
    assert_true(outcomes[true] > 3);  /* a thread and what it needs */
    target_fini(&whole);
    free(bytes);
}

static void fail_each_write(const unsigned char *bytes)
{
    int error = -ENOSPC;
    size_t writes = 0;
    for (; error; writes++) {
        struct target target;
        target_init(&target, writes);
        error = try_to_compress(&target, GZIP_FAST, bytes, MANY, 1000);
        assert_true(!error || error == -ENOSPC);
        target_fini(&target);
    }
    assert_true(writes > 5);
}

static void test_an_error_of_any_write_comes_back_and_blocks_nobody(void **state)
{
    (void)state;
    unsigned char *bytes = sample(NOISE, MANY);
    for (machine.processors = 1; machine.processors < 4; machine.processors++)
        fail_each_write(bytes);
    machine.processors = 3;
    free(bytes);
}

static void test_the_writer_learns_of_a_full_disk_on_the_way(void **state)
{
    (void)state;
    struct target target;
    target_init(&target, 1);
    unsigned char *bytes = sample(NOISE, MANY);
    struct gzip *gzip;
    assert_int_equal(gzip_create(&target.out, GZIP_FAST, &gzip), 0);
    outbuf_bytes(gzip_front(gzip), bytes, MANY);
    assert_int_equal(gzip_front(gzip)->error, -ENOSPC);
    assert_int_equal(gzip_finish(gzip), -ENOSPC);
    gzip_destroy(gzip);
    free(bytes);
    target_fini(&target);
}

static void test_it_may_be_destroyed_at_any_point(void **state)
{
    (void)state;
    unsigned char *bytes = sample(LINES, MANY);
    for (size_t size = 0; size < MANY; size += size < 300000 ? 30000 : 300000) {
        struct target target;
        target_init(&target, SIZE_MAX);
        struct gzip *gzip;
        assert_int_equal(gzip_create(&target.out, GZIP_SMALL, &gzip), 0);
        outbuf_bytes(gzip_front(gzip), bytes, size);
        outbuf_flush(gzip_front(gzip));
        gzip_destroy(gzip); /* a thread left over would use what is freed: the sanitizers see it */
        target_fini(&target);
    }
    gzip_destroy(NULL);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_written_is_an_empty_gzip_stream),
        cmocka_unit_test(test_small_writes_come_back),
        cmocka_unit_test(test_many_blocks_of_any_kind_come_back),
        cmocka_unit_test(test_a_write_larger_than_a_block_comes_back),
        cmocka_unit_test(test_every_size_around_the_end_of_a_block_comes_back),
        cmocka_unit_test(test_noise_hardly_grows),
        cmocka_unit_test(test_a_block_knows_what_came_before_it),
        cmocka_unit_test(test_the_bytes_depend_neither_on_the_threads_nor_on_the_writes),
        cmocka_unit_test(test_the_header_holds_no_time_and_no_name),
        cmocka_unit_test(test_what_fits_into_one_block_starts_no_thread),
        cmocka_unit_test(test_there_is_never_more_than_a_thread_for_each_other_processor),
        cmocka_unit_test(test_without_threads_the_writer_deflates),
        cmocka_unit_test(test_whatever_is_refused_the_stream_is_whole_or_an_error_says_so),
        cmocka_unit_test(test_an_error_of_any_write_comes_back_and_blocks_nobody),
        cmocka_unit_test(test_the_writer_learns_of_a_full_disk_on_the_way),
        cmocka_unit_test(test_it_may_be_destroyed_at_any_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
