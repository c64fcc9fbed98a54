/* TSDL text as tokens. A lexer is a plain value: copy it to look ahead. No allocation. */
#ifndef COLLECTOR_CTF_TSDL_LEXER_H
#define COLLECTOR_CTF_TSDL_LEXER_H

#include <stddef.h>
#include <stdint.h>

enum tsdl_token_kind {
    TOKEN_END,
    TOKEN_ERROR, /* `text` is the offending character or the unfinished string or comment */
    TOKEN_NAME,
    TOKEN_NUMBER,
    TOKEN_TEXT,     /* a literal: between its quotes, escapes still in it */
    TOKEN_ASSIGN,   /* := */
    TOKEN_ELLIPSIS, /* ... */
    TOKEN_SIGN      /* any other punctuation: the character `text[0]` */
};

struct tsdl_token {
    enum tsdl_token_kind kind;
    const char *text;
    size_t length;
    uint64_t number; /* of a NUMBER */
    unsigned line;   /* from 1 */
};

struct tsdl_lexer {
    const char *at, *end;
    unsigned line;
};

struct tsdl_token tsdl_lex(struct tsdl_lexer *lexer);

/* Writes the literal's bytes with escapes resolved into `out` (at least token->length); returns their count. */
size_t tsdl_unescape(const struct tsdl_token *literal, char *out);

#endif
