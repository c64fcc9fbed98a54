/*
 * The program that is recorded: found, started, waited for. It gets our terminal, folder and process
 * group, the descriptors and signals that we were started with, and none of ours.
 */
#ifndef COLLECTOR_SESSION_COMMAND_H
#define COLLECTOR_SESSION_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "collector/session/environment.h"
#include "collector/session/signals.h"
#include "support/diag.h"

/*
 * Where `name` lies: itself if it has a slash, else the first executable file of that name in PATH.
 * `*path` is to be freed. -ENOENT, or -EACCES for one that is there but may not be executed.
 */
int command_find(const char *name, char **path, struct diag *diag);

/* Starts the program at `path` with argv. 0 with its *pid; or what execve says, with the program never begun. */
int command_start(const char *path, char *const *argv, const struct environment *environment, struct signals *signals,
                  pid_t *pid, struct diag *diag);

/* How it ended. False while it runs. Does not block. */
bool command_has_ended(pid_t pid, int *wait_status);

/* What a shell says for it: the exit status, or 128 + the signal. */
int command_exit_status(int wait_status);

#endif
