/* A shared library for tests/collector/test_symbolize.c. */
#include "chain.h"

void library_chain(void);
void library_plain(void);

void library_chain(void) /* @library_chain.start */
{
    chain_middle("library_chain"); /* @library_chain */
}

static __attribute__((noinline)) void hidden(void) /* @hidden.start */
{
    note("library_hidden"); /* @hidden */
    KEEP_CALL();
}

void library_plain(void)
{
    hidden();
    KEEP_CALL();
}
