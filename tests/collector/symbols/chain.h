/* A chain of calls that -O2 inlines into one function. A mark in a comment names its line for the test. */
#ifndef TESTS_SYMBOLS_CHAIN_H
#define TESTS_SYMBOLS_CHAIN_H

/* Prints the return address of its call. */
void note(const char *label);

/* Keeps a call from becoming a jump. */
#define KEEP_CALL() __asm__ volatile("")

static inline __attribute__((always_inline)) void chain_inner(const char *label) /* @chain_inner.start */
{
    note(label); /* @chain_inner */
    KEEP_CALL();
}

static inline __attribute__((always_inline)) void chain_middle(const char *label) /* @chain_middle.start */
{
    KEEP_CALL();
    chain_inner(label); /* @chain_middle */
}

#endif
