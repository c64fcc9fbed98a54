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

/* From bin/: the build tree and /usr/local, then where distributions put libraries. */
static const char *const library_folders[] = {"../lib", "../lib/x86_64-linux-gnu", "../lib/aarch64-linux-gnu",
                                              "../lib64"};

static int make_value(const char *folder, bool with_locks, char **value, struct diag *diag)
{
    if (strpbrk(folder, ": \t\n"))
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

int preload_find_beside(const char *bin, bool with_locks, char **value, struct diag *diag)
{
    for (size_t i = 0; i < sizeof library_folders / sizeof library_folders[0]; i++) {
        char *folder = find_folder(bin, library_folders[i]);
        if (folder) {
            int error = make_value(folder, with_locks, value, diag);
            free(folder);
            return error;
        }
    }
    return diag_set(diag, -ENOENT, "cannot find " LIBRARY " in %s/../lib: mapscope is not installed as a whole", bin);
}

int preload_find(bool with_locks, char **value, struct diag *diag)
{
    char *self = realpath("/proc/self/exe", NULL);
    char *slash = self ? strrchr(self, '/') : NULL;
    if (!slash) {
        free(self);
        return diag_errno(diag, errno, "cannot see where mapscope lies");
    }
    *slash = '\0';
    int error = preload_find_beside(self, with_locks, value, diag);
    free(self);
    return error;
}
