/*
 * See bounded.h. The child answers with one record: a header, the reply, the text of the diag. It is
 * smaller than a pipe, so the child never waits for its reader.
 */
#include "collector/session/bounded.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/session/deadline.h"

enum { TEXT_MAX = 4096, PATIENCE_MS = 1000 };

struct answer {
    int32_t error;
    uint32_t text_length;
};

static _Noreturn void run_child(bounded_fn *call, const void *arg, size_t reply_bytes, int fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct diag diag;
    diag_init(&diag);
    void *reply = calloc(1, reply_bytes + 1);
    struct answer answer = {.error = -ENOMEM};
    if (reply)
        answer.error = call(arg, reply, &diag);
    answer.text_length = (uint32_t)strnlen(diag_text(&diag), TEXT_MAX);
    struct iovec parts[] = {
        {&answer, sizeof answer},
        {reply, reply ? reply_bytes : 0},
        {diag.text, answer.text_length},
    };
    ssize_t written = writev(fd, parts, sizeof parts / sizeof parts[0]);
    _exit(written < 0 ? 1 : 0);
}

/* As poll on one descriptor, until `end_ns`; asks for patience on the way, once. */
static int wait_for(int fd, uint64_t end_ns, uint64_t ask_ns, struct bounded_patience *patience)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (patience->ask && ask_ns < end_ns) {
        int ready = poll(&wait, 1, deadline_left_ms(ask_ns));
        if (ready)
            return ready;
        patience->ask(patience->self);
        patience->ask = NULL;
    }
    return poll(&wait, 1, deadline_left_ms(end_ns));
}

/* Reads until the end of the pipe, or `size`. The number of bytes, or -ETIMEDOUT or another negative errno. */
static ssize_t read_answer(int fd, char *bytes, size_t size, int timeout_ms, struct bounded_patience patience)
{
    uint64_t end_ns = deadline_after_ms(timeout_ms), ask_ns = deadline_after_ms(PATIENCE_MS);
    size_t used = 0;
    while (used < size) {
        int ready = wait_for(fd, end_ns, ask_ns, &patience);
        if (ready == 0)
            return -ETIMEDOUT;
        ssize_t got = ready < 0 ? -1 : read(fd, bytes + used, size - used);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -errno;
        used += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)used;
}

static int take_answer(const char *bytes, size_t size, void *reply, size_t reply_bytes, struct diag *diag)
{
    struct answer answer;
    if (size < sizeof answer)
        return diag_set(diag, -ECHILD, "the helper process was killed");
    memcpy(&answer, bytes, sizeof answer);
    if (size != sizeof answer + reply_bytes + answer.text_length)
        return diag_set(diag, -ECHILD, "the helper process was killed while it answered");
    if (reply_bytes)
        memcpy(reply, bytes + sizeof answer, reply_bytes);
    if (answer.error && answer.text_length)
        diag_set(diag, answer.error, "%.*s", (int)answer.text_length, bytes + sizeof answer + reply_bytes);
    return answer.error;
}

int bounded_run(bounded_fn *call, const void *arg, void *reply, size_t reply_bytes, int timeout_ms, struct diag *diag)
{
    return bounded_run_patiently(call, arg, reply, reply_bytes, timeout_ms, (struct bounded_patience){0}, diag);
}

int bounded_run_patiently(bounded_fn *call, const void *arg, void *reply, size_t reply_bytes, int timeout_ms,
                          struct bounded_patience patience, struct diag *diag)
{
    size_t size = sizeof(struct answer) + reply_bytes + TEXT_MAX;
    char *bytes = malloc(size);
    int pipe_fds[2];
    if (!bytes)
        return diag_errno(diag, ENOMEM, "cannot start a helper process");
    if (pipe2(pipe_fds, O_CLOEXEC)) {
        free(bytes);
        return diag_errno(diag, errno, "cannot start a helper process");
    }
    pid_t child = fork();
    if (child == 0)
        run_child(call, arg, reply_bytes, pipe_fds[1]);
    int error = child < 0 ? diag_errno(diag, errno, "cannot start a helper process") : 0;
    close(pipe_fds[1]);
    if (!error) {
        ssize_t got = read_answer(pipe_fds[0], bytes, size, timeout_ms, patience);
        kill(child, SIGKILL); /* our own child, not yet waited for: its id cannot be another's */
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
        error = got == -ETIMEDOUT ? diag_set(diag, -ETIMEDOUT, "no answer within %g s", timeout_ms / 1e3)
                : got < 0         ? diag_errno(diag, (int)-got, "cannot read the helper's answer")
                                  : take_answer(bytes, (size_t)got, reply, reply_bytes, diag);
    }
    close(pipe_fds[0]);
    free(bytes);
    return error;
}
