/* See barrier.h. */
#include "runtime/barrier.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/forks.h"

bool barrier_is_asymmetric;

static bool membarrier(int command)
{
    int kept_errno = errno;
    bool done = syscall(SYS_membarrier, command, 0, 0) == 0;
    errno = kept_errno;
    return done;
}

bool barrier_heavy(void)
{
    if (barrier_is_asymmetric)
        return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    barrier_full();
    return true;
}

static void in_child(void)
{
    if (barrier_is_asymmetric)
        membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

static struct fork_handler fork_handler = {.in_child = in_child};

__attribute__((constructor(101))) static void barrier_prepare(void)
{
    barrier_is_asymmetric = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
    forks_at_child(&fork_handler);
}
