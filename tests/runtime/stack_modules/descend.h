/* The same function in three modules: calls itself until `depth` is 0, then `leaf`. */
#ifndef TESTS_RUNTIME_STACK_MODULES_DESCEND_H
#define TESTS_RUNTIME_STACK_MODULES_DESCEND_H

typedef void leaf_fn(void *argument);
typedef void descend_fn(unsigned depth, leaf_fn *leaf, void *argument);

descend_fn descend_keeping;  /* frame pointers */
descend_fn descend_omitting; /* none, rbp is a register like any other */
descend_fn descend_skipping; /* none, but rbp stays the caller's: a good chain that lacks frames */

#endif
