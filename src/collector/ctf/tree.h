/* Every trace below a folder: the folders with a metadata file, and the stream files in them. */
#ifndef COLLECTOR_CTF_TREE_H
#define COLLECTOR_CTF_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/ctf/report.h"
#include "support/arena.h"

enum { CTF_TREE_DEPTH_MAX = 64 };

struct ctf_leaf_file {
    const char *path;
    uint64_t size; /* bytes, never 0 */
};

struct ctf_leaf {
    const char *path;
    bool has_metadata;           /* else its files begin like CTF streams all the same */
    struct ctf_leaf_file *files; /* owned, by name */
    size_t file_count, file_capacity;
};

struct ctf_tree {
    struct arena arena;      /* the paths */
    struct ctf_leaf *leaves; /* owned */
    size_t count, capacity;
    size_t unreadable; /* folders that could not be opened */
};

/*
 * Walks `path` in the order of names, through symbolic links, each folder once. Folders named index and
 * hidden files are left out. A folder below that cannot be read is counted and warned about. Returns 0;
 * -errno if `path` itself cannot be read (-ENOTDIR if it is a file), -ENOMEM; the cause is in `diag`.
 */
int ctf_tree_walk(const char *path, const struct ctf_report *report, struct diag *diag, struct ctf_tree *out);
void ctf_tree_fini(struct ctf_tree *tree);

#endif
