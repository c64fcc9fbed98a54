/*
 * Opens symbol files: when they are asked for, or ahead of that in a thread of its own. Debug information may have to
 * be inflated, which takes longer than to read a small trace; while a trace is read, there is time.
 *
 *     struct symbol_request request;
 *     int error = symbol_request_init(&request, path, &build_id, debug_dir);
 *     symbol_opener_expect(opener, &request);                 // perhaps: the thread may begin
 *     ...
 *     error = symbol_opener_open(opener, &request, &file);    // at once, where the thread has not begun; or waits for
 * it
 *     ...
 *     symbol_opener_destroy(opener);                          // before the requests
 *     symbol_request_fini(&request);
 *
 * A file is the same whoever opens it. Requests do not move once they are expected. All calls are the owner's: one
 * thread's.
 */
#ifndef COLLECTOR_SYMBOLIZE_OPENER_H
#define COLLECTOR_SYMBOLIZE_OPENER_H

#include "collector/symbolize/symbolize_file.h"

struct symbol_opener; /* opaque */

enum symbol_request_state { SYMBOL_REQUEST_WAITS, SYMBOL_REQUEST_IN_WORK, SYMBOL_REQUEST_DONE };

/* The arguments of symbol_file_create, and what came of it. */
struct symbol_request {
    char *path; /* owned */
    struct build_id wanted;
    const char *debug_dir; /* borrowed */
    struct symbol_request *next;
    enum symbol_request_state state; /* guarded by the opener's mutex; done: nobody writes any more */
    struct symbol_file *file;        /* owned; NULL = not opened yet, or failed */
    int error;
};

/* 0 or -ENOMEM. */
int symbol_request_init(struct symbol_request *request, const char *path, const struct build_id *wanted,
                        const char *debug_dir);
void symbol_request_fini(struct symbol_request *request);

/* 0 or -ENOMEM. */
int symbol_opener_create(struct symbol_opener **out);

/* Waits for the file that is being opened; those that wait are forgotten. */
void symbol_opener_destroy(struct symbol_opener *opener);

/* The file will be asked for. Once for each. Starts the thread; without one, nothing is opened ahead. */
void symbol_opener_expect(struct symbol_opener *opener, struct symbol_request *request);

/* The file, owned by the request: 0 or -ENOMEM. */
int symbol_opener_open(struct symbol_opener *opener, struct symbol_request *request, const struct symbol_file **out);

#endif
