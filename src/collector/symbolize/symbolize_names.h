/*
 * What code and variables are called: by the debug information, else by the symbol table, else by where they lie
 * (libz.so.1+0x1a40). Not thread-safe.
 */
#ifndef COLLECTOR_SYMBOLIZE_NAMES_H
#define COLLECTOR_SYMBOLIZE_NAMES_H

#include "collector/symbolize/symbolize_mapping.h"

/*
 * A frame at the address from what the debug information says of it; `mapping` may be NULL, and all of `known` may be
 * unsaid. The outermost is the function that holds the code. *is_named: by more than where it lies. False = no memory.
 */
bool names_frame(struct strtab *texts, const struct mapping *mapping, uint64_t address, const struct dwarf_frame *known,
                 bool is_outermost, struct symbol_frame *out, bool *is_named);

/* The variable at the address, "name" or "name+0x10". NULL = no memory. */
const char *names_object(struct strtab *texts, const struct mapping *mapping, uint64_t address);

#endif
