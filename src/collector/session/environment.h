/* The environment of a program to be started: a copy of ours, changed. Not thread-safe. */
#ifndef COLLECTOR_SESSION_ENVIRONMENT_H
#define COLLECTOR_SESSION_ENVIRONMENT_H

#include <stddef.h>

struct environment {
    char **items; /* "NAME=value", owned; NULL behind the last: what execve takes */
    size_t count, capacity;
};

/* Copies `base` (NULL-terminated). 0 or -ENOMEM. */
int environment_init(struct environment *environment, char *const *base);
void environment_fini(struct environment *environment); /* legal after zeroing and after a failed init */

/* The value of `name`, borrowed until it changes, or NULL. */
const char *environment_get(const struct environment *environment, const char *name);

/* Where a program with that environment looks for its user's session daemon, as liblttng-ust does; or NULL. */
const char *environment_lttng_home(const struct environment *environment);

/* 0 or -ENOMEM, with the environment as it was. */
int environment_set(struct environment *environment, const char *name, const char *value);
void environment_unset(struct environment *environment, const char *name);

/* Puts `first` before what the variable holds, with a colon between. */
int environment_prepend(struct environment *environment, const char *name, const char *first);

#endif
