/*
 * A traced program that does what its standard input says, one command a line, and answers each:
 *
 *     emit        emit every event that is switched on     -> their names, or "nothing"
 *     fork        the same in a child
 *     exec        the same after replacing itself
 *     farewell    emit once more at the end, as late as the runtime may
 *     load FILE   open a library and close it again
 *
 * It stands where the runtime stands: it owns the gates and exports what a tracer calls (runtime/emit.h), so
 * that the tracer takes its records for the runtime's. Built twice: linked with libmapscope-lttng, and not (for
 * LD_PRELOAD).
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "records.h"
#include "runtime/emit.h"

union msc_gate msc_gates[MSC_EVENT_COUNT] __attribute__((aligned(64)));

static msc_emit_fn *tracer;

int msc_emit_register(msc_emit_fn *fn, union msc_gate **gates)
{
    if (tracer)
        return -EBUSY;
    tracer = fn;
    *gates = msc_gates;
    return 0;
}

void msc_emit_new_audience(void)
{
}

static bool say_farewell;

static void emit_all(void)
{
    bool any = false;
    for (enum msc_event event = 0; event < MSC_EVENT_COUNT; event++) {
        if (!msc_gate_on(event))
            continue;
        tracer(event, records[event].data);
        printf("%s%s", any ? " " : "", records[event].name);
        any = true;
    }
    puts(any ? "" : "nothing");
}

void msc_emit_farewell(void)
{
    if (say_farewell)
        emit_all();
}

static int emit_in_child(void)
{
    pid_t child = fork();
    if (child < 0)
        return 1;
    if (child == 0) {
        emit_all();
        fflush(stdout);
        _exit(0);
    }
    int status;
    return waitpid(child, &status, 0) != child || status != 0;
}

static int load(const char *file)
{
    void *library = dlopen(file, RTLD_NOW);
    if (!library || dlclose(library)) {
        fprintf(stderr, "emit_all: %s\n", dlerror());
        return 1;
    }
    puts("loaded");
    return 0;
}

static int obey(const char *command, char *self)
{
    if (strcmp(command, "emit") == 0) {
        emit_all();
        return 0;
    }
    if (strcmp(command, "farewell") == 0) {
        say_farewell = true;
        puts("noted");
        return 0;
    }
    if (strcmp(command, "fork") == 0)
        return emit_in_child();
    if (strcmp(command, "exec") == 0)
        return execl("/proc/self/exe", self, "once", (char *)NULL);
    if (strncmp(command, "load ", 5) == 0)
        return load(command + 5);
    fprintf(stderr, "emit_all: unknown command: %s\n", command);
    return 1;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0); /* what exec leaves unread is the next program's */
    if (argc > 1)
        emit_all();
    char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (obey(line, argv[0]))
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
