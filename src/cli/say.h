/*
 * Text that others wrote, for a terminal: names from a trace, of files, of processes are any bytes, and no control
 * character among them reaches it.
 */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include <stdio.h>

#include "support/diag.h"

void say_text(FILE *stream, const char *text);

/* A path in a command to be copied: quoted where a shell would take it apart, as it is otherwise. */
void say_path(FILE *stream, const char *path);

/* A line on stderr: why the command failed; what the user should know besides. */
void say_error(const struct diag *diag);
void say_warning(const char *text);

#endif
