/* The lock matrix: mutexes of every type, protocol and robustness. */
#include "matrix.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct mutex_case {
    char name[64];
    pthread_mutexattr_t attributes;
    int type, protocol, robust;
    pthread_mutex_t mutex;
    const char *situation;
};

static void renew(struct mutex_case *c)
{
    pthread_mutex_destroy(&c->mutex);
    check(pthread_mutex_init(&c->mutex, &c->attributes), "make a mutex");
}

static void mutex_perform(const struct call *call, void *argument)
{
    struct mutex_case *c = argument;
    perform(c->name, c->situation, MUTEX, &c->mutex, call);
}

static void when_free(const struct call *call, void *argument)
{
    struct mutex_case *c = argument;
    renew(c);
    c->situation = "free";
    mutex_perform(call, c);
}

static void when_own(const struct call *call, void *argument)
{
    struct mutex_case *c = argument;
    bool never_ends = c->type != PTHREAD_MUTEX_RECURSIVE && c->type != PTHREAD_MUTEX_ERRORCHECK && !ends(call);
    if (never_ends)
        return;
    renew(c);
    int error = pthread_mutex_lock(&c->mutex);
    c->situation = "own";
    mutex_perform(call, c);
    printf("  then unlock %d\n", error ? error : pthread_mutex_unlock(&c->mutex));
}

static void when_others(const struct call *call, void *argument)
{
    struct mutex_case *c = argument;
    renew(c);
    struct other other = {.object = &c->mutex, .release = ends(call) ? WHEN_TOLD : SOON};
    bool has_bad_clock = call->how == CLOCK && call->clock != CLOCK_REALTIME && call->clock != CLOCK_MONOTONIC;
    if (has_bad_clock && call->when != SHORT)
        return;
    other_begin(&other);
    c->situation = ends(call) ? "others" : "others-soon-free";
    mutex_perform(call, c);
    other_end(&other);
}

/* The owner ended with it: a robust mutex is inconsistent, then repaired or not. */
static void when_died(const struct call *call, void *argument)
{
    struct mutex_case *c = argument;
    for (int repair = 0; repair < 2 && c->robust == PTHREAD_MUTEX_ROBUST; repair++) {
        renew(c);
        struct other other = {.object = &c->mutex, .release = NEVER};
        other_begin(&other);
        other_end(&other);
        int result = measured(MUTEX, &c->mutex, call), left = errno;
        printf("%s owner-died", c->name);
        print_call(MUTEX, call);
        printf(" = %d errno %d", result, left);
        if (result == EOWNERDEAD) {
            printf(" repair %d", repair ? pthread_mutex_consistent(&c->mutex) : -1);
            printf(" unlock %d", pthread_mutex_unlock(&c->mutex));
            int again = pthread_mutex_trylock(&c->mutex);
            printf(" then %d", again);
            if (again == 0)
                printf(" unlock %d", pthread_mutex_unlock(&c->mutex));
        }
        putchar('\n');
    }
}

/* The owner dies while we wait: EOWNERDEAD comes from the blocking call. */
static void *die_soon(void *mutex)
{
    struct timespec soon = {0, SHORT_NS};
    nanosleep(&soon, NULL);
    return mutex;
}

static void *lock_and_die_soon(void *argument)
{
    struct other *other = argument;
    pthread_mutex_lock(other->object);
    sem_post(&other->has_it);
    return die_soon(other->object);
}

static void when_dies_meanwhile(struct mutex_case *c)
{
    if (c->robust != PTHREAD_MUTEX_ROBUST)
        return;
    renew(c);
    struct other other = {.object = &c->mutex};
    sem_init(&other.has_it, 0, 0);
    check(pthread_create(&other.thread, NULL, lock_and_die_soon, &other), "start a thread");
    while (sem_wait(&other.has_it)) {
    }
    struct call call = {.how = LOCK};
    perform(c->name, "owner-dies", MUTEX, &c->mutex, &call);
    pthread_join(other.thread, NULL);
    perform(c->name, "after-that", MUTEX, &c->mutex, &call);
}

static void wrong_unlocks(struct mutex_case *c)
{
    renew(c);
    bool is_checked =
        c->type == PTHREAD_MUTEX_ERRORCHECK || c->type == PTHREAD_MUTEX_RECURSIVE || c->robust == PTHREAD_MUTEX_ROBUST;
    if (!is_checked)
        return;
    printf("%s unlock-free %d\n", c->name, pthread_mutex_unlock(&c->mutex));
    struct other other = {.object = &c->mutex};
    other_begin(&other);
    printf("%s unlock-others %d\n", c->name, pthread_mutex_unlock(&c->mutex));
    printf("%s destroy-others %d\n", c->name, pthread_mutex_destroy(&c->mutex));
    other_end(&other);
}

static void deep(struct mutex_case *c)
{
    if (c->type != PTHREAD_MUTEX_RECURSIVE)
        return;
    renew(c);
    printf("%s deep", c->name);
    for (int i = 0; i < 3; i++)
        printf(" %d", pthread_mutex_lock(&c->mutex));
    printf(" %d", pthread_mutex_trylock(&c->mutex));
    for (int i = 0; i < 5; i++)
        printf(" %d", pthread_mutex_unlock(&c->mutex));
    putchar('\n');
}

static void waits_at_condition(struct mutex_case *c)
{
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, BAD_CLOCK};
    for (int when = 0; when < WHENS; when++) {
        struct timespec time = deadline(CLOCK_REALTIME, (enum when)when);
        if (when == LONG)
            continue;
        renew(c);
        int locked = pthread_mutex_lock(&c->mutex);
        errno = UNTOUCHED;
        int result = locked ? locked : pthread_cond_timedwait(&cond, &c->mutex, &time);
        printf("%s cond-timedwait-%s %d errno %d", c->name, when_names[when], result, errno);
        printf(" unlock %d\n", locked ? -1 : pthread_mutex_unlock(&c->mutex));
        for (size_t i = 0; !locked && i < 3; i++) {
            time = deadline(clocks[i], (enum when)when);
            pthread_mutex_lock(&c->mutex);
            errno = UNTOUCHED;
            result = pthread_cond_clockwait(&cond, &c->mutex, clocks[i], &time);
            printf("%s cond-clockwait(%d)-%s %d errno %d", c->name, (int)clocks[i], when_names[when], result, errno);
            printf(" unlock %d\n", pthread_mutex_unlock(&c->mutex));
        }
    }
    if (c->type == PTHREAD_MUTEX_ERRORCHECK) {
        struct timespec time = deadline(CLOCK_REALTIME, SHORT);
        renew(c);
        printf("%s cond-wait-unlocked %d", c->name, pthread_cond_wait(&cond, &c->mutex));
        printf(" timed %d\n", pthread_cond_timedwait(&cond, &c->mutex, &time));
    }
    printf("%s cond-destroy %d\n", c->name, pthread_cond_destroy(&cond));
}

static void one_mutex(struct mutex_case *c)
{
    check(pthread_mutex_init(&c->mutex, &c->attributes), "make a mutex");
    each_call(true, when_free, c);
    each_call(true, when_own, c);
    each_call(true, when_others, c);
    each_call(true, when_died, c);
    when_dies_meanwhile(c);
    wrong_unlocks(c);
    deep(c);
    renew(c);
    waits_at_condition(c);
    printf("%s destroy %d\n", c->name, pthread_mutex_destroy(&c->mutex));
}

void matrix_mutexes(void)
{
    static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK,
                                PTHREAD_MUTEX_ADAPTIVE_NP};
    static const char *const type_names[] = {"normal", "recursive", "errorcheck", "adaptive"};
    static const char *const protocol_names[] = {"", "-inherit", "-protect"};
    for (int i = 0; i < 4 * 3 * 2 * 2; i++) {
        int type = i / 12, protocol = i / 4 % 3, robust = i / 2 % 2, shared = i % 2;
        struct mutex_case c = {.type = types[type], .protocol = protocol, .robust = robust};
        snprintf(c.name, sizeof c.name, "%s%s%s%s", type_names[type], protocol_names[protocol], robust ? "-robust" : "",
                 shared ? "-shared" : "");
        pthread_mutexattr_init(&c.attributes);
        pthread_mutexattr_settype(&c.attributes, c.type);
        pthread_mutexattr_setprotocol(&c.attributes, protocol);
        pthread_mutexattr_setrobust(&c.attributes, robust);
        pthread_mutexattr_setpshared(&c.attributes, shared);
        if (protocol == PTHREAD_PRIO_PROTECT && robust) {
            printf("%s init %d\n", c.name, pthread_mutex_init(&c.mutex, &c.attributes));
            continue;
        }
        one_mutex(&c);
    }
}
