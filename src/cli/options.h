/* Values of command-line options. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal digits and nothing else, from `min` to `max`. False otherwise, with *out untouched. */
bool options_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* As options_number, in bytes: with K, M or G behind it in units of 1024, 1024^2, 1024^3 bytes. */
bool options_size(const char *text, uint64_t min, uint64_t max, uint64_t *out);

#endif
