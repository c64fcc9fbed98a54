/*
 * Bytes read as instructions: what structure-aware fuzz targets make their inputs of. Any bytes are a script, a change
 * of one byte changes little, and behind the end there are zeros.
 */
#ifndef TESTS_FUZZ_SCRIPT_H
#define TESTS_FUZZ_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct script {
    const uint8_t *at, *end;
};

static inline bool script_has_more(const struct script *script)
{
    return script->at < script->end;
}

static inline uint8_t script_byte(struct script *script)
{
    return script_has_more(script) ? *script->at++ : 0;
}

static inline uint16_t script_word(struct script *script)
{
    uint8_t low = script_byte(script);
    return (uint16_t)(low | script_byte(script) << 8);
}

/*
 * A number of any size, small ones most often, so that things meet: 00-cf itself, d0-df 2^4n, e0-ef the greatest of n
 * digits, f0-f7 the bytes that follow, f8-ff -8 to -1.
 */
static inline uint64_t script_number(struct script *script)
{
    uint8_t first = script_byte(script), low = first & 15;
    if (first < 0xd0)
        return first;
    if (first < 0xe0)
        return UINT64_C(1) << 4 * low;
    if (first < 0xf0)
        return UINT64_MAX >> 4 * low;
    if (first >= 0xf8)
        return (uint64_t)0 - (uint64_t)(0x100 - first);
    uint64_t number = 0;
    for (int i = 0; i <= low; i++)
        number = number << 8 | script_byte(script);
    return number;
}

#endif
