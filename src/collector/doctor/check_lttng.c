/* LTTng itself: its programs and libraries, and the session daemon. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/doctor/checks.h"
#include "collector/doctor/library.h"
#include "collector/session/bounded.h"
#include "collector/session/command.h"
#include "collector/session/daemon.h"
#include "collector/session/place.h"
#include "collector/session/preload.h"

enum { ANSWER_MS = 2000, VERSION_SIZE = 64 };
enum { LTTNG_MAJOR = 2, LTTNG_MINOR = 13 };

/* ---- programs ---- */

/* In a child process: the path gets to the shell as a variable, whatever characters it has. */
static int call_version(const void *path, void *reply, struct diag *diag)
{
    (void)diag;
    setenv("MAPSCOPE_TOOL", path, 1);
    FILE *output = popen("\"$MAPSCOPE_TOOL\" --version 2>/dev/null", "re");
    if (!output || !fgets(reply, VERSION_SIZE, output))
        return -ENOENT;
    return 0;
}

static bool is_new_enough(const char *version)
{
    int major, minor;
    return sscanf(version, "%d.%d", &major, &minor) == 2 &&
           (major > LTTNG_MAJOR || (major == LTTNG_MAJOR && minor >= LTTNG_MINOR));
}

static void check_tool(const char *name, const char *path, struct checkup *checkup)
{
    char version[VERSION_SIZE] = "";
    int error = bounded_run(call_version, path, version, sizeof version, ANSWER_MS, NULL);
    version[strcspn(version, "\n")] = '\0';
    if (error) {
        checkup_problem(checkup, "%s does not say its version within %d s", path, ANSWER_MS / 1000);
        checkup_mend(checkup, "see what \"%s --version\" does", path);
    } else if (!is_new_enough(version)) {
        checkup_problem(checkup, "%s is version %s: 2.13 or later is needed", path, version);
        checkup_mend(checkup, "apt install lttng-tools");
    } else {
        checkup_ok(checkup, "%s %s", name, version);
    }
}

static char *join(const char *folder, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

/* Where distributions have the consumer, from the folder of the session daemon. To be freed; NULL = not found. */
static char *find_consumer(const struct patient *patient, const char *daemon)
{
    static const char *const folders[] = {"../lib/x86_64-linux-gnu/lttng/libexec",
                                          "../lib/aarch64-linux-gnu/lttng/libexec", "../lib/lttng/libexec",
                                          "../lib64/lttng/libexec", "../libexec/lttng/libexec"};
    const char *chosen = environment_get(&patient->environment, "LTTNG_CONSUMERD64_BIN");
    if (chosen && *chosen)
        return strdup(chosen);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char *path;
        int length = (int)(strrchr(daemon, '/') - daemon);
        if (asprintf(&path, "%.*s/%s/lttng-consumerd", length, daemon, folders[i]) < 0)
            return NULL;
        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static void check_consumer(const struct patient *patient, const char *daemon, struct checkup *checkup)
{
    char *path = find_consumer(patient, daemon);
    if (path) {
        check_tool("lttng-consumerd", path, checkup);
    } else {
        checkup_note(checkup, "lttng-consumerd is not where it is looked for; the session daemon may know better");
        checkup_mend(checkup, "LTTNG_CONSUMERD64_BIN=PATH says where it is; apt install lttng-tools has it");
    }
    free(path);
}

void check_tools(const struct patient *patient, struct checkup *checkup)
{
    char *path = NULL;
    if (command_find("lttng-sessiond", &path, NULL)) {
        checkup_problem(checkup, "there is no lttng-sessiond in PATH");
        checkup_mend(checkup, "apt install lttng-tools");
        return;
    }
    check_tool("lttng-sessiond", path, checkup);
    check_consumer(patient, path, checkup);
    free(path);
}

/* ---- libraries ---- */

/* Opens a library that `user` asks for; says so if it is not there. */
static bool open_library(const struct library_user *user, const char *name, struct elf_image *image,
                         struct checkup *checkup)
{
    if (library_open(user, name, image) == 0)
        return true;
    checkup_problem(checkup, "%s is not installed, or too old", name);
    checkup_mend(checkup, "apt install liblttng-ust1 (2.13 or later)");
    return false;
}

/* Whether the tracer that `image` asks for, if it does, is there. */
static bool has_tracer(const struct library_user *user, struct checkup *checkup)
{
    struct elf_image tracer;
    size_t at = 0;
    for (const char *name; (name = elf_image_dynamic(user->image, DT_NEEDED, &at));) {
        if (strncmp(name, "liblttng-ust.so", strlen("liblttng-ust.so")) != 0)
            continue;
        if (!open_library(user, name, &tracer, checkup))
            return false;
        elf_image_close(&tracer);
    }
    return true;
}

/* One of the list that is preloaded: ours by path, LTTng's by name. */
static bool is_loadable(const char *name, const char *library_path, struct checkup *checkup)
{
    struct elf_image image;
    if (!open_library(&(struct library_user){.library_path = library_path}, name, &image, checkup))
        return false;
    bool is_whole = has_tracer(&(struct library_user){&image, name, library_path}, checkup);
    elf_image_close(&image);
    return is_whole;
}

static void check_preloaded(const struct patient *patient, const char *list, struct checkup *checkup)
{
    const char *library_path = environment_get(&patient->environment, "LD_LIBRARY_PATH");
    char *names = strdup(list), *rest = NULL;
    bool are_loadable = true;
    for (char *name = names ? strtok_r(names, ":", &rest) : NULL; name; name = strtok_r(NULL, ":", &rest))
        are_loadable &= is_loadable(name, library_path, checkup);
    checkup->is_short |= !names;
    free(names);
    if (are_loadable)
        checkup_ok(checkup, "%s", list);
}

void check_libraries(const struct patient *patient, struct checkup *checkup)
{
    struct diag diag;
    char *list = NULL;
    diag_init(&diag);
    if (preload_find(true, &list, &diag) == 0) {
        check_preloaded(patient, list, checkup);
    } else {
        checkup_problem(checkup, "%s", diag_text(&diag));
        checkup_mend(checkup, "install it anew, in a place without blanks and colons");
    }
    free(list);
    diag_fini(&diag);
}

/* ---- daemons ---- */

struct place_answer {
    enum place_kind kind;
    bool is_users; /* shared: the user's own daemon rather than root's */
    char name[64];
};

/* In a child process, which alone gets into the place: what a recording would do, and takes back at once. */
static int call_place(const void *arg, void *reply, struct diag *diag)
{
    const struct patient *patient = arg;
    struct place_answer *answer = reply;
    struct place place;
    int error = patient->kind == PATIENT_PROCESS
                    ? place_join(&place, environment_lttng_home(&patient->environment), diag)
                    : place_enter(&place, diag);
    if (error)
        return error;
    answer->kind = place.kind;
    answer->is_users = place.kind == PLACE_SHARED && place.home;
    snprintf(answer->name, sizeof answer->name, "%s", place_name(&place));
    place_leave(&place);
    place_fini(&place);
    return 0;
}

static const char *who_we_are(void)
{
    if (geteuid() == 0)
        return "you are root";
    return daemon_root_is_open() ? "you are in group tracing" : "you are neither root nor in group tracing";
}

static bool check_place(const struct patient *patient, struct place_answer *answer, struct checkup *checkup)
{
    struct diag diag;
    diag_init(&diag);
    int error = bounded_run(call_place, patient, answer, sizeof *answer, ANSWER_MS, &diag);
    if (error == -ESRCH) { /* of a process: there is no daemon that it could know */
        checkup_problem(checkup, "no session daemon of yours runs that the process could register with");
        checkup_mend(checkup, "lttng-sessiond --daemonize: the process notices within 5 s; or record it as root");
    } else if (error) {
        checkup_problem(checkup, "no place for a session daemon: %s", diag_text(&diag));
        checkup_mend(checkup, "make /run (root) or XDG_RUNTIME_DIR and /tmp (others) writable");
    } else {
        checkup_ok(checkup, "a recording's would be: %s (%s)", answer->name, who_we_are());
    }
    diag_fini(&diag);
    return !error;
}

/* A daemon that hangs keeps a recording from working if it is the one that is used. */
static void report_hung(const char *whose, pid_t pid, bool is_used, const char *otherwise, struct checkup *checkup)
{
    checkup_add(checkup, is_used ? VERDICT_PROBLEM : VERDICT_NOTE, "%s (process %ld) runs but does not answer%s", whose,
                (long)pid, is_used ? "" : otherwise);
    checkup_mend(checkup, "kill -CONT %ld if it was stopped; else kill -9 and start it again", (long)pid);
}

static void report_daemon(const char *whose, struct daemon_probe daemon, bool is_used, const char *otherwise,
                          struct checkup *checkup)
{
    if (daemon.state == DAEMON_HUNG)
        report_hung(whose, daemon.pid, is_used, otherwise, checkup);
    else if (daemon.state == DAEMON_ALIVE)
        checkup_ok(checkup, "%s (process %ld) runs and answers", whose, (long)daemon.pid);
    else if (daemon.state == DAEMON_CLOSED)
        checkup_ok(checkup, "%s (process %ld) runs, and is not for you", whose, (long)daemon.pid);
    else
        checkup_ok(checkup, "%s does not run", whose);
}

/* The user's own: only a recording of a running process may use it, but other programs may register with it. */
static void check_own_daemon(const struct patient *patient, bool is_asked, bool is_used, struct checkup *checkup)
{
    const char *home = environment_lttng_home(&patient->environment);
    char *folder = home ? join(home, ".lttng") : NULL;
    struct daemon_probe own = folder ? daemon_look(folder, is_asked) : (struct daemon_probe){DAEMON_ABSENT, 0};
    if (own.state != DAEMON_ABSENT)
        report_daemon(folder, own, is_used, ": a recording does not use it", checkup);
    free(folder);
}

void check_daemon(const struct patient *patient, struct checkup *checkup)
{
    struct place_answer place = {0};
    if (!check_place(patient, &place, checkup))
        return;
    struct daemon_probe root = daemon_look(DAEMON_ROOT_FOLDER, daemon_root_is_open());
    bool is_used = (place.kind == PLACE_SHARED && !place.is_users) || place.kind == PLACE_GLOBAL;
    report_daemon("root's session daemon", root, is_used,
                  place.kind == PLACE_HOME ? ": the program waits up to 5 s for it when it starts"
                                           : ": a recording does not use it",
                  checkup);
    if (geteuid() != 0)
        check_own_daemon(patient, !daemon_root_is_open(), place.is_users, checkup);
}
