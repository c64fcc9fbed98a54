/* See tree.h. */
#include "collector/ctf/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/ctf/packet.h"
#include "support/vec.h"

struct folder_id {
    dev_t device;
    ino_t inode;
};

struct walk {
    struct ctf_tree *tree;
    const struct ctf_report *report;
    struct folder_id *open; /* owned: the folders seen, so that links lead to none twice */
    size_t open_count, open_capacity;
};

static int walk_folder(struct walk *walk, const char *path, unsigned depth);

static const char *join(struct arena *arena, const char *folder, const char *name)
{
    size_t folder_bytes = strlen(folder), name_bytes = strlen(name);
    char *path = arena_alloc(arena, folder_bytes + name_bytes + 2);
    if (!path)
        return NULL;
    memcpy(path, folder, folder_bytes);
    path[folder_bytes] = '/';
    memcpy(path + folder_bytes + 1, name, name_bytes + 1);
    return path;
}

/* 1 = was not seen before, 0 = was, -ENOMEM. */
static int enter(struct walk *walk, const struct stat *status)
{
    for (size_t i = 0; i < walk->open_count; i++)
        if (walk->open[i].device == status->st_dev && walk->open[i].inode == status->st_ino)
            return 0;
    if (VEC_RESERVE(walk->open, walk->open_count, walk->open_capacity, 1))
        return -ENOMEM;
    walk->open[walk->open_count++] = (struct folder_id){status->st_dev, status->st_ino};
    return 1;
}

static bool begins_like_stream(const char *path)
{
    uint8_t magic[CTF_MAGIC_BYTES] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool is_whole = read(fd, magic, sizeof magic) == (ssize_t)sizeof magic;
    close(fd);
    return is_whole && ctf_packet_has_magic(magic);
}

static int add_file(struct ctf_leaf *leaf, const char *path, uint64_t size)
{
    int error = VEC_RESERVE(leaf->files, leaf->file_count, leaf->file_capacity, 1);
    if (!error)
        leaf->files[leaf->file_count++] = (struct ctf_leaf_file){path, size};
    return error;
}

/* A regular file is a stream, or the metadata; a folder is walked when its parent's files are known. */
static int look_at(struct walk *walk, struct ctf_leaf *leaf, const char *name, unsigned depth)
{
    struct stat status;
    const char *path = join(&walk->tree->arena, leaf->path, name);
    if (!path)
        return -ENOMEM;
    if (stat(path, &status))
        return 0; /* gone, or a link to nowhere */
    if (S_ISDIR(status.st_mode))
        return strcmp(name, "index") == 0 ? 0 : walk_folder(walk, path, depth + 1);
    if (!S_ISREG(status.st_mode))
        return 0;
    if (strcmp(name, "metadata") == 0) {
        leaf->has_metadata = true;
        return 0;
    }
    return status.st_size > 0 ? add_file(leaf, path, (uint64_t)status.st_size) : 0;
}

/* Without metadata only what looks like a stream counts: any folder may hold any files. */
static void keep_streams(struct ctf_leaf *leaf)
{
    size_t kept = 0;
    for (size_t i = 0; i < leaf->file_count; i++)
        if (begins_like_stream(leaf->files[i].path))
            leaf->files[kept++] = leaf->files[i];
    leaf->file_count = kept;
}

/* Takes the leaf's files. */
static int add_leaf(struct walk *walk, struct ctf_leaf *leaf)
{
    if (!leaf->has_metadata)
        keep_streams(leaf);
    struct ctf_tree *tree = walk->tree;
    int error = 0;
    if (leaf->has_metadata || leaf->file_count)
        error = VEC_RESERVE(tree->leaves, tree->count, tree->capacity, 1);
    if (error || !(leaf->has_metadata || leaf->file_count))
        free(leaf->files);
    else
        tree->leaves[tree->count++] = *leaf;
    return error;
}

static int walk_names(struct walk *walk, const char *path, struct dirent **names, int count, unsigned depth)
{
    struct ctf_leaf leaf = {.path = path};
    int error = 0;
    for (int i = 0; i < count && !error; i++)
        if (names[i]->d_name[0] != '.')
            error = look_at(walk, &leaf, names[i]->d_name, depth);
    if (error)
        free(leaf.files);
    return error ? error : add_leaf(walk, &leaf);
}

static int list_folder(const char *path, struct dirent ***names)
{
    int count = scandir(path, names, NULL, alphasort);
    return count < 0 ? -errno : count;
}

static int walk_listed(struct walk *walk, const char *path, unsigned depth)
{
    struct dirent **names;
    int count = list_folder(path, &names);
    if (count < 0)
        return count;
    int error = walk_names(walk, path, names, count, depth);
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return error;
}

static int walk_folder(struct walk *walk, const char *path, unsigned depth)
{
    struct stat status;
    int error = stat(path, &status) ? -errno : 0;
    if (!error && depth > CTF_TREE_DEPTH_MAX)
        error = -ELOOP;
    if (!error) {
        int is_new = enter(walk, &status);
        error = is_new > 0 ? walk_listed(walk, path, depth) : is_new;
    }
    if (!error || error == -ENOMEM || depth == 0)
        return error;
    walk->tree->unreadable++;
    ctf_warn(walk->report, "%s: %s", path, strerror(-error));
    return 0;
}

int ctf_tree_walk(const char *path, const struct ctf_report *report, struct diag *diag, struct ctf_tree *out)
{
    struct ctf_tree tree = {0};
    struct walk walk = {.tree = &tree, .report = report};
    arena_init(&tree.arena);
    const char *root = arena_copy(&tree.arena, path, strlen(path));
    int error = root ? walk_folder(&walk, root, 0) : -ENOMEM;
    free(walk.open);
    if (error) {
        ctf_tree_fini(&tree);
        return diag_errno(diag, -error, "cannot read %s", path);
    }
    *out = tree;
    return 0;
}

void ctf_tree_fini(struct ctf_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        free(tree->leaves[i].files);
    free(tree->leaves);
    arena_fini(&tree->arena);
    *tree = (struct ctf_tree){0};
}
