/* mapscope set: new rates for processes that are being recorded. */
#include <getopt.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/say.h"
#include "collector/session/pages.h"

static const char usage[] =
    "usage: mapscope set OPTION... PID|DIR\n"
    "\n"
    "Changes what is recorded of the process PID, or of each process of the recording DIR, from\n"
    "now on. What was recorded before keeps its weight.\n"
    "\n"
    "  --mutex-fraction N   one in N contended waits and releases; 1 = all, 0 = none\n"
    "  --mutex-rate NS      long ones more surely: of those that cost NS nanoseconds, 63 %\n"
    "  --map-rate N         one in N keys; 1 = all, 0 = none\n"
    "  --off                measure no more waits\n"
    "  --on                 measure them again\n"
    "\n"
    "With the fraction alone: exactly one in N, however long. With the rate alone: N = 100.\n"
    "\n"
    "Exit status: 0 done, 1 failed (nothing was changed), 2 wrong usage.\n";

enum { OPTION_FRACTION = 256, OPTION_RATE, OPTION_MAP_RATE, OPTION_OFF, OPTION_ON, OPTION_HELP };

static int set_number(uint64_t max, const char *why, uint64_t *out, bool *given)
{
    if (!options_number(optarg, 0, max, out))
        return cli_usage_error(why, "set");
    *given = true;
    return 0;
}

/* Applies one option. 0, or CLI_USAGE with the reason on stderr. */
static int apply(struct pages_settings *settings, int option)
{
    uint64_t map_rate = 0;
    int status = 0;
    switch (option) {
    case OPTION_FRACTION:
        return set_number(UINT64_MAX / 4, "--mutex-fraction takes a number, 0 = none", &settings->mutex_fraction,
                          &settings->has_fraction);
    case OPTION_RATE:
        return set_number(UINT64_MAX / 4, "--mutex-rate takes a number of nanoseconds", &settings->mutex_rate_ns,
                          &settings->has_rate);
    case OPTION_MAP_RATE:
        status = set_number(UINT32_MAX, "--map-rate takes a number below 2^32", &map_rate, &settings->has_map_rate);
        settings->map_rate = (uint32_t)map_rate;
        return status;
    case OPTION_OFF:
    case OPTION_ON:
        settings->has_off = true;
        settings->off = option == OPTION_OFF;
        return 0;
    default: /* getopt said what is wrong */
        return CLI_USAGE;
    }
}

/* Takes the command line apart. 0, or CLI_USAGE with the reason on stderr; -1 = help was wanted. */
static int parse(struct pages_settings *settings, const char **target, int argc, char **argv)
{
    static const struct option options[] = {
        {"mutex-fraction", required_argument, NULL, OPTION_FRACTION},
        {"mutex-rate", required_argument, NULL, OPTION_RATE},
        {"map-rate", required_argument, NULL, OPTION_MAP_RATE},
        {"off", no_argument, NULL, OPTION_OFF},
        {"on", no_argument, NULL, OPTION_ON},
        {"help", no_argument, NULL, OPTION_HELP},
        {0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == OPTION_HELP || option == 'h')
            return -1;
        int status = apply(settings, option);
        if (status)
            return status;
    }
    if (!settings->has_fraction && !settings->has_rate && !settings->has_map_rate && !settings->has_off)
        return cli_usage_error("nothing to set", "set");
    if (optind + 1 != argc)
        return cli_usage_error("set takes one PID or DIR", "set");
    *target = argv[optind];
    return 0;
}

int cmd_set(int argc, char **argv)
{
    struct pages_settings settings = {0};
    const char *target = NULL;
    int status = parse(&settings, &target, argc, argv);
    if (status < 0)
        fputs(usage, stdout);
    if (status)
        return status < 0 ? CLI_DONE : status;
    struct diag diag;
    size_t count;
    diag_init(&diag);
    int error = pages_set(target, &settings, &count, &diag);
    if (error)
        say_error(&diag);
    else
        fprintf(stderr, "mapscope: set in %zu process%s\n", count, count == 1 ? "" : "es");
    diag_fini(&diag);
    return error ? CLI_FAILED : CLI_DONE;
}
