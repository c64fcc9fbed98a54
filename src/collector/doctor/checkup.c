/* See checkup.h. */
#include "collector/doctor/checkup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/vec.h"

void checkup_init(struct checkup *checkup)
{
    *checkup = (struct checkup){.subject = ""};
}

void checkup_fini(struct checkup *checkup)
{
    for (size_t i = 0; i < checkup->count; i++) {
        free(checkup->lines[i].found);
        free(checkup->lines[i].mend);
    }
    free(checkup->lines);
    checkup_init(checkup);
}

/* To be freed; NULL when memory is out, which is noted. */
DIAG_PRINTF(2, 0) static char *print(struct checkup *checkup, const char *format, va_list arguments)
{
    char *text;
    if (vasprintf(&text, format, arguments) >= 0)
        return text;
    checkup->is_short = true;
    return NULL;
}

DIAG_PRINTF(3, 0)
static void add(struct checkup *checkup, enum verdict verdict, const char *format, va_list arguments)
{
    if (VEC_RESERVE(checkup->lines, checkup->count, checkup->capacity, 1)) {
        checkup->is_short = true;
        return;
    }
    char *found = print(checkup, format, arguments);
    if (found)
        checkup->lines[checkup->count++] = (struct checkup_line){verdict, checkup->subject, found, NULL};
}

void checkup_ok(struct checkup *checkup, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(checkup, VERDICT_OK, format, arguments);
    va_end(arguments);
}

void checkup_note(struct checkup *checkup, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(checkup, VERDICT_NOTE, format, arguments);
    va_end(arguments);
}

void checkup_problem(struct checkup *checkup, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(checkup, VERDICT_PROBLEM, format, arguments);
    va_end(arguments);
}

void checkup_add(struct checkup *checkup, enum verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(checkup, verdict, format, arguments);
    va_end(arguments);
}

void checkup_mend(struct checkup *checkup, const char *format, ...)
{
    if (checkup->is_short) /* the line may be the one that is missing */
        return;
    va_list arguments;
    va_start(arguments, format);
    checkup->lines[checkup->count - 1].mend = print(checkup, format, arguments);
    va_end(arguments);
}

size_t checkup_count(const struct checkup *checkup, enum verdict verdict)
{
    size_t count = 0;
    for (size_t i = 0; i < checkup->count; i++)
        count += checkup->lines[i].verdict == verdict;
    return count;
}
