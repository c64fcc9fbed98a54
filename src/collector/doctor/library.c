/* See library.h. The order is ld.so(8)'s: RPATH if there is no RUNPATH, LD_LIBRARY_PATH, RUNPATH, usual folders. */
#include "collector/doctor/library.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined __x86_64__
#define TRIPLET "x86_64-linux-gnu"
#elif defined __aarch64__
#define TRIPLET "aarch64-linux-gnu"
#endif

static const char usual_folders[] =
    "/lib/" TRIPLET ":/usr/lib/" TRIPLET ":/usr/local/lib/" TRIPLET ":/usr/local/lib:/lib64:/usr/lib64:/lib:/usr/lib";

/* Opens it if it is a library for our machine: others may lie in the same folders. */
static int open_native(const char *path, struct elf_image *image)
{
    int error = elf_image_open(path, image);
    if (error || !image->is_foreign)
        return error;
    elf_image_close(image);
    return -ENOENT;
}

/* How many bytes of `folder` stand for the folder of the user's own file. */
static size_t origin_length(const char *folder, size_t length)
{
    static const char *const names[] = {"$ORIGIN", "${ORIGIN}"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t name_length = strlen(names[i]);
        if (length >= name_length && strncmp(folder, names[i], name_length) == 0)
            return name_length;
    }
    return 0;
}

static int open_in(const struct library_user *user, const char *folder, size_t length, const char *name,
                   struct elf_image *image)
{
    char *path;
    size_t skipped = origin_length(folder, length);
    const char *slash = user->path ? strrchr(user->path, '/') : NULL;
    if (length == 0 || (skipped && !slash))
        return -ENOENT;
    int origin = skipped ? (int)(slash - user->path) : 0;
    const char *own = skipped ? user->path : "";
    if (asprintf(&path, "%.*s%.*s/%s", origin, own, (int)(length - skipped), folder + skipped, name) < 0)
        return -ENOMEM;
    int error = open_native(path, image);
    free(path);
    return error;
}

/* `folders` is a list with colons between; NULL = none. */
static int search(const struct library_user *user, const char *folders, const char *name, struct elf_image *image)
{
    int error = -ENOENT;
    while (folders && *folders && error) {
        size_t length = strcspn(folders, ":");
        error = open_in(user, folders, length, name, image);
        folders += length + (folders[length] == ':');
    }
    return error;
}

static const char *dynamic_path(const struct library_user *user, int64_t tag)
{
    size_t at = 0;
    return user->image ? elf_image_dynamic(user->image, tag, &at) : NULL;
}

int library_open(const struct library_user *user, const char *name, struct elf_image *image)
{
    if (strchr(name, '/'))
        return open_native(name, image) ? -ENOENT : 0;
    const char *run_path = dynamic_path(user, DT_RUNPATH);
    const char *const lists[] = {run_path ? NULL : dynamic_path(user, DT_RPATH), user->library_path, run_path,
                                 usual_folders};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (search(user, lists[i], name, image) == 0)
            return 0;
    return -ENOENT;
}
