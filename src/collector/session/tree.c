/* See tree.h. */
#include "collector/session/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int tree_for_each(int at, const char *name, tree_visit_fn *visit, void *arg)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ELOOP ? -ENOTDIR : -errno;
    DIR *folder = fdopendir(fd);
    if (!folder) {
        int error = -errno;
        close(fd);
        return error;
    }
    int error = 0;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        int failed = is_dot(entry->d_name) ? 0 : visit(fd, entry->d_name, arg);
        error = error ? error : failed;
    }
    closedir(folder);
    return error;
}

static int remove_entry(int at, const char *name, void *arg)
{
    (void)arg;
    int error = tree_for_each(at, name, remove_entry, NULL);
    if (error && error != -ENOTDIR)
        return error == -ENOENT ? 0 : error;
    return unlinkat(at, name, error ? 0 : AT_REMOVEDIR) && errno != ENOENT ? -errno : 0;
}

int tree_remove(int at, const char *name)
{
    return remove_entry(at, name, NULL);
}

int tree_clear(const char *folder)
{
    return tree_for_each(AT_FDCWD, folder, remove_entry, NULL);
}

static int count_entry(int at, const char *name, void *arg)
{
    (void)at, (void)name;
    ++*(unsigned *)arg;
    return 0;
}

int tree_is_empty(const char *folder)
{
    unsigned count = 0;
    int error = tree_for_each(AT_FDCWD, folder, count_entry, &count);
    return error ? error : count == 0;
}
