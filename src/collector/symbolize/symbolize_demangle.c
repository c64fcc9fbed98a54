/*
 * See symbolize_demangle.h. __cxa_demangle is the demangler that libstdc++ exports for this use; elfutils'
 * own C programs declare it the same way. libiberty's is the same code, but a static library to install.
 *
 * A symbol of n back references can unfold to 3^(n/3) times its length, one of nested pack expansions to
 * its length to the power of their depth, and the demangler has no limit of its own: files are not to be
 * trusted, so what is beyond any bound stays as it is.
 */
#include "collector/symbolize/symbolize_demangle.h"

#include <stddef.h>
#include <string.h>

enum { LENGTH_MAX = 1024, REFERENCES_MAX = 32, EXPANSIONS_MAX = 2 };

extern char *__cxa_demangle(const char *symbol, char *buffer, size_t *length, int *status);

/* Counts generously: letters of an identifier may look like a reference. */
static int is_bounded(const char *symbol)
{
    int references = 0, expansions = 0;
    const char *c = symbol;
    for (; *c; c++) {
        int upper_or_digit = (c[1] >= '0' && c[1] <= '9') || (c[1] >= 'A' && c[1] <= 'Z') || c[1] == '_';
        references += (*c == 'S' || *c == 'T') && upper_or_digit;
        expansions += (c[0] == 'D' && c[1] == 'p') || (c[0] == 's' && c[1] == 'p');
    }
    return c - symbol <= LENGTH_MAX && references <= REFERENCES_MAX && expansions <= EXPANSIONS_MAX;
}

char *demangle(const char *symbol)
{
    if (strncmp(symbol, "_Z", 2) != 0 || !is_bounded(symbol))
        return NULL;
    char source[LENGTH_MAX + 1]; /* without what the compiler appended: ".isra.0", ".cold" */
    size_t length = strcspn(symbol, ".");
    memcpy(source, symbol, length);
    source[length] = '\0';
    int status;
    return __cxa_demangle(source, NULL, NULL, &status);
}
