/* See text.h. */
#include "exporters/report/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/user_leaf.h"
#include "support/utf8.h"
#include "support/vec.h"

/* Where the file begins, counted from the function's name; a longer name pushes it away. */
enum { FILE_COLUMN = 36 };

struct report_text report_number(uint64_t number)
{
    struct report_text out;
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    size_t used = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            out.text[used++] = ',';
        out.text[used++] = digits[i];
    }
    out.text[used] = '\0';
    return out;
}

struct report_text report_count(uint64_t number, const char *what)
{
    struct report_text out = report_number(number);
    size_t used = strlen(out.text);
    snprintf(out.text + used, sizeof out.text - used, " %s%s", what, number == 1 ? "" : "s");
    return out;
}

struct report_text report_duration(uint64_t ns)
{
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}};
    struct report_text out;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (ns < units[i].ns)
            continue;
        uint64_t whole = ns / units[i].ns;
        int digits = whole >= 100 ? 1 : whole >= 10 ? 2 : 3;
        uint64_t steps = digits == 1 ? 10 : digits == 2 ? 100 : 1000;
        uint64_t part = (ns % units[i].ns * steps + units[i].ns / 2) / units[i].ns;
        snprintf(out.text, sizeof out.text, "%" PRIu64 ".%0*" PRIu64 " %s", whole + part / steps, digits, part % steps,
                 units[i].name);
        return out;
    }
    snprintf(out.text, sizeof out.text, "%" PRIu64 " ns", ns);
    return out;
}

struct report_text report_since(uint64_t ns)
{
    struct report_text out;
    snprintf(out.text, sizeof out.text, "%" PRIu64 ".%09" PRIu64 " s", ns / 1000000000, ns % 1000000000);
    return out;
}

struct report_text report_percent(uint64_t part, uint64_t whole)
{
    struct report_text out;
    unsigned __int128 tenths = whole ? ((unsigned __int128)part * 1000 + whole / 2) / whole : 0;
    snprintf(out.text, sizeof out.text, "%" PRIu64 ".%u %%", (uint64_t)(tenths / 10), (unsigned)(tenths % 10));
    return out;
}

void report_name(struct report *report, const char *name)
{
    char *clean = utf8_printable(name, strlen(name));
    if (!clean) {
        report->error = -ENOMEM;
        return;
    }
    outbuf_text(report->out, clean);
    free(clean);
}

void report_process(struct report *report, uint32_t pid)
{
    const struct process *process = process_find(report->input->processes, pid);
    report_name(report, process && process->name[0] ? process->name : "process");
    outbuf_printf(report->out, " (pid %" PRIu32 ")", pid);
}

void report_heading(struct report *report, const char *title)
{
    outbuf_printf(report->out, "\n%s\n", title);
    for (size_t i = strlen(title); i > 0; i--)
        outbuf_char(report->out, '-');
    outbuf_char(report->out, '\n');
}

/* The length of the first line of `text` that fits into `width` bytes; a longer word is left whole. */
static size_t line_length(const char *text, size_t width)
{
    size_t end = 0;
    for (size_t i = 0; text[i]; i++) {
        if (text[i] == ' ')
            end = i;
        if (i >= width && end)
            return end;
    }
    return strlen(text);
}

void report_paragraph(struct report *report, const char *indent, const char *text)
{
    while (*text) {
        size_t length = line_length(text, REPORT_COLUMNS - strlen(indent));
        outbuf_printf(report->out, "%s%.*s\n", indent, (int)length, text);
        text += length;
        text += *text == ' ';
    }
}

static void note_module(struct report *report, const struct symbol_module *module)
{
    if (!module) {
        report->unknown_frames++;
        return;
    }
    for (size_t i = 0; i < report->module_count; i++)
        if (report->modules[i] == module)
            return;
    int error = VEC_RESERVE(report->modules, report->module_count, report->module_capacity, 1);
    if (error)
        report->error = error;
    else
        report->modules[report->module_count++] = module;
}

/* The last two parts of a path: enough to find the file, short enough for a line. */
static const char *short_path(const char *path)
{
    const char *at = path + strlen(path);
    for (int slashes = 0; at > path; at--)
        if (at[-1] == '/' && ++slashes == 2)
            break;
    return at;
}

static void write_frame(struct report *report, const char *indent, const struct symbol_location *location,
                        uint32_t index)
{
    const struct symbol_frame *frame = &location->frames[index];
    outbuf_text(report->out, indent);
    uint64_t column = report->out->total;
    report_name(report, frame->function);
    if (frame->file[0]) {
        do
            outbuf_char(report->out, ' ');
        while (report->out->total - column < FILE_COLUMN);
        report_name(report, short_path(frame->file));
        outbuf_printf(report->out, ":%" PRIu32, frame->line);
    }
    outbuf_text(report->out, index + 1 < location->frame_count ? "  (inlined)\n" : "\n");
}

void report_stack(struct report *report, const char *indent, stack_id id, uint32_t max_frames)
{
    const struct symbols *symbols = report->input->symbols;
    struct stack_view stack = stacks_get(report->input->stacks, id);
    struct user_leaf leaf = user_leaf_find(symbols, &stack);
    uint32_t shown = 0, left = 0;
    for (; leaf.pc < stack.count; leaf = (struct user_leaf){leaf.pc + 1, 0}) {
        const struct symbol_location *location =
            symbols_resolve(symbols, stack.pid, stack.pcs[leaf.pc], stack.first_ns);
        if (shown < max_frames && stack.pcs[leaf.pc] != STACK_CUT)
            note_module(report, location->module);
        for (; leaf.frame < location->frame_count; leaf.frame++) {
            if (shown < max_frames)
                write_frame(report, indent, location, leaf.frame);
            *(shown < max_frames ? &shown : &left) += 1;
        }
    }
    if (shown == 0)
        outbuf_printf(report->out, "%s(no stack was recorded)\n", indent);
    if (left)
        outbuf_printf(report->out, "%s... and %" PRIu32 " more\n", indent, left);
}

void report_function(struct report *report, uint32_t pid, uint64_t address, uint64_t time_ns)
{
    const struct symbol_location *location = symbols_resolve(report->input->symbols, pid, address + 1, time_ns);
    report_name(report, location->frames[location->frame_count - 1].function);
}
