/*
 * A whole file in memory, unpacked if it is gzip'd (by its first bytes, whatever its name), as consumers of
 * profiles do. Any number of gzip members, one behind the other, are one stream.
 *
 *     struct gzip_content content;
 *     int error = gzip_read("mutex.pb.gz", &content, diag);
 *     ...
 *     gzip_content_fini(&content);
 *
 * Neither the file nor what it unpacks to may be longer than GZIP_READ_MAX: a few bytes of gzip can stand for
 * gigabytes. Thread-safe.
 */
#ifndef EXPORTERS_GZIP_READ_H
#define EXPORTERS_GZIP_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "support/diag.h"

enum { GZIP_READ_MAX = 64 * 1024 * 1024 };

struct gzip_content {
    unsigned char *bytes; /* owned; a NUL follows them */
    size_t size;
    bool was_compressed;
};

/*
 * "-" is standard input. 0, or with the cause in `diag`: what open(2) and read(2) say, -EFBIG, -ENOMEM,
 * -EINVAL for gzip that is damaged, cut off or followed by something else.
 */
int gzip_read(const char *path, struct gzip_content *out, struct diag *diag);

void gzip_content_fini(struct gzip_content *content);

#endif
