/*
 * Is a recorded history of one key of a map linearizable? The search of Wing and Gong with memoised states.
 *
 * A map is a set of registers, one a key, and linearizability is local (Herlihy and Wing): a history is
 * linearizable if the history of each key is. So each key's operations are checked alone, which keeps them few.
 *
 *     struct lin_op history[] = {
 *         {.begin = 1, .end = 4, .verb = LIN_STORE, .value = 7},
 *         {.begin = 2, .end = 3, .verb = LIN_LOAD, .result = 0, .out = 7},      // inside the store: fine
 *         {.begin = 5, .end = 6, .verb = LIN_LOAD, .result = -ENOENT},          // refused: 7 was there
 *     };
 *     lin_check(history, 3) == false
 *
 * Which operation took effect next? Any that is not placed yet and began before the first end of the others not
 * placed; it must have given the result that the register gives in this state. A set of placed operations with
 * the state that it led to is tried once.
 *
 * Sources: Wing and Gong, "Testing and verifying concurrent objects" (1993); Lowe, "Testing for linearizability"
 * (2016).
 */
#ifndef TESTS_RUNTIME_LINEARIZABILITY_H
#define TESTS_RUNTIME_LINEARIZABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIN_OPS_MAX 64

enum lin_verb {
    LIN_LOAD,
    LIN_STORE,
    LIN_SWAP,
    LIN_LOAD_OR_STORE,
    LIN_DELETE,
    LIN_COMPARE_AND_SWAP,
    LIN_COMPARE_AND_DELETE,
    LIN_VERBS
};

/* `result` as the verb's (mapscope/verbs.h); `out` where the verb hands out a value. No value is 0. */
struct lin_op {
    uint64_t begin, end; /* of one counter for all threads: every number once */
    enum lin_verb verb;
    uint64_t value, expected;
    int result;
    uint64_t out;
};

/* A register that had no value before. `count` at most LIN_OPS_MAX. */
bool lin_check(const struct lin_op *ops, size_t count);

#endif
