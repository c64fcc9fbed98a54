/*
 * Every lock function of pthread.h and threads.h, on every kind of lock, in every situation that ends: one line
 * each with what it returned and what it left in errno. Run plain and preloaded, the lines must be the same
 * (tests/e2e/test_preload.sh).
 *
 * A line: kind of lock, situation, call, result, errno (12345 = untouched), result of the unlock after it.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>

enum { UNTOUCHED = 12345, SHORT_NS = 2000000, LONG_S = 20 };

static void check(int error, const char *what)
{
    if (error) {
        printf("cannot %s: %s\n", what, strerror(error));
        exit(EXIT_FAILURE);
    }
}

/* --- Deadlines ------------------------------------------------------------------------------------------- */

enum when { SHORT, LONG, PAST, BEFORE_TIME, NEGATIVE_NS, TOO_MANY_NS };
static const char *const when_names[] = {"short", "long", "past", "before-time", "negative-ns", "too-many-ns"};
enum { WHENS = 6, BAD_CLOCK = 99 };

static struct timespec deadline(clockid_t clock, enum when when)
{
    struct timespec time;
    clock_gettime(clock == CLOCK_MONOTONIC ? CLOCK_MONOTONIC : CLOCK_REALTIME, &time);
    time.tv_sec += when == LONG ? LONG_S : when == PAST ? -1 : 0;
    time.tv_nsec += when == SHORT ? SHORT_NS : 0;
    if (time.tv_nsec >= 1000000000) {
        time.tv_nsec -= 1000000000;
        time.tv_sec++;
    }
    if (when == BEFORE_TIME)
        time.tv_sec = -5;
    if (when == NEGATIVE_NS)
        time.tv_nsec = -1;
    if (when == TOO_MANY_NS)
        time.tv_nsec = 1000000000;
    return time;
}

/* --- Calls: the same list for all locks, told apart by what `object` is ------------------------------------ */

enum lock_class { MUTEX, READ, WRITE, MTX };

struct call {
    enum { LOCK, TRY, TIMED, CLOCK } how;
    clockid_t clock;
    enum when when;
};

static int call_mutex(void *mutex, const struct call *call, const struct timespec *time)
{
    switch (call->how) {
    case LOCK:
        return pthread_mutex_lock(mutex);
    case TRY:
        return pthread_mutex_trylock(mutex);
    case TIMED:
        return pthread_mutex_timedlock(mutex, time);
    default:
        return pthread_mutex_clocklock(mutex, call->clock, time);
    }
}

static int call_read(void *rwlock, const struct call *call, const struct timespec *time)
{
    switch (call->how) {
    case LOCK:
        return pthread_rwlock_rdlock(rwlock);
    case TRY:
        return pthread_rwlock_tryrdlock(rwlock);
    case TIMED:
        return pthread_rwlock_timedrdlock(rwlock, time);
    default:
        return pthread_rwlock_clockrdlock(rwlock, call->clock, time);
    }
}

static int call_write(void *rwlock, const struct call *call, const struct timespec *time)
{
    switch (call->how) {
    case LOCK:
        return pthread_rwlock_wrlock(rwlock);
    case TRY:
        return pthread_rwlock_trywrlock(rwlock);
    case TIMED:
        return pthread_rwlock_timedwrlock(rwlock, time);
    default:
        return pthread_rwlock_clockwrlock(rwlock, call->clock, time);
    }
}

static int call_mtx(void *mtx, const struct call *call, const struct timespec *time)
{
    switch (call->how) {
    case LOCK:
        return mtx_lock(mtx);
    case TRY:
        return mtx_trylock(mtx);
    default:
        return mtx_timedlock(mtx, time);
    }
}

typedef int call_fn(void *object, const struct call *call, const struct timespec *time);
static call_fn *const call_fns[] = {call_mutex, call_read, call_write, call_mtx};
static const char *const class_names[] = {"", "rd", "wr", "mtx-"};

static int unlock(enum lock_class class, void *object)
{
    return class == MUTEX ? pthread_mutex_unlock(object)
           : class == MTX ? mtx_unlock(object)
                          : pthread_rwlock_unlock(object);
}

static void print_call(enum lock_class class, const struct call *call)
{
    static const char *const hows[] = {"lock", "try", "timed", "clock"};
    printf(" %s%s", class_names[class], hows[call->how]);
    if (call->how == CLOCK)
        printf("(%d)", (int)call->clock);
    if (call->how >= TIMED)
        printf("-%s", when_names[call->when]);
}

static int measured(enum lock_class class, void *object, const struct call *call)
{
    struct timespec time = deadline(call->clock, call->when);
    errno = UNTOUCHED;
    return call_fns[class](object, call, &time);
}

/* Performs the call, prints it, and undoes it. */
static void perform(const char *lock, const char *situation, enum lock_class class, void *object,
                    const struct call *call)
{
    int result = measured(class, object, call), left = errno;
    printf("%s %s", lock, situation);
    print_call(class, call);
    printf(" = %d errno %d", result, left);
    if (result == 0 || result == EOWNERDEAD) {
        errno = UNTOUCHED;
        int error = unlock(class, object);
        printf(" unlock %d errno %d", error, errno);
    }
    putchar('\n');
}

/* Does the call end without another thread's help? */
static bool ends(const struct call *call)
{
    return call->how == TRY || (call->how >= TIMED && call->when != LONG);
}

typedef void each_fn(const struct call *call, void *argument);

static void each_call(bool has_clock, each_fn *each, void *argument)
{
    struct call call = {.how = LOCK};
    each(&call, argument);
    call.how = TRY;
    each(&call, argument);
    call.how = TIMED;
    for (int when = 0; when < WHENS; when++) {
        call.when = (enum when)when;
        each(&call, argument);
    }
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, BAD_CLOCK};
    call.how = CLOCK;
    for (size_t i = 0; has_clock && i < sizeof clocks / sizeof clocks[0]; i++) {
        for (int when = 0; when < WHENS; when++) {
            call.clock = clocks[i];
            call.when = (enum when)when;
            each(&call, argument);
        }
    }
}

/* --- The other thread ---------------------------------------------------------------------------------------- */

/* Takes the lock, then releases it when told to, after a while, or never: it ends with it. */
struct other {
    enum lock_class class;
    void *object;
    enum { WHEN_TOLD, SOON, NEVER } release;
    sem_t has_it, go;
    pthread_t thread;
};

static void *be_other(void *argument)
{
    struct other *other = argument;
    struct call call = {.how = LOCK};
    int error = call_fns[other->class](other->object, &call, NULL);
    sem_post(&other->has_it);
    if (other->release == WHEN_TOLD)
        while (sem_wait(&other->go)) {
        }
    if (other->release == SOON)
        nanosleep(&(struct timespec){0, SHORT_NS}, NULL);
    if (error == 0 && other->release != NEVER)
        unlock(other->class, other->object);
    return NULL;
}

static void other_begin(struct other *other)
{
    sem_init(&other->has_it, 0, 0);
    sem_init(&other->go, 0, 0);
    check(pthread_create(&other->thread, NULL, be_other, other), "start a thread");
    while (sem_wait(&other->has_it)) {
    }
}

static void other_end(struct other *other)
{
    sem_post(&other->go);
    pthread_join(other->thread, NULL);
}

/* --- Mutexes --------------------------------------------------------------------------------------------------- */

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

static void mutexes(void)
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

/* --- Reader-writer locks ------------------------------------------------------------------------------------------ */

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

static void rwlocks(void)
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

/* --- C11 and spin locks ---------------------------------------------------------------------------------------------
 */

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

/* --- Signals, broadcasts, threads ------------------------------------------------------------------------------------
 */

struct meeting {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    mtx_t mtx;
    cnd_t cnd;
    int ready, go, done;
};

static void *wait_pthread(void *argument)
{
    struct meeting *m = argument;
    pthread_mutex_lock(&m->mutex);
    m->ready++;
    int result = 0;
    while (!m->go && !result)
        result = pthread_cond_wait(&m->cond, &m->mutex);
    m->go--;
    m->done++;
    pthread_mutex_unlock(&m->mutex);
    return (void *)(intptr_t)result;
}

static int wait_c11(void *argument)
{
    struct meeting *m = argument;
    mtx_lock(&m->mtx);
    m->ready++;
    int result = thrd_success;
    while (!m->go && result == thrd_success)
        result = cnd_wait(&m->cnd, &m->mtx);
    m->go--;
    mtx_unlock(&m->mtx);
    return 70 + result;
}

enum { WAITERS = 8 };

static void meetings(void)
{
    struct meeting m = {.mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    pthread_t threads[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        check(pthread_create(&threads[i], NULL, wait_pthread, &m), "start a thread");
    for (int go = 0; go < 3;) { /* two by signals, the others by a broadcast */
        pthread_mutex_lock(&m.mutex);
        if (m.ready == WAITERS) {
            go++;
            m.go += go < 3 ? 1 : WAITERS - 2;
            printf("wake %d\n", go < 3 ? pthread_cond_signal(&m.cond) : pthread_cond_broadcast(&m.cond));
        }
        pthread_mutex_unlock(&m.mutex);
    }
    for (int i = 0; i < WAITERS; i++) {
        void *result;
        printf("join %d", pthread_join(threads[i], &result));
        printf(" waited %d\n", (int)(intptr_t)result);
    }
    printf("done %d destroy %d", m.done, pthread_cond_destroy(&m.cond));
    printf(" %d\n", pthread_mutex_destroy(&m.mutex));

    thrd_t thread;
    m.ready = m.go = 0;
    mtx_init(&m.mtx, mtx_plain);
    cnd_init(&m.cnd);
    printf("thrd_create %d\n", thrd_create(&thread, wait_c11, &m));
    for (int go = 0; !go;) {
        mtx_lock(&m.mtx);
        go = m.go = m.ready;
        if (go)
            printf("cnd_signal %d\n", cnd_signal(&m.cnd));
        mtx_unlock(&m.mtx);
    }
    int result = -1;
    printf("thrd_join %d", thrd_join(thread, &result));
    printf(" result %d\n", result);
}

static void *returns_itself(void *argument)
{
    return argument;
}

static void *exits(void *argument)
{
    pthread_exit(argument);
}

static void threads(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    void *result;
    size_t sizes[] = {16384, 65536, 1 << 20};
    for (size_t i = 0; i < 3; i++) {
        pthread_attr_init(&attributes);
        printf("stack %zu: %d", sizes[i], pthread_attr_setstacksize(&attributes, sizes[i]));
        printf(" create %d", pthread_create(&thread, &attributes, i % 2 ? exits : returns_itself, &sizes[i]));
        printf(" join %d", pthread_join(thread, &result));
        printf(" same %d\n", result == &sizes[i]);
    }
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)1 << 46);
    printf("too large: create %d\n", pthread_create(&thread, &attributes, exits, NULL));
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, 77);
    struct sched_param impossible = {.sched_priority = 77};
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    printf("impossible priority: %d", pthread_attr_setschedparam(&attributes, &impossible));
    printf(" create %d\n", pthread_create(&thread, &attributes, exits, NULL));
}

int main(void)
{
    mutexes();
    rwlocks();
    mtxs();
    spins();
    meetings();
    threads();
    return EXIT_SUCCESS;
}
