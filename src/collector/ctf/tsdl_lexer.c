/* See tsdl_lexer.h. */
#include "collector/ctf/tsdl_lexer.h"

#include <stdbool.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name(char c)
{
    return is_name_start(c) || is_digit(c);
}

static bool starts(const struct tsdl_lexer *lexer, const char *prefix)
{
    size_t length = strlen(prefix);
    return (size_t)(lexer->end - lexer->at) >= length && memcmp(lexer->at, prefix, length) == 0;
}

static void skip_line(struct tsdl_lexer *lexer)
{
    while (lexer->at < lexer->end && *lexer->at != '\n')
        lexer->at++;
}

static bool skip_comment(struct tsdl_lexer *lexer)
{
    for (lexer->at += 2; lexer->at < lexer->end; lexer->at++) {
        if (starts(lexer, "*/")) {
            lexer->at += 2;
            return true;
        }
        lexer->line += *lexer->at == '\n';
    }
    return false;
}

/* False in a comment without an end. */
static bool skip_blank(struct tsdl_lexer *lexer)
{
    while (lexer->at < lexer->end) {
        char c = *lexer->at;
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            lexer->line += c == '\n';
            lexer->at++;
        } else if (starts(lexer, "/*")) {
            if (!skip_comment(lexer))
                return false;
        } else if (starts(lexer, "//")) {
            skip_line(lexer);
        } else {
            break;
        }
    }
    return true;
}

static struct tsdl_token token(const struct tsdl_lexer *lexer, enum tsdl_token_kind kind, const char *text)
{
    return (struct tsdl_token){.kind = kind, .text = text, .length = (size_t)(lexer->at - text), .line = lexer->line};
}

static struct tsdl_token lex_name(struct tsdl_lexer *lexer)
{
    const char *start = lexer->at;
    while (lexer->at < lexer->end && is_name(*lexer->at))
        lexer->at++;
    return token(lexer, TOKEN_NAME, start);
}

static unsigned digit_value(char c)
{
    if (is_digit(c))
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a' + 10);
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A' + 10);
    return 16;
}

/* C's notation: 10, 0x1f, 017, an optional suffix of u and l. */
static struct tsdl_token lex_number(struct tsdl_lexer *lexer)
{
    const char *start = lexer->at;
    unsigned base = 10;
    if (starts(lexer, "0x") || starts(lexer, "0X")) {
        base = 16;
        lexer->at += 2;
    } else if (*start == '0') {
        base = 8;
    }
    uint64_t number = 0;
    bool fits = true;
    for (; lexer->at < lexer->end && digit_value(*lexer->at) < base; lexer->at++)
        fits = fits && !__builtin_mul_overflow(number, base, &number) &&
               !__builtin_add_overflow(number, digit_value(*lexer->at), &number);
    while (lexer->at < lexer->end && *lexer->at && strchr("uUlL", *lexer->at))
        lexer->at++;
    bool ends = lexer->at == lexer->end || !is_name(*lexer->at);
    struct tsdl_token result = token(lexer, fits && ends ? TOKEN_NUMBER : TOKEN_ERROR, start);
    result.number = number;
    return result;
}

static struct tsdl_token lex_text(struct tsdl_lexer *lexer)
{
    const char *start = ++lexer->at;
    for (; lexer->at < lexer->end && *lexer->at != '\n'; lexer->at++) {
        if (*lexer->at == '"') {
            struct tsdl_token result = token(lexer, TOKEN_TEXT, start);
            lexer->at++;
            return result;
        }
        if (*lexer->at == '\\' && lexer->at + 1 < lexer->end)
            lexer->at++;
    }
    return token(lexer, TOKEN_ERROR, start);
}

static struct tsdl_token lex_sign(struct tsdl_lexer *lexer)
{
    const char *start = lexer->at;
    if (starts(lexer, ":=")) {
        lexer->at += 2;
        return token(lexer, TOKEN_ASSIGN, start);
    }
    if (starts(lexer, "...")) {
        lexer->at += 3;
        return token(lexer, TOKEN_ELLIPSIS, start);
    }
    lexer->at++;
    return token(lexer, *start && strchr("{}[]()<>:;=,.+-", *start) ? TOKEN_SIGN : TOKEN_ERROR, start);
}

struct tsdl_token tsdl_lex(struct tsdl_lexer *lexer)
{
    const char *start = lexer->at;
    if (!skip_blank(lexer))
        return token(lexer, TOKEN_ERROR, start);
    if (lexer->at == lexer->end)
        return token(lexer, TOKEN_END, lexer->at);
    if (is_name_start(*lexer->at))
        return lex_name(lexer);
    if (is_digit(*lexer->at))
        return lex_number(lexer);
    if (*lexer->at == '"')
        return lex_text(lexer);
    return lex_sign(lexer);
}

static char escaped(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    default:
        return c;
    }
}

size_t tsdl_unescape(const struct tsdl_token *literal, char *out)
{
    size_t count = 0;
    for (size_t i = 0; i < literal->length; i++) {
        bool escape = literal->text[i] == '\\' && i + 1 < literal->length;
        out[count++] = escape ? escaped(literal->text[++i]) : literal->text[i];
    }
    return count;
}
