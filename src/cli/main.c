/* mapscope: picks the subcommand. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"record", "run a program and record what its maps and locks do", cmd_record},
    {"convert", "turn a recording into profiles, a timeline and a report", cmd_convert},
    {"locks", "show who holds and who waits for which lock, now", cmd_locks},
    {"core", "compare the maps in a core with what was recorded of them last", cmd_core},
    {"check", "say what in a profile breaks a rule of those that read it", cmd_check},
    {"set", "change what is recorded of a process that runs", cmd_set},
    {"doctor", "say what would keep a recording from working, and how to mend it", cmd_doctor},
};

enum { COMMANDS_COUNT = sizeof commands / sizeof commands[0] };

static void print_usage(FILE *stream)
{
    fputs("usage: mapscope COMMAND ...\n\nSee what your maps and locks do in production.\n\n", stream);
    for (size_t i = 0; i < COMMANDS_COUNT; i++)
        fprintf(stream, "  %-10s%s\n", commands[i].name, commands[i].summary);
    fputs("\nmapscope COMMAND --help says more. mapscope --version prints the version.\n", stream);
}

static int no_such_command(const char *name)
{
    fprintf(stderr, "mapscope: no such command: %s\nTry 'mapscope --help'.\n", name);
    return CLI_USAGE;
}

int cli_usage_error(const char *why, const char *command)
{
    fprintf(stderr, "mapscope: %s\nTry 'mapscope %s --help'.\n", why, command);
    return CLI_USAGE;
}

/* For output that somebody may read: a full disk is a failure. */
static int finish(int status)
{
    bool is_written = fflush(stdout) == 0 && !ferror(stdout);
    return status == CLI_DONE && !is_written ? CLI_FAILED : status;
}

/*
 * Whoever started us may have closed them: no file of ours may get their numbers, and be printed into. They fail as
 * before, and the program that is recorded finds them closed.
 */
static void occupy_closed_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC) != fd)
            _exit(CLI_FAILED);
}

int main(int argc, char **argv)
{
    occupy_closed_descriptors();
    const char *name = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < COMMANDS_COUNT; i++)
        if (strcmp(name, commands[i].name) == 0)
            return finish(commands[i].run(argc - 1, argv + 1));
    if (strcmp(name, "--version") == 0) {
        puts("mapscope " MAPSCOPE_VERSION);
        return finish(CLI_DONE);
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_usage(stdout);
        return finish(CLI_DONE);
    }
    if (*name)
        return no_such_command(name);
    print_usage(stderr);
    return CLI_USAGE;
}
