/*
 * Addresses to functions, files and lines, inlined frames included, through libdw (its sole user).
 *
 * Modules come from the process table; a file is used only if its build id is the one that the trace
 * names. Each module is opened on first use, or in a thread of its own before, where use is expected; each
 * address is resolved once. Not thread-safe.
 */
#ifndef COLLECTOR_SYMBOLIZE_H
#define COLLECTOR_SYMBOLIZE_H

#include "model/process.h"
#include "model/stacks.h"
#include "model/symbols.h"

struct symbolizer; /* opaque */

/* `processes` is borrowed and may go on growing. */
int symbolizer_create(const struct process_table *processes, struct symbolizer **out);

/* Where separate debug files are looked for; "/usr/lib/debug" unless set before the first look-up. Borrowed. */
void symbolizer_set_debug_dir(struct symbolizer *symbolizer, const char *debug_dir);

void symbolizer_destroy(struct symbolizer *symbolizer);

/*
 * The stack will be resolved, most likely: the files that it leads to are opened meanwhile, if their modules are known
 * yet. Changes nothing but when that happens.
 */
void symbolizer_expect(struct symbolizer *symbolizer, const struct stack_view *stack);

/* The seam for analyses and exporters. Alive as long as the symbolizer. */
struct symbols symbolizer_symbols(struct symbolizer *symbolizer);

/* Modules that were asked for, in order of first use, for the report of missing symbols. Borrowed. */
const struct symbol_module *const *symbolizer_modules(const struct symbolizer *symbolizer, size_t *count);

#endif
