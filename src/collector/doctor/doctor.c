/* See doctor.h. */
#include "collector/doctor/doctor.h"

#include <errno.h>

#include "collector/doctor/checks.h"
#include "collector/doctor/patient.h"
#include "collector/doctor/proc.h"

enum {
    MACHINE = PATIENT_MACHINE,
    PROGRAM = PATIENT_PROGRAM,
    PROCESS = PATIENT_PROCESS,
    ANY = MACHINE | PROGRAM | PROCESS
};

enum needs {
    NOTHING,
    A_FILE,    /* an ELF file for this machine */
    ITS_CODE,  /* the same, of the program itself and not of what runs a script */
    A_PROCESS, /* that can be looked into */
};

static const struct check {
    const char *subject;
    check_fn *run;
    unsigned kinds; /* enum patient_kind */
    enum needs needs;
} checks[] = {
    {"process", check_process, PROCESS, NOTHING},
    {"program", check_executable, PROGRAM, NOTHING},
    {"LTTng", check_tools, ANY, NOTHING},
    {"libraries", check_libraries, MACHINE | PROGRAM, NOTHING},
    {"session daemon", check_daemon, ANY, NOTHING},
    {"/dev/shm", check_memory, ANY, NOTHING},
    {"limits", check_limits, MACHINE | PROGRAM, NOTHING},
    {"environment", check_environment, ANY, NOTHING},
    {"executable", check_executable, PROCESS, A_PROCESS},
    {"privileges", check_privileges, PROGRAM | PROCESS, A_FILE},
    {"sanitizer", check_sanitizer, PROGRAM | PROCESS, A_FILE},
    {"libmapscope", check_linking, PROGRAM, ITS_CODE},
    {"libmapscope", check_loaded, PROCESS, A_PROCESS},
    {"registered", check_registration, PROCESS, A_PROCESS},
    {"surroundings", check_surroundings, PROCESS, A_PROCESS},
    {"build id", check_build_id, PROGRAM | PROCESS, ITS_CODE},
    {"symbols", check_symbols, PROGRAM | PROCESS, ITS_CODE},
    {"stacks", check_frame_pointers, PROGRAM | PROCESS, ITS_CODE},
};

static bool has_what_it_needs(const struct patient *patient, enum needs needs)
{
    bool has_file = patient->has_image && !patient->image.is_foreign;
    switch (needs) {
    case NOTHING:
        return true;
    case A_FILE:
        return has_file;
    case ITS_CODE:
        return has_file && !patient->script;
    case A_PROCESS:
        return patient->maps != NULL;
    }
    return false;
}

/* A process that ends meanwhile has less and less to show; then what was found of it is worth nothing. */
static void note_end(const struct patient *patient, struct checkup *checkup)
{
    if (!patient->maps || proc_exists(patient->pid))
        return;
    checkup->subject = "process";
    checkup_problem(checkup, "process %ld has ended meanwhile", (long)patient->pid);
    checkup_mend(checkup, "start it again");
}

int doctor_examine(const char *target, uint64_t ring_bytes, void (*tell)(void *self, const struct checkup *checkup),
                   void *self, struct checkup *checkup)
{
    struct patient patient;
    int error = patient_init(&patient, target, ring_bytes);
    if (error)
        return error;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (!(checks[i].kinds & patient.kind) || !has_what_it_needs(&patient, checks[i].needs))
            continue;
        checkup->subject = checks[i].subject;
        checks[i].run(&patient, checkup);
        if (tell)
            tell(self, checkup);
    }
    note_end(&patient, checkup);
    if (tell)
        tell(self, checkup);
    patient_fini(&patient);
    return checkup->is_short ? -ENOMEM : 0;
}
