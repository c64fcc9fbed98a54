/* See command.h. */
#include "collector/session/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* 0 if `path` is a file that we may execute. */
static int check(const char *path)
{
    struct stat status;
    if (stat(path, &status))
        return -errno;
    return S_ISREG(status.st_mode) && access(path, X_OK) == 0 ? 0 : -EACCES;
}

/* `folder` is one part of PATH, `length` bytes; empty = the current one. */
static int check_in(const char *folder, size_t length, const char *name, char **path)
{
    char *joined;
    int done = length ? asprintf(&joined, "%.*s/%s", (int)length, folder, name) : asprintf(&joined, "./%s", name);
    if (done < 0)
        return -ENOMEM;
    int error = access(joined, F_OK) ? -ENOENT : check(joined); /* a folder closed to us has nothing for us */
    if (error)
        free(joined);
    else
        *path = joined;
    return error;
}

static int search(const char *name, char **path)
{
    const char *rest = getenv("PATH");
    int error = -ENOENT;
    if (!rest)
        rest = "/usr/local/bin:/usr/bin:/bin";
    for (bool more = true; more;) {
        size_t length = strcspn(rest, ":");
        int found = check_in(rest, length, name, path);
        if (found == 0 || found == -ENOMEM)
            return found;
        if (found == -EACCES)
            error = found;
        more = rest[length] != '\0';
        rest += length + more;
    }
    return error;
}

int command_find(const char *name, char **path, struct diag *diag)
{
    bool has_slash = strchr(name, '/') != NULL;
    int error = has_slash ? check(name) : *name ? search(name, path) : -ENOENT;
    if (!error && has_slash && !(*path = strdup(name)))
        error = -ENOMEM;
    if (error == -ENOENT && !has_slash)
        return diag_set(diag, error, "cannot run %s: no such program in PATH", name);
    return error ? diag_errno(diag, -error, "cannot run %s", name) : 0;
}

/* In the child. Only what is left of us after a failed exec writes to `fd`. */
static _Noreturn void become(const char *path, char *const *argv, const struct environment *environment,
                             struct signals *signals, int fd)
{
    signals_close(signals);
    execvpe(path, argv, environment->items); /* for a script without #!, which execve refuses */
    int code = errno;
    ssize_t written = write(fd, &code, sizeof code);
    _exit(written == sizeof code ? 127 : 126);
}

int command_start(const char *path, char *const *argv, const struct environment *environment, struct signals *signals,
                  pid_t *pid, struct diag *diag)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC))
        return diag_errno(diag, errno, "cannot run %s", argv[0]);
    pid_t child = fork();
    if (child == 0)
        become(path, argv, environment, signals, fds[1]);
    int code = child < 0 ? errno : 0;
    close(fds[1]);
    ssize_t got = 0;
    if (child > 0)
        do
            got = read(fds[0], &code, sizeof code); /* end of file = it runs */
        while (got < 0 && errno == EINTR);
    close(fds[0]);
    if (got > 0)
        waitpid(child, NULL, 0);
    if (code)
        return diag_errno(diag, code, "cannot run %s", argv[0]);
    *pid = child;
    return 0;
}

bool command_has_ended(pid_t pid, int *wait_status)
{
    return waitpid(pid, wait_status, WNOHANG) == pid;
}

int command_exit_status(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}
