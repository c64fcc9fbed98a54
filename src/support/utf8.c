/* See utf8.h. The table of well-formed sequences is Unicode 15, table 3-7. */
#include "support/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { REPLACEMENT_BYTES = sizeof UTF8_REPLACEMENT - 1 };

/* The length that a lead byte announces, and what its second byte may be; later ones are 80..BF. */
struct lead {
    size_t length; /* 0 = cannot lead */
    uint8_t low, high;
};

static struct lead lead_of(uint8_t byte)
{
    if (byte < 0x80)
        return (struct lead){1, 0, 0};
    if (byte >= 0xC2 && byte <= 0xDF)
        return (struct lead){2, 0x80, 0xBF};
    if (byte >= 0xE0 && byte <= 0xEF) /* E0: no overlong form, ED: no surrogate */
        return (struct lead){3, byte == 0xE0 ? 0xA0 : 0x80, byte == 0xED ? 0x9F : 0xBF};
    if (byte >= 0xF0 && byte <= 0xF4) /* F0: no overlong form, F4: nothing above U+10FFFF */
        return (struct lead){4, byte == 0xF0 ? 0x90 : 0x80, byte == 0xF4 ? 0x8F : 0xBF};
    return (struct lead){0, 0, 0};
}

size_t utf8_step(const char *bytes, size_t length, bool *valid)
{
    struct lead lead = lead_of((uint8_t)bytes[0]);
    *valid = lead.length == 1;
    if (lead.length <= 1)
        return 1;
    for (size_t i = 1; i < lead.length; i++) {
        uint8_t low = i == 1 ? lead.low : 0x80, high = i == 1 ? lead.high : 0xBF;
        if (i == length || (uint8_t)bytes[i] < low || (uint8_t)bytes[i] > high)
            return i;
    }
    *valid = true;
    return lead.length;
}

bool utf8_is_valid(const char *bytes, size_t length)
{
    bool valid = true;
    for (size_t i = 0; valid && i < length;)
        i += utf8_step(bytes + i, length - i, &valid);
    return valid;
}

char *utf8_sanitize(const char *bytes, size_t length)
{
    if (length > (SIZE_MAX - 1) / REPLACEMENT_BYTES)
        return NULL;
    bool clean = utf8_is_valid(bytes, length) && !memchr(bytes, '\0', length);
    char *copy = malloc((clean ? length : length * REPLACEMENT_BYTES) + 1);
    if (!copy)
        return NULL;
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        bool valid;
        size_t step = utf8_step(bytes + i, length - i, &valid);
        if (bytes[i] == '\0')
            valid = false;
        memcpy(copy + used, valid ? bytes + i : UTF8_REPLACEMENT, valid ? step : REPLACEMENT_BYTES);
        used += valid ? step : REPLACEMENT_BYTES;
        i += step;
    }
    copy[used] = '\0';
    return copy;
}

char *utf8_printable(const char *bytes, size_t length)
{
    char *text = utf8_sanitize(bytes, length), *to = text;
    for (const char *from = text; from && *from;) {
        unsigned char first = (unsigned char)from[0], second = (unsigned char)from[1];
        bool is_c1 = first == 0xc2 && second < 0xa0;
        bool is_control = first < ' ' || first == 0x7f || is_c1;
        *to++ = is_control ? '?' : *from;
        from += is_c1 ? 2 : 1;
    }
    if (text)
        *to = '\0';
    return text;
}
