/* A shared page as a script has changed it, from tests/collector/page_fixture.h on. */
#ifndef TESTS_FUZZ_PAGE_SCRIPT_H
#define TESTS_FUZZ_PAGE_SCRIPT_H

#include "fuzz/script.h"

/* Runs `steps` instructions, or all, and writes the page to `folder`/pages. Aborts if it cannot. */
void page_script_write(struct script *script, size_t steps, const char *folder);

#endif
