/* See json_find.h. */
#include "support/json_find.h"

#include <string.h>

enum { DEPTH_MAX = 32 };

struct scan {
    const char *at, *end;
};

static bool skip_value(struct scan *scan, unsigned depth);

static char next(struct scan *scan)
{
    while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) && *scan->at)
        scan->at++;
    return scan->at < scan->end ? *scan->at : '\0';
}

static bool take(struct scan *scan, char wanted)
{
    if (next(scan) != wanted || wanted == '\0')
        return false;
    scan->at++;
    return true;
}

static bool skip_string(struct scan *scan)
{
    if (!take(scan, '"'))
        return false;
    while (scan->at < scan->end && *scan->at != '"')
        scan->at += *scan->at == '\\' ? 2 : 1;
    if (scan->at >= scan->end)
        return false;
    scan->at++;
    return true;
}

/* A number, true, false or null: as many of their characters as there are. */
static bool skip_word(struct scan *scan)
{
    const char *begin = scan->at;
    while (scan->at < scan->end && *scan->at && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *scan->at))
        scan->at++;
    return scan->at > begin;
}

static bool skip_member(struct scan *scan, unsigned depth)
{
    return skip_string(scan) && take(scan, ':') && skip_value(scan, depth);
}

static bool skip_list(struct scan *scan, char close, unsigned depth)
{
    bool (*skip_item)(struct scan *, unsigned) = close == '}' ? skip_member : skip_value;
    scan->at++;
    if (take(scan, close))
        return true;
    do {
        if (depth == 0 || !skip_item(scan, depth - 1))
            return false;
    } while (take(scan, ','));
    return take(scan, close);
}

static bool skip_value(struct scan *scan, unsigned depth)
{
    switch (next(scan)) {
    case '{':
        return skip_list(scan, '}', depth);
    case '[':
        return skip_list(scan, ']', depth);
    case '"':
        return skip_string(scan);
    default:
        return skip_word(scan);
    }
}

/* Moves to the value of the member of that name in the object ahead. */
static bool enter_member(struct scan *scan, const char *name, size_t length)
{
    if (!take(scan, '{'))
        return false;
    do {
        next(scan);
        const char *key = scan->at;
        if (!skip_string(scan))
            return false;
        bool is_it = (size_t)(scan->at - key) == length + 2 && memcmp(key + 1, name, length) == 0;
        if (!take(scan, ':'))
            return false;
        if (is_it)
            return true;
        if (!skip_value(scan, DEPTH_MAX))
            return false;
    } while (take(scan, ','));
    return false;
}

bool json_find(const char *text, size_t length, const char *path, struct json_span *out)
{
    struct scan scan = {text, text + length};
    for (const char *name = path; name; name = strchr(name, '.') ? strchr(name, '.') + 1 : NULL)
        if (!enter_member(&scan, name, strcspn(name, ".")))
            return false;
    next(&scan);
    const char *begin = scan.at;
    if (!skip_value(&scan, DEPTH_MAX))
        return false;
    *out = (struct json_span){begin, (size_t)(scan.at - begin)};
    return true;
}

bool json_u64(struct json_span span, uint64_t *out)
{
    uint64_t number = 0;
    for (size_t i = 0; i < span.length; i++) {
        unsigned digit = (unsigned)(span.text[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, digit, &number))
            return false;
    }
    if (span.length)
        *out = number;
    return span.length > 0;
}

bool json_is_text(struct json_span span, const char *text)
{
    size_t length = strlen(text);
    return span.length == length + 2 && span.text[0] == '"' && memcmp(span.text + 1, text, length) == 0;
}
