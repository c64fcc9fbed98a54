/*
 * A sliding view of a file, read with pread into one buffer.
 *
 * Not mmap: a file that is cut while it is being read (a full disk, `lttng clear`, a network file system)
 * turns a load from a mapping into SIGBUS, which a library cannot handle for the whole process. A read just
 * comes back short. Mapping a megabyte at a time, populated, was measured: 2 ns an event less with two long
 * streams, 11 ns more with 128 short ones, for the copy is bound by memory as the first look at a page is. And a
 * buffer bounds memory by streams x CTF_WINDOW_BYTES instead of by packet sizes.
 */
#ifndef COLLECTOR_CTF_WINDOW_H
#define COLLECTOR_CTF_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/ctf/program.h"

enum {
    CTF_WINDOW_BYTES = 64 * 1024,           /* read at a time */
    CTF_WINDOW_BYTES_MAX = 16 * 1024 * 1024 /* and so the largest event */
};

struct ctf_window {
    const char *path; /* of the file that is open or was last; borrowed */
    int fd;           /* -1 = closed */
    bool close_after; /* after each read: for more files than there are descriptors */
    uint8_t *bytes;   /* owned; CTF_SLACK_BYTES more than capacity */
    size_t capacity, length;
    uint64_t offset; /* in the file, of bytes[0] */
};

void ctf_window_init(struct ctf_window *window);
void ctf_window_fini(struct ctf_window *window); /* may be used again afterwards */

/*
 * Makes `want` bytes of `path` from `offset` on visible, fewer only where the file ends. Returns 0 with
 * `*available` >= want or up to the end; -EFBIG beyond CTF_WINDOW_BYTES_MAX; -ENOMEM; -errno of open and
 * pread. What `*out` points to is borrowed until the next call. CTF_SLACK_BYTES may be read behind them. `path` is
 * compared as a pointer.
 */
int ctf_window_at(struct ctf_window *window, const char *path, uint64_t offset, size_t want, const uint8_t **out,
                  size_t *available);

#endif
