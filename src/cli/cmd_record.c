/* mapscope record: the command line of collector/session/session.h, and what is said at the end. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/say.h"
#include "collector/session/session.h"

static const char usage[] = "usage: mapscope record [OPTION...] [--] CMD [ARG...]\n"
                            "       mapscope record [OPTION...] --pid PID\n"
                            "\n"
                            "Runs CMD with LTTng's tracepoints on, under a session daemon of its own, and\n"
                            "records what its maps and locks do. With --pid, records a program that runs\n"
                            "already and has libmapscope-lttng loaded, until it ends or ^C.\n"
                            "\n"
                            "  -o DIR              where to (mapscope-out): a new or empty folder, or one with\n"
                            "                      an earlier recording, which is replaced\n"
                            "  --duration SECONDS  end the recording then; CMD goes on, and is waited for\n"
                            "  --max-size SIZE     the same when the trace has grown to SIZE (K, M, G); what the\n"
                            "                      buffers hold then comes on top\n"
                            "  --buffer SIZE       buffer for each CPU and process: 64K to 4G, a power of two\n"
                            "                      (1M)\n"
                            "\n"
                            "With CMD only; a running program keeps what it was started with:\n"
                            "  --mutex-fraction N  record one in N contended waits and releases; 1 = all,\n"
                            "                      0 = none\n"
                            "  --mutex-rate NS     record long ones more surely: of those that cost NS, 63 %;\n"
                            "                      with neither of the two: N = 100 and NS = 10000000 (10 ms)\n"
                            "  --map-rate N        record one in N keys with all that happens to them; 1 = all,\n"
                            "                      0 = none\n"
                            "  --hold              time every hold of a lock, contended or not; record them as\n"
                            "                      the waits are, long ones more surely\n"
                            "  --keys              record the bytes of keys and CMD's arguments (private data)\n"
                            "  --no-pthread        record no pthread and C11 locks, only msc_mutex and its like\n"
                            "  --keep-going        if CMD cannot be recorded, say why and run it without\n"
                            "\n"
                            "^C ends CMD and with it the recording; ^C again kills CMD. The recording is kept.\n"
                            "\n"
                            "Exit status: CMD's, or 128 + N if signal N ended it; 127 there is no CMD, 126 it\n"
                            "cannot be executed, 125 it cannot be recorded and did not run. With --pid: 0, or\n"
                            "1 if it was not recorded or the end of the trace may be missing.\n";

enum { SETTINGS_MAX = 5 };

struct request {
    struct session_options session;
    struct session_setting settings[SETTINGS_MAX];
    const char *folder; /* as it was given */
    pid_t pid;          /* 0 = the program is ours to start */
};

enum option_id {
    OPTION_FRACTION = 256,
    OPTION_RATE,
    OPTION_MAP_RATE,
    OPTION_HOLD,
    OPTION_KEYS,
    OPTION_BUFFER,
    OPTION_KEEP_GOING,
    OPTION_NO_PTHREAD,
    OPTION_DURATION,
    OPTION_MAX_SIZE,
    OPTION_PID
};

static const struct option long_options[] = {
    {"mutex-fraction", required_argument, NULL, OPTION_FRACTION},
    {"mutex-rate", required_argument, NULL, OPTION_RATE},
    {"map-rate", required_argument, NULL, OPTION_MAP_RATE},
    {"hold", no_argument, NULL, OPTION_HOLD},
    {"keys", no_argument, NULL, OPTION_KEYS},
    {"buffer", required_argument, NULL, OPTION_BUFFER},
    {"no-pthread", no_argument, NULL, OPTION_NO_PTHREAD},
    {"keep-going", no_argument, NULL, OPTION_KEEP_GOING},
    {"duration", required_argument, NULL, OPTION_DURATION},
    {"max-size", required_argument, NULL, OPTION_MAX_SIZE},
    {"pid", required_argument, NULL, OPTION_PID},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static void print_warning(void *self, const char *text)
{
    (void)self;
    say_warning(text);
}

/* Progress for who watches. */
static void ask_for_patience(void *self)
{
    (void)self;
    if (isatty(STDERR_FILENO))
        fputs("mapscope: waiting for the session daemon, some seconds at the most\n", stderr);
}

static int usage_error(const char *why)
{
    cli_usage_error(why, "record");
    return SESSION_FAILED;
}

/* Given twice, the last one counts. */
static void set(struct request *request, const char *name, uint64_t value)
{
    size_t i = 0;
    while (i < request->session.settings_count && request->settings[i].name != name)
        i++;
    request->settings[i] = (struct session_setting){name, value};
    if (i == request->session.settings_count)
        request->session.settings_count++;
}

static int set_number(struct request *request, const char *name, uint64_t max, const char *why)
{
    uint64_t number;
    if (!options_number(optarg, 0, max, &number))
        return usage_error(why);
    set(request, name, number);
    return 0;
}

/* In whole seconds, up to a hundred years. */
static int set_duration(struct request *request)
{
    uint64_t seconds;
    if (!options_number(optarg, 1, UINT64_C(100) * 366 * 86400, &seconds))
        return usage_error("--duration takes a number of seconds, at least 1");
    request->session.duration_ns = seconds * 1000000000;
    return 0;
}

static int set_pid(struct request *request)
{
    uint64_t pid;
    if (!options_number(optarg, 1, INT32_MAX, &pid))
        return usage_error("--pid takes the number of a process");
    request->pid = (pid_t)pid;
    return 0;
}

/* Applies one option. 0, or an exit status with the reason on stderr. */
static int apply(struct request *request, int option)
{
    static const char fraction[] = "MAPSCOPE_MUTEX_FRACTION", rate[] = "MAPSCOPE_MUTEX_RATE",
                      map_rate[] = "MAPSCOPE_MAP_RATE", hold[] = "MAPSCOPE_HOLD", keys[] = "MAPSCOPE_KEYS";
    switch (option) {
    case 'o':
        request->folder = optarg;
        return 0;
    case OPTION_FRACTION:
        return set_number(request, fraction, UINT64_MAX / 4, "--mutex-fraction takes a number, 0 = none");
    case OPTION_RATE:
        return set_number(request, rate, UINT64_MAX / 4, "--mutex-rate takes a number of nanoseconds");
    case OPTION_MAP_RATE:
        return set_number(request, map_rate, UINT32_MAX, "--map-rate takes a number below 2^32");
    case OPTION_HOLD:
        set(request, hold, 1);
        return 0;
    case OPTION_KEYS:
        set(request, keys, 1);
        request->session.with_arguments = true;
        return 0;
    case OPTION_BUFFER:
        if (!options_size(optarg, BUFFERS_RING_MIN, BUFFERS_RING_MAX, &request->session.ring_bytes))
            return usage_error("--buffer takes a size from 64K to 4G");
        return 0;
    case OPTION_KEEP_GOING:
        request->session.keep_going = true;
        return 0;
    case OPTION_NO_PTHREAD:
        request->session.own_locks_only = true;
        return 0;
    case OPTION_DURATION:
        return set_duration(request);
    case OPTION_MAX_SIZE:
        if (!options_size(optarg, 1, UINT64_MAX / 2, &request->session.max_bytes))
            return usage_error("--max-size takes a size: a number, with K, M or G behind it");
        return 0;
    case OPTION_PID:
        return set_pid(request);
    default: /* getopt has said what is wrong */
        return SESSION_FAILED;
    }
}

/* What is recorded: one program, ours or a running one. */
static int check_program(const struct request *request, int arguments)
{
    if (!request->pid)
        return arguments ? 0 : usage_error("no program to record");
    if (arguments)
        return usage_error("either --pid or a program to start");
    if (request->session.settings_count || request->session.keep_going || request->session.own_locks_only)
        return usage_error("with --pid the program keeps the settings that it was started with");
    return 0;
}

/* Takes the command line apart. 0, or an exit status with the reason on stderr; -1 = help was wanted. */
static int parse(struct request *request, int argc, char **argv)
{
    int option, status = 0;
    while (!status && (option = getopt_long(argc, argv, "+o:h", long_options, NULL)) != -1) {
        if (option == 'h')
            return -1;
        status = apply(request, option);
    }
    if (!status)
        status = check_program(request, argc - optind);
    request->session.argv = request->pid ? NULL : argv + optind;
    return status;
}

static void print_bytes(uint64_t bytes)
{
    if (bytes < 1024 * 1024)
        fprintf(stderr, "%" PRIu64 " KiB", (bytes + 1023) / 1024);
    else
        fprintf(stderr, "%.1f MiB", (double)bytes / (1024.0 * 1024.0));
}

static void print_losses(const struct survey *trace, bool is_complete)
{
    if (!trace->discarded_events && !trace->lost_packets)
        fputs(is_complete && !trace->without_buffers.count && !trace->without_metadata.count
                  ? "no event lost"
                  : "unknown how many events were lost",
              stderr);
    else
        fprintf(stderr, "%" PRIu64 " events lost", trace->discarded_events);
    if (trace->lost_packets)
        fprintf(stderr, ", %" PRIu64 " packets lost", trace->lost_packets);
    if (trace->discarded_events || trace->lost_packets)
        fputs(" (a larger --buffer loses fewer)", stderr);
}

/* Of processes: how many, which, and what that means. */
static void print_folders(const struct survey_names *folders, const char *what)
{
    if (!folders->count)
        return;
    fprintf(stderr, "mapscope: warning: %" PRIu64 " process%s ", folders->count, folders->count == 1 ? "" : "es");
    fputs(what, stderr);
    for (uint64_t i = 0; i < folders->count && i < SURVEY_NAMES; i++) {
        fputs(i ? ", " : ": ", stderr);
        say_text(stderr, folders->names[i]);
    }
    fputs(folders->count > SURVEY_NAMES ? ", ...\n" : "\n", stderr);
}

static void print_result(const struct request *request, const struct session_result *result)
{
    const struct survey *trace = &result->trace;
    if (result->is_surveyed && !trace->processes && !trace->without_buffers.count && !request->pid) {
        fprintf(stderr,
                "mapscope: nothing was recorded: no process loaded LTTng. Is %s linked statically, setuid, or does it "
                "clear LD_PRELOAD?\n",
                request->session.argv[0]);
        return;
    }
    fprintf(stderr, "mapscope: recorded %" PRIu64 " process%s, ", trace->processes, trace->processes == 1 ? "" : "es");
    print_bytes(trace->bytes);
    fputs(", ", stderr);
    print_losses(trace, result->is_complete);
    fputs("\n  trace in ", stderr);
    say_path(stderr, request->folder);
    fprintf(stderr, "/trace%s\n  next: mapscope convert ", result->is_complete ? "" : " (its end may be missing)");
    say_path(stderr, request->folder);
    fputc('\n', stderr);
    print_folders(&trace->without_buffers,
                  "not recorded, because LTTng opened no buffers (/dev/shm too small for --buffer, or ended at once)");
    print_folders(&trace->without_metadata, "without metadata, as a killed daemon or a full disk leaves them");
}

int cmd_record(int argc, char **argv)
{
    struct request request = {.folder = "mapscope-out"};
    request.session = (struct session_options){
        .settings = request.settings,
        .ring_bytes = BUFFERS_RING_DEFAULT,
        .version = MAPSCOPE_VERSION,
        .warn = print_warning,
        .be_patient = ask_for_patience,
    };
    int status = parse(&request, argc, argv);
    if (status < 0)
        fputs(usage, stdout);
    if (status)
        return status < 0 ? CLI_DONE : status;
    request.session.folder = request.folder;
    struct diag diag;
    diag_init(&diag);
    struct session_result result;
    int error = request.pid ? session_attach(&request.session, request.pid, &result, &diag)
                            : session_record(&request.session, &result, &diag);
    if (error)
        say_error(&diag);
    else if (result.was_recorded)
        print_result(&request, &result);
    diag_fini(&diag);
    return result.exit_status;
}
