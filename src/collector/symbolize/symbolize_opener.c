/* See symbolize_opener.h. Start reading at work, which the thread runs, and symbol_opener_open. */
#include "collector/symbolize/symbolize_opener.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support/worker.h"

struct symbol_opener {
    pthread_mutex_t mutex;               /* guards what follows, and the requests' states */
    pthread_cond_t expected;             /* for the thread: there is something to do */
    pthread_cond_t done;                 /* for the owner */
    struct symbol_request *first, *last; /* expected; done ones among them are stepped over */
    bool is_stopping;
    bool has_thread; /* the owner's */
    pthread_t thread;
};

int symbol_request_init(struct symbol_request *request, const char *path, const struct build_id *wanted,
                        const char *debug_dir)
{
    *request = (struct symbol_request){.path = strdup(path), .wanted = *wanted, .debug_dir = debug_dir};
    return request->path ? 0 : -ENOMEM;
}

void symbol_request_fini(struct symbol_request *request)
{
    symbol_file_destroy(request->file);
    free(request->path);
}

/* With the mutex held, which is let go meanwhile. */
static void serve(struct symbol_opener *opener, struct symbol_request *request)
{
    request->state = SYMBOL_REQUEST_IN_WORK;
    pthread_mutex_unlock(&opener->mutex);
    request->error = symbol_file_create(request->path, &request->wanted, request->debug_dir, &request->file);
    pthread_mutex_lock(&opener->mutex);
    request->state = SYMBOL_REQUEST_DONE;
    pthread_cond_signal(&opener->done);
}

static struct symbol_request *take_first(struct symbol_opener *opener)
{
    struct symbol_request *request = opener->first;
    opener->first = request->next;
    return request;
}

static void *work(void *self)
{
    struct symbol_opener *opener = self;
    pthread_mutex_lock(&opener->mutex);
    while (!opener->is_stopping) {
        struct symbol_request *request = opener->first ? take_first(opener) : NULL;
        if (!request)
            pthread_cond_wait(&opener->expected, &opener->mutex);
        else if (request->state == SYMBOL_REQUEST_WAITS)
            serve(opener, request);
    }
    pthread_mutex_unlock(&opener->mutex);
    return NULL;
}

int symbol_opener_create(struct symbol_opener **out)
{
    struct symbol_opener *opener = calloc(1, sizeof *opener);
    if (!opener)
        return -ENOMEM;
    pthread_mutex_init(&opener->mutex, NULL); /* none of them fails with default attributes */
    pthread_cond_init(&opener->expected, NULL);
    pthread_cond_init(&opener->done, NULL);
    *out = opener;
    return 0;
}

void symbol_opener_destroy(struct symbol_opener *opener)
{
    if (!opener)
        return;
    pthread_mutex_lock(&opener->mutex);
    opener->is_stopping = true;
    pthread_cond_signal(&opener->expected);
    pthread_mutex_unlock(&opener->mutex);
    if (opener->has_thread)
        pthread_join(opener->thread, NULL);
    pthread_cond_destroy(&opener->done);
    pthread_cond_destroy(&opener->expected);
    pthread_mutex_destroy(&opener->mutex);
    free(opener);
}

void symbol_opener_expect(struct symbol_opener *opener, struct symbol_request *request)
{
    if (!opener->has_thread)
        opener->has_thread = !worker_start(&opener->thread, work, opener);
    pthread_mutex_lock(&opener->mutex);
    if (opener->first)
        opener->last->next = request;
    else
        opener->first = request;
    opener->last = request;
    pthread_cond_signal(&opener->expected);
    pthread_mutex_unlock(&opener->mutex);
}

int symbol_opener_open(struct symbol_opener *opener, struct symbol_request *request, const struct symbol_file **out)
{
    pthread_mutex_lock(&opener->mutex);
    if (request->state == SYMBOL_REQUEST_WAITS)
        serve(opener, request);
    while (request->state != SYMBOL_REQUEST_DONE)
        pthread_cond_wait(&opener->done, &opener->mutex);
    pthread_mutex_unlock(&opener->mutex);
    *out = request->file;
    return request->error;
}
