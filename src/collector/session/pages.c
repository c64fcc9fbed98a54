/* See pages.h. */
#include "collector/session/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/page_layout.h"
#include "collector/page_list.h"
#include "collector/session/tree.h"

/* --- One page ---------------------------------------------------------------------------------------------- */

/* Read and written, not mapped: a file that shrinks meanwhile ends a write, and a store into a mapping ends us. */
struct page_file {
    int fd;
    struct stat status;
    struct page_header header; /* as it was when the file was opened */
};

static bool has_suffix(const char *name)
{
    size_t length = strlen(name), suffix = strlen(PAGE_SUFFIX);
    return length > suffix && strcmp(name + length - suffix, PAGE_SUFFIX) == 0;
}

static bool read_header(struct page_file *page)
{
    bool has_tables;
    return fstat(page->fd, &page->status) == 0 && S_ISREG(page->status.st_mode) &&
           pread(page->fd, (void *)&page->header, sizeof page->header, 0) == sizeof page->header &&
           page_header_check(&page->header, (uint64_t)page->status.st_size, &has_tables);
}

/* False: it is something else, or not ours to write to. */
static bool page_open(int at, const char *name, struct page_file *page)
{
    page->fd = has_suffix(name) ? openat(at, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
    if (page->fd < 0)
        return false;
    if (read_header(page))
        return true;
    close(page->fd);
    return false;
}

/* One number, which the process reads whole. One that cannot be written is not there. */
static void page_put(const struct page_file *page, size_t offset, const void *number, size_t size)
{
    ssize_t written = pwrite(page->fd, number, size, (off_t)offset);
    (void)written;
}

#define PAGE_PUT(page, member, number) page_put((page), offsetof(struct page_header, member), &(number), sizeof(number))

/* Another process may have its number by now. */
static bool is_running(const struct page_file *page)
{
    return page->header.state == PAGE_RUNNING && page->header.pid <= INT32_MAX &&
           page_is_mapped_by((pid_t)page->header.pid, &page->status);
}

/* --- The end of a recording -------------------------------------------------------------------------------- */

int pages_make(int at)
{
    return mkdirat(at, PAGES_NAME, 0700) && errno != EEXIST ? -errno : 0;
}

static int settle(int at, const char *name, void *now_ns)
{
    struct page_file page;
    uint64_t end_ns = *(uint64_t *)now_ns;
    if (!page_open(at, name, &page))
        return 0;
    bool runs = is_running(&page);
    if (!runs && page.header.end_ns == 0)
        PAGE_PUT(&page, end_ns, end_ns);
    close(page.fd);
    if (!runs && page.header.tables == PAGE_TABLES_NONE)
        unlinkat(at, name, 0);
    return 0;
}

void pages_settle(int at, uint64_t now_ns)
{
    tree_for_each(at, PAGES_NAME, settle, &now_ns);
}

/* --- New settings ------------------------------------------------------------------------------------------ */

enum { DEFAULT_FRACTION = 100 };

static void put_rates(const struct page_file *page, const struct pages_settings *settings)
{
    uint64_t fraction = settings->has_fraction ? settings->mutex_fraction : DEFAULT_FRACTION;
    uint64_t rate_ns = settings->has_rate ? settings->mutex_rate_ns : 0;
    uint32_t mode = fraction == 0 ? PAGE_MUTEX_OFF : rate_ns == 0 ? PAGE_MUTEX_BERNOULLI : PAGE_MUTEX_HYBRID;
    PAGE_PUT(page, control.mutex_fraction, fraction);
    PAGE_PUT(page, control.mutex_rate_ns, rate_ns);
    PAGE_PUT(page, control.mutex_mode, mode);
}

static void put_settings(const struct page_file *page, const struct pages_settings *settings)
{
    if (settings->has_fraction || settings->has_rate)
        put_rates(page, settings);
    if (settings->has_map_rate) {
        uint64_t limit = page_map_limit(settings->map_rate);
        PAGE_PUT(page, control.map_rate, settings->map_rate);
        PAGE_PUT(page, control.map_limit, limit);
    }
    if (settings->has_off) {
        uint32_t off = settings->off;
        PAGE_PUT(page, control.off, off);
    }
    uint64_t changes = page->header.control.changes + 1; /* last */
    PAGE_PUT(page, control.changes, changes);
}

struct setting {
    const struct pages_settings *settings;
    size_t count;
};

static int set_page(int at, const char *name, void *argument)
{
    struct setting *setting = argument;
    struct page_file page;
    if (!page_open(at, name, &page))
        return 0;
    if (is_running(&page)) {
        put_settings(&page, setting->settings);
        setting->count++;
    }
    close(page.fd);
    return 0;
}

static int set_process(const char *target, struct setting *setting, struct diag *diag)
{
    char *path;
    unsigned long pid = strtoul(target, NULL, 10);
    int error = page_path_of(pid > INT32_MAX ? INT32_MAX : (pid_t)pid, &path);
    if (error == -ESRCH)
        return diag_set(diag, error, "there is no process %s", target);
    if (error && error != -ENOENT)
        return diag_errno(diag, -error, "cannot look at process %s", target);
    if (!error) {
        set_page(AT_FDCWD, path, setting);
        free(path);
    }
    if (setting->count)
        return 0;
    return diag_set(
        diag, -ESRCH,
        "process %s has no page to set: it was not started by mapscope record, or has none of its libraries", target);
}

static int set_recording(const char *folder, struct setting *setting, struct diag *diag)
{
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return diag_errno(diag, errno, "cannot open %s", folder);
    int error = tree_for_each(at, PAGES_NAME, set_page, setting);
    close(at);
    if (error)
        return diag_errno(diag, -error, "cannot read %s/" PAGES_NAME ": is it a recording?", folder);
    return setting->count ? 0 : diag_set(diag, -ESRCH, "no process of the recording %s runs", folder);
}

int pages_set(const char *target, const struct pages_settings *settings, size_t *count, struct diag *diag)
{
    struct setting setting = {.settings = settings};
    bool is_pid = *target && target[strspn(target, "0123456789")] == '\0';
    int error = is_pid ? set_process(target, &setting, diag) : set_recording(target, &setting, diag);
    if (!error)
        *count = setting.count;
    return error;
}
