/*
 * A strict JSON pull reader over bytes in memory, for tests that look at what we wrote: RFC 8259, and no
 * more than Perfetto's importer takes (no surrogate escapes, integers within 64 bits with a sign).
 *
 *     struct json_reader reader = json_reader_over(bytes, size);
 *     struct json_text key;
 *     json_enter(&reader, '{');
 *     while (json_next_key(&reader, &key))
 *         json_skip(&reader);
 *     if (reader.error)
 *         ... reader.error says what, reader.at where
 *
 * After an error every call does nothing and every loop ends.
 */
#ifndef TESTS_JSON_READER_H
#define TESTS_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 64 };

struct json_reader {
    const char *begin, *at, *end;
    const char *error;             /* constant text; NULL = none */
    bool is_first[JSON_DEPTH_MAX]; /* of each open bracket: nothing read yet */
    char closing[JSON_DEPTH_MAX];
    int depth;
};

/* What stands in the file: a string without its quotes (escapes as they are) or a number's digits. */
struct json_text {
    const char *at;
    size_t length;
};

struct json_reader json_reader_over(const char *bytes, size_t size);

void json_fail(struct json_reader *reader, const char *error);

/* '{' or '['. */
void json_enter(struct json_reader *reader, char bracket);

/* Of the innermost bracket; false: it was closed (or an error). */
bool json_next_key(struct json_reader *reader, struct json_text *key);
bool json_next_element(struct json_reader *reader);

/* The first byte of the value that comes: '{', '[', '"', '-' or digit, 't', 'f', 'n'; 0 after an error. */
char json_peek(struct json_reader *reader);

struct json_text json_read_string(struct json_reader *reader);
struct json_text json_read_number(struct json_reader *reader);
bool json_read_bool(struct json_reader *reader);
void json_skip(struct json_reader *reader);

/* Nothing but white space may follow. */
void json_expect_end(struct json_reader *reader);

bool json_text_is(struct json_text text, const char *expected);

/* Only digits, at most `max`; false otherwise. */
bool json_text_u64(struct json_text text, uint64_t max, uint64_t *out);

#endif
