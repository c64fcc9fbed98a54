/*
 * Programs that close all that is open, as daemons do at their start, would close LTTng's sockets and pipes too. The
 * next files that they open would get those numbers, and LTTng would write its bytes into them. liblttng-ust-fd.so
 * keeps close and fclose off LTTng's descriptors; this does the same for closefrom and close_range, which it does not
 * know.
 *
 * LTTng walks through the descriptors that are not its own, one by one and under its lock; runs of them are closed by
 * the kernel at once. Where liblttng-ust-fork is not loaded a child may find that lock taken for good: there, and where
 * LTTng lacks the function, both calls go through as they are.
 *
 * Any thread, and the child of a fork. No allocation. Cost: some ns for each number up to the limit of open files.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define HOOK __attribute__((visibility("default")))

typedef int close_range_fn(unsigned first, unsigned last, int flags);

/* Of LTTng's libraries for one another: in no header. Calls `close_one` for each descriptor from `lowest` on. */
int lttng_ust_safe_closefrom_fd(int lowest, int (*close_one)(int fd)) __attribute__((weak));

HOOK close_range_fn close_range;
HOOK void closefrom(int lowest);

enum { FDS_MAX = 1 << 20 /* LTTng has none above: the kernel gives the lowest numbers */ };

static close_range_fn *close_really;
static void (*closefrom_really)(int lowest);
static bool is_careful;

/* What is being closed: a run of numbers that begins with `first`; `next` is the one behind it. */
static __thread struct {
    unsigned first, next, last;
    int error;
} run __attribute__((tls_model("initial-exec")));

static void close_all(unsigned first, unsigned last)
{
    if (first <= last && close_really(first, last, 0))
        run.error = errno;
}

static void close_run(void)
{
    if (run.first < run.next)
        close_all(run.first, run.next - 1);
}

/* Those that are left out between two calls are LTTng's. An error other than EBADF ends the walk. */
static int take(int fd)
{
    unsigned number = (unsigned)fd;
    if (number > run.last || number >= FDS_MAX) {
        errno = EOVERFLOW;
        return -1;
    }
    if (number != run.next) {
        close_run();
        run.first = number;
    }
    run.next = number + 1;
    return 0;
}

static int close_carefully(unsigned first, unsigned last)
{
    int kept_errno = errno;
    run.first = run.next = first;
    run.last = last;
    run.error = 0;
    lttng_ust_safe_closefrom_fd((int)first, take);
    close_run();
    close_all(FDS_MAX, last);
    errno = run.error ? run.error : kept_errno;
    return run.error ? -1 : 0;
}

__attribute__((constructor)) static void find_really(void)
{
    close_really = (close_range_fn *)dlsym(RTLD_NEXT, "close_range");
    closefrom_really = (void (*)(int))dlsym(RTLD_NEXT, "closefrom");
    void *fork_library = dlopen("liblttng-ust-fork.so.1", RTLD_LAZY | RTLD_NOLOAD);
    is_careful = close_really && fork_library && lttng_ust_safe_closefrom_fd;
}

int close_range(unsigned first, unsigned last, int flags)
{
    if (!close_really)
        find_really();
    if (is_careful && flags == 0 && first <= last && first < FDS_MAX)
        return close_carefully(first, last);
    if (close_really)
        return close_really(first, last, flags);
    errno = ENOSYS;
    return -1;
}

/* Where the kernel has no close_range (before Linux 5.9) the C library reads /proc. */
void closefrom(int lowest)
{
    if (!close_really)
        find_really();
    if (is_careful && close_carefully(lowest > 0 ? (unsigned)lowest : 0, UINT_MAX) == 0)
        return;
    if (closefrom_really)
        closefrom_really(lowest);
}
