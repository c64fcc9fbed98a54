/* See options.h. */
#include "cli/options.h"

#include <stddef.h>

/* Reads digits; returns what stands behind them, or NULL if there is none or they do not fit. */
static const char *read_digits(const char *text, uint64_t *number)
{
    const char *c = text;
    for (*number = 0; *c >= '0' && *c <= '9'; c++)
        if (__builtin_mul_overflow(*number, 10, number) || __builtin_add_overflow(*number, *c - '0', number))
            return NULL;
    return c == text ? NULL : c;
}

static bool take(uint64_t number, uint64_t min, uint64_t max, uint64_t *out)
{
    if (number < min || number > max)
        return false;
    *out = number;
    return true;
}

bool options_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t number;
    const char *rest = read_digits(text, &number);
    return rest && !*rest && take(number, min, max, out);
}

bool options_size(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t number;
    const char *rest = read_digits(text, &number);
    if (!rest)
        return false;
    uint64_t unit = *rest == 'K'   ? UINT64_C(1) << 10
                    : *rest == 'M' ? UINT64_C(1) << 20
                    : *rest == 'G' ? UINT64_C(1) << 30
                                   : 1;
    rest += unit > 1;
    return !*rest && !__builtin_mul_overflow(number, unit, &number) && take(number, min, max, out);
}
