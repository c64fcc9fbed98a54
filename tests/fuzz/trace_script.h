/*
 * A recording as a script says: our own provider's events and LTTng's, with numbers, times, texts and stacks of any
 * kind, in packets that are damaged afterwards, and what may lie beside them.
 *
 *     first byte         bits: 1 no metadata, 2 a shared page, 4 capture.json, 8 damage
 *     four bytes a piece of damage, sixteen a page, as it says; then instructions up to the end
 */
#ifndef TESTS_FUZZ_TRACE_SCRIPT_H
#define TESTS_FUZZ_TRACE_SCRIPT_H

#include "fuzz/script.h"

/* Writes it to `folder`, which is empty or has what an earlier script left. Aborts if it cannot. */
void trace_script_write(struct script *script, const char *folder);

#endif
