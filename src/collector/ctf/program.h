/*
 * A structure of CTF fields as a flat table of operations, and its decoder: the reader's hot loop.
 *
 * It writes a record: one struct ctf_value a field, in their order, or what a plan (plan.h) makes of it. Either
 * way an operation knows the offset that it writes to.
 *
 * Fields whose place is fixed relative to one another form a *run*: one bounds check, then one load a
 * field from a constant offset. Only what varies in size ends a run. LTTng's contexts and a payload of
 * integers are a single run on x86-64, where nothing is aligned:
 *
 *     vpid, vtid, procname[17], key, hash, stack[]   ->  RUN 32+32+136+64+64(+64 length) bits, 6 loads; ARRAY
 *
 * compile.c writes programs, program.c runs them. A program is immutable and shared between threads; a
 * cursor belongs to one.
 */
#ifndef COLLECTOR_CTF_PROGRAM_H
#define COLLECTOR_CTF_PROGRAM_H

#include "collector/ctf/ctf.h"
#include "collector/ctf/tsdl.h"

enum ctf_load_kind {
    LOAD_WHOLE, /* 8, 16, 32 or 64 bits at a byte: integers and doubles, without a branch on which */
    LOAD_FLOAT, /* 32 bits */
    LOAD_BITS,  /* any integer at any bit */
    LOAD_TEXT   /* `size` bytes up to the first NUL */
};

struct ctf_load {
    uint8_t kind; /* enum ctf_load_kind */
    bool is_signed, is_big_endian;
    uint8_t shift; /* 64 - size, of LOAD_WHOLE */
    uint8_t form;  /* enum ctf_form */
    uint32_t to;   /* offset into the record */
    uint32_t size; /* bits, of LOAD_TEXT bytes */
    uint32_t at;   /* bits from the start of the run; in an OP_PLAIN bytes */
    uint64_t mask; /* of LOAD_WHOLE: the number's bits */
    uint64_t sign; /* the highest of them if it is signed, else 0 */
};

/* A word of the record that does not come from the packet, or not whole. */
struct ctf_const {
    uint64_t word;
    size_t at; /* its number */
};

/* How many elements: op->count; the number at that offset. */
enum ctf_count { COUNT_FIXED, COUNT_READ };

enum ctf_op_kind {
    OP_PLAIN, /* a run of nothing but little endian LOAD_WHOLE */
    OP_RUN,
    OP_STRING,
    OP_ARRAY,
    OP_TEXT,
    OP_BYTES, /* an array of bytes to CTF_BYTES: not widened */
    OP_SKIP,  /* an array that nobody looks at */
    OP_LOOP,
    OP_VARIANT
};

struct ctf_op {
    uint8_t kind;       /* enum ctf_op_kind */
    uint8_t count_from; /* enum ctf_count */
    uint32_t align;     /* bits: where the op begins */
    uint32_t to;        /* STRING and arrays: offset of the result; VARIANT: of the tag */
    /* PLAIN, RUN: index of its first load; ARRAY: of its element's; VARIANT: of its first option */
    uint32_t first;
    uint32_t next;   /* LOOP, VARIANT: the op behind the body */
    uint32_t stride; /* of arrays: bits from element to element */
    uint64_t count;  /* PLAIN, RUN: loads; VARIANT: options; else elements, or where they are said */
    uint64_t bits;   /* PLAIN, RUN: size; of arrays: of an element */
};

/* The option of a variant for tags from `first` to `last`: ops [begin, end), shown values at [to, to_end). */
struct ctf_option {
    uint64_t first, last;
    uint32_t begin, end;
    uint32_t to, to_end;
};

struct ctf_program {
    struct ctf_op *ops; /* owned, as all of them */
    struct ctf_load *loads;
    struct ctf_option *options;
    size_t op_count, load_count, option_count;
    struct ctf_field *fields;       /* names owned by the arena given to the compiler */
    const struct tsdl_type **types; /* of each field */
    size_t field_count;             /* slots from here to slot_count are hidden: lengths, elements of loops */
    size_t slot_count;
    struct ctf_const *consts; /* of the record; NULL = none */
    size_t const_count;
    size_t record_bytes; /* with what is hidden; whole words */
    uint32_t time_at;    /* where in it the event's time goes, CTF_NO_TIME = nowhere; the reader's to put there */
    uint32_t *texts;     /* offsets of the values that point into the packet */
    size_t text_count;
    bool is_nested;                /* has loops or variants */
    struct ctf_straight *straight; /* owned; the same, faster (straight.h); NULL = there is none */
};

/* What ctf_label looks in. */
struct ctf_labels {
    const struct tsdl_label *labels; /* borrowed */
    size_t count;
};

/* Bytes that may be read, but not used, behind the end: whole loads take eight at a time, wide copies 32. */
enum { CTF_SLACK_BYTES = 32 };

/*
 * A place in a packet. `at` and `end` count bits from `bytes`, which lies at an aligned place of the packet and
 * has CTF_SLACK_BYTES behind `end`.
 */
struct ctf_cursor {
    const uint8_t *bytes;
    uint64_t at, end;
    uint64_t *scratch; /* elements of this event's sequences, widened */
    size_t scratch_used, scratch_capacity;
    size_t scratch_needed; /* set with CTF_SCRATCH */
};

enum ctf_result {
    CTF_OK,
    CTF_SHORT,   /* runs past the end */
    CTF_SCRATCH, /* scratch_needed > scratch_capacity: enlarge and decode the event again */
    CTF_DAMAGED  /* can be no event at all: a tag without an option */
};

/*
 * Decodes at the cursor into `record` (record_bytes, aligned as a uint64_t) and moves it behind. On anything but CTF_OK
 * the cursor's place is undefined. No allocation. Cost: a bounds check and a handful of instructions a run, 15 a load;
 * straight.h has what is faster.
 */
enum ctf_result ctf_program_run(const struct ctf_program *program, struct ctf_cursor *cursor, void *record);

void ctf_program_fini(struct ctf_program *program);

static inline uint64_t ctf_align(uint64_t at, uint32_t align)
{
    return (at + align - 1) & ~(uint64_t)(align - 1);
}

#endif
