/*
 * The recording session in the daemon: the only user of liblttng-ctl. Each call has a deadline, and a
 * daemon that hangs costs no more than that.
 *
 * Buffers are per process: a program that is killed inside a tracepoint spoils no other's.
 */
#ifndef COLLECTOR_SESSION_CONTROL_H
#define COLLECTOR_SESSION_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/session/bounded.h"
#include "collector/session/buffers.h"
#include "support/diag.h"

enum { CONTROL_NAME_SIZE = 64, CONTROL_VERSION_SIZE = 64, CONTROL_ATTEMPTS = 3 };

/* Plain data; the strings are borrowed. */
struct control {
    const char *home;  /* LTTNG_HOME of the daemon; NULL = root's daemon */
    const char *trace; /* absolute path */
    struct buffers events;
    struct bounded_patience patience; /* who hears that the daemon takes its time */
    pid_t vpid;                       /* records this process alone, numbered as it sees itself; 0 = every one */
    char stem[CONTROL_NAME_SIZE];     /* of the names of its sessions, unique in the daemon */
    unsigned attempt;                 /* from 0 on; the rest of the name */
};

void control_init(struct control *control, const char *home, const char *trace, struct buffers events);

/*
 * Waits for half a second until the process `vpid` is registered with the daemon, with our tracepoints. -ESRCH if
 * it is not yet, -ETIMEDOUT after 5 s if the daemon hangs (or the process, which it asks).
 */
int control_find(const struct control *control, struct diag *diag);

/* Creates the session with the channels `meta` and `ev` and starts it: at most 5 s. -EAGAIN if there are no buffers. */
int control_begin(const struct control *control, struct diag *diag);

/*
 * After a session that records nothing: destroys it; control_begin then makes another, by the next of CONTROL_ATTEMPTS
 * names. False if there is none left.
 */
bool control_next_attempt(struct control *control);

/* Stops it and waits until everything is on disk: at most 5 s each. After an error the end may be missing. */
int control_end(const struct control *control, struct diag *diag);

/*
 * Destroys the sessions of all attempts, so that a copy of `control` made before the first (the keeper's) serves as
 * well. Without waiting for what the daemon still does with them. At most 1 s; a session that is not there is no error.
 */
void control_destroy(const struct control *control);

/* The version of the LTTng tools, "" if unknown. */
void control_version(char version[CONTROL_VERSION_SIZE]);

#endif
