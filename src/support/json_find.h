/*
 * Looks values up in a JSON text, without building anything: for small files of our own making, which may
 * have been damaged or made by somebody else.
 *
 *     struct json_span span;
 *     uint64_t lost;
 *     if (json_find(text, length, "losses.discarded_events", &span) && json_u64(span, &lost)) ...
 */
#ifndef SUPPORT_JSON_FIND_H
#define SUPPORT_JSON_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value as it stands in the text, quotes and all. Borrowed from the text. */
struct json_span {
    const char *text;
    size_t length;
};

/*
 * The value at `path`: names of members, one a level, joined by dots; the first counts where one is there twice.
 * False: it is not there, or the text before its end is not JSON, or is nested deeper than 32. Names with escapes
 * are not found.
 */
bool json_find(const char *text, size_t length, const char *path, struct json_span *out);

/* A number without sign, point or exponent that fits. */
bool json_u64(struct json_span span, uint64_t *out);

/* Whether it is that string, which needs no escapes. */
bool json_is_text(struct json_span span, const char *text);

#endif
