/* See tsdl_parser.h. What has attributes: integers, floating points, strings. */
#include "collector/ctf/tsdl_parser.h"

#include <string.h>

enum { BYTE = 8 };

struct tsdl_type *tsdl_new_type(struct tsdl_parser *parser, enum tsdl_kind kind, uint32_t align)
{
    struct tsdl_type *type = tsdl_alloc(parser, sizeof *type);
    if (type)
        *type = (struct tsdl_type){.kind = kind, .align = align, .base = 10};
    return type;
}

/* The number of an attribute, within bounds. */
static uint32_t bounded(struct tsdl_parser *parser, struct tsdl_value value, uint32_t low, uint32_t high)
{
    if (!value.text && !value.is_negative && value.number >= low && value.number <= high)
        return (uint32_t)value.number;
    tsdl_fail(parser, "attribute out of range");
    return low;
}

uint32_t tsdl_parse_align(struct tsdl_parser *parser, struct tsdl_value value)
{
    uint32_t align = bounded(parser, value, 1, TSDL_ALIGN_MAX_BITS);
    if (align & (align - 1))
        tsdl_fail(parser, "alignment is no power of two");
    return align;
}

static bool is_any(const char *text, const char *a, const char *b, const char *c)
{
    return text && (strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0);
}

static bool parse_bool(struct tsdl_value value)
{
    return value.text ? is_any(value.text, "true", "TRUE", "True") : value.number != 0;
}

static enum tsdl_order parse_order(struct tsdl_value value)
{
    if (is_any(value.text, "be", "network", "big"))
        return TSDL_BIG;
    return is_any(value.text, "le", "little", "LE") ? TSDL_LITTLE : TSDL_NATIVE;
}

static uint8_t parse_base(struct tsdl_value value)
{
    if (!value.text)
        return value.number == 2 || value.number == 8 || value.number == 16 ? (uint8_t)value.number : 10;
    if (is_any(value.text, "hexadecimal", "hex", "x") || is_any(value.text, "X", "p", "pointer"))
        return 16;
    if (is_any(value.text, "octal", "oct", "o"))
        return 8;
    return is_any(value.text, "binary", "b", "bin") ? 2 : 10;
}

struct number_attributes {
    uint32_t size, align, exponent, mantissa; /* align 0 = not said */
    struct tsdl_type type;
    struct tsdl_token end; /* the brace behind them */
};

static void parse_number_attribute(struct tsdl_parser *parser, struct number_attributes *attributes)
{
    const char *key = tsdl_parse_name(parser);
    tsdl_expect_sign(parser, '=');
    struct tsdl_value value = tsdl_parse_value(parser);
    tsdl_expect_sign(parser, ';');
    if (parser->error)
        return;
    if (strcmp(key, "size") == 0)
        attributes->size = bounded(parser, value, 1, 64);
    else if (strcmp(key, "align") == 0)
        attributes->align = tsdl_parse_align(parser, value);
    else if (strcmp(key, "signed") == 0)
        attributes->type.is_signed = parse_bool(value);
    else if (strcmp(key, "byte_order") == 0)
        attributes->type.order = parse_order(value);
    else if (strcmp(key, "base") == 0)
        attributes->type.base = parse_base(value);
    else if (strcmp(key, "encoding") == 0)
        attributes->type.is_text = is_any(value.text, "UTF8", "ASCII", "utf8");
    else if (strcmp(key, "map") == 0)
        attributes->type.is_clock = true;
    else if (strcmp(key, "exp_dig") == 0)
        attributes->exponent = bounded(parser, value, 1, 64);
    else if (strcmp(key, "mant_dig") == 0)
        attributes->mantissa = bounded(parser, value, 1, 128);
}

static struct number_attributes parse_number_attributes(struct tsdl_parser *parser)
{
    struct number_attributes attributes = {.type = {.base = 10}};
    tsdl_expect_sign(parser, '{');
    while (tsdl_in_block(parser))
        parse_number_attribute(parser, &attributes);
    attributes.end = parser->token;
    tsdl_expect_sign(parser, '}');
    return attributes;
}

static const struct tsdl_type *finish_number(struct tsdl_parser *parser, enum tsdl_kind kind, uint32_t size,
                                             const struct number_attributes *attributes)
{
    struct tsdl_type *type = tsdl_new_type(parser, kind, 1);
    if (!type)
        return NULL;
    *type = attributes->type;
    type->kind = kind;
    type->size = size;
    type->align = attributes->align ? attributes->align : size % BYTE ? 1 : BYTE;
    return type;
}

/* The integer whose attributes stand here word for word as they did before, or NULL. */
static const struct tsdl_integer *find_integer(const struct tsdl_parser *parser)
{
    const char *text = parser->token.text;
    bool is_block = tsdl_at_sign(parser, '{');
    for (size_t i = 0; is_block && i < TSDL_INTEGERS; i++) {
        const struct tsdl_integer *known = &parser->integers[i];
        if (known->text && (size_t)(parser->lexer.end - text) >= known->length &&
            memcmp(text, known->text, known->length) == 0)
            return known;
    }
    return NULL;
}

static void keep_integer(struct tsdl_parser *parser, const struct tsdl_token *brace, const struct tsdl_token *end,
                         const struct tsdl_type *type)
{
    if (parser->error || !type)
        return;
    parser->integers[parser->next_integer++ % TSDL_INTEGERS] =
        (struct tsdl_integer){.text = brace->text,
                              .length = (size_t)(end->text + 1 - brace->text),
                              .lines = end->line - brace->line,
                              .type = type};
}

static const struct tsdl_type *pass_integer(struct tsdl_parser *parser, const struct tsdl_integer *known)
{
    parser->lexer.at = parser->token.text + known->length;
    parser->lexer.line = parser->token.line + known->lines;
    tsdl_advance(parser);
    return known->type;
}

const struct tsdl_type *tsdl_parse_integer(struct tsdl_parser *parser)
{
    const struct tsdl_integer *known = find_integer(parser);
    if (known)
        return pass_integer(parser, known);
    struct tsdl_token brace = parser->token;
    struct number_attributes attributes = parse_number_attributes(parser);
    if (!attributes.size)
        tsdl_fail(parser, "integer without a size");
    const struct tsdl_type *type = finish_number(parser, TSDL_INTEGER, attributes.size, &attributes);
    keep_integer(parser, &brace, &attributes.end, type);
    return type;
}

const struct tsdl_type *tsdl_parse_float(struct tsdl_parser *parser)
{
    struct number_attributes attributes = parse_number_attributes(parser);
    uint32_t size = attributes.exponent + attributes.mantissa;
    bool is_ieee = (size == 32 && attributes.mantissa == 24) || (size == 64 && attributes.mantissa == 53);
    if (!is_ieee)
        tsdl_fail(parser, "floating point that is neither float nor double");
    return finish_number(parser, TSDL_FLOAT, size, &attributes);
}

const struct tsdl_type *tsdl_parse_string(struct tsdl_parser *parser)
{
    if (tsdl_at_sign(parser, '{'))
        parse_number_attributes(parser); /* encoding: both are bytes to us */
    return tsdl_new_type(parser, TSDL_STRING, BYTE);
}
