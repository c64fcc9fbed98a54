/* See keeper.h: the recorder's side of it. The keeper's own is keeper_process.c. */
#include "collector/session/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
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

int keeper_start(struct keeper *keeper, const struct place *place, const struct control *control, struct diag *diag)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
        return diag_errno(diag, errno, "cannot start the session daemon");
    pid_t pid = fork();
    if (pid == 0)
        keeper_process(place, control, fds[1]);
    int error = pid < 0 ? diag_errno(diag, errno, "cannot start the session daemon") : 0;
    close(fds[1]);
    *keeper = (struct keeper){.pid = pid, .fd = fds[0]};
    if (error)
        close(fds[0]);
    else if ((error = wait_until_ready(keeper, diag)) != 0)
        keeper_stop(keeper, place);
    return error;
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
    if (status != 0)
        place_leave(place);
    close(keeper->fd);
}
