/* See page.h. Start reading at page_begin and page_make_tables. */
#include "runtime/page.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "runtime/contention.h"
#include "runtime/forks.h"
#include "runtime/private.h"

/* Parts of it are mapped on their own: they begin at a page of the system, and nobody else's data is there. */
#ifdef __x86_64__
#define SYSTEM_PAGE 4096
#else
#define SYSTEM_PAGE PAGE_TABLES_OFFSET
#endif

struct page page __attribute__((aligned(SYSTEM_PAGE)));
MSC_PRIVATE_NAME(contention_page, page);
struct page_limits page_limits = {PAGE_LOCKS, PAGE_WAITS};
_Atomic int page_readiness;

_Static_assert(offsetof(struct page, locks) == PAGE_LOCKS_OFFSET, "as in the file");
_Static_assert(offsetof(struct page, waits) == PAGE_WAITS_OFFSET, "as in the file");
_Static_assert(sizeof(struct page) == PAGE_SIZE_WHOLE && PAGE_SIZE_WHOLE % PAGE_TABLES_OFFSET == 0, "whole pages");

enum { PATH_SIZE = 4096 };

/* The file, once it exists: its name, and what to know it by. */
static struct {
    char folder[PATH_SIZE], path[PATH_SIZE];
    dev_t device;
    ino_t inode;
    bool exists;
} file;

/* --- The file ---------------------------------------------------------------------------------------------- */

/* The kernel would send a signal where the file may not grow so far. */
static int may_grow(off_t size)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && (off_t)limit.rlim_cur < size)
        return EFBIG;
    return 0;
}

/* Puts [offset, offset + size) of the file where it belongs in the page. Returns 0 or an errno. */
static int map_part(int fd, off_t offset, size_t size)
{
    int error = may_grow(offset + (off_t)size);
    while (error == 0 && (error = posix_fallocate(fd, offset, (off_t)size)) == EINTR) {
    }
    if (error)
        return error;
    void *at = (unsigned char *)&page + offset;
    void *mapped = mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset);
    return mapped == MAP_FAILED ? errno : 0;
}

static int create_file(uint64_t begin_ns)
{
    int length = snprintf(file.path, sizeof file.path, "%s/%ld-%llu" PAGE_SUFFIX, file.folder, (long)getpid(),
                          (unsigned long long)begin_ns);
    if (length < 0 || (size_t)length >= sizeof file.path)
        return ENAMETOOLONG;
    int fd = open(file.path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    struct stat status;
    int error = fstat(fd, &status) ? errno : map_part(fd, 0, (size_t)sysconf(_SC_PAGESIZE));
    close(fd);
    if (error) {
        unlink(file.path);
        return error;
    }
    file.device = status.st_dev;
    file.inode = status.st_ino;
    file.exists = true;
    return 0;
}

static int extend_file(void)
{
    int fd = open(file.path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno;
    struct stat status;
    int error = fstat(fd, &status) ? errno : status.st_dev == file.device && status.st_ino == file.inode ? 0 : ESTALE;
    if (error == 0)
        error = map_part(fd, PAGE_TABLES_OFFSET, sizeof page - PAGE_TABLES_OFFSET);
    close(fd);
    return error;
}

/* --- Beginning --------------------------------------------------------------------------------------------- */

static uint64_t epoch_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void header_fill(uint32_t parent, uint64_t begin_ns)
{
    struct page_header *header = &page.header;
    header->version = PAGE_VERSION;
    header->endian = PAGE_ENDIAN;
    header->header_size = PAGE_HEADER_SIZE;
    header->pid = (uint32_t)getpid();
    header->parent = parent;
    header->begin_ns = begin_ns;
    header->begin_epoch_ns = epoch_ns();
    prctl(PR_GET_NAME, header->comm);
    header->locks_offset = PAGE_LOCKS_OFFSET;
    header->waits_offset = PAGE_WAITS_OFFSET;
    header->size = PAGE_SIZE_WHOLE;
    header->lock_count = PAGE_LOCKS;
    header->lock_size = sizeof(struct page_lock);
    header->wait_count = PAGE_WAITS;
    header->wait_size = sizeof(struct page_wait);
    __atomic_store_n(&header->magic, PAGE_MAGIC, __ATOMIC_RELEASE); /* plain in the layout: readers copy the header */
}

/* Without a file the page is complete as it is. */
static void page_make(uint32_t parent, const struct page_control *control)
{
    uint64_t begin_ns = clock_monotonic_ns();
    int error = file.folder[0] ? create_file(begin_ns) : 0;
    if (file.exists)
        atomic_store_explicit(&contention_on, 1, memory_order_relaxed);
    memcpy((void *)&page.header.control, (const void *)control, sizeof *control);
    header_fill(parent, begin_ns);
    atomic_store_explicit(&page.header.error, error, memory_order_relaxed);
    atomic_store_explicit(&page.header.tables, file.exists ? PAGE_TABLES_NONE : PAGE_TABLES_PRIVATE,
                          memory_order_relaxed);
    atomic_store_explicit(&page_readiness, file.exists ? PAGE_UNREADY : PAGE_READY, memory_order_release);
}

/* What is written from here on is not the parent's. False: it is still, and nothing may be written. */
static bool page_leave_parent(void)
{
    return mmap(&page, sizeof page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) == &page;
}

/* The child goes on with its parent's settings. */
static void in_child(void)
{
    int kept_errno = errno;
    uint32_t parent = page.header.pid;
    struct page_control control;
    memcpy((void *)&control, &page.header.control, sizeof control);
    file.exists = false;
    if (page_leave_parent())
        page_make(parent, &control);
    else
        atomic_store_explicit(&page_readiness, PAGE_LOST, memory_order_relaxed);
    errno = kept_errno;
}

void page_begin(const char *folder)
{
    if (folder && strlen(folder) < sizeof file.folder)
        strcpy(file.folder, folder);
    struct page_control control;
    memcpy((void *)&control, &page.header.control, sizeof control);
    page_make(0, &control);
    static struct fork_handler handler;
    if (handler.in_child)
        return;
    handler.in_child = in_child;
    forks_at_child(&handler);
}

/* --- The tables -------------------------------------------------------------------------------------------- */

static void make_tables(void)
{
    int error = extend_file();
    atomic_store_explicit(&page.header.error, error, memory_order_relaxed);
    atomic_store_explicit(&page.header.tables, error ? PAGE_TABLES_PRIVATE : PAGE_TABLES_HERE, memory_order_release);
    atomic_store_explicit(&page_readiness, PAGE_READY, memory_order_release);
}

static bool wait_for_tables(void)
{
    enum { TRIES = 10000, PAUSE_NS = 100000 };
    const struct timespec pause = {0, PAUSE_NS};
    for (int i = 0; i < TRIES; i++) {
        if (atomic_load_explicit(&page_readiness, memory_order_acquire) == PAGE_READY)
            return true;
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    return false;
}

bool page_make_tables(void)
{
    int kept_errno = errno, kept_cancel, readiness = PAGE_UNREADY;
    if (msc_guard || atomic_load_explicit(&page_readiness, memory_order_relaxed) == PAGE_LOST)
        return false; /* the guard: a signal handler within the making, or the tracer */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &kept_cancel);
    msc_guard++;
    bool ours = atomic_compare_exchange_strong_explicit(&page_readiness, &readiness, PAGE_IN_THE_MAKING,
                                                        memory_order_acquire, memory_order_acquire);
    if (ours)
        make_tables();
    bool ready = ours || readiness == PAGE_READY || wait_for_tables();
    msc_guard--;
    pthread_setcancelstate(kept_cancel, NULL);
    errno = kept_errno;
    return ready;
}

bool page_is_shared(void)
{
    return file.exists;
}

/* --- The end ----------------------------------------------------------------------------------------------- */

__attribute__((destructor(101))) static void page_end(void)
{
    if (page.header.pid != (uint32_t)getpid()) /* of a child that has our memory */
        return;
    atomic_store_explicit(&page.header.end_ns, clock_monotonic_ns(), memory_order_relaxed);
    atomic_store_explicit(&page.header.state, PAGE_EXITED, memory_order_release);
    if (file.exists && atomic_load_explicit(&page.header.tables, memory_order_relaxed) == PAGE_TABLES_NONE)
        unlink(file.path);
}
