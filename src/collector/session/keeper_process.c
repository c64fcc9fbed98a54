/*
 * See keeper.h. One thread, one loop over two descriptors: signals (the daemon is ready, a child has
 * ended) and the socket to the recorder. All signals are blocked, so nothing but SIGKILL interrupts the
 * end; it runs in its own process group, out of the terminal's reach.
 */
#include "collector/session/keeper_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/session/deadline.h"
#include "collector/session/preload.h"

enum { DAEMON_FILES = 65536 };

struct daemon {
    pid_t pid;            /* and process group; 0 = none */
    _Atomic pid_t *shown; /* the same for the recorder, until no child is left */
    bool has_ended;
    int wait_status;
};

struct process {
    const struct place *place;
    const struct control *control;
    int fd, signal_fd, log_fd;
    struct daemon daemon;
};

enum news { NEWS_READY, NEWS_DAEMON_ENDED, NEWS_RECORDER_ENDED, NEWS_TIMEOUT };

/* ---- start ---- */

/* Nothing of the recorder's is kept open: who waits for the end of its pipes must not wait for us. */
static void separate(struct process *process)
{
    setpgid(0, 0);
    prctl(PR_SET_NAME, "mapscope-keeper");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    process->fd = fcntl(process->fd, F_DUPFD_CLOEXEC, 3); /* whoever started us may have closed 0 to 2 */
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null_fd >= 0 && fd <= 2; fd++)
        dup2(null_fd, fd);
    if (process->fd > 3)
        close_range(3, (unsigned)process->fd - 1, 0);
    close_range((unsigned)process->fd + 1, ~0U, 0);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
}

static int open_log(const struct process *process)
{
    char *path;
    if (asprintf(&path, "%s/sessiond.log", process->place->home) < 0)
        return -ENOMEM;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    int error = fd < 0 ? -errno : fd;
    free(path);
    return error;
}

/*
 * Each traced process takes some twenty of the daemon's descriptors, more with many CPUs. But no limit in
 * the millions, as containers have it: LTTng closes every possible descriptor one by one when it starts.
 */
static void set_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = limit.rlim_max < DAEMON_FILES ? limit.rlim_max : DAEMON_FILES;
    limit.rlim_max = limit.rlim_cur; /* LTTng takes what it may */
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void preload_polls(void)
{
    char *library = preload_find_daemons(), *both = NULL;
    const char *users = getenv("LD_PRELOAD");
    if (library && asprintf(&both, "%s:%s", library, users ? users : "") < 0)
        both = NULL;
    if (both)
        setenv("LD_PRELOAD", both, 1);
    free(both);
    free(library);
}

/* In the child. What goes wrong is said in the log, which the recorder shows. */
static _Noreturn void become_daemon(const struct process *process, pid_t keeper)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != keeper)
        _exit(1);
    setpgid(0, 0);
    atomic_store(process->daemon.shown, getpid());
    set_file_limit();
    preload_polls();
    dup2(process->log_fd, STDOUT_FILENO);
    dup2(process->log_fd, STDERR_FILENO);
    setenv("LTTNG_HOME", process->place->home, 1); /* no session of the user's is loaded */
    signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* Only we talk to it; and root of a user namespace has no group `tracing` to give its sockets to. */
    char *group = process->place->kind == PLACE_HOME ? NULL : "--group=root";
    char *const argv[] = {"lttng-sessiond", "--no-kernel", "--quiet", "--sig-parent", group, NULL};
    execvp(argv[0], argv);
    dprintf(STDERR_FILENO, "cannot run lttng-sessiond: %s%s\n", strerror(errno),
            errno == ENOENT ? " (apt install lttng-tools)" : "");
    _exit(127);
}

static int start_daemon(struct process *process)
{
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGUSR1);
    sigaddset(&watched, SIGCHLD);
    process->signal_fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (process->signal_fd < 0)
        return -errno;
    process->log_fd = open_log(process);
    if (process->log_fd < 0)
        return process->log_fd;
    pid_t self = getpid(), pid = fork();
    if (pid == 0)
        become_daemon(process, self);
    if (pid < 0)
        return -errno;
    setpgid(pid, pid); /* whoever of the two comes first */
    process->daemon.pid = pid;
    return 0;
}

/* ---- wait ---- */

/* Takes the status of every child that has ended. True while there are others. */
static bool reap(struct daemon *daemon)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == daemon->pid) {
            daemon->has_ended = true;
            daemon->wait_status = status;
        }
    }
    return pid == 0;
}

/* True if one of the signals read is the daemon's that it is ready. */
static bool read_ready_signal(const struct process *process)
{
    struct signalfd_siginfo info;
    bool is_ready = false;
    while (read(process->signal_fd, &info, sizeof info) == sizeof info)
        is_ready |= info.ssi_signo == SIGUSR1;
    return is_ready;
}

/* What happens first. `end_ns` 0 = wait for ever. The recorder says nothing: its socket is read for its end. */
static enum news wait_for_news(struct process *process, uint64_t end_ns)
{
    struct pollfd waits[] = {{.fd = process->fd, .events = POLLIN}, {.fd = process->signal_fd, .events = POLLIN}};
    for (;;) {
        int ready = poll(waits, 2, end_ns ? deadline_left_ms(end_ns) : -1);
        if (ready == 0)
            return NEWS_TIMEOUT;
        if (ready < 0)
            continue;
        if (waits[0].revents)
            return NEWS_RECORDER_ENDED;
        bool is_ready = read_ready_signal(process);
        reap(&process->daemon);
        if (process->daemon.has_ended)
            return NEWS_DAEMON_ENDED;
        if (is_ready)
            return NEWS_READY;
    }
}

/* ---- tell ---- */

static void tell(const struct process *process, int error, const char *text)
{
    struct keeper_message message = {.error = error};
    snprintf(message.text, sizeof message.text, "%s", text);
    ssize_t sent = send(process->fd, &message, sizeof message, MSG_NOSIGNAL);
    (void)sent; /* a recorder that is gone is noticed in the next wait */
}

/* The end of the daemon's log, on one line, into `text`. */
static void read_log_tail(const struct process *process, char *text, size_t size)
{
    off_t end = lseek(process->log_fd, 0, SEEK_END);
    off_t begin = end > (off_t)size - 1 ? end - (off_t)size + 1 : 0;
    ssize_t got = pread(process->log_fd, text, size - 1, begin);
    size_t length = got > 0 ? (size_t)got : 0;
    while (length && text[length - 1] == '\n')
        length--;
    text[length] = '\0';
    for (char *c = text; (c = strchr(c, '\n')) != NULL;)
        *c = ' ';
}

static void tell_end(const struct process *process, const char *what)
{
    char tail[512], text[800];
    int status = process->daemon.wait_status;
    read_log_tail(process, tail, sizeof tail);
    int length = snprintf(text, sizeof text, "%s", what);
    if (process->daemon.has_ended && WIFSIGNALED(status))
        length += snprintf(text + length, sizeof text - (size_t)length, " (signal %d)", WTERMSIG(status));
    else if (process->daemon.has_ended)
        length += snprintf(text + length, sizeof text - (size_t)length, " (status %d)", WEXITSTATUS(status));
    snprintf(text + length, sizeof text - (size_t)length, "%s%s", *tail ? ": " : "", tail);
    tell(process, -EIO, text);
}

/* ---- end ---- */

/* Waits until no child is left. False at the deadline. */
static bool wait_for_children(struct process *process, int timeout_ms)
{
    uint64_t end_ns = deadline_after_ms(timeout_ms);
    struct pollfd wait = {.fd = process->signal_fd, .events = POLLIN};
    while (reap(&process->daemon)) {
        int left_ms = deadline_left_ms(end_ns);
        if (left_ms == 0)
            return false;
        if (poll(&wait, 1, left_ms) > 0)
            read_ready_signal(process);
    }
    return true;
}

/*
 * Everything that the daemon started is in its process group. While a child is left the group's id cannot
 * be another's; a daemon that was killed leaves its consumer, which is then our child.
 */
static void end_daemon(struct process *process)
{
    struct daemon *daemon = &process->daemon;
    if (!daemon->pid)
        return;
    control_destroy(process->control); /* without a session the daemon ends sooner */
    reap(daemon);
    if (!daemon->has_ended)
        kill(daemon->pid, SIGTERM);
    if (!wait_for_children(process, KEEPER_TERM_MS)) {
        kill(-daemon->pid, SIGKILL);
        wait_for_children(process, KEEPER_KILL_MS);
    }
    atomic_store(daemon->shown, 0);
}

static _Noreturn void finish(struct process *process)
{
    if (process->place->kind == PLACE_SHARED)
        control_destroy(process->control);
    end_daemon(process);
    place_leave(process->place);
    _exit(0);
}

/* The daemon has to say that it is ready; afterwards only its end, or the recorder's, is news. */
static void keep_daemon(struct process *process)
{
    int error = start_daemon(process);
    if (error) {
        tell(process, error, strerror(-error));
        return;
    }
    enum news news = wait_for_news(process, deadline_after_ms(KEEPER_READY_MS));
    if (news == NEWS_TIMEOUT)
        tell_end(process, "it was not ready within 5 s");
    else if (news == NEWS_DAEMON_ENDED)
        tell_end(process, "it ended at once");
    if (news != NEWS_READY)
        return;
    tell(process, 0, "");
    while ((news = wait_for_news(process, 0)) == NEWS_READY)
        ;
    if (news == NEWS_DAEMON_ENDED)
        tell_end(process, "the session daemon has ended");
}

static void wait_for_recorder(const struct process *process)
{
    struct pollfd wait = {.fd = process->fd, .events = POLLIN};
    while (poll(&wait, 1, -1) <= 0)
        ;
}

_Noreturn void keeper_process(const struct place *place, const struct control *control, int fd, _Atomic pid_t *daemon)
{
    struct process process = {
        .place = place, .control = control, .fd = fd, .signal_fd = -1, .log_fd = -1, .daemon = {.shown = daemon}};
    separate(&process);
    if (place->kind == PLACE_SHARED) {
        tell(&process, 0, "");
        wait_for_recorder(&process);
    } else {
        keep_daemon(&process);
    }
    finish(&process);
}
