/*
 * Programs that print their own addresses (symbols/), linked and stripped in every way, and a symbolizer that is told
 * of them what a trace would tell. The truth is the marks in their sources.
 *
 *     symbols_run("symbols_pie");                                    // its modules, its addresses by their labels
 *     assert_frame(at("after_call"), 0, "ends_with_call", "program.c", "ends_with_call");
 *
 * A test is a symbols_test(...): the variables are its own.
 */
#ifndef TESTS_COLLECTOR_SYMBOLIZE_PROGRAMS_H
#define TESTS_COLLECTOR_SYMBOLIZE_PROGRAMS_H

#include "support/cmocka_main.h"

#include "collector/symbolize/symbolize.h"

enum { PID = 77, NOW_NS = 1000, LABELS_MAX = 16 };

struct labelled {
    char label[64];
    uint64_t address;
};

extern struct process_table processes;
extern struct symbolizer *symbolizer;
extern struct symbols symbols;
extern struct labelled labels[LABELS_MAX]; /* of the program that was run */
extern size_t label_count;
extern char program_path[4096];
extern uint64_t program_base;

int symbols_setup(void **state);
int symbols_teardown(void **state);

#define symbols_test(name) cmocka_unit_test_setup_teardown(name, symbols_setup, symbols_teardown)

/* The trace says that a module is loaded; its build id, in hexadecimal. */
void symbols_load(uint32_t pid, uint64_t base, uint64_t size, const char *path);
void symbols_tell_build_id(uint32_t pid, uint64_t base, const char *hex);

/* Runs a program of symbols/, loads its modules and keeps its addresses. `as` replaces its path if given. */
void symbols_run_as(const char *name, const char *as);
void symbols_run(const char *name);

uint64_t address_of(const char *label);
const struct symbol_location *at(const char *label);

/* The number of the line of symbols/FILE with "@MARK" at its end (before a comment's). */
uint32_t line_of(const char *file, const char *mark);

void assert_frame(const struct symbol_location *location, uint32_t index, const char *function, const char *file,
                  const char *mark);

/* All that a program with debug information must yield. */
void assert_everything_resolves(void);

#endif
