/* A process that runs already and is to be recorded: what /proc says about it. Never touches it. */
#ifndef COLLECTOR_SESSION_TARGET_H
#define COLLECTOR_SESSION_TARGET_H

#include <sys/types.h>

#include "collector/session/environment.h"
#include "support/diag.h"

struct target {
    pid_t pid;
    pid_t vpid;                     /* its number in its own process namespace */
    int fd;                         /* readable once it has ended (pidfd) */
    char *program;                  /* path of its executable, owned */
    struct environment environment; /* as it was started with */
};

/*
 * Opens a process that can be recorded. -ESRCH if there is none (any more), -EPERM if it is another user's,
 * -EXDEV if it sees other files than we, -ENOENT if it has not loaded libmapscope-lttng; `diag` says what to do.
 */
int target_open(struct target *target, pid_t pid, struct diag *diag);
void target_close(struct target *target);

/* Where it looks for its user's session daemon: borrowed, or NULL. */
const char *target_home(const struct target *target);

#endif
