/* See tsdl_parser.h. Type expressions, from `integer { ... }` to nested variants. */
#include "collector/ctf/tsdl_parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/vec.h"

enum { BYTE = 8, NAME_BYTES_MAX = 256, NAMED_MAX = 1024 };

static const struct tsdl_type *find_named(struct tsdl_parser *parser, const char *name)
{
    for (size_t i = parser->named_count; i-- > 0;)
        if (strcmp(parser->named[i].name, name) == 0)
            return parser->named[i].type;
    tsdl_fail(parser, "unknown type");
    return NULL;
}

static void add_named(struct tsdl_parser *parser, const char *name, const struct tsdl_type *type)
{
    if (parser->named_count == NAMED_MAX) /* looked up one by one: a hostile file must not make that slow */
        tsdl_fail(parser, "too many types");
    if (parser->error)
        return;
    if (VEC_RESERVE(parser->named, parser->named_count, parser->named_capacity, 1)) {
        tsdl_fail_memory(parser);
        return;
    }
    parser->named[parser->named_count++] = (struct tsdl_named){name, type};
}

/* "struct" + "packet_context" -> "struct packet_context" */
static const char *join(struct tsdl_parser *parser, const char *head, const char *tail)
{
    size_t head_bytes = strlen(head), tail_bytes = strlen(tail);
    if (head_bytes + tail_bytes > NAME_BYTES_MAX) {
        tsdl_fail(parser, "name too long");
        return NULL;
    }
    char *joined = tsdl_alloc(parser, head_bytes + tail_bytes + 2);
    if (!joined)
        return NULL;
    memcpy(joined, head, head_bytes);
    joined[head_bytes] = ' ';
    memcpy(joined + head_bytes + 1, tail, tail_bytes);
    return joined;
}

static uint64_t parse_label_value(struct tsdl_parser *parser)
{
    struct tsdl_value value = tsdl_parse_value(parser);
    if (value.text)
        tsdl_fail(parser, "expected a number");
    return value.is_negative ? 0 - value.number : value.number;
}

static const char *parse_label_name(struct tsdl_parser *parser)
{
    bool is_label = parser->token.kind == TOKEN_TEXT || parser->token.kind == TOKEN_NAME;
    if (!is_label)
        tsdl_fail(parser, "expected a label");
    return tsdl_parse_value(parser).text;
}

/* Without a value of its own a label follows its predecessor. */
static struct tsdl_label parse_label(struct tsdl_parser *parser, uint64_t next)
{
    struct tsdl_label label = {.name = parse_label_name(parser), .first = next, .last = next};
    if (tsdl_accept_sign(parser, '=')) {
        label.first = label.last = parse_label_value(parser);
        if (parser->token.kind == TOKEN_ELLIPSIS) {
            tsdl_advance(parser);
            label.last = parse_label_value(parser);
        }
    }
    if (!tsdl_at_sign(parser, '}'))
        tsdl_expect_sign(parser, ',');
    return label;
}

/* Moves a list that grew on the heap into the arena. */
static const void *keep(struct tsdl_parser *parser, void *items, size_t bytes)
{
    void *kept = tsdl_alloc(parser, bytes + 1);
    if (kept && bytes)
        memcpy(kept, items, bytes);
    free(items);
    return kept;
}

static void parse_labels(struct tsdl_parser *parser, struct tsdl_type *type)
{
    struct tsdl_label *labels = NULL;
    size_t count = 0, capacity = 0;
    uint64_t next = 0;
    tsdl_expect_sign(parser, '{');
    while (tsdl_in_block(parser)) {
        struct tsdl_label label = parse_label(parser, next);
        next = label.last + 1;
        if (VEC_RESERVE(labels, count, capacity, 1))
            tsdl_fail_memory(parser);
        else
            labels[count++] = label;
    }
    tsdl_expect_sign(parser, '}');
    type->labels = keep(parser, labels, count * sizeof *labels);
    type->label_count = count;
}

static const struct tsdl_type *parse_enum_body(struct tsdl_parser *parser)
{
    const struct tsdl_type *container =
        tsdl_accept_sign(parser, ':') ? tsdl_parse_type(parser, false) : find_named(parser, "int");
    if (container && container->kind != TSDL_INTEGER)
        tsdl_fail(parser, "enumeration of something other than integers");
    struct tsdl_type *type = tsdl_new_type(parser, TSDL_ENUM, 1);
    if (!type || parser->error)
        return NULL;
    *type = *container;
    type->kind = TSDL_ENUM;
    parse_labels(parser, type);
    return type;
}

static struct tsdl_member parse_member(struct tsdl_parser *parser)
{
    const struct tsdl_type *type = tsdl_parse_type(parser, true);
    const char *name = tsdl_parse_name(parser);
    type = tsdl_parse_dimensions(parser, type);
    tsdl_expect_sign(parser, ';');
    return (struct tsdl_member){name, type};
}

/* A typealias or typedef inside a compound: true if there was one. */
static bool parse_local_declaration(struct tsdl_parser *parser)
{
    if (tsdl_at_name(parser, "typealias"))
        tsdl_parse_typealias(parser);
    else if (tsdl_at_name(parser, "typedef"))
        tsdl_parse_typedef(parser);
    else
        return false;
    return true;
}

static void parse_members(struct tsdl_parser *parser, struct tsdl_type *type)
{
    struct tsdl_member *members = NULL;
    size_t count = 0, capacity = 0, scope = parser->named_count;
    tsdl_expect_sign(parser, '{');
    while (tsdl_in_block(parser)) {
        if (parse_local_declaration(parser))
            continue;
        struct tsdl_member member = parse_member(parser);
        if (VEC_RESERVE(members, count, capacity, 1))
            tsdl_fail_memory(parser);
        else
            members[count++] = member;
    }
    tsdl_expect_sign(parser, '}');
    parser->named_count = scope;
    type->members = keep(parser, members, count * sizeof *members);
    type->member_count = count;
}

static void align_to_members(struct tsdl_type *type)
{
    for (size_t i = 0; i < type->member_count; i++)
        if (type->members[i].type->align > type->align)
            type->align = type->members[i].type->align;
}

static const struct tsdl_type *parse_struct_body(struct tsdl_parser *parser)
{
    struct tsdl_type *type = tsdl_new_type(parser, TSDL_STRUCT, 1);
    if (!type)
        return NULL;
    parse_members(parser, type);
    if (tsdl_accept_name(parser, "align")) {
        tsdl_expect_sign(parser, '(');
        type->align = tsdl_parse_align(parser, tsdl_parse_value(parser));
        tsdl_expect_sign(parser, ')');
    }
    if (!parser->error)
        align_to_members(type);
    return type;
}

/* A variant aligns nothing itself: the option that is chosen does. */
static const struct tsdl_type *parse_variant_body(struct tsdl_parser *parser, const char *tag)
{
    struct tsdl_type *type = tsdl_new_type(parser, TSDL_VARIANT, 1);
    if (!type)
        return NULL;
    type->tag = tag;
    parse_members(parser, type);
    return type;
}

static const char *parse_tag(struct tsdl_parser *parser)
{
    if (!tsdl_accept_sign(parser, '<'))
        return NULL;
    const char *tag = tsdl_parse_path(parser);
    tsdl_expect_sign(parser, '>');
    return tag;
}

/* `variant name <tag>` of a variant that was declared without its tag. */
static const struct tsdl_type *with_tag(struct tsdl_parser *parser, const struct tsdl_type *type, const char *tag)
{
    if (!type || !tag)
        return type;
    struct tsdl_type *copy = tsdl_new_type(parser, TSDL_VARIANT, 1);
    if (!copy)
        return NULL;
    *copy = *type;
    copy->tag = tag;
    return copy;
}

static const struct tsdl_type *parse_body(struct tsdl_parser *parser, const char *keyword, const char *tag)
{
    switch (*keyword) {
    case 's':
        return parse_struct_body(parser);
    case 'v':
        return parse_variant_body(parser, tag);
    default:
        return parse_enum_body(parser);
    }
}

/* struct, variant and enum: defined here, by name or without one, or named and defined before. */
static const struct tsdl_type *parse_compound(struct tsdl_parser *parser, const char *keyword)
{
    const char *name = parser->token.kind == TOKEN_NAME ? join(parser, keyword, tsdl_parse_name(parser)) : NULL;
    const char *tag = *keyword == 'v' ? parse_tag(parser) : NULL;
    if (parser->error)
        return NULL;
    if (!tsdl_at_sign(parser, '{') && !tsdl_at_sign(parser, ':') && name)
        return with_tag(parser, find_named(parser, name), tag);
    const struct tsdl_type *type = parse_body(parser, keyword, tag);
    if (name)
        add_named(parser, name, type);
    return type;
}

static bool next_is_name(const struct tsdl_parser *parser)
{
    struct tsdl_lexer ahead = parser->lexer;
    return tsdl_lex(&ahead).kind == TOKEN_NAME;
}

/* One or several words: "unsigned long". */
static const char *parse_words(struct tsdl_parser *parser, bool declares)
{
    const char *words = tsdl_parse_name(parser);
    while (words && parser->token.kind == TOKEN_NAME && (!declares || next_is_name(parser)))
        words = join(parser, words, tsdl_parse_name(parser));
    return words;
}

static const struct tsdl_type *parse_type_here(struct tsdl_parser *parser, bool declares)
{
    static const char *const compounds[] = {"struct", "variant", "enum"};
    for (size_t i = 0; i < sizeof compounds / sizeof compounds[0]; i++)
        if (tsdl_accept_name(parser, compounds[i]))
            return parse_compound(parser, compounds[i]);
    if (tsdl_accept_name(parser, "integer"))
        return tsdl_parse_integer(parser);
    if (tsdl_accept_name(parser, "floating_point"))
        return tsdl_parse_float(parser);
    if (tsdl_accept_name(parser, "string"))
        return tsdl_parse_string(parser);
    const char *words = parse_words(parser, declares);
    return words ? find_named(parser, words) : NULL;
}

const struct tsdl_type *tsdl_parse_type(struct tsdl_parser *parser, bool declares)
{
    if (parser->depth == TSDL_DEPTH_MAX)
        tsdl_fail(parser, "types nested too deep");
    if (parser->error)
        return NULL;
    parser->depth++;
    const struct tsdl_type *type = parse_type_here(parser, declares);
    parser->depth--;
    return parser->error ? NULL : type;
}

static void parse_length(struct tsdl_parser *parser, struct tsdl_type *type)
{
    if (parser->token.kind == TOKEN_NUMBER) {
        type->length = parser->token.number;
        tsdl_advance(parser);
    } else {
        type->kind = TSDL_SEQUENCE;
        type->tag = tsdl_parse_path(parser);
    }
    tsdl_expect_sign(parser, ']');
}

const struct tsdl_type *tsdl_parse_dimensions(struct tsdl_parser *parser, const struct tsdl_type *element)
{
    if (!element || !tsdl_accept_sign(parser, '['))
        return element;
    if (parser->depth == TSDL_DEPTH_MAX)
        tsdl_fail(parser, "too many dimensions");
    struct tsdl_type *type = tsdl_new_type(parser, TSDL_ARRAY, element->align);
    if (!type || parser->error)
        return NULL;
    parse_length(parser, type);
    parser->depth++;
    type->element = tsdl_parse_dimensions(parser, element); /* a[2][3]: two of three */
    parser->depth--;
    return type;
}

/* typealias TYPE := words ; */
void tsdl_parse_typealias(struct tsdl_parser *parser)
{
    tsdl_advance(parser);
    const struct tsdl_type *type = tsdl_parse_type(parser, false);
    if (parser->token.kind != TOKEN_ASSIGN)
        tsdl_fail(parser, "expected :=");
    tsdl_advance(parser);
    const char *words = parse_words(parser, false);
    tsdl_expect_sign(parser, ';');
    add_named(parser, words, type);
}

/* typedef TYPE name ; */
void tsdl_parse_typedef(struct tsdl_parser *parser)
{
    tsdl_advance(parser);
    struct tsdl_member member = parse_member(parser);
    add_named(parser, member.name, member.type);
}
