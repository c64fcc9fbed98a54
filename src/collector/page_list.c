/* See page_list.h. */
#include "collector/page_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/page_layout.h"
#include "collector/page.h"
#include "support/vec.h"

/* ---- which pages there are ---- */

static bool is_page_name(const char *name)
{
    size_t length = strlen(name), suffix = strlen(PAGE_SUFFIX);
    return length > suffix && strcmp(name + length - suffix, PAGE_SUFFIX) == 0;
}

static int is_page(const struct dirent *entry)
{
    return is_page_name(entry->d_name);
}

static int add_path(struct page_list *pages, const char *folder, const char *name)
{
    char *path;
    int error = VEC_RESERVE(pages->paths, pages->count, pages->capacity, 1);
    if (error || asprintf(&path, "%s/%s", folder, name) < 0)
        return -ENOMEM;
    pages->paths[pages->count++] = path;
    return 0;
}

/* 0 also where the folder is not there. */
static int add_folder(struct page_list *pages, const char *folder)
{
    struct dirent **names;
    int count = scandir(folder, &names, is_page, alphasort), error = 0;
    if (count < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        if (!error)
            error = add_path(pages, folder, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return error;
}

int page_list_init(struct page_list *pages, const char *folder, struct diag *diag)
{
    static const char *const places[] = {"pages", "../pages"};
    *pages = (struct page_list){0};
    int error = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places && !error && !pages->count; i++) {
        char *path;
        if (asprintf(&path, "%s/%s", folder, places[i]) < 0)
            path = NULL;
        error = path ? add_folder(pages, path) : -ENOMEM;
        free(path);
    }
    if (!error)
        return 0;
    page_list_fini(pages);
    return diag_errno(diag, -error, "cannot read the pages of %s", folder);
}

void page_list_fini(struct page_list *pages)
{
    for (size_t i = 0; i < pages->count; i++)
        free(pages->paths[i]);
    free(pages->paths);
    *pages = (struct page_list){0};
}

/* ---- which process has which page ---- */

struct mapped_file {
    dev_t device;
    ino_t inode;
    char *path; /* borrowed from the line */
};

/* A line of /proc/PID/maps; false if it is none, or of no file. */
static bool parse_maps_line(char *line, struct mapped_file *out)
{
    unsigned major, minor;
    unsigned long long inode;
    int path_at = 0;
    if (sscanf(line, "%*s %*s %*s %x:%x %llu %n", &major, &minor, &inode, &path_at) < 3 || line[path_at] != '/')
        return false;
    line[strcspn(line, "\n")] = '\0';
    *out = (struct mapped_file){makedev(major, minor), (ino_t)inode, line + path_at};
    return true;
}

static FILE *open_maps(pid_t pid)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    return fopen(path, "re");
}

bool page_is_mapped_by(pid_t pid, const struct stat *file)
{
    struct mapped_file mapped;
    char *line = NULL;
    size_t room = 0;
    bool found = false;
    FILE *maps = open_maps(pid);
    while (maps && !found && getline(&line, &room, maps) > 0)
        found = parse_maps_line(line, &mapped) && mapped.device == file->st_dev && mapped.inode == file->st_ino;
    free(line);
    if (maps)
        fclose(maps);
    return found;
}

int page_path_of(pid_t pid, char **path)
{
    struct mapped_file mapped;
    char *line = NULL;
    size_t room = 0;
    int error = -ENOENT;
    FILE *maps = open_maps(pid);
    if (!maps)
        return errno == ENOENT ? -ESRCH : -errno;
    while (error == -ENOENT && getline(&line, &room, maps) > 0) {
        if (!parse_maps_line(line, &mapped) || !is_page_name(mapped.path))
            continue;
        *path = strdup(mapped.path);
        error = *path ? 0 : -ENOMEM;
    }
    free(line);
    fclose(maps);
    return error;
}

/* ---- all of them ---- */

static int read_one(const char *path, uint64_t end_ns, struct lock_snapshots *out, page_warn_fn *warn, void *self)
{
    struct diag diag;
    diag_init(&diag);
    int error = VEC_RESERVE(out->items, out->count, out->capacity, 1);
    if (!error)
        error = page_read(path, end_ns, &out->items[out->count], &diag);
    if (!error)
        out->count++;
    else if (error != -ENOMEM && warn)
        warn(self, diag_text(&diag));
    diag_fini(&diag);
    return error == -ENOMEM ? error : 0;
}

int page_read_all(const char *folder, uint64_t end_ns, struct lock_snapshots *out, page_warn_fn *warn, void *self,
                  struct diag *diag)
{
    struct page_list pages;
    *out = (struct lock_snapshots){0};
    int error = page_list_init(&pages, folder, diag);
    if (error)
        return error;
    for (size_t i = 0; i < pages.count && !error; i++)
        error = read_one(pages.paths[i], end_ns, out, warn, self);
    page_list_fini(&pages);
    if (!error)
        return 0;
    lock_snapshots_fini(out);
    return diag_errno(diag, -error, "cannot read the pages of %s", folder);
}
