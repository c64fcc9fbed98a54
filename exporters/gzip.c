/*
 * See gzip.h. The blocks are a ring, through which each goes like this; they are numbered from 0:
 *
 *     writer: fills it, passes it on -> worker or writer: takes it, deflates it -> writer: writes it to the back
 *
 *     written <= taken <= passed, and passed - written < slot_count; `passed` is the number of the one being filled
 *
 * Start at work(), which is all that a worker does, and next_block(), the writer's side.
 */
#include "exporters/gzip.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/gzip_block.h"
#include "support/worker.h"

/* Deflating takes not quite six times what all else does: more than eight would wait for the writer. */
enum { WORKERS_MAX = 8, SLOTS_A_WORKER = 8 };

struct slot {
    struct gzip_block *block; /* owned; NULL until it is needed */
    bool is_deflated;         /* guarded by the mutex */
};

struct worker {
    struct gzip *gzip;
    struct gzip_deflater *deflater; /* owned */
    pthread_t thread;
};

struct gzip {
    struct outbuf front;
    struct outbuf *back;
    enum gzip_level level;
    struct gzip_deflater *deflater; /* the writer's; owned */
    uint32_t crc, length;           /* of what is written; the length modulo 2^32, as the trailer has it */
    uint64_t written;
    struct slot slots[WORKERS_MAX * SLOTS_A_WORKER + 1];
    size_t slot_count;
    struct worker workers[WORKERS_MAX];
    size_t worker_count, worker_max;

    pthread_mutex_t mutex; /* guards what follows; only the writer changes `passed` */
    uint64_t taken, passed;
    size_t idle_count; /* of the workers */
    bool is_stopping;
    pthread_cond_t work;     /* for the workers: passed or is_stopping has changed */
    pthread_cond_t deflated; /* for the writer */
};

static struct slot *slot_of(struct gzip *gzip, uint64_t number)
{
    return &gzip->slots[number % gzip->slot_count];
}

/* ---- deflating: with the mutex held ---- */

/* The mutex is let go meanwhile. */
static void deflate_next(struct gzip *gzip, struct gzip_deflater *deflater)
{
    struct slot *slot = slot_of(gzip, gzip->taken++);
    pthread_mutex_unlock(&gzip->mutex);
    gzip_block_deflate(slot->block, deflater);
    pthread_mutex_lock(&gzip->mutex);
    slot->is_deflated = true;
    pthread_cond_signal(&gzip->deflated);
}

static void idle(struct gzip *gzip)
{
    gzip->idle_count++;
    pthread_cond_wait(&gzip->work, &gzip->mutex);
    gzip->idle_count--;
}

static void *work(void *self)
{
    const struct worker *worker = self;
    struct gzip *gzip = worker->gzip;
    pthread_mutex_lock(&gzip->mutex);
    while (!gzip->is_stopping)
        if (gzip->taken < gzip->passed)
            deflate_next(gzip, worker->deflater);
        else
            idle(gzip);
    pthread_mutex_unlock(&gzip->mutex);
    return NULL;
}

/* ---- the writer: out of the ring ---- */

/* RFC 1952: deflate, no flags, no time; XFL: the fastest, or nothing; from Unix. */
static void write_header(const struct gzip *gzip)
{
    const unsigned char header[10] = {0x1f, 0x8b, 8, [8] = gzip->level == GZIP_FAST ? 4 : 0, [9] = 3};
    outbuf_bytes(gzip->back, header, sizeof header);
}

static void write_u32(struct outbuf *out, uint32_t number)
{
    for (unsigned shift = 0; shift < 32; shift += 8)
        outbuf_char(out, (char)(number >> shift));
}

static void write_trailer(const struct gzip *gzip)
{
    write_u32(gzip->back, gzip->crc);
    write_u32(gzip->back, gzip->length);
}

/* Instead of waiting the writer deflates what nobody has taken yet. */
static void await_deflated(struct gzip *gzip, struct slot *slot)
{
    pthread_mutex_lock(&gzip->mutex);
    while (!slot->is_deflated)
        if (gzip->taken < gzip->passed)
            deflate_next(gzip, gzip->deflater);
        else
            pthread_cond_wait(&gzip->deflated, &gzip->mutex);
    slot->is_deflated = false;
    pthread_mutex_unlock(&gzip->mutex);
}

static void write_next(struct gzip *gzip)
{
    struct slot *slot = slot_of(gzip, gzip->written);
    await_deflated(gzip, slot);
    outbuf_bytes(gzip->back, slot->block->deflated, slot->block->deflated_size);
    gzip->crc = gzip_block_crc_after(slot->block, gzip->crc);
    gzip->length += (uint32_t)slot->block->size;
    gzip->written++;
}

/* Until at most `rest` blocks are on their way. */
static int write_until(struct gzip *gzip, size_t rest)
{
    while (gzip->passed - gzip->written > rest && !gzip->back->error)
        write_next(gzip);
    return gzip->back->error;
}

/* ---- the writer: into the ring ---- */

static struct gzip_block *filling(struct gzip *gzip)
{
    return slot_of(gzip, gzip->passed)->block;
}

/* The end of the block before it is its dictionary. With one slot the two are the same. */
static int begin_block(struct gzip *gzip)
{
    struct slot *slot = slot_of(gzip, gzip->passed);
    if (!slot->block)
        slot->block = malloc(sizeof *slot->block);
    if (!slot->block)
        return -ENOMEM;
    struct gzip_block *block = slot->block;
    block->size = block->dictionary_size = 0;
    block->is_last = false;
    if (gzip->passed) {
        const struct gzip_block *before = slot_of(gzip, gzip->passed - 1)->block;
        block->dictionary_size = GZIP_DICTIONARY_BYTES;
        memcpy(block->dictionary, before->text + GZIP_BLOCK_BYTES - GZIP_DICTIONARY_BYTES, GZIP_DICTIONARY_BYTES);
    }
    return 0;
}

/* Whether a worker waits for it. */
static bool pass(struct gzip *gzip)
{
    pthread_mutex_lock(&gzip->mutex);
    gzip->passed++;
    bool is_awaited = gzip->idle_count;
    pthread_cond_signal(&gzip->work);
    pthread_mutex_unlock(&gzip->mutex);
    return is_awaited;
}

/* If there is none to be had, the others have more to do, or the writer has. */
static void start_worker(struct gzip *gzip)
{
    if (gzip->worker_count == gzip->worker_max)
        return;
    struct worker *worker = &gzip->workers[gzip->worker_count];
    worker->gzip = gzip;
    int error = gzip_deflater_create(gzip->level, &worker->deflater);
    if (!error)
        error = worker_start(&worker->thread, work, worker);
    if (!error) {
        gzip->worker_count++;
        return;
    }
    gzip_deflater_destroy(worker->deflater);
    gzip->worker_max = gzip->worker_count;
}

/* The one being filled is full, and more comes. */
static int next_block(struct gzip *gzip)
{
    if (!pass(gzip))
        start_worker(gzip);
    int error = write_until(gzip, gzip->slot_count - 1);
    return error ? error : begin_block(gzip);
}

/* Of the front. */
static int drain_front(void *self, const void *bytes, size_t size)
{
    struct gzip *gzip = self;
    const unsigned char *at = bytes;
    while (size) {
        int error = filling(gzip)->size == GZIP_BLOCK_BYTES ? next_block(gzip) : 0;
        if (error)
            return error;
        struct gzip_block *block = filling(gzip);
        size_t room = GZIP_BLOCK_BYTES - block->size, part = size < room ? size : room;
        memcpy(block->text + block->size, at, part);
        block->size += part;
        at += part;
        size -= part;
    }
    return 0;
}

/* ---- life ---- */

static int prepare(struct gzip *gzip)
{
    size_t others = worker_processors() - 1;
    gzip->worker_max = others < WORKERS_MAX ? others : WORKERS_MAX;
    gzip->slot_count = gzip->worker_max * SLOTS_A_WORKER + 1;
    int error = begin_block(gzip);
    if (!error)
        error = gzip_deflater_create(gzip->level, &gzip->deflater);
    return error ? error : outbuf_init(&gzip->front, drain_front, gzip);
}

int gzip_create(struct outbuf *back, enum gzip_level level, struct gzip **out)
{
    struct gzip *gzip = calloc(1, sizeof *gzip);
    if (!gzip)
        return -ENOMEM;
    gzip->back = back;
    gzip->level = level;
    pthread_mutex_init(&gzip->mutex, NULL); /* none of them fails with default attributes */
    pthread_cond_init(&gzip->work, NULL);
    pthread_cond_init(&gzip->deflated, NULL);
    int error = prepare(gzip);
    if (error) {
        gzip_destroy(gzip);
        return error;
    }
    write_header(gzip);
    *out = gzip;
    return 0;
}

struct outbuf *gzip_front(struct gzip *gzip)
{
    return &gzip->front;
}

int gzip_finish(struct gzip *gzip)
{
    int error = outbuf_flush(&gzip->front);
    if (error)
        return error;
    filling(gzip)->is_last = true;
    pass(gzip);
    error = write_until(gzip, 0);
    if (!error)
        write_trailer(gzip);
    return gzip->back->error;
}

static void stop_workers(struct gzip *gzip)
{
    pthread_mutex_lock(&gzip->mutex);
    gzip->is_stopping = true;
    pthread_cond_broadcast(&gzip->work);
    pthread_mutex_unlock(&gzip->mutex);
    for (size_t i = 0; i < gzip->worker_count; i++) {
        pthread_join(gzip->workers[i].thread, NULL);
        gzip_deflater_destroy(gzip->workers[i].deflater);
    }
}

void gzip_destroy(struct gzip *gzip)
{
    if (!gzip)
        return;
    stop_workers(gzip);
    for (size_t i = 0; i < gzip->slot_count; i++)
        free(gzip->slots[i].block);
    gzip_deflater_destroy(gzip->deflater);
    outbuf_fini(&gzip->front);
    pthread_cond_destroy(&gzip->deflated);
    pthread_cond_destroy(&gzip->work);
    pthread_mutex_destroy(&gzip->mutex);
    free(gzip);
}
