/* See environment.h. */
#include "collector/session/environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/vec.h"

static int append(struct environment *environment, char *item)
{
    if (!item)
        return -ENOMEM;
    int error = VEC_RESERVE(environment->items, environment->count, environment->capacity, 2);
    if (error) {
        free(item);
        return error;
    }
    environment->items[environment->count++] = item;
    environment->items[environment->count] = NULL;
    return 0;
}

int environment_init(struct environment *environment, char *const *base)
{
    *environment = (struct environment){0};
    for (; *base; base++) {
        int error = append(environment, strdup(*base));
        if (error) {
            environment_fini(environment);
            return error;
        }
    }
    return 0;
}

void environment_fini(struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        free(environment->items[i]);
    free(environment->items);
    *environment = (struct environment){0};
}

/* The item of `name`, or NULL. */
static char **find(const struct environment *environment, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < environment->count; i++) {
        char *item = environment->items[i];
        if (strncmp(item, name, length) == 0 && item[length] == '=')
            return &environment->items[i];
    }
    return NULL;
}

const char *environment_get(const struct environment *environment, const char *name)
{
    char **item = find(environment, name);
    return item ? *item + strlen(name) + 1 : NULL;
}

int environment_set(struct environment *environment, const char *name, const char *value)
{
    char *text;
    if (asprintf(&text, "%s=%s", name, value) < 0)
        return -ENOMEM;
    char **item = find(environment, name);
    if (!item)
        return append(environment, text);
    free(*item);
    *item = text;
    return 0;
}

void environment_unset(struct environment *environment, const char *name)
{
    char **item;
    while ((item = find(environment, name)) != NULL) {
        free(*item);
        char **end = environment->items + environment->count--;
        memmove(item, item + 1, (size_t)(end - item) * sizeof *item); /* with the NULL */
    }
}

int environment_prepend(struct environment *environment, const char *name, const char *first)
{
    const char *rest = environment_get(environment, name);
    if (!rest || !*rest)
        return environment_set(environment, name, first);
    char *joined;
    if (asprintf(&joined, "%s:%s", first, rest) < 0)
        return -ENOMEM;
    int error = environment_set(environment, name, joined);
    free(joined);
    return error;
}

const char *environment_lttng_home(const struct environment *environment)
{
    const char *home = environment_get(environment, "LTTNG_HOME");
    return home ? home : environment_get(environment, "HOME");
}
