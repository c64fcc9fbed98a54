/*
 * The signals of a process that runs another one: blocked and read from a descriptor, passed on, and
 * given back to the children as they were found.
 *
 * Rules (signals_pass_on):
 * - What somebody sent us with kill() is passed on. What the terminal sends (^C, ^\, hang-up) goes to the
 *   whole foreground group, so the program has it already: passed on, it would have it twice.
 * - The second ^C (or SIGINT) kills. One within a quarter of a second of the first is its echo: timeout(1)
 *   signals its child and then its whole group.
 */
#ifndef COLLECTOR_SESSION_SIGNALS_H
#define COLLECTOR_SESSION_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/signalfd.h>

#include "support/diag.h"

struct signals {
    int fd;                      /* readable when one of them has come; close-on-exec */
    sigset_t taken;              /* what we block */
    sigset_t found;              /* the mask before */
    struct sigaction found_pipe; /* SIGPIPE's disposition before: we ignore it */
    uint64_t interrupted_ns;     /* first SIGINT, CLOCK_MONOTONIC; 0 = none yet */
};

/* Takes SIGINT, SIGTERM, SIGHUP and SIGQUIT, unless we were started with them ignored, and SIGCHLD. */
int signals_open(struct signals *signals, struct diag *diag);

/* Closes, and gives everything back: also in a child, before exec. */
void signals_close(struct signals *signals);

/* The next one that has come. False if there is none. Does not block. */
bool signals_read(const struct signals *signals, struct signalfd_siginfo *info);

/* The next one that is to end us (not SIGCHLD), or 0. Does not block. */
int signals_read_end(const struct signals *signals);

/* What to send to the program because of `info`: a signal, or 0 for nothing. */
int signals_pass_on(struct signals *signals, const struct signalfd_siginfo *info, uint64_t now_ns);

#endif
