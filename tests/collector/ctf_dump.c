/*
 * Prints a trace as `babeltrace2 --clock-cycles --no-delta` does, one event a line, so that the two can be
 * compared field by field. Where babeltrace2 shows more (the trace's name, lengths of sequences),
 * tests/e2e/test_ctf_differential.sh takes it away.
 *
 *     ctf_dump [--losses] FOLDER      # with --losses what is missing, and no event
 * What has no metadata is read as mapscope records it (collector/known_metadata.h).
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "collector/ctf/ctf.h"
#include "collector/ctf/program.h"
#include "collector/known_metadata.h"

static void print_char(char c)
{
    static const char controls[] = "\a\b\f\n\r\t\v", letters[] = "abfnrtv";
    const char *control = c ? strchr(controls, c) : NULL;
    if (strchr("\\'\"?", c) && c)
        printf("\\%c", c);
    else if (control)
        printf("\\%c", letters[control - controls]);
    else if (iscntrl((unsigned char)c))
        printf("\\x%02x", (unsigned char)c);
    else
        putchar(c);
}

static void print_text(const struct ctf_value *value)
{
    putchar('"');
    for (uint32_t i = 0; i < value->length; i++)
        print_char(value->text[i]);
    putchar('"');
}

static void print_number(enum ctf_type type, uint8_t base, uint64_t raw)
{
    double real;
    memcpy(&real, &raw, sizeof real);
    if (type == CTF_FLOAT)
        printf("%g", real);
    else if (base == 16)
        printf("0x%" PRIX64, raw);
    else if (base == 8)
        printf("0%" PRIo64, raw);
    else if (type == CTF_SIGNED)
        printf("%" PRId64, (int64_t)raw);
    else
        printf("%" PRIu64, raw);
}

static void print_enum(const struct ctf_field *field, uint64_t raw)
{
    const char *separator = "";
    printf("( ");
    for (size_t i = 0; i < field->labels->count; i++) {
        const struct tsdl_label *label = &field->labels->labels[i];
        if (raw - label->first > label->last - label->first)
            continue;
        printf("%s\"%s\"", separator, label->name);
        separator = ", ";
    }
    printf("%s : container = ", *separator ? "" : "<unknown>");
    print_number(field->element, field->base, raw);
    printf(" )");
}

static void print_elements(const struct ctf_field *field, const struct ctf_value *value)
{
    printf("[ ");
    for (uint32_t i = 0; i < value->length; i++) {
        printf("%s[%u] = ", i ? ", " : "", i);
        print_number(field->element, field->base, value->us[i]);
    }
    printf(value->length ? " ]" : "]");
}

static void print_value(const struct ctf_field *field, const struct ctf_value *value)
{
    switch (field->type) {
    case CTF_STRING:
        print_text(value);
        break;
    case CTF_SEQUENCE:
        print_elements(field, value);
        break;
    case CTF_ENUM:
        print_enum(field, value->u);
        break;
    default:
        print_number(field->type, field->base, value->u);
    }
}

/* The contexts, or the payload: { a = 1, b = 2 } */
static void print_fields(const struct ctf_event *event, bool is_context)
{
    const char *separator = "{ ";
    for (size_t i = 0; i < event->class->field_count; i++) {
        const struct ctf_field *field = &event->class->fields[i];
        if (field->is_context != is_context || event->values[i].is_absent)
            continue;
        printf("%s%s = ", separator, field->name);
        print_value(field, &event->values[i]);
        separator = ", ";
    }
    if (*separator == '{')
        printf(is_context ? "" : "{ }");
    else
        printf(is_context ? " }, " : " }");
}

static void print_event(const struct ctf_event *event)
{
    printf("[%020" PRIu64 "] %s: { cpu_id = %" PRIu32 " }, ", event->time_ns, event->class->name, event->cpu);
    print_fields(event, true);
    print_fields(event, false);
    putchar('\n');
}

static void print_warning(void *self, const char *text)
{
    (void)self;
    fprintf(stderr, "warning: %s\n", text);
}

static void print_losses(const struct losses *losses)
{
    printf("events=%" PRIu64 " discarded_events=%" PRIu64 " lost_packets=%" PRIu64 " damaged_packets=%" PRIu64
           " skipped_streams=%" PRIu64 " skipped_traces=%" PRIu64 " known_traces=%" PRIu64 "\n",
           losses->events, losses->discarded_events, losses->lost_packets, losses->damaged_packets,
           losses->skipped_streams, losses->skipped_traces, losses->known_traces);
}

static int dump(struct ctf_reader *reader, bool only_losses)
{
    struct ctf_event event;
    int state;
    while ((state = ctf_next(reader, &event)) == 1)
        if (!only_losses)
            print_event(&event);
    struct losses losses = ctf_losses(reader);
    if (only_losses)
        print_losses(&losses);
    return state;
}

int main(int argc, char **argv)
{
    bool only_losses = argc == 3 && strcmp(argv[1], "--losses") == 0;
    if (argc != 2 && !only_losses)
        return 2;
    struct diag diag;
    struct ctf_reader *reader;
    struct ctf_options options = {.warn = print_warning, .known = known_metadata};
    diag_init(&diag);
    int error = ctf_open(argv[argc - 1], &options, &diag, &reader);
    if (error) {
        fprintf(stderr, "ctf_dump: %s\n", diag_text(&diag));
    } else {
        error = dump(reader, only_losses);
        ctf_close(reader);
    }
    diag_fini(&diag);
    return error || fflush(stdout) || ferror(stdout) ? 1 : 0;
}
