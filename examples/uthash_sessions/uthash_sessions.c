/*
 * A session table made with uthash, with mapscope's probes in it: every line that the probes need is marked with
 * an arrow. Its trace shows what one of a mapscope map does, and finds the same fault.
 *
 * The fault is that of examples/session_cache: alice logs in from her phone, then from her laptop; the laptop's
 * session replaces the phone's under her name. When the phone's request ends, its cleanup removes the laptop's
 * live session, which then cannot be found any more. A barrier after each step makes it happen every time.
 */
#define _GNU_SOURCE /* pthread_setname_np */
#include <errno.h>
#include <mapscope/mapscope.h> /* <-- */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define uthash_expand_fyi(uthash) table_grew(uthash) /* <-- uthash calls it when it has doubled */
struct UT_hash_table;
static void table_grew(const struct UT_hash_table *uthash); /* <-- */
#include <uthash.h>

enum { VISITORS = 2000, USER_BYTES = 24 };

struct session {
    char user[USER_BYTES];
    uint64_t token;
    uint64_t version; /* <-- what MSC_PROBE_MAP_ASSIGN returned */
    UT_hash_handle hh;
};

/* Under `lock`. */
static struct {
    struct msc_probe probe; /* <-- */
    struct session *head;
    struct msc_mutex lock;
} table;

static pthread_barrier_t step;

static void fail(const char *what, int error)
{
    fprintf(stderr, "uthash_sessions: %s: %s\n", what, strerror(-error));
    exit(1);
}

static void must(int error, const char *what)
{
    if (error)
        fail(what, error);
}

static void table_grew(const struct UT_hash_table *uthash)
{
    unsigned B = uthash->log2_num_buckets;
    MSC_PROBE_MAP_GROW(&table.probe, B - 1, B, uthash->num_items, uthash->num_buckets * sizeof(UT_hash_bucket));
    MSC_PROBE_MAP_GROW_END(&table.probe, uthash->num_items);
}

/* ---- the table ---- */

static void table_open(void)
{
    struct msc_probe_options options = {.struct_size = sizeof options, .name = "sessions", .B = 5}; /* <-- */
    MSC_PROBE_MAP_ALLOC(&table.probe, &options);                                                    /* <-- */
    must(msc_mutex_init(&table.lock, "session table"), "cannot make the lock");
}

static struct session *table_find(const char *user)
{
    struct session *session;
    uint64_t began = MSC_PROBE_BEGIN(ACCESS); /* <-- */
    HASH_FIND_STR(table.head, user, session);
    MSC_PROBE_MAP_ACCESS(&table.probe, began, user, strlen(user), session, session ? session->version : 0); /* <-- */
    return session;
}

static struct session *new_session(const char *user)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        fail("cannot open a session", -ENOMEM);
    snprintf(session->user, sizeof session->user, "%s", user);
    return session;
}

/* Returns the version of the entry. */
static uint64_t table_put(const char *user, uint64_t token)
{
    struct session *session;
    uint64_t began = MSC_PROBE_BEGIN(ASSIGN); /* <-- */
    HASH_FIND_STR(table.head, user, session);
    bool is_new = !session;
    if (is_new) {
        session = new_session(user);
        HASH_ADD_STR(table.head, user, session);
    }
    session->token = token;
    session->version = MSC_PROBE_MAP_ASSIGN(&table.probe, began, user, strlen(user), is_new); /* <-- */
    return session->version;
}

static void table_remove(const char *user)
{
    struct session *session;
    uint64_t began = MSC_PROBE_BEGIN(DELETE); /* <-- */
    HASH_FIND_STR(table.head, user, session);
    if (session)
        HASH_DEL(table.head, session);
    MSC_PROBE_MAP_DELETE(&table.probe, began, user, strlen(user), session, session ? session->version : 0); /* <-- */
    free(session);
}

static uint64_t table_sum(void)
{
    struct session *session, *next;
    uint64_t sum = 0, visited = 0;
    struct msc_probe_iter iter = MSC_PROBE_MAP_ITER_BEGIN(&table.probe, HASH_COUNT(table.head)); /* <-- */
    HASH_ITER(hh, table.head, session, next)
    {
        sum += session->token;
        visited++;
    }
    MSC_PROBE_MAP_ITER_END(&table.probe, iter, HASH_COUNT(table.head), visited); /* <-- */
    return sum;
}

static void table_close(void)
{
    struct session *session, *next;
    uint64_t count = HASH_COUNT(table.head);
    HASH_ITER(hh, table.head, session, next)
    {
        HASH_DEL(table.head, session);
        free(session);
    }
    MSC_PROBE_MAP_CLEAR(&table.probe, 0, count); /* <-- */
    MSC_PROBE_MAP_FREE(&table.probe, 0);         /* <-- */
    msc_mutex_destroy(&table.lock);
}

/* ---- requests ---- */

static void log_out(void *user)
{
    must(msc_mutex_lock(&table.lock), "cannot lock the session table");
    table_remove(user);
    must(msc_mutex_unlock(&table.lock), "cannot unlock the session table");
}

static void log_in(struct msc_scope *request, char *user, uint64_t token)
{
    must(msc_mutex_lock(&table.lock), "cannot lock the session table");
    uint64_t version = table_put(user, token);
    must(msc_defer_probe(request, log_out, user, &table.probe, user, strlen(user), version), "cannot defer"); /* <-- */
    must(msc_mutex_unlock(&table.lock), "cannot unlock the session table");
}

static char alice[] = "user:alice";

static void *phone_main(void *unused)
{
    (void)unused;
    pthread_setname_np(pthread_self(), "phone");
    {
        MSC_SCOPE(request);
        log_in(&request, alice, 1);
        pthread_barrier_wait(&step); /* the phone is logged in */
        pthread_barrier_wait(&step); /* the laptop too */
    }
    pthread_barrier_wait(&step); /* the phone is logged out */
    return NULL;
}

/* Returns NULL if its session was lost. */
static void *laptop_main(void *unused)
{
    (void)unused;
    pthread_setname_np(pthread_self(), "laptop");
    MSC_SCOPE(request);
    pthread_barrier_wait(&step);
    log_in(&request, alice, 2);
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    must(msc_mutex_lock(&table.lock), "cannot lock the session table");
    void *found = table_find(alice);
    must(msc_mutex_unlock(&table.lock), "cannot unlock the session table");
    return found;
}

int main(void)
{
    pthread_t phone, laptop;
    void *found;
    table_open();
    for (unsigned i = 0; i < VISITORS; i++) {
        char visitor[USER_BYTES];
        snprintf(visitor, sizeof visitor, "visitor:%u", i);
        table_put(visitor, i);
    }
    must(-pthread_barrier_init(&step, NULL, 2), "cannot make the barrier");
    must(-pthread_create(&phone, NULL, phone_main, NULL), "cannot start a thread");
    must(-pthread_create(&laptop, NULL, laptop_main, NULL), "cannot start a thread");
    must(-pthread_join(phone, NULL), "cannot join");
    must(-pthread_join(laptop, &found), "cannot join");
    printf("uthash_sessions: %u sessions, sum %llu, alice's was %s\n", HASH_COUNT(table.head),
           (unsigned long long)table_sum(), found ? "there" : "lost");
    table_close();
    pthread_barrier_destroy(&step);
    return 0;
}
