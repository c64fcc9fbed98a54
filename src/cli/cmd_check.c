/* mapscope check: prints what exporters/pprof/pprof_check found. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/say.h"
#include "exporters/gzip_read.h"
#include "exporters/pprof/pprof_check.h"

static const char usage[] =
    "usage: mapscope check [OPTION...] FILE...\n"
    "\n"
    "Says what in a profile (pprof, gzip'd or not, of whatever program) breaks a rule of those\n"
    "that read profiles, who minds, and what to do: a line for each rule that is broken.\n"
    "\n"
    "  --for NAME   only the rules of go, pyroscope, parca or alloy; may be repeated (all)\n"
    "  -q, --quiet  say nothing of a file that keeps all rules\n"
    "\n"
    "FILE may be - for standard input.\n"
    "\n"
    "Exit status: 0 every file keeps the rules, 1 one does not or cannot be read, 2 wrong usage.\n";

static const struct {
    const char *option, *name;
    unsigned consumer;
} consumers[] = {
    {"go", "go tool pprof", PPROF_FOR_GO},
    {"pyroscope", "Pyroscope", PPROF_FOR_PYROSCOPE},
    {"parca", "Parca", PPROF_FOR_PARCA},
    {"alloy", "Alloy", PPROF_FOR_ALLOY},
};

enum { CONSUMERS_COUNT = sizeof consumers / sizeof *consumers };

struct request {
    unsigned consumers; /* enum pprof_consumer; 0 = all */
    bool is_quiet;
};

static int parse(struct request *request, int argc, char **argv)
{
    static const struct option options[] = {{"for", required_argument, NULL, 'f'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
        size_t i = 0;
        if (option == 'h')
            return -1;
        if (option == 'q') {
            request->is_quiet = true;
            continue;
        }
        if (option != 'f')
            return CLI_USAGE;
        while (i < CONSUMERS_COUNT && strcmp(optarg, consumers[i].option) != 0)
            i++;
        if (i == CONSUMERS_COUNT)
            return cli_usage_error("--for takes go, pyroscope, parca or alloy", "check");
        request->consumers |= consumers[i].consumer;
    }
    if (!request->consumers)
        request->consumers = PPROF_FOR_ALL;
    return optind < argc ? 0 : cli_usage_error("check takes a file", "check");
}

static void print_consumers(unsigned set)
{
    const char *separator = "";
    if (set == PPROF_FOR_ALL)
        fputs("everybody", stdout);
    for (size_t i = 0; i < CONSUMERS_COUNT && set != PPROF_FOR_ALL; i++) {
        if (!(set & consumers[i].consumer))
            continue;
        printf("%s%s", separator, consumers[i].name);
        separator = ", ";
    }
}

static void print_breach(const char *path, const struct pprof_breach *breach)
{
    printf("%s: %s: %s", path, breach->rule->name, breach->where);
    if (breach->count > 1)
        printf(" and %" PRIu64 " more", breach->count - 1);
    printf(": %s (", breach->rule->what);
    print_consumers(breach->rule->consumers);
    printf("): %s\n", breach->rule->why);
}

static void print_praise(const char *path, const struct pprof_verdict *verdict)
{
    printf("%s: keeps every rule: %zu samples of %s, %zu locations, %zu functions, %zu mappings\n", path,
           verdict->samples, verdict->types, verdict->locations, verdict->functions, verdict->mappings);
}

static bool is_legacy_text(const struct gzip_content *content)
{
    return content->size >= 4 && memcmp(content->bytes, "--- ", 4) == 0;
}

static int judge(const char *path, const struct request *request, struct pprof_verdict *verdict, struct diag *diag)
{
    struct gzip_content content;
    int error = gzip_read(path, &content, diag);
    if (error)
        return error;
    if (is_legacy_text(&content))
        error = diag_set(diag, -EINVAL,
                         "it is a contention profile in text: `mapscope convert %s --pprof-mutex FILE` "
                         "makes a profile of it",
                         path);
    else
        error = pprof_check(content.bytes, content.size, request->consumers, verdict, diag);
    gzip_content_fini(&content);
    return error ? diag_wrap(diag, error, "%s", path) : 0;
}

static int check(const char *path, const struct request *request)
{
    struct pprof_verdict verdict;
    struct diag diag;
    diag_init(&diag);
    int error = judge(path, request, &verdict, &diag);
    if (error)
        say_error(&diag);
    diag_fini(&diag);
    if (error)
        return CLI_FAILED;
    for (size_t i = 0; i < verdict.breach_count; i++)
        print_breach(path, &verdict.breaches[i]);
    if (verdict.breach_count == 0 && !request->is_quiet)
        print_praise(path, &verdict);
    return verdict.breach_count ? CLI_FAILED : CLI_DONE;
}

int cmd_check(int argc, char **argv)
{
    struct request request = {0};
    int status = parse(&request, argc, argv);
    if (status < 0)
        fputs(usage, stdout);
    if (status)
        return status < 0 ? CLI_DONE : status;
    for (int i = optind; i < argc; i++)
        if (check(argv[i], &request) != CLI_DONE)
            status = CLI_FAILED;
    return status;
}
