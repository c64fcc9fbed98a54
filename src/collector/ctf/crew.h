/*
 * Threads that decode streams ahead of the merge, into batches. They take the stream whose batches end earliest,
 * which is the one that the merge will wait for next; while it waits, the merge's thread decodes, too.
 *
 *      threads:  stream -> batch ─┐            ┌─ lanes[0]: batch, batch
 *                stream -> batch ─┴─► ready ──►│  lanes[1]: batch            ──► merge
 *                                              └─ lanes[2]: (decoded by the merge's thread, when it gets there)
 *
 * What comes out does not depend on the number of threads. Memory: CTF_CREW_BYTES of batches for all streams
 * together, or CTF_BATCH_BYTES_MIN a stream where these are more. Where there is only one thread, CTF_ALONE_BYTES a
 * stream: what is read at once stays in the first cache. One mutex, taken twice a batch: some hundred
 * events.
 */
#ifndef COLLECTOR_CTF_CREW_H
#define COLLECTOR_CTF_CREW_H

#include <pthread.h>

#include "collector/ctf/lane.h"

enum {
    CTF_ALONE_BYTES = 12 * 1024,
    CTF_CREW_BYTES = 4 * 1024 * 1024,
    CTF_BATCH_BYTES_MIN = 16 * 1024,
    CTF_BATCH_BYTES_MAX = 64 * 1024,
    CTF_CREW_MAX = 16 /* threads */
};

struct ctf_crew {
    struct ctf_batch *finished;                      /* the merge's: taken from lanes */
    _Alignas(CTF_APART_BYTES) pthread_mutex_t mutex; /* guards what follows, and what lanes say it does */
    pthread_cond_t work;                             /* for the threads: there may be something to do */
    pthread_cond_t filled;                           /* for the merge: a batch is ready */
    struct ctf_lane *lanes;
    size_t lane_count;
    struct ctf_batch *spare;
    size_t ready_count, ready_max; /* batches that are filled or being filled */
    size_t batch_bytes;
    bool is_unordered, is_stopping;
    const struct ctf_lane *awaited; /* that the merge sleeps for; NULL = it does not */
    size_t idle_count, thread_count;
    pthread_t threads[CTF_CREW_MAX];
};

/* The threads that pay for `stream_count` streams of so many bytes: 0 = none beside the caller's. */
size_t ctf_crew_size(size_t stream_count, uint64_t bytes);

/*
 * Starts up to `thread_count` threads on lanes that ctf_lane_init was called for with this crew; fewer, perhaps
 * none, where the system gives no more: the merge's does the work then. `is_alone`: nobody else reads, either.
 */
void ctf_crew_start(struct ctf_crew *crew, struct ctf_lane *lanes, size_t lane_count, size_t thread_count,
                    bool is_alone, bool is_unordered);

/* Ends the threads and frees all batches. Legal on a zeroed struct. */
void ctf_crew_stop(struct ctf_crew *crew);

/* Exchanges lane->batch, which has been merged, for the next one; not behind the last. 1 or -ENOMEM. */
int ctf_crew_next(struct ctf_crew *crew, struct ctf_lane *lane);

/* Takes the last one away, if it was not yet. */
void ctf_crew_leave(struct ctf_crew *crew, struct ctf_lane *lane);

/* The batches that were taken from lanes since the last call: they go to ctf_crew_reuse once they have been read. */
struct ctf_batch *ctf_crew_finished(struct ctf_crew *crew);

/* Of any thread. */
void ctf_crew_reuse(struct ctf_crew *crew, struct ctf_batch *finished);

#endif
