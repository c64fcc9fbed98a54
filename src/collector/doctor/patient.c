/* See patient.h. */
#include "collector/doctor/patient.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/doctor/library.h"
#include "collector/doctor/proc.h"
#include "collector/session/command.h"
#include "support/vec.h"

/* ---- an executable file ---- */

/* Notes why there is no image. -ENOMEM if there is no memory even for that. */
DIAG_PRINTF(2, 3) static int miss(struct patient *patient, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&patient->missing, format, arguments);
    va_end(arguments);
    if (length >= 0)
        return 0;
    patient->missing = NULL;
    return -ENOMEM;
}

static int find_program(struct patient *patient, const char *name, char **path)
{
    struct diag diag;
    diag_init(&diag);
    int error = command_find(name, path, &diag);
    if (error && error != -ENOMEM)
        error = miss(patient, "%s", diag_text(&diag));
    diag_fini(&diag);
    return error;
}

/* The word at `*text`, which moves behind it; to be freed. NULL = none, or no memory. */
static char *take_word(const char **text)
{
    *text += strspn(*text, " \t");
    size_t length = strcspn(*text, " \t\r\n");
    char *word = length ? strndup(*text, length) : NULL;
    *text += length;
    return word;
}

/* What runs a script that begins with `line`: the kernel's rules, and `env NAME` looked through. */
static int find_interpreter(struct patient *patient, const char *line, char **path)
{
    if (strncmp(line, "#!", 2) != 0)
        return (*path = strdup("/bin/sh")) ? 0 : -ENOMEM; /* as execvp does */
    line += 2;
    *path = take_word(&line);
    const char *slash = *path ? strrchr(*path, '/') : NULL;
    if (!slash || strcmp(slash, "/env") != 0)
        return *path ? 0 : miss(patient, "%s: a script that does not say what runs it", patient->script);
    char *name = take_word(&line);
    if (name && name[0] != '-') {
        free(*path);
        *path = NULL;
        int error = find_program(patient, name, path);
        free(name);
        return error;
    }
    free(name);
    return 0;
}

/* The beginning of a text file, as a string. -ENOEXEC for one that is none. */
static int read_first_line(const char *path, char *line, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, line, size - 1);
    if (fd >= 0)
        close(fd);
    if (got < 0)
        return -errno;
    line[got] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return memchr(line, '\0', (size_t)got + 1) == line + strlen(line) && got > 0 ? 0 : -ENOEXEC;
}

static int open_image(struct patient *patient)
{
    int error = elf_image_open(patient->file, &patient->image);
    patient->has_image = !error;
    if (!error || error == -ENOMEM)
        return error;
    return miss(patient, "%s: %s", patient->path, error == -ENOEXEC ? "not an ELF file" : strerror(-error));
}

/* Takes `path`. */
static int set_path(struct patient *patient, char *path)
{
    free(patient->path);
    free(patient->file);
    patient->path = path;
    patient->file = path ? strdup(path) : NULL;
    return patient->file ? 0 : -ENOMEM;
}

/* Follows a script once to what runs it. */
static int open_script(struct patient *patient, const char *line)
{
    char *interpreter = NULL;
    patient->script = patient->path;
    patient->path = NULL;
    int error = find_interpreter(patient, line, &interpreter);
    if (error || !interpreter)
        return error;
    error = set_path(patient, interpreter);
    return error ? error : open_image(patient);
}

static int open_program(struct patient *patient)
{
    char *path = NULL, line[256];
    int error = find_program(patient, patient->name, &path);
    if (error || !path)
        return error;
    error = set_path(patient, path);
    if (error)
        return error;
    error = elf_image_open(path, &patient->image);
    patient->has_image = !error;
    if (error == -ENOEXEC && read_first_line(path, line, sizeof line) == 0)
        return open_script(patient, line);
    return patient->has_image ? 0 : open_image(patient);
}

/* ---- a process ---- */

/* Makes an environment of /proc/PID/environ: strings, each with its NUL. */
static int read_environment(struct patient *patient)
{
    char *text, **items = NULL;
    size_t size, count = 0, capacity = 0;
    if (proc_read(patient->pid, "environ", &text, &size))
        return environment_init(&patient->environment, (char *[]){NULL});
    int error = VEC_RESERVE(items, count, capacity, 1);
    for (char *item = text; !error && item < text + size; item += strlen(item) + 1) {
        items[count++] = item;
        error = VEC_RESERVE(items, count, capacity, 1);
    }
    if (!error) {
        items[count] = NULL;
        error = environment_init(&patient->environment, items);
    }
    free(items);
    free(text);
    return error;
}

static int read_path(struct patient *patient)
{
    static const char mark[] = " (deleted)";
    char file[PROC_PATH_SIZE], *path;
    int error = proc_read_link(patient->pid, "exe", &path);
    if (error)
        return error;
    size_t length = strlen(path), mark_length = sizeof mark - 1;
    patient->is_deleted = length > mark_length && strcmp(path + length - mark_length, mark) == 0;
    if (patient->is_deleted)
        path[length - mark_length] = '\0';
    error = set_path(patient, path);
    if (!error) { /* the file in /proc is the process's own, whatever has the path now */
        free(patient->file);
        patient->file = strdup(proc_path(patient->pid, "exe", file));
    }
    return patient->file ? error : -ENOMEM;
}

static int miss_process(struct patient *patient, int error)
{
    if (proc_state(patient->pid) == 0)
        return miss(patient, "there is no process %ld", (long)patient->pid);
    if (!proc_exists(patient->pid))
        return miss(patient, "process %ld has ended", (long)patient->pid);
    if (error == -EACCES || error == -EPERM)
        return miss(patient, "process %ld is user %u's: only that user and root may look at it", (long)patient->pid,
                    (unsigned)patient->user);
    if (error == -ENOENT)
        return miss(patient, "process %ld is one of the kernel's own", (long)patient->pid);
    return miss(patient, "process %ld: %s", (long)patient->pid, strerror(-error));
}

static int open_process(struct patient *patient)
{
    size_t size;
    int error = read_environment(patient);
    if (error)
        return error;
    error = proc_user(patient->pid, &patient->user);
    if (!error)
        error = read_path(patient);
    if (!error)
        error = proc_read(patient->pid, "maps", &patient->maps, &size);
    if (error)
        return error == -ENOMEM ? error : miss_process(patient, error);
    return open_image(patient);
}

/* ---- the whole ---- */

static pid_t parse_pid(const char *target)
{
    size_t length = strlen(target);
    if (length == 0 || length > 9 || strspn(target, "0123456789") != length)
        return 0;
    return (pid_t)strtol(target, NULL, 10);
}

static int open_target(struct patient *patient)
{
    if (patient->kind == PATIENT_PROCESS)
        return open_process(patient);
    int error = environment_init(&patient->environment, environ);
    return error || patient->kind == PATIENT_MACHINE ? error : open_program(patient);
}

int patient_init(struct patient *patient, const char *target, uint64_t ring_bytes)
{
    pid_t pid = target ? parse_pid(target) : 0;
    *patient = (struct patient){
        .kind = !target ? PATIENT_MACHINE
                : pid   ? PATIENT_PROCESS
                        : PATIENT_PROGRAM,
        .name = target,
        .pid = pid,
        .ring_bytes = ring_bytes,
    };
    int error = open_target(patient);
    if (error)
        patient_fini(patient);
    return error;
}

void patient_fini(struct patient *patient)
{
    if (patient->has_image)
        elf_image_close(&patient->image);
    environment_fini(&patient->environment);
    free(patient->script);
    free(patient->path);
    free(patient->file);
    free(patient->missing);
    free(patient->maps);
    *patient = (struct patient){0};
}

/* ---- libraries ---- */

static bool asks_for(const struct elf_image *image, const char *name)
{
    size_t at = 0;
    for (const char *needed; (needed = elf_image_dynamic(image, DT_NEEDED, &at));)
        if (strncmp(needed, name, strlen(name)) == 0)
            return true;
    return false;
}

static bool library_asks_for(const struct patient *patient, const char *library, const char *name)
{
    struct library_user user = {&patient->image, patient->path,
                                environment_get(&patient->environment, "LD_LIBRARY_PATH")};
    struct elf_image image;
    if (library_open(&user, library, &image))
        return false;
    bool asks = asks_for(&image, name);
    elf_image_close(&image);
    return asks;
}

bool patient_uses_library(const struct patient *patient, const char *name)
{
    if (patient->maps)
        return proc_maps_has(patient->maps, name);
    if (!patient->has_image || asks_for(&patient->image, name))
        return patient->has_image;
    size_t at = 0;
    for (const char *needed; (needed = elf_image_dynamic(&patient->image, DT_NEEDED, &at));)
        if (library_asks_for(patient, needed, name))
            return true;
    return false;
}
