/* From declared types to a program (program.h). Not thread-safe. */
#ifndef COLLECTOR_CTF_COMPILE_H
#define COLLECTOR_CTF_COMPILE_H

#include "collector/ctf/program.h"

/* Structures that follow one another in an event: contexts, then payload. `type` may be NULL: nothing. */
struct ctf_part {
    const struct tsdl_type *type;
    bool is_context;
};

/*
 * Compiles `count` parts for streams of the byte order `order`. Names and labels go into `arena`, which
 * must outlive the program, as must the types. Nested fields are named "outer.inner"; elements of arrays
 * that are no numbers are decoded but not shown. Returns 0; -ENOTSUP: not a structure, a length or tag
 * that names no integer before it, or over 8192 fields; -ENOMEM. `*out` is set on success only.
 */
int ctf_compile(const struct ctf_part *parts, size_t count, enum tsdl_order order, struct arena *arena,
                struct ctf_program *out);

#endif
