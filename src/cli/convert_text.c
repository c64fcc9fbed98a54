/* See convert_text.h. */
#include "cli/convert_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/say.h"
#include "collector/contention_text.h"
#include "exporters/gzip_read.h"
#include "exporters/pprof/pprof.h"

static int64_t changed_ns(const char *path)
{
    struct stat status;
    if (stat(path, &status))
        return 1;
    return (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
}

bool convert_text_wants(const char *path)
{
    struct stat status;
    char first[16];
    if (stat(path, &status) || !S_ISREG(status.st_mode))
        return false;
    FILE *file = fopen(path, "re");
    size_t size = file ? fread(first, 1, sizeof first, file) : 0;
    if (file)
        fclose(file);
    return contention_text_is(first, size);
}

static int write_profile(const struct profile *profile, const char *target, bool is_chosen, struct diag *diag)
{
    struct outfile file;
    int error = is_chosen ? outfile_open(&file, target, diag) : outfile_create(&file, target, diag);
    if (error)
        return error;
    error = pprof_write(profile, &file.out, diag);
    if (error) {
        outfile_abort(&file);
        return diag_wrap(diag, error, "cannot write %s", target);
    }
    return outfile_commit(&file, diag);
}

static bool is_same_file(const char *path, const char *other)
{
    struct stat a, b;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* `is_chosen`: the user has named the target. */
static int convert(const char *path, const char *target, bool is_chosen, struct diag *diag)
{
    struct gzip_content content;
    struct profile *profile;
    if (is_same_file(path, target))
        return diag_set(diag, -EINVAL, "%s would be replaced by its own profile: name another file", path);
    int error = gzip_read(path, &content, diag);
    if (error)
        return error;
    error = contention_text_read((const char *)content.bytes, content.size, changed_ns(path), &profile, diag);
    gzip_content_fini(&content);
    if (error)
        return diag_wrap(diag, error, "%s", path);
    error = write_profile(profile, target, is_chosen, diag);
    profile_destroy(profile);
    return error;
}

int convert_text(const char *path, const char *target, struct diag *diag)
{
    char *own = NULL;
    if (!target && asprintf(&own, "%s.pb.gz", path) < 0)
        return diag_errno(diag, ENOMEM, "cannot convert %s", path);
    const char *used = target ? target : own;
    int error = convert(path, used, target != NULL, diag);
    if (!error && strcmp(used, "-") != 0) {
        fputs("  go tool pprof -top ", stderr);
        say_path(stderr, used);
        fputc('\n', stderr);
    }
    free(target ? NULL : own);
    return error;
}
