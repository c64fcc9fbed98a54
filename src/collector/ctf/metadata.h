/* The text of a trace's metadata file, out of its packets. Not thread-safe. */
#ifndef COLLECTOR_CTF_METADATA_H
#define COLLECTOR_CTF_METADATA_H

#include <stddef.h>

#include "support/diag.h"

/*
 * Reads the TSDL text of the file `path`: the concatenated packets' content, or plain text as it is.
 * `*out` is malloc'd, the caller's to free, NUL-terminated behind `*length` bytes. Returns 0;
 * -errno of open and read; -EBADMSG: empty, cut or not metadata; -EFBIG: over 64 MiB; -ENOMEM.
 */
int ctf_metadata_read(const char *path, struct diag *diag, char **out, size_t *length);

/* The same from memory; `name` is for messages. */
int ctf_metadata_unpack(const void *bytes, size_t size, const char *name, struct diag *diag, char **out,
                        size_t *length);

#endif
