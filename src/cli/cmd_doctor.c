/* mapscope doctor: prints what collector/doctor found. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/say.h"
#include "collector/doctor/doctor.h"
#include "collector/session/buffers.h"

static const char usage[] = "usage: mapscope doctor [OPTION...] [CMD [ARG...] | PID]\n"
                            "\n"
                            "Says what would keep mapscope from recording on this machine, or from recording CMD\n"
                            "(a program, which is not run), or from tracing the running process PID, and how to\n"
                            "mend it. Changes nothing.\n"
                            "\n"
                            "  --buffer SIZE  as for mapscope record: 64K to 4G (1M)\n"
                            "  -q, --quiet    only what is wrong\n"
                            "\n"
                            "A program whose name is a number: ./123.\n"
                            "\n"
                            "Exit status: 0 nothing is wrong (notes aside), 1 something is, 2 wrong usage.\n";

struct request {
    const char *target; /* NULL = the machine alone */
    uint64_t ring_bytes;
    bool is_quiet;
    size_t printed; /* lines so far */
};

/* Takes the command line apart. 0, or CLI_USAGE with the reason on stderr; -1 = help was wanted. */
static int parse(struct request *request, int argc, char **argv)
{
    static const struct option options[] = {
        {"buffer", required_argument, NULL, 'b'},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "+qh", options, NULL)) != -1) {
        if (option == 'h')
            return -1;
        if (option == 'q')
            request->is_quiet = true;
        else if (option != 'b')
            return CLI_USAGE;
        else if (!options_size(optarg, BUFFERS_RING_MIN, BUFFERS_RING_MAX, &request->ring_bytes))
            return cli_usage_error("--buffer takes a size from 64K to 4G", "doctor");
    }
    request->target = argv[optind];
    return 0;
}

/* ---- output ---- */

/* On a terminal, unless NO_COLOR is set: what is well recedes, what is wrong stands out. */
static const struct {
    const char *word, *begin;
} styles[] = {
    [VERDICT_OK] = {"ok", "\033[2m"},
    [VERDICT_NOTE] = {"note", "\033[33m"},
    [VERDICT_PROBLEM] = {"PROBLEM", "\033[1;31m"},
};

static void print_line(const struct checkup_line *line, bool has_colour)
{
    const char *begin = has_colour ? styles[line->verdict].begin : "", *end = has_colour ? "\033[0m" : "";
    printf("%s%-8s ", begin, styles[line->verdict].word);
    say_text(stdout, line->subject);
    fputs(": ", stdout);
    say_text(stdout, line->found);
    printf("%s\n", end);
    if (!line->mend)
        return;
    printf("%-8s ", "   mend:");
    say_text(stdout, line->mend);
    putchar('\n');
}

static void print_count(size_t count, const char *what)
{
    printf("%zu %s%s", count, what, count == 1 ? "" : "s");
}

static void print_summary(const struct request *request, size_t problems, size_t notes)
{
    bool is_process = request->target && strspn(request->target, "0123456789") == strlen(request->target);
    const char *what = is_process ? "tracing it" : "mapscope record";
    if (problems)
        print_count(problems, "problem");
    if (problems && notes)
        fputs(", ", stdout);
    if (notes)
        print_count(notes, "note");
    if (!problems && !notes)
        fputs("nothing wrong", stdout);
    printf(": %s %s\n", what, problems ? "would not work as it should" : "should work");
}

/* What has been found since the last time: a check may take seconds. */
static void print_lines(void *self, const struct checkup *checkup)
{
    struct request *request = self;
    bool has_colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    for (; request->printed < checkup->count; request->printed++)
        if (!request->is_quiet || checkup->lines[request->printed].verdict != VERDICT_OK)
            print_line(&checkup->lines[request->printed], has_colour);
    fflush(stdout);
}

static int print_end(const struct request *request, const struct checkup *checkup)
{
    size_t problems = checkup_count(checkup, VERDICT_PROBLEM);
    print_summary(request, problems, checkup_count(checkup, VERDICT_NOTE));
    if (fflush(stdout) || ferror(stdout)) {
        perror("mapscope: cannot print");
        return CLI_FAILED;
    }
    return problems ? CLI_FAILED : CLI_DONE;
}

int cmd_doctor(int argc, char **argv)
{
    struct request request = {.ring_bytes = BUFFERS_RING_DEFAULT};
    int status = parse(&request, argc, argv);
    if (status < 0)
        fputs(usage, stdout);
    if (status)
        return status < 0 ? CLI_DONE : status;
    struct checkup checkup;
    checkup_init(&checkup);
    int error = doctor_examine(request.target, request.ring_bytes, print_lines, &request, &checkup);
    if (error)
        fprintf(stderr, "mapscope: %s\n", strerror(-error));
    status = error ? CLI_FAILED : print_end(&request, &checkup);
    checkup_fini(&checkup);
    return status;
}
