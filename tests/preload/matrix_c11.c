/* The lock matrix: C11 and spin locks. */
#include "matrix.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>

struct mtx_case {
    const char *name;
    mtx_t mtx;
    bool is_recursive;
    enum { MTX_FREE, MTX_OWN, MTX_OTHERS } situation;
};

static void mtx_perform(const struct call *call, void *argument)
{
    static const char *const names[] = {"free", "own", "others"};
    struct mtx_case *c = argument;
    if (c->situation == MTX_OWN && !c->is_recursive && !ends(call))
        return;
    struct other other = {.object = &c->mtx, .class = MTX, .release = ends(call) ? WHEN_TOLD : SOON};
    if (c->situation == MTX_OWN)
        mtx_lock(&c->mtx);
    if (c->situation == MTX_OTHERS)
        other_begin(&other);
    perform(c->name, names[c->situation], MTX, &c->mtx, call);
    if (c->situation == MTX_OTHERS)
        other_end(&other);
    if (c->situation == MTX_OWN)
        printf("  then unlock %d\n", mtx_unlock(&c->mtx));
}

static void mtxs(void)
{
    static const struct {
        const char *name;
        int type;
    } types[] = {{"mtx-plain", mtx_plain}, {"mtx-timed", mtx_timed}, {"mtx-recursive", mtx_timed | mtx_recursive}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct mtx_case c = {.name = types[i].name, .is_recursive = types[i].type & mtx_recursive};
        printf("%s init %d\n", c.name, mtx_init(&c.mtx, types[i].type));
        for (int situation = 0; situation < 3; situation++) {
            c.situation = situation;
            each_call(false, mtx_perform, &c);
        }
        cnd_t cnd;
        cnd_init(&cnd);
        for (int when = 0; when < WHENS; when++) {
            struct timespec time = deadline(CLOCK_REALTIME, (enum when)when);
            if (when == LONG)
                continue;
            mtx_lock(&c.mtx);
            errno = UNTOUCHED;
            int result = cnd_timedwait(&cnd, &c.mtx, &time);
            printf("%s cnd-timedwait-%s %d errno %d", c.name, when_names[when], result, errno);
            printf(" unlock %d\n", mtx_unlock(&c.mtx));
        }
        printf("%s cnd-signal %d", c.name, cnd_signal(&cnd));
        printf(" broadcast %d\n", cnd_broadcast(&cnd));
        cnd_destroy(&cnd);
        mtx_destroy(&c.mtx);
    }
    printf("mtx init of type 77: %d\n", mtx_init(&(mtx_t){{0}}, 77));
}

static void *hold_spin(void *argument)
{
    struct other *other = argument;
    pthread_spin_lock(other->object);
    sem_post(&other->has_it);
    nanosleep(&(struct timespec){0, SHORT_NS}, NULL);
    return (void *)(intptr_t)pthread_spin_unlock(other->object);
}

static void spins(void)
{
    pthread_spinlock_t spin;
    for (int shared = 0; shared < 2; shared++) {
        printf("spin init %d", pthread_spin_init(&spin, shared));
        printf(" lock %d", pthread_spin_lock(&spin));
        for (int i = 0; i < 2; i++) {
            printf(" try %d", pthread_spin_trylock(&spin));
            printf(" unlock %d", pthread_spin_unlock(&spin));
        }
        struct other other = {.object = (void *)(uintptr_t)&spin};
        sem_init(&other.has_it, 0, 0);
        check(pthread_create(&other.thread, NULL, hold_spin, &other), "start a thread");
        while (sem_wait(&other.has_it)) {
        }
        errno = UNTOUCHED;
        int locked = pthread_spin_lock(&spin);
        printf(" others: lock %d errno %d", locked, errno);
        printf(" unlock %d", pthread_spin_unlock(&spin));
        void *result;
        pthread_join(other.thread, &result);
        printf(" its unlock %d destroy %d\n", (int)(intptr_t)result, pthread_spin_destroy(&spin));
    }
}

void matrix_c11_and_spin_locks(void)
{
    mtxs();
    spins();
}
