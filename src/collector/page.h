/*
 * Reads the shared page of a traced process (base/page_layout.h), alive or dead, into a model/lock_snapshot.h.
 *
 *     struct page_list pages;
 *     int error = page_list_init(&pages, "out", diag);          // those in OUT/pages
 *     for (size_t i = 0; i < pages.count; i++)
 *         error = page_read(pages.paths[i], end_ns, &snapshot, diag);
 *     page_list_fini(&pages);
 *
 * A page may be anything: every length and index is checked, nothing is mapped (a file that shrinks is no
 * SIGBUS), and no more is read than a page can hold. A process that runs is read three times over, and only
 * what did not change hands meanwhile is taken. Not thread-safe.
 */
#ifndef COLLECTOR_PAGE_H
#define COLLECTOR_PAGE_H

#include <sys/types.h>

#include "model/lock_snapshot.h"
#include "support/diag.h"

struct page_list {
    char **paths; /* owned; in order of name */
    size_t count, capacity;
};

/*
 * The pages of the recording in `folder`, or beside it: a trace is OUT/trace, and either may be named. None is
 * no error: the recording was made without mapscope's recorder, or nothing that it started loaded libmapscope.
 */
int page_list_init(struct page_list *pages, const char *folder, struct diag *diag);
void page_list_fini(struct page_list *pages);

/* The page that the process has mapped now, to be freed. 0, -ENOENT (it has none), or what /proc says. */
int page_path_of(pid_t pid, char **path);

/*
 * `end_ns` is what the page is as of, if the process is gone and nobody wrote when it ended; 0 = the last time in
 * the page itself. 0; -EINVAL: this is no page, or of another version; what open(2) and read(2) say; -ENOMEM.
 */
int page_read(const char *path, uint64_t end_ns, struct lock_snapshot *out, struct diag *diag);

/* The same from memory, of a process that no longer changes it; `now_ns` 0 = by the page itself. For tests too. */
int page_parse(const void *bytes, size_t size, uint64_t now_ns, struct lock_snapshot *out, struct diag *diag);

#endif
