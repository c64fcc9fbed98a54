/*
 * Every lock function of pthread.h and threads.h, on every kind of lock, in every situation that ends: one line
 * each with what it returned and what it left in errno. Run plain and preloaded, the lines must be the same
 * (tests/e2e/test_preload.sh).
 *
 * A line: kind of lock, situation, call, result, errno (12345 = untouched), result of the unlock after it.
 */
#include "matrix.h"

#include <stdlib.h>

int main(void)
{
    matrix_mutexes();
    matrix_rwlocks();
    matrix_c11_and_spin_locks();
    matrix_signals_and_threads();
    return EXIT_SUCCESS;
}
