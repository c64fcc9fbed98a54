/*
 * Why something failed, as a chain of causes: the innermost level says what went wrong, each caller adds
 * what it was trying to do. Only main prints.
 *
 *     if (fd < 0)
 *         return diag_errno(diag, errno, "cannot open %s", path);      -> -ENOENT
 *     ...
 *     if (error)
 *         return diag_wrap(diag, error, "cannot read the trace %s", dir);
 *
 * prints as "cannot read the trace x: cannot open x/metadata: No such file or directory".
 * Every function takes a NULL diag. Not thread-safe: one diag a thread of work.
 */
#ifndef SUPPORT_DIAG_H
#define SUPPORT_DIAG_H

#include <stdbool.h>

struct diag {
    char *text; /* owned; NULL = no failure noted */
};

#define DIAG_PRINTF(text_index, first_index) __attribute__((format(printf, text_index, first_index)))

void diag_init(struct diag *diag);
void diag_fini(struct diag *diag);
void diag_clear(struct diag *diag);

/* Starts a chain. Returns `error` (a negative errno), so that it can stand in a return statement. */
int diag_set(struct diag *diag, int error, const char *format, ...) DIAG_PRINTF(3, 4);

/* As diag_set with ": " and the text of `code` (a positive errno) appended. Returns -code. */
int diag_errno(struct diag *diag, int code, const char *format, ...) DIAG_PRINTF(3, 4);

/* Puts an outer cause before the chain. Returns `error`. */
int diag_wrap(struct diag *diag, int error, const char *format, ...) DIAG_PRINTF(3, 4);

/* The whole chain, never NULL: "" if none. Borrowed until the next call. */
const char *diag_text(const struct diag *diag);

#endif
