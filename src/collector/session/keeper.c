/* See keeper.h: the recorder's side of it. The keeper's own is keeper_process.c. */
#include "collector/session/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/session/deadline.h"
#include "collector/session/keeper_process.h"

enum { READY_MS = KEEPER_READY_MS + 3000, END_MS = KEEPER_END_MS + 2000 };

/* Waits until the socket has something, or its end. False at the deadline. */
static bool wait_for(int fd, int timeout_ms)
{
    uint64_t end_ns = deadline_after_ms(timeout_ms);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int ready;
    do
        ready = poll(&wait, 1, deadline_left_ms(end_ns));
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

static int wait_until_ready(const struct keeper *keeper, struct diag *diag)
{
    struct keeper_message message = {0};
    if (!wait_for(keeper->fd, READY_MS))
        return diag_set(diag, -ETIMEDOUT, "cannot start the session daemon: no answer from the process that starts it");
    if (recv(keeper->fd, &message, sizeof message, 0) != sizeof message)
        return diag_set(diag, -ECHILD, "cannot start the session daemon: the process that starts it was killed");
    if (message.error)
        return diag_set(diag, message.error, "cannot start the session daemon: %.*s", (int)sizeof message.text,
                        message.text);
    return 0;
}

/* Memory that the keeper's processes share with us. */
static _Atomic pid_t *share_pid(void)
{
    void *shared = mmap(NULL, sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED ? NULL : shared;
}

static void keeper_close(struct keeper *keeper)
{
    munmap(keeper->daemon, sizeof(pid_t));
    close(keeper->fd);
}

int keeper_start(struct keeper *keeper, const struct place *place, const struct control *control, struct diag *diag)
{
    int fds[2];
    _Atomic pid_t *daemon = share_pid();
    if (!daemon)
        return diag_errno(diag, errno, "cannot start the session daemon");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds)) {
        int error = diag_errno(diag, errno, "cannot start the session daemon");
        munmap(daemon, sizeof *daemon);
        return error;
    }
    pid_t pid = fork();
    if (pid == 0)
        keeper_process(place, control, fds[1], daemon);
    int error = pid < 0 ? diag_errno(diag, errno, "cannot start the session daemon") : 0;
    close(fds[1]);
    *keeper = (struct keeper){.pid = pid, .fd = fds[0], .daemon = daemon};
    if (error)
        keeper_close(keeper);
    else if ((error = wait_until_ready(keeper, diag)) != 0)
        keeper_stop(keeper, place);
    return error;
}

/* The keeper was killed, so the daemon has its SIGTERM. What is left of its group when it ended, or did not, goes. */
static void end_daemon(const struct keeper *keeper)
{
    pid_t daemon = atomic_load(keeper->daemon);
    if (daemon <= 0)
        return;
    int fd = (int)syscall(SYS_pidfd_open, daemon, 0);
    if (fd >= 0) {
        wait_for(fd, KEEPER_TERM_MS);
        close(fd);
    }
    kill(-daemon, SIGKILL);
}

void keeper_stop(struct keeper *keeper, const struct place *place)
{
    shutdown(keeper->fd, SHUT_WR);
    struct keeper_message ignored;
    bool has_ended = false; /* its side of the socket closes with it, and with nothing else */
    while (!has_ended && wait_for(keeper->fd, END_MS))
        has_ended = recv(keeper->fd, &ignored, sizeof ignored, 0) <= 0;
    if (!has_ended)
        kill(keeper->pid, SIGKILL);
    int status = -1;
    while (waitpid(keeper->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (status != 0) {
        end_daemon(keeper);
        place_leave(place);
    }
    keeper_close(keeper);
}
