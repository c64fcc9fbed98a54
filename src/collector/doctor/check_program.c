/* The executable: whether it can be recorded, and what the recording will know of it. */
#include <errno.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "collector/doctor/checks.h"
#include "collector/doctor/elf_frames.h"
#include "collector/doctor/proc.h"
#include "collector/symbolize/symbolize_file.h"

/* ---- can it be run and preloaded? ---- */

static const char *own_machine(void)
{
#if defined __x86_64__
    return "x86-64";
#elif defined __aarch64__
    return "aarch64";
#endif
}

static void check_loader(const char *loader, const char *path, struct checkup *checkup)
{
    if (access(loader, X_OK)) {
        checkup_problem(checkup, "%s asks for the loader %s, which is not there", path, loader);
        checkup_mend(checkup, "install the C library that it was built with");
    } else if (strstr(loader, "/ld-musl")) {
        checkup_problem(checkup, "%s was built with musl: our libraries, built with glibc, cannot be loaded into it",
                        path);
        checkup_mend(checkup, "build mapscope with musl too");
    } else {
        checkup_ok(checkup, "%s: %s, linked dynamically", path, own_machine());
    }
}

static void check_linkage(const struct patient *patient, const char *path, struct checkup *checkup)
{
    char *loader;
    int error = elf_image_interpreter(&patient->image, &loader);
    if (!error) {
        check_loader(loader, path, checkup);
        free(loader);
    } else if (error == -ENOENT) {
        checkup_problem(checkup, "%s is linked statically: nothing can be preloaded into it", path);
        checkup_mend(checkup, "link it dynamically (without -static, -static-pie)");
    } else {
        checkup_problem(checkup, "%s is damaged: the name of its loader lies outside of the file", path);
        checkup_mend(checkup, "build or install it anew");
    }
}

static void check_kind(const struct patient *patient, const char *path, struct checkup *checkup)
{
    const struct elf_image *image = &patient->image;
    char machine[ELF_MACHINE_SIZE];
    if (image->is_foreign) {
        checkup_problem(checkup, "%s is a %u-bit program for %s: our %s libraries cannot be loaded into it", path,
                        image->bits, elf_image_machine(image, machine), own_machine());
        checkup_mend(checkup, "build it for %s, or mapscope for %s", own_machine(), elf_image_machine(image, machine));
    } else if (image->type != ET_EXEC && image->type != ET_DYN) {
        checkup_problem(checkup, "%s is no program but an object file or a core dump", path);
        checkup_mend(checkup, "name the program that is to be recorded");
    } else {
        check_linkage(patient, path, checkup);
    }
    if (image->is_damaged) {
        checkup_note(checkup, "%s is damaged: parts of it lie outside of the file", path);
        checkup_mend(checkup, "build or install it anew");
    }
}

void check_executable(const struct patient *patient, struct checkup *checkup)
{
    if (patient->missing) {
        checkup_problem(checkup, "%s", patient->missing);
        checkup_mend(checkup, "name a program of this machine that you may run, with its folder unless it is in PATH");
        return;
    }
    if (patient->script)
        checkup_ok(checkup, "%s: a script, run by %s", patient->script, patient->path);
    check_kind(patient, patient->path, checkup);
}

/* ---- privileges ---- */

static void report_secure(struct checkup *checkup, const char *path, const char *why)
{
    checkup_problem(checkup, "%s %s: the loader ignores LD_PRELOAD, and LTTng its own variables", path, why);
    checkup_mend(checkup, "record as the user that it becomes, or record a copy without these rights");
}

/* As AT_SECURE of a running process says it. */
static bool is_secure(pid_t pid)
{
    char *text;
    size_t size;
    uint64_t entry[2];
    bool secure = false;
    if (proc_read(pid, "auxv", &text, &size))
        return false;
    for (size_t at = 0; at + sizeof entry <= size; at += sizeof entry) {
        memcpy(entry, text + at, sizeof entry);
        secure |= entry[0] == AT_SECURE && entry[1] != 0;
    }
    free(text);
    return secure;
}

/* Root gains nothing by a file's capabilities. */
static const char *gained_rights(const char *file, const struct stat *status)
{
    bool has_capabilities = getxattr(file, "security.capability", NULL, 0) > 0;
    if ((status->st_mode & S_ISUID) && status->st_uid != geteuid())
        return "is setuid";
    if ((status->st_mode & S_ISGID) && (status->st_mode & S_IXGRP) && status->st_gid != getegid())
        return "is setgid";
    return has_capabilities && geteuid() != 0 ? "has file capabilities" : NULL;
}

void check_privileges(const struct patient *patient, struct checkup *checkup)
{
    struct stat status;
    const char *why = NULL;
    if (patient->pid)
        why = is_secure(patient->pid) ? "runs with rights that it gained by exec" : NULL;
    else if (stat(patient->file, &status) == 0)
        why = gained_rights(patient->file, &status);
    if (why)
        report_secure(checkup, patient->path, why);
}

/* ---- sanitizers ---- */

static bool has_option(const struct patient *patient, const char *variable, const char *option)
{
    const char *options = environment_get(&patient->environment, variable);
    return options && strstr(options, option);
}

/* A runtime of its own library insists on being the first one loaded, and ends the program otherwise. */
static void check_shared_asan(const struct patient *patient, struct checkup *checkup)
{
    static const char option[] = "verify_asan_link_order=0";
    if (patient->pid || has_option(patient, "ASAN_OPTIONS", option)) {
        checkup_ok(checkup, "AddressSanitizer: times are the sanitizer's");
        return;
    }
    checkup_problem(checkup, "AddressSanitizer ends the program when another library is preloaded before it");
    checkup_mend(checkup, "ASAN_OPTIONS=%s mapscope record ..., or build without, or with -static-libasan", option);
}

void check_sanitizer(const struct patient *patient, struct checkup *checkup)
{
    static const char without[] = "build it without -fsanitize for times that count";
    static const struct {
        const char *library, *symbol, *name;
    } slow[] = {
        {"libtsan.so", "__tsan_init", "ThreadSanitizer"},
        {"libmsan.so", "__msan_init", "MemorySanitizer"},
        {"libclang_rt.tsan", "__tsan_init", "ThreadSanitizer"},
    };
    if (patient_uses_library(patient, "libasan.so") || patient_uses_library(patient, "libclang_rt.asan")) {
        check_shared_asan(patient, checkup);
        return;
    }
    if (elf_image_has_dynamic_symbol(&patient->image, "__asan_init")) {
        checkup_note(checkup, "AddressSanitizer: times are the sanitizer's, not the program's");
        checkup_mend(checkup, "%s", without);
    }
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        if (!patient_uses_library(patient, slow[i].library) &&
            !elf_image_has_dynamic_symbol(&patient->image, slow[i].symbol))
            continue;
        checkup_note(checkup, "%s: times are the sanitizer's, and it may complain about LTTng%s", slow[i].name,
                     strstr(slow[i].symbol, "tsan") ? "; pthread locks are left to it, and not recorded" : "");
        checkup_mend(checkup, "%s", without);
        return;
    }
}

/* ---- libmapscope ---- */

void check_linking(const struct patient *patient, struct checkup *checkup)
{
    bool has_runtime = patient_uses_library(patient, "libmapscope.so");
    bool has_tracepoints = patient_uses_library(patient, "libmapscope-lttng.so");
    if (has_tracepoints) {
        checkup_ok(checkup, "linked with libmapscope-lttng: tracing can also be switched on while it runs");
    } else if (has_runtime) {
        checkup_ok(checkup, "linked with libmapscope: mapscope record adds the tracepoints");
    } else {
        checkup_ok(checkup, "not linked with libmapscope: mapscope record sees its pthread and C11 locks, but not "
                            "locks made of futexes (Go, Rust's std, absl, folly), and no maps");
    }
}

/* ---- what the recording will know of its code ---- */

void check_build_id(const struct patient *patient, struct checkup *checkup)
{
    struct elf_bytes id;
    int error = elf_image_build_id(&patient->image, &id);
    if (error) {
        checkup_note(checkup, "has no build id: whether the file was rebuilt after the recording cannot be told");
        checkup_mend(checkup, "link with -Wl,--build-id");
        return;
    }
    char text[2 * 8 + 1] = "";
    for (size_t i = 0; i < id.size && i < 8; i++)
        snprintf(text + 2 * i, 3, "%02x", id.data[i]);
    checkup_ok(checkup, "%s%s", text, id.size > 8 ? "..." : "");
    free(id.data);
}

/* The same files as mapscope convert will find, in the same words: "what is missing: how to mend it". */
void check_symbols(const struct patient *patient, struct checkup *checkup)
{
    struct symbol_file *file;
    const struct build_id any = {.length = 0};
    const char *path = patient->is_deleted ? patient->file : patient->path;
    if (symbol_file_create(path, &any, "/usr/lib/debug", &file)) {
        checkup->is_short = true;
        return;
    }
    const char *mend = strstr(file->reason, ": ");
    if (!*file->reason) {
        checkup_ok(checkup, "functions, files and lines%s", file->has_debug ? " (from a separate debug file)" : "");
    } else {
        checkup_note(checkup, "%.*s", mend ? (int)(mend - file->reason) : (int)strlen(file->reason), file->reason);
        if (mend)
            checkup_mend(checkup, "%s", mend + 2);
    }
    symbol_file_destroy(file);
}

/* glibc 2.35 is the first whose unwind tables can be found without the loader's lock: runtime/stack.c. */
static bool has_unwinder(void)
{
    unsigned major = 0, minor = 0;
    return sscanf(gnu_get_libc_version(), "%u.%u", &major, &minor) == 2 && (major > 2 || minor >= 35);
}

void check_frame_pointers(const struct patient *patient, struct checkup *checkup)
{
    struct elf_frames frames;
    if (elf_frames_count(&patient->image, &frames) || frames.functions == 0) {
        checkup_note(checkup, "no unwind tables (.eh_frame): whether functions keep frame pointers cannot be told");
        checkup_mend(checkup, "compile with -fno-omit-frame-pointer, so that stacks need no tables");
        return;
    }
    bool are_kept = frames.kept >= frames.functions - frames.functions / 10;
    checkup_add(checkup, are_kept ? VERDICT_OK : VERDICT_NOTE,
                "%" PRIu64 " of %" PRIu64 " functions keep a frame pointer, by its unwind tables: %s", frames.kept,
                frames.functions,
                are_kept         ? "stacks are cheap"
                : has_unwinder() ? "a stack takes 1-3 us instead of 10-30 ns"
                                 : "stacks end at the first one that does not");
    if (!are_kept)
        checkup_mend(checkup, "compile with -fno-omit-frame-pointer");
}
