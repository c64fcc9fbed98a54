/* See json.h. */
#include "exporters/chrome/json.h"

#include <stdbool.h>

#include "exporters/chrome/digits.h"
#include "support/utf8.h"

enum {
    WORD = sizeof(uint64_t),
    HALF = sizeof(uint32_t),
    CHARACTER_BYTES_MAX = 6, /* of one byte or character, escaped */
    PIECE_BYTES = 512,       /* of a string, between two looks at the room */
    REPLACEMENT_BYTES = sizeof UTF8_REPLACEMENT - 1,
};

/* A byte in each byte of a word. */
#define REPEAT(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Above a half that is looked at as a word. */
#define PLAIN_HALF (REPEAT('x') << 32)

static const char hex_digits[] = "0123456789abcdef";

static inline bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* False if a byte of the word cannot stand as it is. A byte that borrows from the next is a true hit itself. */
static inline bool is_plain_word(uint64_t word)
{
    uint64_t quote = word ^ REPEAT('"'), backslash = word ^ REPEAT('\\');
    uint64_t special = word | (word - REPEAT(0x20)) | (quote - REPEAT(1)) | (backslash - REPEAT(1));
    return !(special & REPEAT(0x80));
}

static inline bool copy_plain_word(char *at, const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    memcpy(at, &word, sizeof word);
    return is_plain_word(word);
}

static inline bool copy_plain_half(char *at, const char *text)
{
    uint32_t half;
    memcpy(&half, text, sizeof half);
    memcpy(at, &half, sizeof half);
    return is_plain_word(half | PLAIN_HALF);
}

/*
 * Nearly every string: nothing to escape. False as soon as there is; what was written is void then. The last
 * piece overlaps the one before, so that none goes byte by byte.
 */
static bool copy_plain(char *at, const char *text, size_t length)
{
    bool plain = true;
    size_t i = 0;
    if (length < HALF) {
        for (; i < length && plain; i++) {
            at[i] = text[i];
            plain = is_plain((unsigned char)text[i]);
        }
        return plain;
    }
    if (length < WORD)
        return copy_plain_half(at, text) && copy_plain_half(at + length - HALF, text + length - HALF);
    for (; i + WORD <= length && plain; i += WORD)
        plain = copy_plain_word(at + i, text + i);
    return plain && copy_plain_word(at + length - WORD, text + length - WORD);
}

static char *put_escape(char *at, unsigned char byte)
{
    *at++ = '\\';
    if (byte >= 0x20) {
        *at++ = (char)byte;
        return at;
    }
    memcpy(at, "u00", 3);
    at[3] = hex_digits[byte >> 4];
    at[4] = hex_digits[byte & 15];
    return at + 5;
}

/* Writes what is no plain byte; *step is its length in the text. */
static char *put_special(char *at, const char *text, size_t length, size_t *step)
{
    unsigned char byte = (unsigned char)text[0];
    *step = 1;
    if (byte < 0x80)
        return put_escape(at, byte);
    bool valid;
    *step = utf8_step(text, length, &valid);
    size_t size = valid ? *step : REPLACEMENT_BYTES;
    memcpy(at, valid ? text : UTF8_REPLACEMENT, size);
    return at + size;
}

/* The first PIECE_BYTES of the text or a little more; *text moves on to what is left. */
static char *put_piece(char *at, const char **text, const char *end)
{
    const char *from = *text, *stop = end - from > PIECE_BYTES ? from + PIECE_BYTES : end;
    while (from < stop) {
        while (from < stop && is_plain((unsigned char)*from))
            *at++ = *from++;
        if (from < stop) {
            size_t step;
            at = put_special(at, from, (size_t)(end - from), &step);
            from += step;
        }
    }
    *text = from;
    return at;
}

char *json_string(struct outbuf *out, char *at, const char *text)
{
    size_t length = strlen(text);
    const char *end = text + length;
    *at++ = '"';
    if (length <= PIECE_BYTES) {
        at = json_reserve(out, at, PIECE_BYTES + JSON_MARGIN + 1);
        if (copy_plain(at, text, length)) {
            at[length] = '"';
            return at + length + 1;
        }
    }
    while (text < end) {
        at = json_reserve(out, at, PIECE_BYTES * CHARACTER_BYTES_MAX + JSON_MARGIN);
        at = put_piece(at, &text, end);
    }
    *at++ = '"';
    return json_reserve(out, at, JSON_MARGIN);
}
