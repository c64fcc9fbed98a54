/*
 * Folders with all that is in them: visited, or removed. A symbolic link is never followed, whatever
 * changes below us meanwhile. Not for depths beyond what a process may open.
 */
#ifndef COLLECTOR_SESSION_TREE_H
#define COLLECTOR_SESSION_TREE_H

/* Removes `name` (a file, a link, or a folder with its content) below the folder `at`, a descriptor or
 * AT_FDCWD. 0 also if there is none, or the first negative errno; goes on after a failure. */
int tree_remove(int at, const char *name);

/* As tree_remove for everything in the folder, which stays. */
int tree_clear(const char *folder);

/* 1 if there is nothing in the folder, 0 if there is, or a negative errno. */
int tree_is_empty(const char *folder);

typedef int tree_visit_fn(int at, const char *name, void *arg);

/*
 * Calls `visit` for everything in the folder `name` below `at`, and goes on after a failure. The first
 * error of a visit, or -ENOTDIR if `name` is no folder (a link to one is none), or another negative errno.
 */
int tree_for_each(int at, const char *name, tree_visit_fn *visit, void *arg);

#endif
