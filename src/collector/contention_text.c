/* See contention_text.h. */
#include "collector/contention_text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "collector/process_maps.h"
#include "collector/symbolize/symbolize.h"
#include "model/process.h"
#include "model/profile_builder.h"

enum { PID = 1, STACK_MAX = 128 };

struct reading {
    const char *at, *end; /* of the text; `at`: the line that comes */
    size_t line_number;
    uint64_t cycles_per_second, period, discarded;
    uint64_t samples;
    struct process_table processes;
    struct symbolizer *symbolizer;
    struct symbols symbols;
    struct profile_builder *builder;
};

/* ---- words ---- */

struct words {
    const char *at, *end; /* of a line */
};

static bool next_line(struct reading *reading, struct words *line)
{
    if (reading->at >= reading->end)
        return false;
    const char *newline = memchr(reading->at, '\n', (size_t)(reading->end - reading->at));
    *line = (struct words){reading->at, newline ? newline : reading->end};
    reading->at = newline ? newline + 1 : reading->end;
    reading->line_number++;
    return true;
}

static void skip_space(struct words *words)
{
    while (words->at < words->end && isspace((unsigned char)*words->at))
        words->at++;
}

static int digit_of(char c, int base)
{
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 99;
    return digit < base ? digit : -1;
}

static bool take_number(struct words *words, int base, uint64_t *out)
{
    uint64_t number = 0;
    skip_space(words);
    if (base == 16 && words->end - words->at > 2 && words->at[0] == '0' && (words->at[1] | 32) == 'x')
        words->at += 2;
    const char *begin = words->at;
    for (int digit; words->at < words->end && (digit = digit_of(*words->at, base)) >= 0; words->at++)
        if (__builtin_mul_overflow(number, (uint64_t)base, &number) ||
            __builtin_add_overflow(number, (uint64_t)digit, &number))
            return false;
    *out = number;
    return words->at > begin;
}

static bool take_char(struct words *words, char c)
{
    skip_space(words);
    if (words->at == words->end || *words->at != c)
        return false;
    words->at++;
    return true;
}

static bool begins_with(const struct words *words, const char *text)
{
    size_t length = strlen(text);
    return (size_t)(words->end - words->at) >= length && memcmp(words->at, text, length) == 0;
}

/* ---- lines ---- */

/* "key = number". False: it is no such line. */
static bool take_setting(struct reading *reading, struct words line)
{
    const struct {
        const char *key;
        uint64_t *value;
    } settings[] = {{"cycles/second", &reading->cycles_per_second},
                    {"sampling period", &reading->period},
                    {"discarded samples", &reading->discarded},
                    {"ms since reset", NULL},
                    {"format", NULL},
                    {"resolution", NULL}};
    uint64_t number;
    skip_space(&line);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (!begins_with(&line, settings[i].key))
            continue;
        line.at += strlen(settings[i].key);
        if (take_char(&line, '=') && take_number(&line, 10, &number) && settings[i].value)
            *settings[i].value = number;
        return true;
    }
    return false;
}

struct sample {
    uint64_t cycles, count, pcs[STACK_MAX];
    uint32_t pc_count;
};

static bool take_sample(struct words line, struct sample *out)
{
    out->pc_count = 0;
    if (!take_number(&line, 10, &out->cycles) || !take_number(&line, 10, &out->count) || !take_char(&line, '@'))
        return false;
    while (out->pc_count < STACK_MAX && take_number(&line, 16, &out->pcs[out->pc_count]))
        out->pc_count++;
    return true;
}

static int64_t clamp(unsigned __int128 value)
{
    return value > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)value;
}

static void add_sample(struct reading *reading, const struct sample *sample)
{
    unsigned __int128 count = (unsigned __int128)sample->count * reading->period;
    unsigned __int128 cycles = (unsigned __int128)sample->cycles * reading->period;
    unsigned __int128 ns =
        cycles > ((unsigned __int128)1 << 96) ? INT64_MAX : cycles * 1000000000 / reading->cycles_per_second;
    for (uint32_t i = 0; i < sample->pc_count; i++)
        if (sample->pcs[i] > 1) /* no code lies at 0 */
            profile_builder_frame(reading->builder, PID, symbols_resolve(&reading->symbols, PID, sample->pcs[i], 0), 0);
    profile_builder_sample(reading->builder, (int64_t[]){clamp(count), clamp(ns)});
    reading->samples++;
}

/* ---- the whole ---- */

bool contention_text_is(const char *text, size_t size)
{
    static const char *const firsts[] = {"--- contention", "--- mutex"};
    struct words words = {text, text + size};
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
        if (begins_with(&words, firsts[i]))
            return true;
    return false;
}

/* The maps stand behind the samples, which need them. */
static int read_maps(struct reading *reading)
{
    struct reading ahead = *reading;
    struct words line;
    struct sample sample;
    const char *rest = ahead.at;
    while (next_line(&ahead, &line)) {
        if (line.at < line.end && !take_setting(&ahead, line) && !take_sample(line, &sample))
            break;
        rest = ahead.at;
    }
    return process_maps_add(&reading->processes, PID, rest, (size_t)(reading->end - rest));
}

static int read_samples(struct reading *reading, struct diag *diag)
{
    struct words line;
    struct sample sample;
    while (next_line(reading, &line)) {
        if (line.at == line.end || take_setting(reading, line))
            continue;
        if (!take_sample(line, &sample))
            break;
        if (reading->cycles_per_second == 0 || reading->period == 0)
            return diag_set(diag, -EINVAL, "line %zu: cycles/second or the sampling period is 0", reading->line_number);
        add_sample(reading, &sample);
    }
    return 0;
}

static void describe(const struct reading *reading, bool is_brpc, int64_t end_epoch_ns)
{
    struct profile_builder *builder = reading->builder;
    profile_builder_value_type(builder, "contentions", "count");
    profile_builder_value_type(builder, "delay", "nanoseconds");
    profile_builder_default_type(builder, "delay");
    profile_builder_period(builder, "contentions", "count", 1);
    profile_builder_time(builder, end_epoch_ns, 0);
    profile_builder_comment(builder, "made from a contention profile in text%s",
                            is_brpc ? " (brpc: each wait stands at the waiter's own unlock)" : "");
}

static int read_text(struct reading *reading, bool is_brpc, int64_t end_epoch_ns, struct diag *diag)
{
    struct words first;
    next_line(reading, &first);
    int error = read_maps(reading);
    if (error)
        return diag_errno(diag, -error, "cannot read the maps");
    describe(reading, is_brpc, end_epoch_ns);
    error = read_samples(reading, diag);
    if (!error && reading->discarded)
        profile_builder_comment(reading->builder, "losses: %" PRIu64 " samples discarded", reading->discarded);
    return error;
}

int contention_text_read(const char *text, size_t size, int64_t end_epoch_ns, struct profile **out, struct diag *diag)
{
    struct reading reading = {.at = text, .end = text + size, .cycles_per_second = 1000000000, .period = 1};
    bool is_brpc = size > 14 && text[14] != ':' && memcmp(text, "--- contention", 14) == 0;
    if (!contention_text_is(text, size))
        return diag_set(diag, -EINVAL, "it is no contention profile in text");
    process_table_init(&reading.processes);
    int error = symbolizer_create(&reading.processes, &reading.symbolizer);
    if (!error)
        error = profile_builder_create(&reading.builder);
    if (error) {
        diag_errno(diag, -error, "cannot read the profile");
    } else {
        reading.symbols = symbolizer_symbols(reading.symbolizer);
        error = read_text(&reading, is_brpc, end_epoch_ns, diag);
        if (error)
            profile_builder_destroy(reading.builder);
        else if ((error = profile_builder_finish(reading.builder, out)) != 0)
            diag_errno(diag, -error, "cannot build the profile");
    }
    symbolizer_destroy(reading.symbolizer);
    process_table_fini(&reading.processes);
    return error;
}
