/*
 * Preloaded, it keeps LTTng from opening the buffers of a process, as a machine that is too busy or too full does now
 * and then. Into lttng-sessiond: its consumer finds no shared memory, once for each byte of the file $NO_BUFFERS, and
 * the session does not start. Into the traced program: it loses its connection when it is told of the session, once for
 * each byte of the file $NO_SESSION; the session starts without it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int shm_open(const char *name, int flags, mode_t mode);
ssize_t recvmsg(int fd, struct msghdr *message, int flags);

enum { UST_SESSION = 0x40 }; /* lttng/ust-abi.h: LTTNG_UST_ABI_SESSION, the command that creates one */

static bool is_to_fail(const char *variable)
{
    const char *path = getenv(variable);
    struct stat status;
    return path && stat(path, &status) == 0 && status.st_size > 0 && truncate(path, status.st_size - 1) == 0;
}

int shm_open(const char *name, int flags, mode_t mode)
{
    if (strncmp(name, "/shm-ust-consumer", strlen("/shm-ust-consumer")) == 0 && is_to_fail("NO_BUFFERS")) {
        errno = ENOSPC;
        return -1;
    }
    int (*real)(const char *, int, mode_t);
    *(void **)&real = dlsym(RTLD_NEXT, "shm_open");
    return real(name, flags, mode);
}

/* A message of the daemon begins with a handle and a command, of 32 bits each; handle 0 is the tracer itself. */
static bool creates_session(const struct msghdr *message, ssize_t got)
{
    uint32_t head[2];
    if (got < 256 || !message->msg_iovlen || message->msg_iov[0].iov_len < sizeof head)
        return false;
    memcpy(head, message->msg_iov[0].iov_base, sizeof head);
    return head[0] == 0 && head[1] == UST_SESSION;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    ssize_t (*real)(int, struct msghdr *, int);
    *(void **)&real = dlsym(RTLD_NEXT, "recvmsg");
    ssize_t got = real(fd, message, flags);
    if (!creates_session(message, got) || !is_to_fail("NO_SESSION"))
        return got;
    shutdown(fd, SHUT_RDWR);
    return 0;
}
