/* What every cmocka program includes, in the order that cmocka wants. */
#ifndef TESTS_CMOCKA_MAIN_H
#define TESTS_CMOCKA_MAIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
