/* Interned strings: bytes -> a dense id; id 0 is "". Strings live as long as the table. Not thread-safe. */
#ifndef SUPPORT_STRTAB_H
#define SUPPORT_STRTAB_H

#include <stddef.h>
#include <stdint.h>

typedef uint32_t str_id;

struct strtab; /* opaque */

int strtab_create(struct strtab **out);
void strtab_destroy(struct strtab *table);

/* Interns `length` bytes (no NUL inside). Returns 0, or -ENOMEM, -EOVERFLOW (2^32 strings). */
int strtab_intern(struct strtab *table, const char *text, size_t length, str_id *out);

/* NUL-terminated. Borrowed for the table's life. `id` must have been given out. */
const char *strtab_text(const struct strtab *table, str_id id);
size_t strtab_length(const struct strtab *table, str_id id);
size_t strtab_count(const struct strtab *table);

#endif
