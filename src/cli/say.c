/* See say.h. */
#include "cli/say.h"

#include <stdlib.h>
#include <string.h>

#include "support/utf8.h"

void say_text(FILE *stream, const char *text)
{
    char *printable = utf8_printable(text, strlen(text));
    fputs(printable ? printable : "(out of memory)", stream);
    free(printable);
}

static void say_line(const char *what, const char *text)
{
    fputs(what, stderr);
    say_text(stderr, text);
    fputc('\n', stderr);
}

void say_error(const struct diag *diag)
{
    say_line("mapscope: ", diag_text(diag));
}

void say_warning(const char *text)
{
    say_line("mapscope: warning: ", text);
}
