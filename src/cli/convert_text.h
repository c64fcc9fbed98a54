/* mapscope convert FILE, of a contention profile in text (brpc, gperftools). */
#ifndef CLI_CONVERT_TEXT_H
#define CLI_CONVERT_TEXT_H

#include <stdbool.h>

#include "support/diag.h"

/* Whether `path` is a file that begins like one. */
bool convert_text_wants(const char *path);

/* Writes the profile to `target`, NULL = `path` with .pb.gz behind it, and says what to type. 0 or negative errno. */
int convert_text(const char *path, const char *target, struct diag *diag);

#endif
