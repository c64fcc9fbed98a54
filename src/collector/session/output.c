/* See output.h. */
#include "collector/session/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/session/capture.h"
#include "collector/session/pages.h"
#include "collector/session/tree.h"

static int set_paths(struct output *output, const char *folder, struct diag *diag)
{
    output->folder = realpath(folder, NULL);
    if (!output->folder)
        return diag_errno(diag, errno, "cannot record into %s", folder);
    if (asprintf(&output->trace, "%s/trace", output->folder) < 0)
        output->trace = NULL;
    if (asprintf(&output->pages, "%s/" PAGES_NAME, output->folder) < 0)
        output->pages = NULL;
    if (asprintf(&output->capture, "%s/" CAPTURE_NAME, output->folder) < 0)
        output->capture = NULL;
    return output->trace && output->pages && output->capture
               ? 0
               : diag_errno(diag, ENOMEM, "cannot record into %s", folder);
}

/* Makes room in a folder that was there before: nothing but an earlier recording goes. */
static int take_over(const struct output *output, struct diag *diag)
{
    int empty = tree_is_empty(output->folder);
    if (empty)
        return empty < 0 ? diag_errno(diag, -empty, "cannot record into %s", output->folder) : 0;
    if (!capture_is_ours(output->capture))
        return diag_set(diag, -ENOTEMPTY,
                        "%s is not empty and holds no recording of mapscope: choose another folder with -o",
                        output->folder);
    int error = tree_remove(output->fd, "trace");
    if (!error)
        error = tree_remove(output->fd, PAGES_NAME);
    if (!error)
        error = tree_remove(output->fd, CAPTURE_NAME);
    return error ? diag_errno(diag, -error, "cannot remove the earlier recording in %s", output->folder) : 0;
}

static int lock(struct output *output, struct diag *diag)
{
    output->fd = open(output->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (output->fd < 0)
        return diag_errno(diag, errno, "cannot record into %s", output->folder);
    if (flock(output->fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return diag_set(diag, -EBUSY, "another mapscope is recording into %s: choose another folder with -o",
                        output->folder);
    return diag_errno(diag, errno, "cannot lock %s", output->folder);
}

int output_open(struct output *output, const char *folder, struct diag *diag)
{
    *output = (struct output){.fd = -1};
    output->is_new = mkdir(folder, 0700) == 0;
    if (!output->is_new && errno != EEXIST)
        return diag_errno(diag, errno, "cannot create the folder %s", folder);
    int error = set_paths(output, folder, diag);
    if (!error)
        error = lock(output, diag);
    if (!error && !output->is_new)
        error = take_over(output, diag);
    if (error)
        output_close(output);
    return error;
}

void output_close(struct output *output)
{
    if (output->fd >= 0)
        close(output->fd);
    free(output->folder);
    free(output->trace);
    free(output->pages);
    free(output->capture);
    *output = (struct output){.fd = -1};
}

void output_discard(struct output *output)
{
    if (output->fd >= 0) {
        tree_remove(output->fd, "trace");
        tree_remove(output->fd, PAGES_NAME);
        tree_remove(output->fd, CAPTURE_NAME);
        if (output->is_new)
            rmdir(output->folder);
    }
    output_close(output);
}
