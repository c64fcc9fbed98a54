/* A process that runs: can it be traced without starting it again, and by which session daemon? */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/doctor/checks.h"
#include "collector/doctor/proc.h"
#include "collector/doctor/unix_peers.h"
#include "collector/session/daemon.h"

/* ---- whose, and what ---- */

static void report_user(const struct patient *patient, struct checkup *checkup)
{
    const struct passwd *user = getpwuid(patient->user);
    char number[24];
    snprintf(number, sizeof number, "%u", (unsigned)patient->user);
    checkup_ok(checkup, "%ld runs %s as user %s%s", (long)patient->pid, patient->path, user ? user->pw_name : number,
               patient->user == geteuid() ? "" : ", not as you");
}

void check_process(const struct patient *patient, struct checkup *checkup)
{
    if (patient->missing) {
        checkup_problem(checkup, "%s", patient->missing);
        checkup_mend(checkup, "find it: pgrep -a NAME; look at it as its user or as root");
        return;
    }
    report_user(patient, checkup);
    char state = proc_state(patient->pid);
    if (state == 'T' || state == 't') {
        checkup_note(checkup, "it is stopped: it cannot register with a session daemon, nor take its commands");
        checkup_mend(checkup, "kill -CONT %ld, or let the debugger go on", (long)patient->pid);
    }
    if (patient->is_deleted) {
        checkup_note(checkup, "its file was removed or replaced since it started: its functions will have no names");
        checkup_mend(checkup, "start it again, or keep the old file where it was");
    }
}

/* ---- tracepoints and tracer ---- */

void check_loaded(const struct patient *patient, struct checkup *checkup)
{
    if (!patient_uses_library(patient, "libmapscope-lttng.so")) {
        bool has_runtime = patient_uses_library(patient, "libmapscope.so");
        checkup_problem(checkup, "it has %s: nothing of it can be traced",
                        has_runtime ? "libmapscope, but not its tracepoints" : "not loaded libmapscope");
        checkup_mend(checkup, "start it under mapscope record, or link it with -Wl,--no-as-needed -lmapscope-lttng");
        return;
    }
    checkup_ok(checkup, "libmapscope-lttng is loaded");
    if (!patient_uses_library(patient, "liblttng-ust-fork.so")) {
        checkup_note(checkup,
                     "liblttng-ust-fork is not loaded: what its children do without exec is recorded as its own");
        checkup_mend(checkup, "start it with LD_PRELOAD=liblttng-ust-fork.so.1");
    }
}

/* ---- session daemon ---- */

/* The part of a socket's path before the name that LTTng gives it; 0 = not LTTng's. */
static int registration_length(const char *name)
{
    const char *slash = name ? strrchr(name, '/') : NULL;
    return slash && strcmp(slash + 1, DAEMON_PROGRAM_SOCKET) == 0 ? (int)(slash - name) : 0;
}

/* Whether an earlier socket already led to that daemon: a program has two to each. */
static bool is_repeated(const struct unix_sockets *sockets, const uint64_t *inodes, size_t index)
{
    const char *name = unix_sockets_peer(sockets, inodes[index]);
    for (size_t i = 0; i < index; i++) {
        const char *other = unix_sockets_peer(sockets, inodes[i]);
        if (other && strcmp(other, name) == 0)
            return true;
    }
    return false;
}

static void report_registrations(const struct unix_sockets *sockets, const uint64_t *inodes, size_t count,
                                 struct checkup *checkup)
{
    bool is_registered = false;
    for (size_t i = 0; i < count; i++) {
        const char *name = unix_sockets_peer(sockets, inodes[i]);
        int length = registration_length(name);
        if (!length || is_repeated(sockets, inodes, i))
            continue;
        checkup_ok(checkup, "with the session daemon of %.*s", length, name);
        is_registered = true;
    }
    if (is_registered)
        return;
    checkup_note(checkup, "with no session daemon");
    checkup_mend(checkup, "start one: lttng-sessiond --daemonize; within some seconds it registers by itself");
}

void check_registration(const struct patient *patient, struct checkup *checkup)
{
    uint64_t *inodes;
    size_t count;
    struct unix_sockets sockets;
    if (!proc_maps_has(patient->maps, "liblttng-ust.so") || proc_sockets(patient->pid, &inodes, &count))
        return;
    int error = unix_sockets_read(&sockets);
    if (error) {
        checkup_note(checkup, "cannot see where its sockets lead: %s", strerror(-error));
        checkup_mend(checkup, "look at it as root");
    } else {
        report_registrations(&sockets, inodes, count, checkup);
    }
    unix_sockets_fini(&sockets);
    free(inodes);
}

/* ---- namespaces ---- */

void check_surroundings(const struct patient *patient, struct checkup *checkup)
{
    static const char *const folders[] = {DAEMON_ROOT_FOLDER, "/dev/shm"};
    bool is_same = true;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        int shares = proc_shares_folder(patient->pid, folders[i]);
        if (shares || access(folders[i], F_OK))
            continue;
        is_same = false;
        checkup_problem(checkup, "it sees another %s than you: a session daemon that you start cannot trace it",
                        folders[i]);
        checkup_mend(checkup,
                     "trace it from inside: nsenter --target %ld --mount --ipc ...; or give the container this %s",
                     (long)patient->pid, folders[i]);
    }
    if (is_same)
        checkup_ok(checkup, "it sees the same " DAEMON_ROOT_FOLDER " and /dev/shm as you");
}
