/* Where the shared pages are: those of a recording, that of a process. Not thread-safe. */
#ifndef COLLECTOR_PAGE_LIST_H
#define COLLECTOR_PAGE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
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

/* Whether the process has this very file mapped: then it is its page, and it lives. */
bool page_is_mapped_by(pid_t pid, const struct stat *file);

/* Told of each page that cannot be read; the others are read all the same. */
typedef void page_warn_fn(void *self, const char *text);

/* All pages of a recording (page_list_init, page_read). `warn` may be NULL. 0; -ENOMEM, or what scandir(3) says. */
int page_read_all(const char *folder, uint64_t end_ns, struct lock_snapshots *out, page_warn_fn *warn, void *self,
                  struct diag *diag);

#endif
