/* See helper.h. Start at run(), which both threads do, work(), the helper's, and await(), the owner's. */
#include "support/helper.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "support/worker.h"

enum { RINGS_MAX = 2 };

/* What the owner may wait for. */
typedef bool wish_fn(const struct helper_ring *ring);

struct helper {
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows, and the rings */
    pthread_cond_t work;   /* for the helper */
    pthread_cond_t done;   /* for the owner */
    struct helper_ring *rings[RINGS_MAX];
    size_t ring_count;
    bool is_stopping, is_idle;
    const struct helper_ring *awaited; /* NULL = the owner does not sleep */
    wish_fn *wish;                     /* wakes it */
};

/* ---- with the mutex held ---- */

static size_t on_their_way(const struct helper_ring *ring)
{
    return (size_t)(ring->filled - ring->drained);
}

static bool has_some(const struct helper_ring *ring)
{
    return on_their_way(ring) || ring->is_over;
}

static bool has_many(const struct helper_ring *ring)
{
    return on_their_way(ring) >= ring->count / 2 || ring->is_over;
}

static bool has_room(const struct helper_ring *ring)
{
    return on_their_way(ring) < ring->count;
}

static bool has_much_room(const struct helper_ring *ring)
{
    return on_their_way(ring) <= ring->count / 2;
}

static bool is_empty(const struct helper_ring *ring)
{
    return !on_their_way(ring);
}

static bool is_quiet(const struct helper_ring *ring)
{
    return !ring->is_busy;
}

/* How much there is to do, against all that there can be; 0 = nothing, or nothing now. */
static double need(const struct helper_ring *ring)
{
    size_t there = on_their_way(ring), blocks = ring->is_ahead ? ring->count - there : there;
    return ring->is_busy || ring->is_over ? 0 : (double)blocks / (double)ring->count;
}

/* NULL = there is nothing to do. */
static struct helper_ring *neediest(const struct helper *helper)
{
    struct helper_ring *best = NULL;
    for (size_t i = 0; i < helper->ring_count; i++) {
        struct helper_ring *ring = helper->rings[i];
        if (need(ring) > (best ? need(best) : 0))
            best = ring;
    }
    return best;
}

/* One block; the mutex is let go meanwhile. */
static void run(struct helper *helper, struct helper_ring *ring)
{
    size_t block = (size_t)((ring->is_ahead ? ring->filled : ring->drained) % ring->count);
    ring->is_busy = true;
    pthread_mutex_unlock(&helper->mutex);
    bool is_last = !ring->step(ring->self, block);
    pthread_mutex_lock(&helper->mutex);
    ring->is_busy = false;
    if (ring->is_ahead) {
        ring->filled++;
        ring->is_over |= is_last;
    } else {
        ring->drained++;
    }
}

static void wake_owner(struct helper *helper)
{
    helper->awaited = NULL;
    pthread_cond_signal(&helper->done);
}

static void wake_helper(struct helper *helper)
{
    if (helper->is_idle)
        pthread_cond_signal(&helper->work);
}

/* ---- the helper ---- */

static void *work(void *self)
{
    struct helper *helper = self;
    pthread_mutex_lock(&helper->mutex);
    while (!helper->is_stopping) {
        struct helper_ring *ring = neediest(helper);
        if (ring)
            run(helper, ring);
        if (helper->awaited && (!ring || helper->wish(helper->awaited)))
            wake_owner(helper);
        if (ring)
            continue;
        helper->is_idle = true;
        pthread_cond_wait(&helper->work, &helper->mutex);
        helper->is_idle = false;
    }
    pthread_mutex_unlock(&helper->mutex);
    return NULL;
}

/* ---- the owner ---- */

/* Until it `is_so`; where there is nothing to do meanwhile, it is woken when the wish comes true. Mutex held. */
static void await(struct helper_ring *ring, wish_fn *is_so, wish_fn *wish)
{
    struct helper *helper = ring->helper;
    while (!is_so(ring)) {
        struct helper_ring *other = neediest(helper);
        wake_helper(helper);
        if (other) {
            run(helper, other);
            continue;
        }
        helper->awaited = ring;
        helper->wish = wish;
        while (helper->awaited)
            pthread_cond_wait(&helper->done, &helper->mutex);
    }
}

bool helper_take(struct helper_ring *ring, size_t *block)
{
    pthread_mutex_lock(&ring->helper->mutex);
    await(ring, has_some, has_many);
    bool is_there = on_their_way(ring);
    *block = (size_t)(ring->drained % ring->count);
    pthread_mutex_unlock(&ring->helper->mutex);
    return is_there;
}

void helper_give_back(struct helper_ring *ring)
{
    pthread_mutex_lock(&ring->helper->mutex);
    ring->drained++;
    if (on_their_way(ring) <= ring->count / 2)
        wake_helper(ring->helper);
    pthread_mutex_unlock(&ring->helper->mutex);
}

size_t helper_filling(const struct helper_ring *ring)
{
    return (size_t)(ring->filled % ring->count); /* without the mutex: of this ring nobody else writes it, see run() */
}

void helper_pass(struct helper_ring *ring)
{
    pthread_mutex_lock(&ring->helper->mutex);
    ring->filled++;
    if (on_their_way(ring) >= ring->count / 2)
        wake_helper(ring->helper);
    await(ring, has_room, has_much_room);
    pthread_mutex_unlock(&ring->helper->mutex);
}

void helper_flush(struct helper_ring *ring)
{
    pthread_mutex_lock(&ring->helper->mutex);
    await(ring, is_empty, is_empty);
    pthread_mutex_unlock(&ring->helper->mutex);
}

/* ---- life ---- */

struct helper *helper_create(void)
{
    struct helper *helper = worker_processors() > 1 ? calloc(1, sizeof *helper) : NULL;
    if (!helper)
        return NULL;
    pthread_mutex_init(&helper->mutex, NULL); /* none of them fails with default attributes */
    pthread_cond_init(&helper->work, NULL);
    pthread_cond_init(&helper->done, NULL);
    if (!worker_start(&helper->thread, work, helper))
        return helper;
    free(helper);
    return NULL;
}

void helper_destroy(struct helper *helper)
{
    if (!helper)
        return;
    pthread_mutex_lock(&helper->mutex);
    helper->is_stopping = true;
    pthread_cond_signal(&helper->work);
    pthread_mutex_unlock(&helper->mutex);
    pthread_join(helper->thread, NULL);
    pthread_cond_destroy(&helper->done);
    pthread_cond_destroy(&helper->work);
    pthread_mutex_destroy(&helper->mutex);
    free(helper);
}

static void add(struct helper *helper, const struct helper_ring *ring, struct helper_ring *place)
{
    assert(ring->count >= 2);
    *place = *ring;
    pthread_mutex_lock(&helper->mutex);
    assert(helper->ring_count < RINGS_MAX);
    helper->rings[helper->ring_count++] = place;
    wake_helper(helper);
    pthread_mutex_unlock(&helper->mutex);
}

void helper_fills(struct helper *helper, struct helper_ring *ring, size_t count, helper_fn *fill, void *self)
{
    add(helper, &(struct helper_ring){.helper = helper, .step = fill, .self = self, .count = count, .is_ahead = true},
        ring);
}

void helper_drains(struct helper *helper, struct helper_ring *ring, size_t count, helper_fn *drain, void *self)
{
    add(helper, &(struct helper_ring){.helper = helper, .step = drain, .self = self, .count = count}, ring);
}

void helper_stop(struct helper_ring *ring)
{
    struct helper *helper = ring->helper;
    pthread_mutex_lock(&helper->mutex);
    ring->is_over = true;
    await(ring, is_quiet, is_quiet);
    for (size_t i = 0; i < helper->ring_count; i++)
        if (helper->rings[i] == ring)
            helper->rings[i] = helper->rings[--helper->ring_count];
    pthread_mutex_unlock(&helper->mutex);
}
