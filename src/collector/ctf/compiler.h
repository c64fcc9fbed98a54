/*
 * A compilation under way: ops, loads and slots as they are appended, and the run that fields are placed in.
 * compile.c walks the types and calls this.
 *
 * Errors stick: after the first, nothing is added any more. Slots are numbered in the order of declaration
 * and renumbered at the end, visible ones first; until then, a slot's number stands where its offset will.
 *
 * `known` is the alignment that is certain where the run begins, in bits. While it covers what a field asks
 * for, the field's distance from there is a constant and it joins the run; else a new run begins.
 */
#ifndef COLLECTOR_CTF_COMPILER_H
#define COLLECTOR_CTF_COMPILER_H

#include "collector/ctf/program.h"

enum { RUN_BITS_MAX = 1 << 24 };

struct compiler_slot {
    struct ctf_field field;
    const struct tsdl_type *type;
    const char *raw_name; /* as the metadata has it: what tags and lengths refer to */
    bool is_hidden;
    uint32_t final;          /* its number in the program */
    uint32_t visible_before; /* how many visible ones precede it */
};

struct compiler {
    struct ctf_program program;
    size_t op_capacity, load_capacity, option_capacity;
    struct compiler_slot *slots; /* owned */
    size_t slot_count, slot_capacity;
    struct arena *arena;
    enum tsdl_order order;
    const char *prefix;    /* "outer." or "" */
    bool is_context;       /* of the part at hand */
    bool run_is_open;      /* the last op is a run that may grow */
    unsigned loops, depth; /* around the place at hand */
    uint32_t known;        /* of the open run's start, or of the place without one */
    int error;
};

void compiler_fail(struct compiler *compiler, int error);

/* "outer." + "_name" -> "outer.name", in the arena */
const char *compiler_name(struct compiler *compiler, const char *name);

/* Appends a field; hidden inside a loop. Returns its number, meaningless after an error. */
uint32_t compiler_add_slot(struct compiler *compiler, const struct tsdl_type *type, const char *name);
/* The field that a length or tag refers to: the nearest before of that name, an integer. NULL = failed. */
struct compiler_slot *compiler_find_slot(struct compiler *compiler, const char *path);

/* Room for `bits` at that alignment in a run. Returns the distance from the run's start. */
uint32_t compiler_place(struct compiler *compiler, uint32_t align, uint64_t bits);
void compiler_add_run_load(struct compiler *compiler, struct ctf_load load);
/* Ends the run, if any; `known` is the alignment of the place behind it then. */
void compiler_close_run(struct compiler *compiler);
/* Something of a varying size, after which `known` is certain. */
void compiler_add_varying(struct compiler *compiler, struct ctf_op op, uint32_t known);
void compiler_add_load(struct compiler *compiler, struct ctf_load load);
void compiler_add_option(struct compiler *compiler, struct ctf_option option);

/* Gives the slots their final numbers and lists the visible ones as fields. */
void compiler_finish(struct compiler *compiler);

#endif
