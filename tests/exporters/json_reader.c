/* See json_reader.h. Written without a look at the writer, so that the two do not share a mistake. */
#include "exporters/json_reader.h"

#include <string.h>

struct json_reader json_reader_over(const char *bytes, size_t size)
{
    return (struct json_reader){.begin = bytes, .at = bytes, .end = bytes + size};
}

void json_fail(struct json_reader *reader, const char *error)
{
    if (!reader->error)
        reader->error = error;
}

static void skip_space(struct json_reader *reader)
{
    while (reader->at < reader->end && memchr(" \t\r\n", *reader->at, 4))
        reader->at++;
}

char json_peek(struct json_reader *reader)
{
    skip_space(reader);
    if (reader->error)
        return 0;
    if (reader->at == reader->end) {
        json_fail(reader, "the text ends too early");
        return 0;
    }
    return *reader->at;
}

void json_enter(struct json_reader *reader, char bracket)
{
    if (json_peek(reader) != bracket) {
        json_fail(reader, bracket == '{' ? "an object is missing" : "an array is missing");
        return;
    }
    if (reader->depth == JSON_DEPTH_MAX) {
        json_fail(reader, "nested too deeply");
        return;
    }
    reader->at++;
    reader->closing[reader->depth] = bracket == '{' ? '}' : ']';
    reader->is_first[reader->depth++] = true;
}

/* Takes the comma or the closing bracket. */
bool json_next_element(struct json_reader *reader)
{
    char next = json_peek(reader);
    if (!next)
        return false;
    int top = reader->depth - 1;
    if (next == reader->closing[top]) {
        reader->at++;
        reader->depth--;
        return false;
    }
    if (!reader->is_first[top] && next != ',') {
        json_fail(reader, "a comma or a closing bracket is missing");
        return false;
    }
    reader->at += !reader->is_first[top];
    reader->is_first[top] = false;
    return true;
}

bool json_next_key(struct json_reader *reader, struct json_text *key)
{
    if (!json_next_element(reader))
        return false;
    *key = json_read_string(reader);
    if (json_peek(reader) != ':')
        json_fail(reader, "a colon is missing");
    else
        reader->at++;
    return !reader->error;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* reader->at is behind the backslash. */
static void skip_escape(struct json_reader *reader)
{
    size_t left = (size_t)(reader->end - reader->at);
    if (left && *reader->at != 'u') {
        if (!memchr("\"\\/bfnrt", *reader->at, 8))
            json_fail(reader, "there is no such escape");
        reader->at++;
        return;
    }
    for (size_t i = 1; i <= 4; i++) {
        if (i >= left || !is_hex(reader->at[i])) {
            json_fail(reader, "a \\u escape has four digits");
            return;
        }
    }
    bool is_d = reader->at[1] == 'd' || reader->at[1] == 'D';
    if (is_d && reader->at[2] >= '8') /* d8 to df; letters are above the digits */
        json_fail(reader, "a surrogate escape");
    reader->at += 5;
}

/* The value of a well-formed sequence of `length` bytes. */
static uint32_t code_point(const unsigned char *bytes, size_t length)
{
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t value = bytes[0] & mask[length];
    for (size_t i = 1; i < length; i++)
        value = value << 6 | (bytes[i] & 0x3f);
    return value;
}

static void skip_utf8(struct json_reader *reader)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)reader->at;
    size_t length = bytes[0] >= 0xf8 ? 0 : bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : bytes[0] >= 0xc0 ? 2 : 0;
    bool valid = length && length <= (size_t)(reader->end - reader->at);
    for (size_t i = 1; valid && i < length; i++)
        valid = (bytes[i] & 0xc0) == 0x80;
    if (valid) {
        uint32_t value = code_point(bytes, length);
        valid = value >= smallest[length] && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
    }
    if (!valid)
        json_fail(reader, "not UTF-8");
    reader->at += valid ? length : 1;
}

static void skip_character(struct json_reader *reader)
{
    unsigned char byte = (unsigned char)*reader->at;
    if (byte < 0x20)
        json_fail(reader, "a bare control character");
    if (byte >= 0x80) {
        skip_utf8(reader);
        return;
    }
    reader->at++;
    if (byte == '\\')
        skip_escape(reader);
}

struct json_text json_read_string(struct json_reader *reader)
{
    if (json_peek(reader) != '"') {
        json_fail(reader, "a string is missing");
        return (struct json_text){"", 0};
    }
    const char *first = ++reader->at;
    while (!reader->error && reader->at < reader->end && *reader->at != '"')
        skip_character(reader);
    if (!reader->error && reader->at == reader->end)
        json_fail(reader, "a string does not end");
    if (reader->error)
        return (struct json_text){"", 0};
    return (struct json_text){first, (size_t)(reader->at++ - first)};
}

static size_t skip_digits(struct json_reader *reader)
{
    const char *first = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
        reader->at++;
    return (size_t)(reader->at - first);
}

static bool take(struct json_reader *reader, const char *any_of)
{
    bool is_there = reader->at < reader->end && *reader->at && strchr(any_of, *reader->at);
    reader->at += is_there;
    return is_there;
}

struct json_text json_read_number(struct json_reader *reader)
{
    json_peek(reader);
    const char *first = reader->at;
    bool negative = take(reader, "-");
    const char *digits = reader->at;
    size_t integer = skip_digits(reader);
    bool bad = integer == 0 || (integer > 1 && digits[0] == '0');
    bool whole = !take(reader, ".");
    if (!whole)
        bad |= skip_digits(reader) == 0;
    if (take(reader, "eE")) {
        whole = false;
        take(reader, "+-");
        bad |= skip_digits(reader) == 0;
    }
    uint64_t magnitude;
    if (bad)
        json_fail(reader, "not a number");
    else if (whole && !json_text_u64((struct json_text){digits, integer}, (uint64_t)INT64_MAX + negative, &magnitude))
        json_fail(reader, "an integer beyond 64 bits with a sign");
    return (struct json_text){first, (size_t)(reader->at - first)};
}

static void expect_word(struct json_reader *reader, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
        json_fail(reader, "not a value");
    else
        reader->at += length;
}

bool json_read_bool(struct json_reader *reader)
{
    bool value = json_peek(reader) == 't';
    expect_word(reader, value ? "true" : "false");
    return value;
}

void json_skip(struct json_reader *reader)
{
    struct json_text key;
    switch (json_peek(reader)) {
    case '{':
        json_enter(reader, '{');
        while (json_next_key(reader, &key))
            json_skip(reader);
        break;
    case '[':
        json_enter(reader, '[');
        while (json_next_element(reader))
            json_skip(reader);
        break;
    case '"':
        json_read_string(reader);
        break;
    case 't':
    case 'f':
        json_read_bool(reader);
        break;
    case 'n':
        expect_word(reader, "null");
        break;
    default:
        json_read_number(reader);
    }
}

void json_expect_end(struct json_reader *reader)
{
    skip_space(reader);
    if (reader->at != reader->end)
        json_fail(reader, "something follows the end");
}

bool json_text_is(struct json_text text, const char *expected)
{
    return text.length == strlen(expected) && memcmp(text.at, expected, text.length) == 0;
}

bool json_text_u64(struct json_text text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(c - '0'), &value))
            return false;
    }
    *out = value;
    return text.length && value <= max;
}
