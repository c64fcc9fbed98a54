/* Bytes as a stream file, and every event that a trace finds in one. For the fuzz targets: aborts on what is not
 * theirs. */
#ifndef TESTS_FUZZ_STREAM_FILE_H
#define TESTS_FUZZ_STREAM_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "collector/ctf/trace.h"

enum { STREAM_PATH_SIZE = 64 };

/* Makes the file; close the descriptor. `path` names it as long as it is open. */
int stream_file_open(const uint8_t *bytes, size_t size, char path[STREAM_PATH_SIZE]);

/* Reads it to its end, and touches all that its events hand out. */
void stream_file_read(const char *path, size_t size, const struct ctf_trace *trace);

#endif
