/* See pages.h. */
#include "collector/session/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/page_layout.h"
#include "collector/session/tree.h"

/* --- One page ---------------------------------------------------------------------------------------------- */

static bool has_suffix(const char *name)
{
    size_t length = strlen(name), suffix = strlen(PAGE_SUFFIX);
    return length > suffix && strcmp(name + length - suffix, PAGE_SUFFIX) == 0;
}

/* Maps the header of a page that we can read. NULL: it is something else, or too short to be touched. */
static struct page_header *header_map(int at, const char *name)
{
    int fd = openat(at, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    bool has_tables;
    if (fd < 0)
        return NULL;
    bool is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= PAGE_HEADER_SIZE;
    void *mapped = is_file ? mmap(NULL, PAGE_HEADER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    close(fd);
    if (mapped == MAP_FAILED)
        return NULL;
    struct page_header *header = mapped;
    if (page_header_check(header, (uint64_t)status.st_size, &has_tables))
        return header;
    munmap(mapped, PAGE_HEADER_SIZE);
    return NULL;
}

static void header_unmap(struct page_header *header)
{
    munmap(header, PAGE_HEADER_SIZE);
}

static bool is_running(struct page_header *header)
{
    return atomic_load_explicit(&header->state, memory_order_acquire) == PAGE_RUNNING && header->pid &&
           header->pid <= INT32_MAX && (kill((pid_t)header->pid, 0) == 0 || errno == EPERM);
}

/* --- The end of a recording -------------------------------------------------------------------------------- */

int pages_make(int at)
{
    return mkdirat(at, PAGES_NAME, 0700) && errno != EEXIST ? -errno : 0;
}

static int settle(int at, const char *name, void *now_ns)
{
    struct page_header *header = has_suffix(name) ? header_map(at, name) : NULL;
    if (!header)
        return 0;
    bool runs = is_running(header);
    bool is_empty = atomic_load_explicit(&header->tables, memory_order_acquire) == PAGE_TABLES_NONE;
    if (!runs && atomic_load_explicit(&header->end_ns, memory_order_relaxed) == 0)
        atomic_store_explicit(&header->end_ns, *(uint64_t *)now_ns, memory_order_relaxed);
    header_unmap(header);
    if (!runs && is_empty)
        unlinkat(at, name, 0);
    return 0;
}

void pages_settle(int at, uint64_t now_ns)
{
    tree_for_each(at, PAGES_NAME, settle, &now_ns);
}

/* --- New settings ------------------------------------------------------------------------------------------ */

static void control_set(struct page_control *control, const struct pages_settings *settings)
{
    enum { DEFAULT_FRACTION = 100 };
    if (settings->has_fraction || settings->has_rate) {
        uint64_t fraction = settings->has_fraction ? settings->mutex_fraction : DEFAULT_FRACTION;
        uint64_t rate_ns = settings->has_rate ? settings->mutex_rate_ns : 0;
        uint32_t mode = fraction == 0 ? PAGE_MUTEX_OFF : rate_ns == 0 ? PAGE_MUTEX_BERNOULLI : PAGE_MUTEX_HYBRID;
        atomic_store_explicit(&control->mutex_fraction, fraction, memory_order_relaxed);
        atomic_store_explicit(&control->mutex_rate_ns, rate_ns, memory_order_relaxed);
        atomic_store_explicit(&control->mutex_mode, mode, memory_order_relaxed);
    }
    if (settings->has_map_rate) {
        atomic_store_explicit(&control->map_rate, settings->map_rate, memory_order_relaxed);
        atomic_store_explicit(&control->map_limit, page_map_limit(settings->map_rate), memory_order_relaxed);
    }
    if (settings->has_off)
        atomic_store_explicit(&control->off, settings->off, memory_order_relaxed);
    atomic_fetch_add_explicit(&control->changes, 1, memory_order_release);
}

struct setting {
    const struct pages_settings *settings;
    size_t count;
};

static int set_page(int at, const char *name, void *argument)
{
    struct setting *setting = argument;
    struct page_header *header = has_suffix(name) ? header_map(at, name) : NULL;
    if (!header)
        return 0;
    if (is_running(header)) {
        control_set(&header->control, setting->settings);
        setting->count++;
    }
    header_unmap(header);
    return 0;
}

/* The process maps its page: the last such file, should it have forked without our noticing. */
static int set_process(const char *pid, struct setting *setting, struct diag *diag)
{
    char path[64], *line = NULL;
    size_t capacity = 0;
    snprintf(path, sizeof path, "/proc/%s/maps", pid);
    FILE *maps = fopen(path, "re");
    if (!maps)
        return errno == ENOENT ? diag_set(diag, -ESRCH, "there is no process %s", pid)
                               : diag_errno(diag, errno, "cannot read %s", path);
    while (getline(&line, &capacity, maps) > 0) {
        line[strcspn(line, "\n")] = '\0';
        const char *name = strchr(line, '/');
        if (name && strstr(line, " 00000000 ") && setting->count == 0)
            set_page(AT_FDCWD, name, setting);
    }
    free(line);
    fclose(maps);
    if (setting->count)
        return 0;
    return diag_set(
        diag, -ESRCH,
        "process %s has no page to set: it was not started by mapscope record, or has none of its libraries", pid);
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
