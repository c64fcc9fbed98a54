/* See diag.h. When memory runs out the chain keeps what it has: an error report must not fail. */
#include "support/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void diag_init(struct diag *diag)
{
    diag->text = NULL;
}

void diag_fini(struct diag *diag)
{
    diag_clear(diag);
}

void diag_clear(struct diag *diag)
{
    if (!diag)
        return;
    free(diag->text);
    diag->text = NULL;
}

static char *format_text(const char *format, va_list args) DIAG_PRINTF(1, 0);

static char *format_text(const char *format, va_list args)
{
    char *text = NULL;
    return vasprintf(&text, format, args) < 0 ? NULL : text;
}

/* Takes `head` and replaces the chain by "head: tail", or by head alone without a tail. */
static void put_before(struct diag *diag, char *head, const char *tail)
{
    char *joined = NULL;
    if (!head)
        return;
    if (tail && asprintf(&joined, "%s: %s", head, tail) >= 0) {
        free(head);
        head = joined;
    }
    free(diag->text);
    diag->text = head;
}

int diag_set(struct diag *diag, int error, const char *format, ...)
{
    if (!diag)
        return error;
    va_list args;
    va_start(args, format);
    char *text = format_text(format, args);
    va_end(args);
    put_before(diag, text, NULL);
    return error;
}

int diag_errno(struct diag *diag, int code, const char *format, ...)
{
    if (!diag)
        return -code;
    va_list args;
    va_start(args, format);
    char *text = format_text(format, args);
    va_end(args);
    char reason[128];
    put_before(diag, text, strerror_r(code, reason, sizeof reason));
    return -code;
}

int diag_wrap(struct diag *diag, int error, const char *format, ...)
{
    if (!diag)
        return error;
    va_list args;
    va_start(args, format);
    char *text = format_text(format, args);
    va_end(args);
    put_before(diag, text, diag->text);
    return error;
}

const char *diag_text(const struct diag *diag)
{
    return diag && diag->text ? diag->text : "";
}
