/*
 * The facts of a slice or an instant, gathered while it is drawn. What says nothing (0, false, NULL) is left
 * out. Inline, and cleared by its count alone: this is done for every slice. Private to timeline*.c.
 */
#ifndef COLLECTOR_TIMELINE_ARGS_H
#define COLLECTOR_TIMELINE_ARGS_H

#include "model/timeline.h"

enum { TIMELINE_ARGS_MAX = 12 };

struct timeline_args {
    struct timeline_arg items[TIMELINE_ARGS_MAX];
    uint16_t count;
};

static inline void timeline_args_init(struct timeline_args *args)
{
    args->count = 0;
}

static inline void timeline_arg_number(struct timeline_args *args, const char *key, enum timeline_arg_kind kind,
                                       uint64_t number)
{
    if (number)
        args->items[args->count++] = (struct timeline_arg){.key = key, .kind = kind, .number = number};
}

static inline void timeline_arg_int(struct timeline_args *args, const char *key, uint64_t number)
{
    timeline_arg_number(args, key, TIMELINE_ARG_INT, number);
}

static inline void timeline_arg_hex(struct timeline_args *args, const char *key, uint64_t number)
{
    timeline_arg_number(args, key, TIMELINE_ARG_HEX, number);
}

static inline void timeline_arg_true(struct timeline_args *args, const char *key, bool value)
{
    timeline_arg_number(args, key, TIMELINE_ARG_BOOL, value);
}

static inline void timeline_arg_text(struct timeline_args *args, const char *key, const char *text)
{
    if (text)
        args->items[args->count++] = (struct timeline_arg){.key = key, .kind = TIMELINE_ARG_TEXT, .text = text};
}

#endif
