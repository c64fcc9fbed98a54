/* One function in two modules: calls itself until `depth` is 0, then `leaf`. */
#ifndef BENCH_STACK_DESCEND_H
#define BENCH_STACK_DESCEND_H

typedef void stack_descend_fn(unsigned depth, void (*leaf)(void *), void *argument);

stack_descend_fn stack_descend_keeping, stack_descend_omitting;

#endif
