/* See signals.h. */
#include "collector/session/signals.h"

#include <errno.h>
#include <unistd.h>

enum { ECHO_NS = 250 * 1000 * 1000 };

/* What ends us, unless whoever started us ignores it (nohup, a shell's background job). */
static const int end_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static void choose(sigset_t *taken)
{
    sigemptyset(taken);
    sigaddset(taken, SIGCHLD);
    for (size_t i = 0; i < sizeof end_signals / sizeof end_signals[0]; i++) {
        struct sigaction action;
        sigaction(end_signals[i], NULL, &action);
        if (action.sa_handler != SIG_IGN)
            sigaddset(taken, end_signals[i]);
    }
}

int signals_open(struct signals *signals, struct diag *diag)
{
    *signals = (struct signals){.fd = -1};
    choose(&signals->taken);
    signals->fd = signalfd(-1, &signals->taken, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals->fd < 0)
        return diag_errno(diag, errno, "cannot wait for signals");
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, &signals->found_pipe);
    sigprocmask(SIG_BLOCK, &signals->taken, &signals->found);
    return 0;
}

void signals_close(struct signals *signals)
{
    if (signals->fd < 0)
        return;
    sigaction(SIGPIPE, &signals->found_pipe, NULL);
    sigprocmask(SIG_SETMASK, &signals->found, NULL);
    close(signals->fd);
    signals->fd = -1;
}

bool signals_read(const struct signals *signals, struct signalfd_siginfo *info)
{
    return read(signals->fd, info, sizeof *info) == sizeof *info;
}

int signals_read_end(const struct signals *signals)
{
    struct signalfd_siginfo info;
    while (signals_read(signals, &info))
        if (info.ssi_signo != SIGCHLD)
            return (int)info.ssi_signo;
    return 0;
}

int signals_pass_on(struct signals *signals, const struct signalfd_siginfo *info, uint64_t now_ns)
{
    int number = (int)info->ssi_signo;
    if (number == SIGCHLD)
        return 0;
    if (number == SIGINT) {
        if (signals->interrupted_ns && now_ns - signals->interrupted_ns >= ECHO_NS)
            return SIGKILL;
        if (!signals->interrupted_ns)
            signals->interrupted_ns = now_ns;
    }
    return info->ssi_code == SI_KERNEL ? 0 : number;
}
