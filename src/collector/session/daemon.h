/*
 * A session daemon that is there already: root's, or the user's own. Looks, and changes nothing.
 * For single-threaded callers (bounded.h).
 */
#ifndef COLLECTOR_SESSION_DAEMON_H
#define COLLECTOR_SESSION_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

/* Where root's daemon has its sockets; others' are in $LTTNG_HOME/.lttng. */
#define DAEMON_ROOT_FOLDER "/run/lttng"

/* Sockets in these folders: for commands, and for the programs that are traced. */
#define DAEMON_COMMAND_SOCKET "client-lttng-sessiond"
#define DAEMON_PROGRAM_SOCKET "lttng-ust-sock-8"

enum daemon_state {
    DAEMON_ABSENT, /* nobody listens */
    DAEMON_CLOSED, /* one is there that takes no commands from us */
    DAEMON_ALIVE,  /* it answers, or was not asked */
    DAEMON_HUNG,   /* it does not answer, or is stopped */
};

struct daemon_probe {
    enum daemon_state state;
    pid_t pid; /* 0 = not known */
};

/*
 * Looks for the daemon whose sockets are in `folder`; with `is_asked` it must answer a command within 2 s,
 * which goes where LTTng's tools would send it: root's daemon for root and the group `tracing`, else our own.
 */
struct daemon_probe daemon_look(const char *folder, bool is_asked);

/* Whether this user may give root's daemon commands. */
bool daemon_root_is_open(void);

#endif
