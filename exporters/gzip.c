/*
 * See gzip.h. One block is handed over at a time: the writer fills the front's buffer while the thread
 * deflates the block before it. `mutex` guards filled, last, done and error; the block's bytes belong to
 * the thread while `filled` is not 0, to the writer otherwise.
 */
#include "exporters/gzip.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "support/worker.h"

enum { BLOCK_BYTES = 256 * 1024, CHUNK_BYTES = 64 * 1024, GZIP_WRAPPER = 16, MEMORY_LEVEL = 8 };

struct gzip {
    struct outbuf front;
    struct outbuf *back;
    z_stream stream;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t filled; /* bytes of the block that wait for the thread */
    bool last;     /* nothing comes after this block */
    bool joined;
    int error; /* of the thread; the writer sees it at the next block */
    unsigned char block[BLOCK_BYTES];
    unsigned char chunk[CHUNK_BYTES];
};

/* Only memory can fail in deflate, and all of it is allocated by deflateInit2. */
static int deflate_block(struct gzip *gzip, size_t size, bool last)
{
    z_stream *stream = &gzip->stream;
    stream->next_in = gzip->block;
    stream->avail_in = (uInt)size;
    do {
        stream->next_out = gzip->chunk;
        stream->avail_out = CHUNK_BYTES;
        deflate(stream, last ? Z_FINISH : Z_NO_FLUSH);
        outbuf_bytes(gzip->back, gzip->chunk, CHUNK_BYTES - stream->avail_out);
    } while (!stream->avail_out && !gzip->back->error);
    return gzip->back->error;
}

/* The next block, possibly an empty last one. */
static bool await_block(struct gzip *gzip, size_t *size)
{
    pthread_mutex_lock(&gzip->mutex);
    while (!gzip->filled && !gzip->last)
        pthread_cond_wait(&gzip->changed, &gzip->mutex);
    *size = gzip->filled;
    bool last = gzip->last;
    pthread_mutex_unlock(&gzip->mutex);
    return last;
}

static void give_back(struct gzip *gzip, int error)
{
    pthread_mutex_lock(&gzip->mutex);
    gzip->filled = 0;
    gzip->error = error;
    pthread_cond_signal(&gzip->changed);
    pthread_mutex_unlock(&gzip->mutex);
}

/* After a failure it goes on taking blocks, so that the writer never waits for nothing. */
static void *compress_blocks(void *self)
{
    struct gzip *gzip = self;
    bool last = false;
    int error = 0;
    while (!last) {
        size_t size;
        last = await_block(gzip, &size);
        if (!error)
            error = deflate_block(gzip, size, last);
        give_back(gzip, error);
    }
    return NULL;
}

static int hand_over(struct gzip *gzip, const void *bytes, size_t size)
{
    pthread_mutex_lock(&gzip->mutex);
    while (gzip->filled)
        pthread_cond_wait(&gzip->changed, &gzip->mutex);
    int error = gzip->error;
    if (!error) {
        memcpy(gzip->block, bytes, size);
        gzip->filled = size;
        pthread_cond_signal(&gzip->changed);
    }
    pthread_mutex_unlock(&gzip->mutex);
    return error;
}

/* Of the front. */
static int drain_front(void *self, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    int error = 0;
    while (!error && size) {
        size_t part = size < BLOCK_BYTES ? size : BLOCK_BYTES;
        error = hand_over(self, at, part);
        at += part;
        size -= part;
    }
    return error;
}

/* Everything but the thread. */
static int prepare(struct gzip *gzip, enum gzip_level level)
{
    if (deflateInit2(&gzip->stream, (int)level, Z_DEFLATED, MAX_WBITS + GZIP_WRAPPER, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;
    int error = outbuf_init(&gzip->front, drain_front, gzip);
    if (error) {
        deflateEnd(&gzip->stream);
        return error;
    }
    pthread_mutex_init(&gzip->mutex, NULL); /* neither fails with default attributes */
    pthread_cond_init(&gzip->changed, NULL);
    return 0;
}

static void release(struct gzip *gzip)
{
    pthread_cond_destroy(&gzip->changed);
    pthread_mutex_destroy(&gzip->mutex);
    outbuf_fini(&gzip->front);
    deflateEnd(&gzip->stream);
    free(gzip);
}

int gzip_create(struct outbuf *back, enum gzip_level level, struct gzip **out)
{
    struct gzip *gzip = calloc(1, sizeof *gzip);
    if (!gzip)
        return -ENOMEM;
    gzip->back = back;
    int error = prepare(gzip, level);
    if (error) {
        free(gzip);
        return error;
    }
    error = worker_start(&gzip->thread, compress_blocks, gzip);
    if (error) {
        release(gzip);
        return error;
    }
    *out = gzip;
    return 0;
}

struct outbuf *gzip_front(struct gzip *gzip)
{
    return &gzip->front;
}

static void end_thread(struct gzip *gzip)
{
    if (gzip->joined)
        return;
    pthread_mutex_lock(&gzip->mutex);
    gzip->last = true;
    pthread_cond_signal(&gzip->changed);
    pthread_mutex_unlock(&gzip->mutex);
    pthread_join(gzip->thread, NULL);
    gzip->joined = true;
}

int gzip_finish(struct gzip *gzip)
{
    int error = outbuf_flush(&gzip->front);
    end_thread(gzip);
    return error ? error : gzip->error;
}

void gzip_destroy(struct gzip *gzip)
{
    if (!gzip)
        return;
    end_thread(gzip);
    release(gzip);
}
