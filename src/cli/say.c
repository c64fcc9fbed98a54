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

/* As $'...' has it. */
static void say_escaped(FILE *stream, const char *path)
{
    fputs("$'", stream);
    for (const char *c = path; *c; c++) {
        if (*c < ' ' || *c > '~')
            fprintf(stream, "\\%03o", (unsigned)(unsigned char)*c);
        else
            fprintf(stream, *c == '\'' || *c == '\\' ? "\\%c" : "%c", *c);
    }
    fputc('\'', stream);
}

void say_path(FILE *stream, const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=@%+,-";
    char *printable = utf8_printable(path, strlen(path));
    if (path[0] && !path[strspn(path, plain)])
        fputs(path, stream);
    else if (printable && strcmp(printable, path) == 0 && !strchr(path, '\''))
        fprintf(stream, "'%s'", path);
    else
        say_escaped(stream, path);
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
