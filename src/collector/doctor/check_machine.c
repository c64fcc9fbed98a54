/* What the machine and the shell give a recording: shared memory, limits, environment. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "collector/doctor/checks.h"
#include "collector/session/buffers.h"

#define SHM_FOLDER "/dev/shm"

/* Fewer traced processes at once than that may be too few for a server with helpers. */
enum { ROOMY_PROCESSES = 8 };

/* ---- /dev/shm ---- */

enum { SIZE_TEXT = 32 };

static const char *print_size(uint64_t bytes, char text[SIZE_TEXT])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes / 1024;
    size_t unit = 0;
    for (; size >= 1024 && unit < 3; unit++)
        size /= 1024;
    snprintf(text, SIZE_TEXT, "%.*f %s", size < 10 ? 1 : 0, size, units[unit]);
    return text;
}

static uint64_t free_bytes(const char *folder)
{
    struct statvfs status;
    return statvfs(folder, &status) ? 0 : (uint64_t)status.f_bavail * status.f_frsize;
}

/* Room for at least one process is there. */
static void report_room(struct buffers events, uint64_t processes, struct checkup *checkup)
{
    char has[SIZE_TEXT], needs[SIZE_TEXT];
    uint64_t needed = buffers_process_bytes(events, (unsigned)get_nprocs_conf());
    bool is_roomy = processes >= ROOMY_PROCESSES;
    checkup_add(checkup, is_roomy ? VERDICT_OK : VERDICT_NOTE, "%s free, %s needed for each traced process%s",
                print_size(free_bytes(SHM_FOLDER), has), print_size(needed, needs),
                is_roomy ? "" : ": few programs with children fit");
    if (!is_roomy)
        checkup_mend(checkup,
                     "mount -o remount,size=1G " SHM_FOLDER "; docker run --shm-size=1g; or a smaller --buffer");
}

void check_memory(const struct patient *patient, struct checkup *checkup)
{
    struct statfs status;
    struct diag diag;
    uint64_t processes;
    struct buffers events = buffers_of_ring(patient->ring_bytes);
    diag_init(&diag);
    if (access(SHM_FOLDER, R_OK | W_OK | X_OK)) {
        checkup_problem(checkup, "is not there, or may not be written to: LTTng's buffers lie in it");
        checkup_mend(checkup, "mount -t tmpfs -o mode=1777 tmpfs " SHM_FOLDER);
    } else if (buffers_check(SHM_FOLDER, events, &processes, &diag)) {
        checkup_problem(checkup, "%s", diag_text(&diag));
    } else {
        report_room(events, processes, checkup);
    }
    if (statfs(SHM_FOLDER, &status) == 0 && status.f_type != TMPFS_MAGIC) {
        checkup_note(checkup, "is not in memory but on a disk: tracing is slow");
        checkup_mend(checkup, "mount -t tmpfs -o mode=1777 tmpfs " SHM_FOLDER);
    }
    diag_fini(&diag);
}

/* ---- limits ---- */

/* Of the consumer daemon for each traced process, measured with two channels; and of the daemon for itself. */
enum { FILES_PER_CPU = 15, FILES_OWN = 64, FILES_USED_MAX = 65536 };

static void check_files(struct checkup *checkup)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    uint64_t files = limit.rlim_max < FILES_USED_MAX ? limit.rlim_max : FILES_USED_MAX;
    uint64_t left = files > FILES_OWN ? files - FILES_OWN : 0;
    uint64_t processes = left / ((uint64_t)get_nprocs_conf() * FILES_PER_CPU);
    enum verdict verdict = processes >= ROOMY_PROCESSES ? VERDICT_OK : processes ? VERDICT_NOTE : VERDICT_PROBLEM;
    checkup_add(checkup, verdict, "%" PRIu64 " open files: enough for some %" PRIu64 " traced processes at once", files,
                processes);
    if (verdict != VERDICT_OK)
        checkup_mend(checkup, "raise the hard limit: ulimit -Hn 65536 as root, LimitNOFILE= of the service, "
                              "docker run --ulimit nofile=65536");
}

static void check_file_size(struct checkup *checkup)
{
    struct rlimit limit;
    char size[SIZE_TEXT];
    if (getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_cur == RLIM_INFINITY)
        return;
    checkup_note(checkup, "files may have at most %s: a recording ends when a file of the trace gets there",
                 print_size(limit.rlim_cur, size));
    checkup_mend(checkup, "ulimit -f unlimited");
}

void check_limits(const struct patient *patient, struct checkup *checkup)
{
    (void)patient;
    check_files(checkup);
    check_file_size(checkup);
}

/* ---- environment ---- */

enum trigger { WHEN_SET, WHEN_ZERO, WHEN_NOT_EXECUTABLE };

struct rule {
    const char *variable;
    enum trigger trigger;
    enum verdict verdict;
    unsigned kinds; /* enum patient_kind: a recording sets some of these itself */
    const char *consequence;
};

enum { ANY = PATIENT_MACHINE | PATIENT_PROGRAM | PATIENT_PROCESS };

/* From lttng-ust(3) and lttng-sessiond(8) of 2.13, and src/runtime/config.h. */
static const struct rule rules[] = {
    {"LTTNG_UST_WITHOUT_BADDR_STATEDUMP", WHEN_SET, VERDICT_PROBLEM, ANY,
     "the trace does not say where code was loaded: no function has a name"},
    {"LTTNG_UST_CLOCK_PLUGIN", WHEN_SET, VERDICT_PROBLEM, ANY,
     "events are stamped by another clock than the one that waits are measured with"},
    {"LTTNG_CONSUMERD64_BIN", WHEN_NOT_EXECUTABLE, VERDICT_PROBLEM, PATIENT_MACHINE | PATIENT_PROGRAM,
     "the session daemon cannot start its consumer"},
    {"LTTNG_UST_WITHOUT_PROCNAME_STATEDUMP", WHEN_SET, VERDICT_NOTE, ANY, "processes have no names in the trace"},
    {"LTTNG_UST_ABORT_ON_CRITICAL", WHEN_SET, VERDICT_NOTE, ANY, "an error inside LTTng ends the program"},
    {"LTTNG_ABORT_ON_ERROR", WHEN_SET, VERDICT_NOTE, PATIENT_MACHINE | PATIENT_PROGRAM,
     "an error inside the session daemon ends it"},
    {"LTTNG_UST_DEBUG", WHEN_SET, VERDICT_NOTE, ANY, "LTTng writes its log to the program's standard error"},
    {"LTTNG_UST_ALLOW_BLOCKING", WHEN_SET, VERDICT_NOTE, PATIENT_PROCESS,
     "a channel with a blocking timeout stops the program when its buffer is full"},
    {"LTTNG_UST_REGISTER_TIMEOUT", WHEN_ZERO, VERDICT_NOTE, PATIENT_PROCESS,
     "it did not wait for a session daemon when it started: its first events are not recorded"},
    {"MAPSCOPE_MAP_RATE", WHEN_ZERO, VERDICT_NOTE, ANY, "no map operation is recorded"},
    {"MAPSCOPE_MUTEX_FRACTION", WHEN_ZERO, VERDICT_NOTE, ANY, "no contention is recorded"},
};

static bool applies(const struct rule *rule, const char *value)
{
    switch (rule->trigger) {
    case WHEN_SET:
        return true;
    case WHEN_ZERO:
        return strcmp(value, "0") == 0;
    case WHEN_NOT_EXECUTABLE:
        return access(value, X_OK) != 0;
    }
    return false;
}

static bool check_rules(const struct patient *patient, struct checkup *checkup)
{
    bool is_quiet = true;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const struct rule *rule = &rules[i];
        const char *value = environment_get(&patient->environment, rule->variable);
        if (!value || !(rule->kinds & patient->kind) || !applies(rule, value))
            continue;
        checkup_add(checkup, rule->verdict, "%s=%s: %s", rule->variable, value, rule->consequence);
        checkup_mend(checkup, "unset %s%s", rule->variable,
                     patient->kind == PATIENT_PROCESS ? ", and start the program again" : "");
        is_quiet = false;
    }
    return is_quiet;
}

/* The longest name that the daemon has below its home, with the NUL. */
enum { DAEMON_NAME_SIZE = sizeof "/.lttng/ustconsumerd64/command" };

/* A daemon of the user's own has its sockets there. A recording's has them in a short place of its own. */
static bool check_home(const struct patient *patient, struct checkup *checkup)
{
    const char *name = "LTTNG_HOME", *home = environment_get(&patient->environment, name);
    if (!home || !*home)
        home = environment_get(&patient->environment, name = "HOME");
    size_t room = sizeof((struct sockaddr_un *)0)->sun_path;
    if (!home || strlen(home) + DAEMON_NAME_SIZE <= room)
        return true;
    checkup_note(checkup, "%s is too long (%zu characters) for a session daemon of your own: a socket's path has 107",
                 name, strlen(home));
    checkup_mend(checkup, "LTTNG_HOME=/tmp/lttng-$USER; mapscope record is not affected");
    return false;
}

void check_environment(const struct patient *patient, struct checkup *checkup)
{
    bool is_quiet = check_rules(patient, checkup);
    is_quiet &= check_home(patient, checkup);
    if (is_quiet)
        checkup_ok(checkup, "no variable that disturbs LTTng");
}
