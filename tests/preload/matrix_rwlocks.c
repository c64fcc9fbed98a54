/* The lock matrix: reader-writer locks. */
#include "matrix.h"

#include <stdio.h>
#include <string.h>

struct rwlock_case {
    char name[64];
    pthread_rwlock_t lock;
    enum lock_class class;
    enum { FREE, OWN_READ, OWN_WRITE, OTHERS_READ, OTHERS_WRITE, SITUATIONS } situation;
};

static void rwlock_perform(const struct call *call, void *argument)
{
    static const char *const names[] = {"free", "own-read", "own-write", "others-read", "others-write"};
    struct rwlock_case *c = argument;
    bool is_write = c->class == WRITE;
    if (c->situation == OWN_READ && is_write && !ends(call))
        return;
    if (call->how == CLOCK && call->clock != CLOCK_REALTIME && call->clock != CLOCK_MONOTONIC && call->when != SHORT)
        return;
    struct other other = {.object = &c->lock,
                          .class = c->situation == OTHERS_READ ? READ : WRITE,
                          .release = ends(call) ? WHEN_TOLD : SOON};
    struct call take = {.how = LOCK};
    if (c->situation == OWN_READ || c->situation == OWN_WRITE)
        call_fns[c->situation == OWN_READ ? READ : WRITE](&c->lock, &take, NULL);
    if (c->situation >= OTHERS_READ)
        other_begin(&other);
    perform(c->name, names[c->situation], c->class, &c->lock, call);
    if (c->situation >= OTHERS_READ)
        other_end(&other);
    if (c->situation == OWN_READ || c->situation == OWN_WRITE)
        printf("  then unlock %d\n", pthread_rwlock_unlock(&c->lock));
}

void matrix_rwlocks(void)
{
    static const char *const kinds[] = {"rwlock", "rwlock-writers-recursive", "rwlock-writers"};
    for (int i = 0; i < 3 * 2; i++) {
        struct rwlock_case c;
        pthread_rwlockattr_t attributes;
        pthread_rwlockattr_init(&attributes);
        pthread_rwlockattr_setkind_np(&attributes, i / 2);
        pthread_rwlockattr_setpshared(&attributes, i % 2);
        snprintf(c.name, sizeof c.name, "%s%s", kinds[i / 2], i % 2 ? "-shared" : "");
        check(pthread_rwlock_init(&c.lock, &attributes), "make a rwlock");
        for (int situation = 0; situation < SITUATIONS; situation++) {
            for (int class = READ; class <= WRITE; class ++) {
                c.situation = situation;
                c.class = (enum lock_class) class;
                each_call(true, rwlock_perform, &c);
            }
        }
        printf("%s destroy %d\n", c.name, pthread_rwlock_destroy(&c.lock));
    }
}
