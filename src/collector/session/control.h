/*
 * The recording session in the daemon: the only user of liblttng-ctl. Each call has a deadline, and a
 * daemon that hangs costs no more than that.
 *
 * Buffers are per process: a program that is killed inside a tracepoint spoils no other's.
 */
#ifndef COLLECTOR_SESSION_CONTROL_H
#define COLLECTOR_SESSION_CONTROL_H

#include <stdint.h>
#include <sys/types.h>

#include "collector/session/bounded.h"
#include "collector/session/buffers.h"
#include "support/diag.h"

enum { CONTROL_NAME_SIZE = 64, CONTROL_VERSION_SIZE = 64 };

/* Plain data; the strings are borrowed. */
struct control {
    const char *home;  /* LTTNG_HOME of the daemon; NULL = root's daemon */
    const char *trace; /* absolute path */
    struct buffers events;
    struct bounded_patience patience; /* who hears that the daemon takes its time */
    pid_t vpid;                       /* records this process alone, numbered as it sees itself; 0 = every one */
    char name[CONTROL_NAME_SIZE];     /* of the session, unique in the daemon */
};

void control_init(struct control *control, const char *home, const char *trace, struct buffers events);

/*
 * Waits for half a second until the process `vpid` is registered with the daemon, with our tracepoints. -ESRCH if
 * it is not yet, -ETIMEDOUT after 5 s if the daemon hangs (or the process, which it asks).
 */
int control_find(const struct control *control, struct diag *diag);

/* Creates the session with the channels `meta` and `ev` and starts it: at most 5 s. */
int control_begin(const struct control *control, struct diag *diag);

/* Stops it and waits until everything is on disk: at most 5 s each. After an error the end may be missing. */
int control_end(const struct control *control, struct diag *diag);

/* Without waiting for what the daemon still does with it. At most 1 s; a session that is not there is no error. */
void control_destroy(const struct control *control);

/* The version of the LTTng tools, "" if unknown. */
void control_version(char version[CONTROL_VERSION_SIZE]);

#endif
