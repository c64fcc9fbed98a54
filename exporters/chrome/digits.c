/* See digits.h. */
#include "exporters/chrome/digits.h"

#define TEN(start)                                                                                                     \
    start "0 " start "1 " start "2 " start "3 " start "4 " start "5 " start "6 " start "7 " start "8 " start "9 "
#define HUNDRED(start)                                                                                                 \
    TEN(start "0")                                                                                                     \
    TEN(start "1")                                                                                                     \
    TEN(start "2")                                                                                                     \
    TEN(start "3") TEN(start "4") TEN(start "5") TEN(start "6") TEN(start "7") TEN(start "8") TEN(start "9")

const char digits_of_thousand[] = HUNDRED("0") HUNDRED("1") HUNDRED("2") HUNDRED("3") HUNDRED("4") HUNDRED("5")
    HUNDRED("6") HUNDRED("7") HUNDRED("8") HUNDRED("9");

/* Of up to 20 digits. */
char *digits_put_long(char *at, uint64_t number)
{
    uint64_t low = number % DIGITS_MILLION;
    at = digits_put(at, number / DIGITS_MILLION);
    at = digits_put_three(at, low / DIGITS_THOUSAND);
    return digits_put_three(at, low % DIGITS_THOUSAND);
}
