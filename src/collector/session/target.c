/* See target.h. */
#include "collector/session/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The file `name` of the process, for reading; NULL with errno. */
static FILE *open_file(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
    return fopen(path, "re");
}

static int gone(pid_t pid, struct diag *diag)
{
    return diag_set(diag, -ESRCH, "there is no process %ld", (long)pid);
}

/* The user that it acts as, and its innermost number. */
static int read_status(struct target *target, uid_t *user, struct diag *diag)
{
    FILE *file = open_file(target->pid, "status");
    if (!file)
        return gone(target->pid, diag);
    char line[256];
    while (fgets(line, sizeof line, file)) {
        unsigned effective;
        const char *last = strrchr(line, '\t');
        if (sscanf(line, "Uid: %*u %u", &effective) == 1)
            *user = effective;
        if (strncmp(line, "NSpid:", strlen("NSpid:")) == 0 && last)
            target->vpid = (pid_t)strtol(last + 1, NULL, 10);
    }
    fclose(file);
    return 0;
}

static int check_user(struct target *target, struct diag *diag)
{
    uid_t user = 0;
    target->vpid = target->pid;
    int error = read_status(target, &user, diag);
    if (error || geteuid() == 0 || geteuid() == user)
        return error;
    return diag_set(diag, -EPERM, "process %ld is another user's (%u): record it as that user or as root",
                    (long)target->pid, (unsigned)user);
}

/* The daemon, which is in our mount namespace or reached through its files, must see what the process sees. */
static int check_namespace(const struct target *target, struct diag *diag)
{
    char path[64];
    struct stat own, its;
    snprintf(path, sizeof path, "/proc/%ld/ns/mnt", (long)target->pid);
    if (stat("/proc/self/ns/mnt", &own) || stat(path, &its) || own.st_ino == its.st_ino)
        return 0;
    return diag_set(diag, -EXDEV,
                    "process %ld is in another mount namespace (a container, or a recording of its own): run mapscope "
                    "there (nsenter --target %ld --mount)",
                    (long)target->pid, (long)target->pid);
}

/* 1 or 0, or a negative errno. */
static int has_library(const struct target *target)
{
    FILE *file = open_file(target->pid, "maps");
    if (!file)
        return -errno;
    char *line = NULL;
    size_t capacity = 0;
    bool found = false;
    while (!found && getline(&line, &capacity, file) >= 0)
        found = strstr(line, "/libmapscope-lttng.so") != NULL;
    int error = ferror(file) ? -errno : 0;
    free(line);
    fclose(file);
    return found ? 1 : error;
}

static int check_library(const struct target *target, struct diag *diag)
{
    int found = has_library(target);
    if (found > 0)
        return 0;
    if (found == -EACCES || found == -EPERM)
        return diag_set(diag, -EPERM, "process %ld hides its memory from you (setuid?): record it as root",
                        (long)target->pid);
    if (found < 0 || !target->program)
        return gone(target->pid, diag);
    return diag_set(
        diag, -ENOENT,
        "%s (process %ld) has no tracepoints: link it with -Wl,--no-as-needed -lmapscope-lttng, or start it "
        "with LD_PRELOAD=libmapscope-lttng.so.0, or under mapscope record -- %s",
        target->program, (long)target->pid, target->program);
}

static void read_program(struct target *target)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/%ld/exe", (long)target->pid);
    ssize_t length = readlink(link, path, sizeof path - 1);
    target->program = length > 0 ? strndup(path, (size_t)length) : NULL;
}

/* What cannot be read is not there. */
static int read_environment(struct target *target)
{
    FILE *file = open_file(target->pid, "environ");
    char *item = NULL, *none[] = {NULL};
    size_t capacity = 0;
    int error = environment_init(&target->environment, none);
    while (file && !error && getdelim(&item, &capacity, '\0', file) >= 0) {
        char *equals = strchr(item, '=');
        if (!equals)
            continue;
        *equals = '\0';
        error = environment_set(&target->environment, item, equals + 1);
    }
    free(item);
    if (file)
        fclose(file);
    return error;
}

int target_open(struct target *target, pid_t pid, struct diag *diag)
{
    *target = (struct target){.pid = pid, .fd = (int)syscall(SYS_pidfd_open, pid, 0)};
    if (target->fd < 0)
        return errno == EINVAL || errno == ESRCH ? gone(pid, diag)
                                                 : diag_errno(diag, errno, "cannot open process %ld", (long)pid);
    int error = check_user(target, diag);
    if (!error)
        error = check_namespace(target, diag);
    if (!error) {
        read_program(target);
        error = check_library(target, diag);
    }
    if (!error && (error = read_environment(target)) != 0)
        diag_errno(diag, -error, "cannot read the environment of process %ld", (long)pid);
    if (error)
        target_close(target);
    return error;
}

void target_close(struct target *target)
{
    if (target->fd >= 0)
        close(target->fd);
    free(target->program);
    environment_fini(&target->environment);
    *target = (struct target){.fd = -1};
}

const char *target_home(const struct target *target)
{
    return environment_lttng_home(&target->environment);
}
