/*
 * A recording into everything that mapscope convert makes of it, in memory, each held against the rules of those that
 * read it: pprof_check, chrome_rules, timeline_check, and for the report that it is plain text. Aborts on what breaks
 * one, saying which.
 */
#ifndef TESTS_FUZZ_CONVERSION_H
#define TESTS_FUZZ_CONVERSION_H

#include <stddef.h>
#include <stdint.h>

/* A folder for the life of the process. */
const char *conversion_folder(void);

void conversion_check(const char *folder);

/* The same of bytes that are a profile, as written. */
void conversion_check_profile(const char *name, const void *bytes, size_t size);

#endif
