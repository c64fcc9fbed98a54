/*
 * A session table as servers have it, with the fault that such tables have.
 *
 * Users log in from two devices at once. Each request puts its session into the table and registers a
 * cleanup that takes it out again when the request ends. The second device's session replaces the first
 * one's under the same key; when the first request ends, its cleanup removes the second device's *live*
 * session, which then cannot be found any more.
 *
 *     session_cache            the fault: "N live sessions were lost"
 *     session_cache --fixed    the cleanup removes only the entry that its own request made
 *
 * Visitors do it right in either mode: they register the cleanup first and insert after, under a key of
 * their own, and hand the cleanup over to a janitor thread. An auditor walks through the whole table under
 * its lock: that is the contention to be seen in the mutex profile.
 */
#define _GNU_SOURCE /* pthread_setname_np */
#include <errno.h>
#include <mapscope/mapscope.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 25, VISITORS = 2, VISITS = 60, USER_BYTES = 24 };

struct session {
    uint64_t token;
    uint64_t last_seen_ns;
};

struct server {
    bool fixed;
    struct msc_mutex lock;
    struct msc_map *sessions; /* user -> struct session, under lock */
    unsigned requests;        /* under lock */
    unsigned lost_sessions;   /* under lock */
    pthread_barrier_t round;
    pthread_mutex_t janitor_lock;
    pthread_cond_t janitor_wakes;
    struct msc_batch *left_to_do[VISITORS * VISITS]; /* under janitor_lock */
    size_t left_count;
    bool closing;
};

/* What a request's cleanup needs to know. */
struct logout {
    struct server *server;
    char user[USER_BYTES];
    uint64_t version; /* of the entry that the request made */
};

static void fail(const char *what, int error)
{
    fprintf(stderr, "session_cache: %s: %s\n", what, strerror(-error));
    exit(1);
}

static void must(int error, const char *what)
{
    if (error)
        fail(what, error);
}

static void work_ms(long milliseconds)
{
    struct timespec duration = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
    nanosleep(&duration, NULL);
}

static inline void table_enter(struct server *server)
{
    must(msc_mutex_lock(&server->lock), "cannot lock the session table");
}

static inline void table_leave(struct server *server)
{
    must(msc_mutex_unlock(&server->lock), "cannot unlock the session table");
}

/* The deferred cleanup. */
static void log_out(void *arg)
{
    struct logout *logout = arg;
    struct server *server = logout->server;
    table_enter(server);
    if (server->fixed)
        msc_map_delete_version_bytes(server->sessions, logout->user, strlen(logout->user), logout->version);
    else
        msc_map_delete_bytes(server->sessions, logout->user, strlen(logout->user));
    table_leave(server);
    free(logout);
}

static struct logout *new_logout(struct server *server, const char *user)
{
    struct logout *logout = calloc(1, sizeof *logout);
    if (!logout)
        fail("cannot register the cleanup", -ENOMEM);
    logout->server = server;
    snprintf(logout->user, sizeof logout->user, "%s", user);
    return logout;
}

/* Returns the version of the new entry. */
static uint64_t open_session(struct server *server, const char *user)
{
    struct session session = {.token = (uint64_t)rand(), .last_seen_ns = 0};
    must(msc_map_assign_bytes(server->sessions, user, strlen(user), &session), "cannot open a session");
    server->requests++;
    return msc_map_version_bytes(server->sessions, user, strlen(user));
}

static void log_in(struct server *server, const char *user, struct logout *logout)
{
    table_enter(server);
    logout->version = open_session(server, user);
    table_leave(server);
}

static void use_session(struct server *server, const char *user)
{
    struct session session;
    table_enter(server);
    if (msc_map_load_bytes(server->sessions, user, strlen(user), &session) == -ENOENT)
        server->lost_sessions++;
    table_leave(server);
}

/* A request of the first device: ends while the second one's is under way. */
static void handle_phone(struct server *server, const char *user)
{
    MSC_SCOPE(request);
    struct logout *logout = new_logout(server, user);
    log_in(server, user, logout);
    table_enter(server);
    must(msc_defer_map_bytes(&request, log_out, logout, server->sessions, user, strlen(user)), "cannot defer");
    table_leave(server);
    work_ms(12);
}

/* A request of the second device: begins later, and uses its session once more at the end. */
static void handle_laptop(struct server *server, const char *user)
{
    MSC_SCOPE(request);
    work_ms(6);
    struct logout *logout = new_logout(server, user);
    log_in(server, user, logout);
    table_enter(server);
    must(msc_defer_map_bytes(&request, log_out, logout, server->sessions, user, strlen(user)), "cannot defer");
    table_leave(server);
    work_ms(14);
    use_session(server, user);
}

static void leave_to_janitor(struct server *server, struct msc_batch *batch)
{
    pthread_mutex_lock(&server->janitor_lock);
    server->left_to_do[server->left_count++] = batch;
    pthread_cond_signal(&server->janitor_wakes);
    pthread_mutex_unlock(&server->janitor_lock);
}

/* Registers first, inserts after, cleans up on another thread: all correct. */
static void handle_visit(struct server *server, const char *visitor)
{
    MSC_SCOPE(request);
    struct logout *logout = new_logout(server, visitor);
    table_enter(server);
    must(msc_defer_map_bytes(&request, log_out, logout, server->sessions, visitor, strlen(visitor)), "cannot defer");
    logout->version = open_session(server, visitor);
    table_leave(server);
    work_ms(4);

    struct msc_batch *batch;
    must(msc_scope_handover(&request, &batch), "cannot hand over");
    leave_to_janitor(server, batch);
}

static void *phone_main(void *arg)
{
    struct server *server = arg;
    pthread_setname_np(pthread_self(), "phone");
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&server->round);
        handle_phone(server, "user:alice");
    }
    return NULL;
}

static void *laptop_main(void *arg)
{
    struct server *server = arg;
    pthread_setname_np(pthread_self(), "laptop");
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&server->round);
        handle_laptop(server, "user:alice");
    }
    return NULL;
}

struct visitor {
    struct server *server;
    int number;
};

static void *visitor_main(void *arg)
{
    const struct visitor *visitor = arg;
    pthread_setname_np(pthread_self(), "visitor");
    for (int visit = 0; visit < VISITS; visit++) {
        char name[USER_BYTES];
        snprintf(name, sizeof name, "visitor:%d-%d", visitor->number, visit);
        handle_visit(visitor->server, name);
    }
    return NULL;
}

/* Runs what visitors left to do, until the server closes and nothing is left. */
static void *janitor_main(void *arg)
{
    struct server *server = arg;
    pthread_setname_np(pthread_self(), "janitor");
    pthread_mutex_lock(&server->janitor_lock);
    for (;;) {
        while (server->left_count == 0 && !server->closing)
            pthread_cond_wait(&server->janitor_wakes, &server->janitor_lock);
        if (server->left_count == 0)
            break;
        struct msc_batch *batch = server->left_to_do[--server->left_count];
        pthread_mutex_unlock(&server->janitor_lock);
        msc_batch_run(batch);
        pthread_mutex_lock(&server->janitor_lock);
    }
    pthread_mutex_unlock(&server->janitor_lock);
    return NULL;
}

static inline uint64_t check_session(const struct session *session)
{
    uint64_t sum = session->token;
    for (int i = 0; i < 20000; i++)
        sum = sum * UINT64_C(6364136223846793005) + 1;
    return sum;
}

/* Holds the lock for as long as it takes to look at every session. */
static uint64_t audit_sessions(struct server *server)
{
    uint64_t sum = 0;
    struct msc_map_iter iter;
    table_enter(server);
    must(msc_map_iter_begin(server->sessions, &iter), "cannot iterate");
    while (msc_map_iter_next(&iter))
        sum += check_session(iter.value);
    msc_map_iter_end(&iter);
    work_ms(2); /* and writes it to its log */
    table_leave(server);
    return sum;
}

static void *auditor_main(void *arg)
{
    struct server *server = arg;
    pthread_setname_np(pthread_self(), "auditor");
    for (int round = 0; round < ROUNDS * 4; round++) {
        audit_sessions(server);
        work_ms(3);
    }
    return NULL;
}

static void server_open(struct server *server, bool fixed)
{
    struct msc_map_options options = {
        .struct_size = sizeof options, .name = "sessions", .key = MSC_KEY_BYTES, .value_size = sizeof(struct session)};
    *server = (struct server){.fixed = fixed};
    must(msc_mutex_init(&server->lock, "session table"), "cannot make the lock");
    must(msc_map_create(&options, &server->sessions), "cannot make the session table");
    must(-pthread_barrier_init(&server->round, NULL, 2), "cannot make the barrier");
    must(-pthread_mutex_init(&server->janitor_lock, NULL), "cannot make the janitor");
    must(-pthread_cond_init(&server->janitor_wakes, NULL), "cannot make the janitor");
}

static void server_close(struct server *server)
{
    pthread_cond_destroy(&server->janitor_wakes);
    pthread_mutex_destroy(&server->janitor_lock);
    pthread_barrier_destroy(&server->round);
    msc_map_destroy(server->sessions);
    msc_mutex_destroy(&server->lock);
}

static pthread_t start(void *(*main)(void *), void *arg)
{
    pthread_t thread;
    must(-pthread_create(&thread, NULL, main, arg), "cannot start a thread");
    return thread;
}

static void serve(struct server *server)
{
    pthread_t workers[3 + VISITORS];
    struct visitor visitors[VISITORS];
    size_t count = 0;
    pthread_t janitor = start(janitor_main, server);
    workers[count++] = start(phone_main, server);
    workers[count++] = start(laptop_main, server);
    workers[count++] = start(auditor_main, server);
    for (int i = 0; i < VISITORS; i++) {
        visitors[i] = (struct visitor){.server = server, .number = i};
        workers[count++] = start(visitor_main, &visitors[i]);
    }
    for (size_t i = 0; i < count; i++)
        pthread_join(workers[i], NULL);
    pthread_mutex_lock(&server->janitor_lock);
    server->closing = true;
    pthread_cond_signal(&server->janitor_wakes);
    pthread_mutex_unlock(&server->janitor_lock);
    pthread_join(janitor, NULL);
}

int main(int argc, char **argv)
{
    bool fixed = argc == 2 && strcmp(argv[1], "--fixed") == 0;
    if (argc > 1 && !fixed) {
        fprintf(stderr, "usage: session_cache [--fixed]\n");
        return 2;
    }
    struct server server;
    server_open(&server, fixed);
    serve(&server);
    printf("session_cache: served %u requests, %u live sessions were lost\n", server.requests, server.lost_sessions);
    server_close(&server);
    return 0;
}
