/* See daemon.h. */
#include "collector/session/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <lttng/lttng.h>

#include "collector/session/bounded.h"

enum { ANSWER_MS = 2000 };

bool daemon_root_is_open(void)
{
    const struct group *group = getgrnam("tracing");
    return geteuid() == 0 || (group && group_member(group->gr_gid));
}

/* The process that listens, if it is of our own process namespace. */
static pid_t listener_of(int fd)
{
    struct ucred owner;
    socklen_t size = sizeof owner;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &size) ? 0 : owner.pid;
}

/* 0 with *pid; or what connect says. A listener that hangs takes connections, until its queue is full. */
static int connect_to(const char *folder, const char *name, pid_t *pid)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int error = connect(fd, (const struct sockaddr *)&address, sizeof address) ? -errno : 0;
    if (!error)
        *pid = listener_of(fd);
    close(fd);
    return error;
}

/* Any answer will do, also that it cannot list. */
static int call_list(const void *arg, void *reply, struct diag *diag)
{
    (void)arg, (void)reply, (void)diag;
    struct lttng_session *sessions = NULL;
    if (lttng_list_sessions(&sessions) >= 0)
        free(sessions);
    return 0;
}

/* 'T' or 't' behind the name, which may have parentheses itself. */
static bool is_stopped(pid_t pid)
{
    char path[32], text[512];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    int fd = pid ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    const char *end = strrchr(text, ')');
    return end && end[1] == ' ' && (end[2] == 'T' || end[2] == 't');
}

struct daemon_probe daemon_look(const char *folder, bool is_asked)
{
    struct daemon_probe probe = {DAEMON_ABSENT, 0};
    int error = connect_to(folder, DAEMON_COMMAND_SOCKET, &probe.pid);
    if (error == 0)
        probe.state = DAEMON_ALIVE;
    else if (error == -EAGAIN)
        probe.state = DAEMON_HUNG;
    else if (error == -EACCES && connect_to(folder, DAEMON_PROGRAM_SOCKET, &probe.pid) == 0)
        probe.state = DAEMON_CLOSED;
    if (probe.state == DAEMON_ALIVE && is_asked && bounded_run(call_list, NULL, NULL, 0, ANSWER_MS, NULL) == -ETIMEDOUT)
        probe.state = DAEMON_HUNG;
    if (probe.state != DAEMON_ABSENT && is_stopped(probe.pid))
        probe.state = DAEMON_HUNG;
    return probe;
}
