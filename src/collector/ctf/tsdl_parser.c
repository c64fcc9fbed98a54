/* See tsdl_parser.h. Tokens, and the blocks of a trace: trace, env, clock, stream, event. Start at tsdl_parse. */
#include "collector/ctf/tsdl_parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/vec.h"

/* LTTng has a stream class a channel. Events are sorted to them one by one, so their number must be bounded. */
enum { PATH_BYTES_MAX = 256, STREAMS_MAX = 1024 };

void tsdl_fail(struct tsdl_parser *parser, const char *what)
{
    if (parser->error)
        return;
    int shown = parser->token.length < 40 ? (int)parser->token.length : 40;
    const char *near = parser->token.text ? parser->token.text : "";
    parser->error = diag_set(parser->diag, -EBADMSG, "line %u of the metadata: %s at \"%.*s\"", parser->token.line,
                             what, shown, near);
    parser->token = (struct tsdl_token){.kind = TOKEN_END, .line = parser->token.line};
}

void tsdl_fail_memory(struct tsdl_parser *parser)
{
    if (!parser->error)
        parser->error = diag_errno(parser->diag, ENOMEM, "metadata");
    parser->token.kind = TOKEN_END;
}

void *tsdl_alloc(struct tsdl_parser *parser, size_t size)
{
    void *memory = parser->error ? NULL : arena_alloc(&parser->trace->arena, size);
    if (memory)
        memset(memory, 0, size);
    else
        tsdl_fail_memory(parser);
    return memory;
}

void tsdl_advance(struct tsdl_parser *parser)
{
    if (parser->error)
        return;
    parser->token = tsdl_lex(&parser->lexer);
    if (parser->token.kind == TOKEN_ERROR)
        tsdl_fail(parser, "unexpected text");
}

bool tsdl_at_sign(const struct tsdl_parser *parser, char sign)
{
    return parser->token.kind == TOKEN_SIGN && *parser->token.text == sign;
}

bool tsdl_at_name(const struct tsdl_parser *parser, const char *name)
{
    return parser->token.kind == TOKEN_NAME && parser->token.length == strlen(name) &&
           memcmp(parser->token.text, name, parser->token.length) == 0;
}

bool tsdl_accept_sign(struct tsdl_parser *parser, char sign)
{
    if (!tsdl_at_sign(parser, sign))
        return false;
    tsdl_advance(parser);
    return true;
}

bool tsdl_accept_name(struct tsdl_parser *parser, const char *name)
{
    if (!tsdl_at_name(parser, name))
        return false;
    tsdl_advance(parser);
    return true;
}

void tsdl_expect_sign(struct tsdl_parser *parser, char sign)
{
    char what[] = "expected 'x'";
    what[sizeof what - 3] = sign;
    if (!tsdl_accept_sign(parser, sign))
        tsdl_fail(parser, what);
}

bool tsdl_in_block(const struct tsdl_parser *parser)
{
    return parser->token.kind != TOKEN_END && !tsdl_at_sign(parser, '}');
}

const char *tsdl_parse_name(struct tsdl_parser *parser)
{
    if (parser->token.kind != TOKEN_NAME) {
        tsdl_fail(parser, "expected a name");
        return NULL;
    }
    const char *name = arena_copy(&parser->trace->arena, parser->token.text, parser->token.length);
    if (!name)
        tsdl_fail_memory(parser);
    tsdl_advance(parser);
    return name;
}

static void append_name(struct tsdl_parser *parser, char *path, size_t *length)
{
    if (parser->token.kind != TOKEN_NAME || parser->token.length >= PATH_BYTES_MAX - *length) {
        tsdl_fail(parser, "expected a name");
        return;
    }
    memcpy(path + *length, parser->token.text, parser->token.length);
    *length += parser->token.length;
    tsdl_advance(parser);
}

const char *tsdl_parse_path(struct tsdl_parser *parser)
{
    char path[PATH_BYTES_MAX + 1];
    size_t length = 0;
    append_name(parser, path, &length);
    while (length < PATH_BYTES_MAX && tsdl_accept_sign(parser, '.')) {
        path[length++] = '.';
        append_name(parser, path, &length);
    }
    const char *copy = parser->error ? NULL : arena_copy(&parser->trace->arena, path, length);
    if (!copy)
        tsdl_fail_memory(parser);
    return copy;
}

static const char *parse_text(struct tsdl_parser *parser)
{
    char *text = tsdl_alloc(parser, parser->token.length + 1);
    if (text)
        tsdl_unescape(&parser->token, text);
    tsdl_advance(parser);
    return text;
}

static uint64_t parse_number(struct tsdl_parser *parser)
{
    uint64_t number = parser->token.number;
    if (parser->token.kind != TOKEN_NUMBER)
        tsdl_fail(parser, "expected a number");
    tsdl_advance(parser);
    return number;
}

struct tsdl_value tsdl_parse_value(struct tsdl_parser *parser)
{
    struct tsdl_value value = {0};
    if (parser->token.kind == TOKEN_TEXT) {
        value.text = parse_text(parser);
    } else if (parser->token.kind == TOKEN_NAME) {
        value.text = tsdl_parse_path(parser);
    } else {
        value.is_negative = tsdl_accept_sign(parser, '-');
        value.number = parse_number(parser);
    }
    return value;
}

/* One block's entries, each handed to the block's own functions; either may be NULL. */
struct block {
    void (*set_value)(struct tsdl_parser *parser, void *self, const char *key, const struct tsdl_value *value);
    void (*set_type)(void *self, const char *key, const struct tsdl_type *type);
    void *self;
};

static bool parse_type_declaration(struct tsdl_parser *parser)
{
    if (tsdl_at_name(parser, "typealias")) {
        tsdl_parse_typealias(parser);
    } else if (tsdl_at_name(parser, "typedef")) {
        tsdl_parse_typedef(parser);
    } else if (tsdl_at_name(parser, "struct") || tsdl_at_name(parser, "enum") || tsdl_at_name(parser, "variant")) {
        tsdl_parse_type(parser, false);
        tsdl_expect_sign(parser, ';');
    } else {
        return false;
    }
    return true;
}

static void parse_entry(struct tsdl_parser *parser, const struct block *block)
{
    const char *key = tsdl_parse_path(parser);
    if (parser->token.kind == TOKEN_ASSIGN) {
        tsdl_advance(parser);
        const struct tsdl_type *type = tsdl_parse_type(parser, false);
        if (block->set_type && type)
            block->set_type(block->self, key, type);
    } else {
        tsdl_expect_sign(parser, '=');
        struct tsdl_value value = tsdl_parse_value(parser);
        if (block->set_value && !parser->error)
            block->set_value(parser, block->self, key, &value);
    }
    tsdl_expect_sign(parser, ';');
}

static void parse_block(struct tsdl_parser *parser, const struct block *block)
{
    size_t scope = parser->named_count;
    tsdl_expect_sign(parser, '{');
    while (tsdl_in_block(parser))
        if (!parse_type_declaration(parser))
            parse_entry(parser, block);
    tsdl_expect_sign(parser, '}');
    tsdl_expect_sign(parser, ';');
    parser->named_count = scope;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "aeb33d3d-e70c-4a22-a3a5-8a146a73916c"; zeros and false if it is not one. */
static bool parse_uuid(const char *text, uint8_t uuid[16])
{
    size_t count = 0;
    for (; text && *text && count < 32; text++) {
        int digit = hex_digit(*text);
        if (*text == '-')
            continue;
        if (digit < 0)
            break;
        uuid[count / 2] = (uint8_t)(uuid[count / 2] << 4 | digit);
        count++;
    }
    if (count == 32 && !*text)
        return true;
    memset(uuid, 0, 16);
    return false;
}

static void set_trace_value(struct tsdl_parser *parser, void *self, const char *key, const struct tsdl_value *value)
{
    struct tsdl_trace *trace = self;
    if (strcmp(key, "uuid") == 0)
        trace->has_uuid = parse_uuid(value->text, trace->uuid);
    if (strcmp(key, "byte_order") != 0)
        return;
    bool is_big = value->text && (strcmp(value->text, "be") == 0 || strcmp(value->text, "network") == 0);
    if (!is_big && !(value->text && strcmp(value->text, "le") == 0))
        tsdl_fail(parser, "unknown byte order");
    trace->order = is_big ? TSDL_BIG : TSDL_LITTLE;
}

static void set_trace_type(void *self, const char *key, const struct tsdl_type *type)
{
    struct tsdl_trace *trace = self;
    if (strcmp(key, "packet.header") == 0)
        trace->packet_header = type;
}

static void set_env(struct tsdl_parser *parser, void *self, const char *key, const struct tsdl_value *value)
{
    (void)parser;
    struct tsdl_trace *trace = self;
    bool is_pid = strcmp(key, "vpid") == 0 && !value->text && !value->is_negative && value->number <= INT32_MAX;
    if (is_pid)
        trace->vpid = (int64_t)value->number;
}

static void set_clock(struct tsdl_parser *parser, void *self, const char *key, const struct tsdl_value *value)
{
    struct tsdl_clock *clock = self;
    int64_t number = (int64_t)(value->is_negative ? 0 - value->number : value->number);
    if (strcmp(key, "uuid") == 0) {
        parse_uuid(value->text, clock->uuid);
    } else if (strcmp(key, "freq") == 0) {
        clock->frequency_hz = value->number;
        if (!value->number)
            tsdl_fail(parser, "clock without a frequency");
    } else if (strcmp(key, "offset") == 0) {
        clock->offset = number;
    } else if (strcmp(key, "offset_s") == 0) {
        clock->offset_s = number;
    }
}

static void parse_clock(struct tsdl_parser *parser)
{
    struct tsdl_clock clock = {.frequency_hz = 1000000000};
    bool is_first = parser->trace->clock.frequency_hz == 0;
    parse_block(parser, &(struct block){.set_value = set_clock, .self = &clock});
    if (is_first)
        parser->trace->clock = clock;
}

static void set_stream_value(struct tsdl_parser *parser, void *self, const char *key, const struct tsdl_value *value)
{
    (void)parser;
    struct tsdl_stream *stream = self;
    if (strcmp(key, "id") == 0)
        stream->id = value->number;
}

static void set_stream_type(void *self, const char *key, const struct tsdl_type *type)
{
    struct tsdl_stream *stream = self;
    if (strcmp(key, "packet.context") == 0)
        stream->packet_context = type;
    else if (strcmp(key, "event.header") == 0)
        stream->event_header = type;
    else if (strcmp(key, "event.context") == 0)
        stream->event_context = type;
}

static void parse_stream(struct tsdl_parser *parser)
{
    struct tsdl_trace *trace = parser->trace;
    struct tsdl_stream stream = {0};
    if (trace->stream_count == STREAMS_MAX)
        tsdl_fail(parser, "too many stream classes");
    parse_block(parser, &(struct block){set_stream_value, set_stream_type, &stream});
    if (VEC_RESERVE(trace->streams, trace->stream_count, trace->stream_capacity, 1))
        tsdl_fail_memory(parser);
    else
        trace->streams[trace->stream_count++] = stream;
}

static void set_event_value(struct tsdl_parser *parser, void *self, const char *key, const struct tsdl_value *value)
{
    (void)parser;
    struct tsdl_event *event = self;
    if (strcmp(key, "name") == 0 && value->text)
        event->name = value->text;
    else if (strcmp(key, "id") == 0)
        event->id = value->number;
    else if (strcmp(key, "stream_id") == 0)
        event->stream_id = value->number;
}

static void set_event_type(void *self, const char *key, const struct tsdl_type *type)
{
    struct tsdl_event *event = self;
    if (strcmp(key, "fields") == 0)
        event->fields = type;
    else if (strcmp(key, "context") == 0)
        event->context = type;
}

static void parse_event(struct tsdl_parser *parser)
{
    struct tsdl_trace *trace = parser->trace;
    struct tsdl_event event = {.name = ""};
    parse_block(parser, &(struct block){set_event_value, set_event_type, &event});
    if (VEC_RESERVE(trace->events, trace->event_count, trace->event_capacity, 1))
        tsdl_fail_memory(parser);
    else
        trace->events[trace->event_count++] = event;
}

static void parse_top(struct tsdl_parser *parser)
{
    if (tsdl_accept_name(parser, "trace"))
        parse_block(parser, &(struct block){set_trace_value, set_trace_type, parser->trace});
    else if (tsdl_accept_name(parser, "env"))
        parse_block(parser, &(struct block){.set_value = set_env, .self = parser->trace});
    else if (tsdl_accept_name(parser, "clock"))
        parse_clock(parser);
    else if (tsdl_accept_name(parser, "stream"))
        parse_stream(parser);
    else if (tsdl_accept_name(parser, "event"))
        parse_event(parser);
    else if (tsdl_accept_name(parser, "callsite"))
        parse_block(parser, &(struct block){0});
    else if (!parse_type_declaration(parser))
        tsdl_fail(parser, "expected a declaration");
}

int tsdl_parse(const char *text, size_t length, struct diag *diag, struct tsdl_trace *out)
{
    struct tsdl_trace trace = {.vpid = -1};
    arena_init(&trace.arena);
    struct tsdl_parser parser = {.lexer = {.at = text, .end = text + length, .line = 1}, .trace = &trace, .diag = diag};
    tsdl_advance(&parser);
    while (parser.token.kind != TOKEN_END)
        parse_top(&parser);
    if (trace.order == TSDL_NATIVE)
        tsdl_fail(&parser, "no trace block with a byte order");
    free(parser.named);
    if (parser.error)
        tsdl_fini(&trace);
    else
        *out = trace;
    return parser.error;
}

void tsdl_fini(struct tsdl_trace *trace)
{
    arena_fini(&trace->arena);
    free(trace->streams);
    free(trace->events);
    *trace = (struct tsdl_trace){0};
}
