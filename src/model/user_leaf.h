/* Where the user's code begins in the stack of a lock event: the locks' own frames are nobody's to fix. */
#ifndef MODEL_USER_LEAF_H
#define MODEL_USER_LEAF_H

#include "model/stacks.h"
#include "model/symbols.h"

/* Frame `frame` (an inlined one, innermost = 0) of the address pcs[pc]. */
struct user_leaf {
    uint32_t pc, frame;
};

/* {0, 0} if the whole stack is ours: an odd stack is better than none. */
struct user_leaf user_leaf_find(const struct symbols *symbols, const struct stack_view *stack);

#endif
