/* See symbolize_text.h. */
#include "collector/symbolize/symbolize_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/utf8.h"

const char *text_intern(struct strtab *texts, const char *text)
{
    char *clean = utf8_sanitize(text, strlen(text));
    str_id id;
    int error = clean ? strtab_intern(texts, clean, strlen(clean), &id) : -ENOMEM;
    free(clean);
    return error ? NULL : strtab_text(texts, id);
}

const char *text_intern_taken(struct strtab *texts, char *text)
{
    const char *interned = text ? text_intern(texts, text) : NULL;
    free(text);
    return interned;
}
