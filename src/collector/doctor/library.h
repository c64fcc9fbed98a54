/* Where the loader will find the libraries that a file asks for. Not thread-safe. */
#ifndef COLLECTOR_DOCTOR_LIBRARY_H
#define COLLECTOR_DOCTOR_LIBRARY_H

#include "collector/doctor/elf_image.h"

/* Plain data, all borrowed. */
struct library_user {
    const struct elf_image *image; /* whose DT_RUNPATH counts; NULL = none */
    const char *path;              /* of its file, for $ORIGIN; NULL = unknown */
    const char *library_path;      /* LD_LIBRARY_PATH of its process, or NULL */
};

/*
 * Opens the library `name` (as in DT_NEEDED or LD_PRELOAD) that `user` would get: 0 with an image to close,
 * or -ENOENT. The loader's cache is not read: the usual folders are looked into instead.
 */
int library_open(const struct library_user *user, const char *name, struct elf_image *image);

#endif
