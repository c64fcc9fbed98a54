/*
 * Reads the shared page of a traced process (base/page_layout.h), alive or dead, into a model/lock_snapshot.h.
 *
 *     struct lock_snapshot snapshot;
 *     int error = page_read("out/pages/4711-1.page", end_ns, &snapshot, diag);
 *     ...
 *     lock_snapshot_fini(&snapshot);
 *
 * A page may be anything: every length and index is checked, nothing is mapped (a file that shrinks is no
 * SIGBUS), and no more is read than a page can hold. A process that runs is read three times over, and only
 * what did not change hands meanwhile is taken. Not thread-safe.
 */
#ifndef COLLECTOR_PAGE_H
#define COLLECTOR_PAGE_H

#include "model/lock_snapshot.h"
#include "support/diag.h"

/*
 * `end_ns` is what the page is as of, if the process is gone and nobody wrote when it ended; 0 = the last time in
 * the page itself. 0; -EINVAL: this is no page, or of another version; what open(2) and read(2) say; -ENOMEM.
 */
int page_read(const char *path, uint64_t end_ns, struct lock_snapshot *out, struct diag *diag);

/* The same from memory, of a process that no longer changes it; `now_ns` 0 = by the page itself. For tests too. */
int page_parse(const void *bytes, size_t size, uint64_t now_ns, struct lock_snapshot *out, struct diag *diag);

#endif
