/* What /proc says of a process, any of which may be gone the next moment. Not thread-safe. */
#ifndef COLLECTOR_DOCTOR_PROC_H
#define COLLECTOR_DOCTOR_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A path in /proc/PID. */
enum { PROC_PATH_SIZE = 64 };
const char *proc_path(pid_t pid, const char *name, char path[PROC_PATH_SIZE]);

/* The content of /proc/PID/`name`, at most 16 MiB, to be freed, a NUL behind it. 0 or a negative errno. */
int proc_read(pid_t pid, const char *name, char **text, size_t *size);

/* Where /proc/PID/`name` points to, to be freed. 0 or a negative errno. */
int proc_read_link(pid_t pid, const char *name, char **target);

bool proc_exists(pid_t pid);

/* 'R', 'S', 'T' = stopped, 'Z' = has ended ...; 0 = there is no such process. */
char proc_state(pid_t pid);

/* The effective user of the process. 0 or a negative errno. */
int proc_user(pid_t pid, uid_t *user);

/* Whether `maps` (of /proc/PID/maps) has a file whose name begins with `name`. */
bool proc_maps_has(const char *maps, const char *name);

/* The inode numbers of its open sockets, to be freed. 0 or a negative errno. */
int proc_sockets(pid_t pid, uint64_t **inodes, size_t *count);

/* 1 if the process sees the same folder under `path` as we do, 0 if another or none; or a negative errno. */
int proc_shares_folder(pid_t pid, const char *path);

#endif
