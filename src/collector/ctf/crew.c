/* See crew.h. Start at work(), which a thread runs, and ctf_crew_next(), the merge's side. */
#include "collector/ctf/crew.h"

#include <errno.h>
#include <stdlib.h>

#include "support/worker.h"

/* Threads are not worth their start below this. */
enum { SMALL_BYTES = 1024 * 1024, READY_MIN = 8, READY_A_THREAD = 8 };

size_t ctf_crew_size(size_t stream_count, uint64_t bytes)
{
    size_t others = bytes < SMALL_BYTES ? 0 : worker_processors() - 1;
    return others < stream_count ? others : stream_count;
}

/* ---- with the mutex held ---- */

static struct ctf_batch *take_spare(struct ctf_crew *crew)
{
    struct ctf_batch *batch = crew->spare;
    if (batch) {
        crew->spare = batch->next;
        ctf_batch_clear(batch);
        batch->next = NULL;
        return batch;
    }
    return ctf_batch_create(crew->batch_bytes, &batch) ? NULL : batch;
}

/* A batch that one huge event has enlarged does not stay so. */
static void give_back(struct ctf_crew *crew, struct ctf_batch *batch)
{
    if (batch->capacity > crew->batch_bytes) {
        ctf_batch_destroy(batch);
        return;
    }
    batch->next = crew->spare;
    crew->spare = batch;
}

/* The lane that should be decoded next, or NULL. */
static struct ctf_lane *choose(const struct ctf_crew *crew)
{
    struct ctf_lane *best = NULL;
    if (crew->ready_count >= crew->ready_max)
        return NULL;
    for (size_t i = 0; i < crew->lane_count; i++) {
        struct ctf_lane *lane = &crew->lanes[i];
        if (!lane->is_busy && !lane->has_ended && (!best || lane->order < best->order))
            best = lane;
    }
    return best;
}

static void append(struct ctf_lane *lane, struct ctf_batch *batch)
{
    if (lane->last)
        lane->last->next = batch;
    else
        lane->first = batch;
    lane->last = batch;
}

/* Fills a batch from a lane that nobody else fills one from; the mutex is let go meanwhile. 0 or -ENOMEM. */
static int fill(struct ctf_crew *crew, struct ctf_lane *lane)
{
    struct ctf_batch *batch = take_spare(crew);
    if (!batch)
        return -ENOMEM;
    lane->is_busy = true;
    crew->ready_count++;
    pthread_mutex_unlock(&crew->mutex);
    ctf_lane_fill(lane, batch);
    pthread_mutex_lock(&crew->mutex);
    append(lane, batch);
    lane->is_busy = false;
    lane->has_ended = batch->state <= 0;
    if (!crew->is_unordered)
        lane->order = ctf_stream_now_ns(lane->stream);
    return 0;
}

/* ---- the threads ---- */

static void wake_merge(struct ctf_crew *crew)
{
    if (!crew->awaited || !crew->awaited->first)
        return;
    crew->awaited = NULL;
    pthread_cond_signal(&crew->filled);
}

/* To wake someone takes as long as to decode a batch: the merge is woken to several, or to the last. */
static bool is_worth_waking(const struct ctf_crew *crew)
{
    return crew->ready_count > crew->ready_max / 2 || !crew->awaited || crew->awaited->has_ended || !choose(crew);
}

/* Where memory is out, the merge will find out: it has to fill for itself. */
static void *work(void *self)
{
    struct ctf_crew *crew = self;
    pthread_mutex_lock(&crew->mutex);
    while (!crew->is_stopping) {
        struct ctf_lane *lane = choose(crew);
        if (lane && !fill(crew, lane)) {
            if (is_worth_waking(crew))
                wake_merge(crew);
            continue;
        }
        wake_merge(crew);
        crew->idle_count++;
        pthread_cond_wait(&crew->work, &crew->mutex);
        crew->idle_count--;
    }
    pthread_mutex_unlock(&crew->mutex);
    return NULL;
}

static void start_threads(struct ctf_crew *crew, size_t count)
{
    while (crew->thread_count < count && crew->thread_count < CTF_CREW_MAX &&
           !worker_start(&crew->threads[crew->thread_count], work, crew))
        crew->thread_count++;
}

static size_t batch_bytes(size_t lane_count)
{
    size_t bytes = CTF_CREW_BYTES / (lane_count + 1);
    if (bytes > CTF_BATCH_BYTES_MAX)
        return CTF_BATCH_BYTES_MAX;
    return bytes < CTF_BATCH_BYTES_MIN ? CTF_BATCH_BYTES_MIN : bytes;
}

void ctf_crew_start(struct ctf_crew *crew, struct ctf_lane *lanes, size_t lane_count, size_t thread_count,
                    bool is_alone, bool is_unordered)
{
    *crew = (struct ctf_crew){.lanes = lanes,
                              .lane_count = lane_count,
                              .is_unordered = is_unordered,
                              .batch_bytes = is_alone ? CTF_ALONE_BYTES : batch_bytes(lane_count),
                              .ready_max = READY_MIN + READY_A_THREAD * thread_count};
    for (size_t i = 0; i < lane_count; i++)
        lanes[i].order = is_unordered ? i : ctf_stream_begin_ns(lanes[i].stream);
    pthread_mutex_init(&crew->mutex, NULL); /* none of them fails with default attributes */
    pthread_cond_init(&crew->work, NULL);
    pthread_cond_init(&crew->filled, NULL);
    start_threads(crew, thread_count);
}

static void destroy_list(struct ctf_batch *batch)
{
    while (batch) {
        struct ctf_batch *next = batch->next;
        ctf_batch_destroy(batch);
        batch = next;
    }
}

void ctf_crew_stop(struct ctf_crew *crew)
{
    if (!crew->lanes)
        return;
    pthread_mutex_lock(&crew->mutex);
    crew->is_stopping = true;
    pthread_cond_broadcast(&crew->work);
    pthread_mutex_unlock(&crew->mutex);
    for (size_t i = 0; i < crew->thread_count; i++)
        pthread_join(crew->threads[i], NULL);
    for (size_t i = 0; i < crew->lane_count; i++) {
        destroy_list(crew->lanes[i].first);
        ctf_batch_destroy(crew->lanes[i].batch);
    }
    destroy_list(crew->finished);
    destroy_list(crew->spare);
    pthread_cond_destroy(&crew->filled);
    pthread_cond_destroy(&crew->work);
    pthread_mutex_destroy(&crew->mutex);
    *crew = (struct ctf_crew){0};
}

/* ---- the merge ---- */

/* Until the lane has a batch: decodes, or waits for who decodes that lane where nothing else is to be done. */
static int await(struct ctf_crew *crew, struct ctf_lane *lane)
{
    while (!lane->first) {
        struct ctf_lane *chosen = lane->is_busy ? choose(crew) : lane;
        int error = chosen ? fill(crew, chosen) : 0;
        if (error)
            return error;
        if (chosen)
            continue;
        crew->awaited = lane;
        while (crew->awaited)
            pthread_cond_wait(&crew->filled, &crew->mutex);
    }
    return 0;
}

static void take_first(struct ctf_crew *crew, struct ctf_lane *lane)
{
    lane->batch = lane->first;
    lane->first = lane->first->next;
    if (!lane->first)
        lane->last = NULL;
    crew->ready_count--;
    if (crew->idle_count && crew->ready_count <= crew->ready_max / 2)
        pthread_cond_signal(&crew->work);
}

static void finish(struct ctf_crew *crew, struct ctf_lane *lane)
{
    struct ctf_batch *batch = lane->batch;
    if (!batch)
        return;
    batch->next = crew->finished;
    crew->finished = batch;
    lane->batch = NULL;
}

int ctf_crew_next(struct ctf_crew *crew, struct ctf_lane *lane)
{
    finish(crew, lane);
    pthread_mutex_lock(&crew->mutex);
    int error = await(crew, lane);
    if (!error)
        take_first(crew, lane);
    pthread_mutex_unlock(&crew->mutex);
    return error ? error : 1;
}

void ctf_crew_leave(struct ctf_crew *crew, struct ctf_lane *lane)
{
    finish(crew, lane);
}

struct ctf_batch *ctf_crew_finished(struct ctf_crew *crew)
{
    struct ctf_batch *finished = crew->finished;
    crew->finished = NULL;
    return finished;
}

void ctf_crew_reuse(struct ctf_crew *crew, struct ctf_batch *finished)
{
    if (!finished)
        return;
    pthread_mutex_lock(&crew->mutex);
    while (finished) {
        struct ctf_batch *next = finished->next;
        give_back(crew, finished);
        finished = next;
    }
    pthread_mutex_unlock(&crew->mutex);
}
