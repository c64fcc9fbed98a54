/*
 * Where the session daemon lives, so that it is ours alone and leaves nothing behind. LTTng 2.13 has its
 * sockets in /run/lttng for root, in $LTTNG_HOME/.lttng for others, and traced programs look there too.
 */
#ifndef COLLECTOR_SESSION_PLACE_H
#define COLLECTOR_SESSION_PLACE_H

#include <stdbool.h>

#include "collector/session/environment.h"
#include "support/diag.h"

enum place_kind {
    PLACE_NAMESPACE, /* root: a mount namespace with a /run/lttng of our own */
    PLACE_GLOBAL,    /* root without the right to that, and no daemon there: /run/lttng itself */
    PLACE_HOME,      /* a plain user: a short private folder */
    PLACE_SHARED,    /* a daemon that is there already: root's, or (attached) the user's */
};

struct place {
    enum place_kind kind;
    char *home;    /* LTTNG_HOME of the daemon, 0700, with its log; if shared, the user's own or NULL = root's; owned */
    bool owns_run; /* PLACE_GLOBAL: nothing was in /run/lttng before */
};

/*
 * Chooses and prepares. The calling process may be in another mount namespace afterwards: mounts made
 * outside still appear in it, its own do not appear outside.
 */
int place_enter(struct place *place, struct diag *diag);

/*
 * Where a program that runs already finds its daemon: root's if it is there and takes our commands; else for
 * root /run/lttng, for a daemon of our own that the program will notice; else the user's, whose LTTNG_HOME is
 * `home` in the program (NULL = none). -ESRCH if there is none that we could start either.
 */
int place_join(struct place *place, const char *home, struct diag *diag);

/*
 * Removes what place_enter and the daemon left, but for an empty /run/lttng, as LTTng itself leaves it:
 * to remove it would take away the mount of another recording. For when the daemon is gone. Legal twice,
 * and in a child of the process that entered.
 */
void place_leave(const struct place *place);
void place_fini(struct place *place);

/* How messages and capture.json name it. */
const char *place_name(const struct place *place);

/* What a program must have in its environment for its tracepoints to find the daemon. 0 or -ENOMEM. */
int place_set_environment(const struct place *place, struct environment *environment);

#endif
