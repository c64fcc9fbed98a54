/* See preload.h. */
#include "collector/session/preload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Both, so that the second finds the first wherever they are installed. */
#define RUNTIME_LIBRARY "libmapscope.so.0"
#define LIBRARY "libmapscope-lttng.so.0"
#define LOCKS_LIBRARY "libmapscope-preload.so.0" /* interposes the pthread functions */
#define FORK_LIBRARY "liblttng-ust-fork.so.1"    /* found by the loader: it lies beside liblttng-ust */
#define DAEMONS_LIBRARY "libmapscope-daemons.so.0"

/* From bin/: the build tree and /usr/local, then where distributions put libraries. */
static const char *const library_folders[] = {"../lib", "../lib/x86_64-linux-gnu", "../lib/aarch64-linux-gnu",
                                              "../lib64"};

static bool can_be_preloaded(const char *folder)
{
    return !strpbrk(folder, ": \t\n");
}

static int make_value(const char *folder, bool with_locks, char **value, struct diag *diag)
{
    if (!can_be_preloaded(folder))
        return diag_set(diag, -EINVAL, "cannot preload the libraries in %s: the path has a colon or a blank", folder);
    char *locks = NULL;
    if (with_locks && asprintf(&locks, "%s/" LOCKS_LIBRARY ":", folder) < 0)
        return diag_errno(diag, ENOMEM, "cannot preload " LOCKS_LIBRARY);
    int length =
        asprintf(value, "%s/" RUNTIME_LIBRARY ":%s%s/" LIBRARY ":" FORK_LIBRARY, folder, locks ? locks : "", folder);
    free(locks);
    return length < 0 ? diag_errno(diag, ENOMEM, "cannot preload " LIBRARY) : 0;
}

/* The folder `name`, seen from `bin`, without links and dots, if the libraries are there; else NULL. To be freed. */
static char *find_folder(const char *bin, const char *name)
{
    char *path, *real = NULL;
    if (asprintf(&path, "%s/%s/" LIBRARY, bin, name) < 0)
        return NULL;
    if (access(path, R_OK) == 0) {
        *strrchr(path, '/') = '\0';
        real = realpath(path, NULL);
    }
    free(path);
    return real;
}

static char *find_folder_beside(const char *bin)
{
    char *folder = NULL;
    for (size_t i = 0; !folder && i < sizeof library_folders / sizeof library_folders[0]; i++)
        folder = find_folder(bin, library_folders[i]);
    return folder;
}

/* Where this program lies, to be freed; or NULL. */
static char *own_folder(void)
{
    char *self = realpath("/proc/self/exe", NULL);
    if (self)
        *strrchr(self, '/') = '\0';
    return self;
}

int preload_find_beside(const char *bin, bool with_locks, char **value, struct diag *diag)
{
    char *folder = find_folder_beside(bin);
    if (!folder)
        return diag_set(diag, -ENOENT, "cannot find " LIBRARY " in %s/../lib: mapscope is not installed as a whole",
                        bin);
    int error = make_value(folder, with_locks, value, diag);
    free(folder);
    return error;
}

int preload_find(bool with_locks, char **value, struct diag *diag)
{
    char *bin = own_folder();
    if (!bin)
        return diag_errno(diag, errno, "cannot see where mapscope lies");
    int error = preload_find_beside(bin, with_locks, value, diag);
    free(bin);
    return error;
}

char *preload_find_daemons(void)
{
    char *bin = own_folder(), *folder = bin ? find_folder_beside(bin) : NULL, *path = NULL;
    if (folder && can_be_preloaded(folder) && asprintf(&path, "%s/" DAEMONS_LIBRARY, folder) < 0)
        path = NULL;
    if (path && access(path, R_OK)) {
        free(path);
        path = NULL;
    }
    free(folder);
    free(bin);
    return path;
}
