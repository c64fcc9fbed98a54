/*
 * What the parts of the lock matrix share: calls of every kind with every deadline, a second thread, and the line that
 * is printed of each. Start reading in lock_matrix.c.
 */
#ifndef TESTS_PRELOAD_MATRIX_H
#define TESTS_PRELOAD_MATRIX_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <time.h>

enum { UNTOUCHED = 12345, SHORT_NS = 2000000, LONG_S = 20 };

enum when { SHORT, LONG, PAST, BEFORE_TIME, NEGATIVE_NS, TOO_MANY_NS };
enum { WHENS = 6, BAD_CLOCK = 99 };
extern const char *const when_names[WHENS];

/* The same list of calls for all locks, told apart by what `object` is. */
enum lock_class { MUTEX, READ, WRITE, MTX };

struct call {
    enum { LOCK, TRY, TIMED, CLOCK } how;
    clockid_t clock;
    enum when when;
};

/* Ends the program with the reason if there is an error. */
void check(int error, const char *what);

struct timespec deadline(clockid_t clock, enum when when);
void print_call(enum lock_class class, const struct call *call);

typedef int call_fn(void *object, const struct call *call, const struct timespec *time);
extern call_fn *const call_fns[]; /* by class */

/* Performs the call; errno is UNTOUCHED before it. */
int measured(enum lock_class class, void *object, const struct call *call);

/* Performs the call, prints it, and undoes it. */
void perform(const char *lock, const char *situation, enum lock_class class, void *object, const struct call *call);

/* Does the call end without another thread's help? */
bool ends(const struct call *call);

typedef void each_fn(const struct call *call, void *argument);
void each_call(bool has_clock, each_fn *each, void *argument);

/* A thread that takes the lock, then releases it when told to, after a while, or never: it ends with it. */
struct other {
    enum lock_class class;
    void *object;
    enum { WHEN_TOLD, SOON, NEVER } release;
    sem_t has_it, go;
    pthread_t thread;
};

void other_begin(struct other *other); /* returns when it has it */
void other_end(struct other *other);

/* The parts, in the order in which they print. */
void matrix_mutexes(void);
void matrix_rwlocks(void);
void matrix_c11_and_spin_locks(void);
void matrix_signals_and_threads(void);

#endif
