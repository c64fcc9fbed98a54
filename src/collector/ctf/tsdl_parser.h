/*
 * What the parts of the TSDL parser share: tsdl_numbers.c reads integers and the like, tsdl_types.c type expressions,
 * tsdl_parser.c the blocks around them. Recursive descent over one token of look-ahead.
 *
 * Errors stick: the first one is kept in `diag` and turns the current token into TOKEN_END, so that every
 * loop ends; a function that returns a pointer returns NULL then.
 */
#ifndef COLLECTOR_CTF_TSDL_PARSER_H
#define COLLECTOR_CTF_TSDL_PARSER_H

#include "collector/ctf/tsdl.h"
#include "collector/ctf/tsdl_lexer.h"

struct tsdl_named {
    const char *name; /* "unsigned long", "struct packet_context" */
    const struct tsdl_type *type;
};

/*
 * `{ size = 64; align = 8; ... }` as it stands in the text, and the integer that it was. LTTng writes each field's
 * out, and a trace knows half a dozen: parsed anew they are most of what opening a hundred traces costs.
 */
struct tsdl_integer {
    const char *text; /* NULL = free */
    size_t length;
    unsigned lines; /* in it */
    const struct tsdl_type *type;
};

enum { TSDL_INTEGERS = 8 };

struct tsdl_parser {
    struct tsdl_lexer lexer;
    struct tsdl_token token; /* the current one */
    struct tsdl_trace *trace;
    struct tsdl_named *named; /* owned; a scope is a length of this list */
    size_t named_count, named_capacity;
    struct tsdl_integer integers[TSDL_INTEGERS]; /* the last ones */
    unsigned next_integer;
    unsigned depth;
    int error;
    struct diag *diag;
};

/* A value on the right of '='. */
struct tsdl_value {
    const char *text; /* a literal, or a dotted path; NULL for a number */
    uint64_t number;
    bool is_negative;
};

/* Tokens */
void tsdl_advance(struct tsdl_parser *parser);
bool tsdl_at_sign(const struct tsdl_parser *parser, char sign);
bool tsdl_at_name(const struct tsdl_parser *parser, const char *name);
bool tsdl_accept_sign(struct tsdl_parser *parser, char sign);
bool tsdl_accept_name(struct tsdl_parser *parser, const char *name);
void tsdl_expect_sign(struct tsdl_parser *parser, char sign);
/* Whether a block goes on: not at '}', not at the end. */
bool tsdl_in_block(const struct tsdl_parser *parser);

void tsdl_fail(struct tsdl_parser *parser, const char *what);
void tsdl_fail_memory(struct tsdl_parser *parser);
void *tsdl_alloc(struct tsdl_parser *parser, size_t size); /* zeroed, in the trace's arena */

/* A name; names joined by dots; "..." or a number or a path. Copies, in the arena. */
const char *tsdl_parse_name(struct tsdl_parser *parser);
const char *tsdl_parse_path(struct tsdl_parser *parser);
struct tsdl_value tsdl_parse_value(struct tsdl_parser *parser);

/* Types. `declares`: the last of several plain names is what is declared, not part of the type. */
const struct tsdl_type *tsdl_parse_type(struct tsdl_parser *parser, bool declares);
/* Any number of [length] behind a declared name. */
const struct tsdl_type *tsdl_parse_dimensions(struct tsdl_parser *parser, const struct tsdl_type *element);
struct tsdl_type *tsdl_new_type(struct tsdl_parser *parser, enum tsdl_kind kind, uint32_t align);
void tsdl_parse_typealias(struct tsdl_parser *parser);
void tsdl_parse_typedef(struct tsdl_parser *parser);

/* Behind the keyword; the value of an attribute. */
const struct tsdl_type *tsdl_parse_integer(struct tsdl_parser *parser);
const struct tsdl_type *tsdl_parse_float(struct tsdl_parser *parser);
const struct tsdl_type *tsdl_parse_string(struct tsdl_parser *parser);
uint32_t tsdl_parse_align(struct tsdl_parser *parser, struct tsdl_value value);

#endif
