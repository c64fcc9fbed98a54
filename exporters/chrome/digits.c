/* See digits.h. */
#include "exporters/chrome/digits.h"

/* A table in rows. `zeros`: how many its numbers begin with; of 0 the last one is a digit. */
/* clang-format off */
#define TEN(start, zeros)                                                            \
    start "0" zeros start "1" zeros start "2" zeros start "3" zeros start "4" zeros  \
    start "5" zeros start "6" zeros start "7" zeros start "8" zeros start "9" zeros
#define NINETY(start, zeros)                                                         \
    TEN(start "1", zeros) TEN(start "2", zeros) TEN(start "3", zeros)                \
    TEN(start "4", zeros) TEN(start "5", zeros) TEN(start "6", zeros)                \
    TEN(start "7", zeros) TEN(start "8", zeros) TEN(start "9", zeros)
#define HUNDRED(start) TEN(start "0", "\0") NINETY(start, "\0")

const char digits_of_thousand[] =
    TEN("00", "\2") NINETY("0", "\1")
    HUNDRED("1") HUNDRED("2") HUNDRED("3") HUNDRED("4") HUNDRED("5")
    HUNDRED("6") HUNDRED("7") HUNDRED("8") HUNDRED("9");
/* clang-format on */

/* Of up to 20 digits. */
char *digits_put_long(char *at, uint64_t number)
{
    uint64_t low = number % DIGITS_MILLION;
    at = digits_put(at, number / DIGITS_MILLION);
    at = digits_put_three(at, low / DIGITS_THOUSAND);
    return digits_put_three(at, low % DIGITS_THOUSAND);
}
