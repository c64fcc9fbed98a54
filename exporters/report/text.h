/* The report's vocabulary: numbers, durations, names and stacks as text. Internal to the report. */
#ifndef EXPORTERS_REPORT_TEXT_H
#define EXPORTERS_REPORT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "exporters/exporter.h"

enum { REPORT_COLUMNS = 96 };

/* Errors of writing stick in `out`, all others in `error`. */
struct report {
    const struct export_input *input;
    struct outbuf *out;
    int error;
    const struct symbol_module **modules; /* of the frames shown; owned list of borrowed modules */
    size_t module_count, module_capacity;
    uint64_t unknown_frames; /* shown, in no known module */
};

/* Room for any of the texts below. */
struct report_text {
    char text[32];
};

struct report_text report_number(uint64_t number);                  /* 1,500,000 */
struct report_text report_count(uint64_t number, const char *what); /* 1 wait, 7 waits; `what` below 8 bytes */
struct report_text report_duration(uint64_t ns);                    /* 1.500 s, 12.35 us */
struct report_text report_since(uint64_t ns);                       /* 1.500000977 s: exact */
struct report_text report_percent(uint64_t part, uint64_t whole);   /* 37.5 % */

/* A name from the trace: UTF-8 without control characters. */
void report_name(struct report *report, const char *name);

/* "server (pid 100)" */
void report_process(struct report *report, uint32_t pid);

/* The title of a section, underlined. */
void report_heading(struct report *report, const char *title);

/* A sentence, broken at spaces, each line indented. */
void report_paragraph(struct report *report, const char *indent, const char *text);

/* The user's frames, leaf first, one a line; at most `max_frames`, and how many more there are. */
void report_stack(struct report *report, const char *indent, stack_id stack, uint32_t max_frames);

/* The function at `address`. */
void report_function(struct report *report, uint32_t pid, uint64_t address, uint64_t time_ns);

#endif
