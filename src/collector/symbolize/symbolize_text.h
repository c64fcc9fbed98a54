/* The text that is handed out: UTF-8, and kept once for all who have the same. Not thread-safe. */
#ifndef COLLECTOR_SYMBOLIZE_TEXT_H
#define COLLECTOR_SYMBOLIZE_TEXT_H

#include "support/strtab.h"

/* Lives as long as the table. What is no UTF-8 is replaced. NULL = no memory. */
const char *text_intern(struct strtab *texts, const char *text);

/* The same; `text` is freed. NULL stays NULL. */
const char *text_intern_taken(struct strtab *texts, char *text);

#endif
