/*
 * UTF-8: names from a trace and from debug data are bytes; outputs (JSON, protobuf strings) must be valid.
 * Valid means RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF. Thread-safe.
 */
#ifndef SUPPORT_UTF8_H
#define SUPPORT_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* U+FFFD, what stands for bytes that are not UTF-8. */
#define UTF8_REPLACEMENT "\xEF\xBF\xBD"

/*
 * The length in bytes (1 to 4, at most `length`) of the character at `bytes`; `length` must not be 0.
 * Where there is none, *valid is false and the result is the number of bytes that one replacement
 * character stands for (the "maximal subpart" of Unicode chapter 3.9).
 */
size_t utf8_step(const char *bytes, size_t length, bool *valid);

bool utf8_is_valid(const char *bytes, size_t length);

/*
 * A NUL-terminated copy to be freed by the caller, with U+FFFD for what is not UTF-8 and for each NUL; or
 * NULL when memory is out.
 */
char *utf8_sanitize(const char *bytes, size_t length);

/* The same for a person's eyes: each control character (C0, DEL, C1: what drives a terminal) is a '?'. */
char *utf8_printable(const char *bytes, size_t length);

#endif
