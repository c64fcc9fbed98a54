/*
 * The process that keeps the session daemon: starts it, waits with it for the end, and takes everything
 * away again. It is a process of its own so that the end comes for whatever reason: it waits for the
 * recorder's side of a socket to close, which a kill -9 of the recorder does too. And so that the daemon's
 * orphans come to it (it is their subreaper) and not those of the recorded program, which are not ours.
 *
 *     recorder ──socket── keeper ── lttng-sessiond ── lttng-consumerd, lttng-runas
 *         └── CMD
 *
 * End: SIGTERM to the daemon, 3 s, SIGKILL to its process group; done when the keeper has no child left. If it is the
 * keeper that is killed, the kernel sends that SIGTERM. A daemon that is just starting can miss it, so the recorder
 * sends the SIGKILL then.
 */
#ifndef COLLECTOR_SESSION_KEEPER_H
#define COLLECTOR_SESSION_KEEPER_H

#include <stdatomic.h>
#include <sys/types.h>

#include "collector/session/control.h"
#include "collector/session/place.h"
#include "support/diag.h"

struct keeper {
    pid_t pid;
    int fd;                /* readable when the daemon has ended by itself; close-on-exec */
    _Atomic pid_t *daemon; /* shared with the keeper: the daemon, and its process group; 0 = there is none */
};

/*
 * Starts keeper and daemon and waits until the daemon takes commands, at most 5 s; in a shared place there is no
 * daemon to start. For a single-threaded caller, which must have called signals_open (the keeper's
 * children get default signals). On failure nothing is left, and `diag` has the daemon's last words.
 */
int keeper_start(struct keeper *keeper, const struct place *place, const struct control *control, struct diag *diag);

/* Ends daemon and keeper and leaves the place: at most about 8 s. */
void keeper_stop(struct keeper *keeper, const struct place *place);

#endif
