/*
 * JSON text as the Chrome trace format needs it, fast: no printf, no locale, no allocation.
 *
 * A text is written right into the writer's buffer, through a cursor that is kept in a register, with one
 * look at the room for several pieces:
 *
 *     char *at = json_begin(out);                     // JSON_MARGIN bytes of room
 *     at = JSON_PUT(at, "{\"pid\":");
 *     at = json_u64(at, pid);
 *     at = JSON_PUT(at, ",\"name\":");
 *     at = json_string(out, at, name);                // any length; JSON_MARGIN bytes again
 *     at = JSON_PUT(at, "}");
 *     json_end(out, at);
 *
 * The caller puts the commas and brackets. Not thread-safe.
 */
#ifndef EXPORTERS_CHROME_JSON_H
#define EXPORTERS_CHROME_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "exporters/chrome/digits.h"
#include "support/outbuf.h"

/* What may be written without a look at the room; a few literals and numbers. */
enum { JSON_MARGIN = 512 };

static inline char *json_begin(struct outbuf *out)
{
    return outbuf_room(out, JSON_MARGIN);
}

static inline void json_end(struct outbuf *out, const char *at)
{
    outbuf_wrote(out, at);
}

/* Room for `size` bytes at the cursor or where that has moved to. */
static inline char *json_reserve(struct outbuf *out, char *at, size_t size)
{
    if (__builtin_expect((size_t)(out->bytes + out->capacity - at) >= size, 1))
        return at;
    outbuf_wrote(out, at);
    return outbuf_room(out, size);
}

/* As it is; for what is JSON already. */
static inline char *json_put(char *at, const char *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

/* A string literal, as it is. */
#define JSON_PUT(at, literal) json_put((at), "" literal, sizeof(literal) - 1)

/* In quotes. Any bytes: what is not UTF-8 becomes U+FFFD; only what must be is escaped. */
char *json_string(struct outbuf *out, char *at, const char *text);

/* A number; above 2^63-1 a string of digits, because readers keep 64 bits with a sign. */
static inline char *json_u64(char *at, uint64_t number)
{
    if (__builtin_expect(number <= INT64_MAX, 1))
        return digits_put(at, number);
    *at++ = '"';
    at = digits_put(at, number);
    *at++ = '"';
    return at;
}

static inline char *json_i64(char *at, int64_t number)
{
    if (number < 0)
        *at++ = '-';
    return digits_put(at, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

/* "0x1f", in quotes. */
static inline char *json_hex(char *at, uint64_t number)
{
    at = JSON_PUT(at, "\"0x");
    at = digits_put_hex(at, number);
    *at++ = '"';
    return at;
}

/* Nanoseconds as microseconds with three decimals: 1234567 -> 1234.567. */
static inline char *json_microseconds(char *at, uint64_t ns)
{
    at = digits_put(at, ns / DIGITS_THOUSAND);
    *at++ = '.';
    return digits_put_three(at, ns % DIGITS_THOUSAND);
}

#endif
