/*
 * Reads CTF 1.8 traces as LTTng writes them: a folder with any number of traces below it, each with its
 * metadata and streams, delivered as one sequence in the order of time, or stream by stream.
 *
 *     struct ctf_reader *reader;
 *     int error = ctf_open(path, NULL, diag, &reader);
 *     struct ctf_event event;
 *     while ((error = ctf_next(reader, &event)) == 1)
 *         use(&event);                                     // 0 = end, negative errno = nothing more
 *     struct losses losses = ctf_losses(reader);
 *     ctf_close(reader);
 *
 * Damage costs its own packet, stream or leaf folder: it is skipped, counted in the losses and named
 * through `warn`; everything else is delivered. Memory does not grow with the length of the trace.
 * Streams are decoded ahead on the cores that there are. Not thread-safe. Source of the format: docs/architecture.md,
 * "The trace".
 */
#ifndef COLLECTOR_CTF_H
#define COLLECTOR_CTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/losses.h"
#include "support/diag.h"

struct ctf_reader; /* opaque */
struct helper;

enum ctf_type { CTF_UNSIGNED, CTF_SIGNED, CTF_FLOAT, CTF_STRING, CTF_SEQUENCE, CTF_ENUM };

/* One field of an event class: what a ctf_value at the same index holds. */
struct ctf_field {
    const char *name; /* without the leading underscore that LTTng adds */
    enum ctf_type type;
    enum ctf_type element; /* of a SEQUENCE (fixed arrays too): UNSIGNED, SIGNED, FLOAT; of an ENUM: its integers */
    uint8_t bits;          /* of an integer */
    uint8_t base;          /* to show integers in: 2, 8, 10 or 16 */
    bool is_context;       /* of the stream's context rather than the payload */
    const struct ctf_labels *labels; /* of an ENUM, else NULL */
};

/* One value. Pointers are borrowed until the next event. */
struct ctf_value {
    union {
        uint64_t u;         /* UNSIGNED, ENUM */
        int64_t i;          /* SIGNED */
        double f;           /* FLOAT */
        const char *text;   /* STRING and text sequences: not NUL-terminated */
        const uint64_t *us; /* SEQUENCE, element UNSIGNED (is, fs by element) */
        const int64_t *is;
        const double *fs;
    };
    uint32_t length; /* of a STRING in bytes, of a SEQUENCE in elements */
    bool is_absent;  /* this event does not have it: an option of a variant that another took the place of */
};

struct ctf_event_class {
    const char *name; /* "provider:event" */
    uint64_t id;
    uint32_t index;                 /* dense over all classes of the reader: for tables of a consumer */
    const struct ctf_field *fields; /* contexts first, then payload; length fields of sequences left out */
    size_t field_count;
    int64_t trace_pid; /* of a per-pid trace's env, -1 = none */
};

struct ctf_event {
    uint64_t time_ns; /* trace clock, not epoch */
    const struct ctf_event_class *class;
    union {
        const struct ctf_value *values; /* class->field_count of them */
        void *record;                   /* in place of them if there is a plan; the consumer's to change */
    };
    uint32_t cpu;
};

/* The same as it lies in memory: the record, or the values, begins behind it. */
struct ctf_entry {
    const struct ctf_event_class *class; /* NULL, where the reader alone sees it: a warning is behind this */
    uint64_t time_ns;
    uint32_t bytes; /* to the next entry; the reader's */
    uint32_t cpu;
};

/* What is kept of a field, in a record of the consumer's. What does not fit its type is left out by the consumer. */
enum ctf_form {
    CTF_LEFT_OUT,
    CTF_VALUE, /* a struct ctf_value: of any field */
    CTF_U64,   /* all that follow are of integers; a sign is spread */
    CTF_U32,   /* a larger number becomes UINT32_MAX */
    CTF_S32,   /* what is out of its range becomes the nearest that is in it */
    CTF_FLAG,  /* bool: it is not 0 */
    CTF_NOT,   /* bool: it is 0 */
    CTF_BYTES  /* of a text or a sequence of bytes, else left out: a struct ctf_value with `text` */
};

struct ctf_place {
    uint16_t offset; /* into the record; aligned for its form */
    uint8_t form;    /* enum ctf_form */
};

/*
 * What events of a class are decoded into: a struct of the consumer's, straight from the packet's bytes, so that
 * nothing but what is wanted is ever touched.
 */
enum { CTF_PLAN_BYTES = 512, CTF_NO_TIME = UINT16_MAX };

struct ctf_plan {
    size_t size;                                       /* of the struct, at most CTF_PLAN_BYTES */
    uint16_t time_at;                                  /* offset of a uint64_t for time_ns; CTF_NO_TIME to begin with */
    struct ctf_place *places;                          /* of each field of the class; CTF_LEFT_OUT to begin with */
    uint64_t blank[CTF_PLAN_BYTES / sizeof(uint64_t)]; /* the struct before its fields are put in; 0 to begin with */
};

/* Asked about each class when it is opened. */
typedef void ctf_plan_fn(void *self, const struct ctf_event_class *class, struct ctf_plan *plan);

/* Events of which nobody looks at more than that they are there. */
enum { CTF_DELIVER = -1, CTF_TALLIES = 2 };

struct ctf_tally {
    uint64_t events[CTF_TALLIES];
    uint64_t first_ns, last_ns; /* of all of them; UINT64_MAX and 0 without any */
};

struct ctf_options {
    /* Called once for each kind of damage at a place; `text` names the file. NULL = be silent. */
    void (*warn)(void *self, const char *text);
    /*
     * Events come as records then. Fields that are left out are stepped over, which is an addition for a run of
     * them. Options of variants and tags always are. NULL = events come as values, with all fields.
     */
    ctf_plan_fn *plan;
    /* Asked about each class: in which tally its events are only counted, or CTF_DELIVER. NULL = in none. */
    int (*tally)(void *self, const char *class_name);
    /*
     * TSDL texts, NULL behind the last, to read streams with whose own metadata is missing or unusable; each
     * declares one stream class. A text is used only for what it explains (known.h), which is said and counted.
     * NULL = none.
     */
    const char *const *known;
    void *self;
    struct helper *helper; /* merges ahead, for consumers that take as long for an event as that; NULL = nobody does */
    bool unordered;        /* stream after stream, without the merge: for consumers that need no order */
    /* Threads, the caller's and the helper's included: what is read does not depend on it. 0 = as many as pay. */
    size_t threads;
};

/*
 * Opens every trace below `path`. Returns 0; -ENOENT, -EACCES...: no such folder; -ENODATA: there is no
 * trace in it; the cause is in `diag`.
 */
int ctf_open(const char *path, const struct ctf_options *options, struct diag *diag, struct ctf_reader **out);
void ctf_close(struct ctf_reader *reader);

/*
 * 1 = an event, 0 = the end, negative errno = memory or I/O gave out (diag of ctf_open's caller is not used);
 * CTF_LATER = many events were counted, none is there yet: a chance to stop.
 */
enum { CTF_LATER = 2 };
int ctf_next(struct ctf_reader *reader, struct ctf_event *event);

/* The same for some hundred events at once: `*events`, of which there are `*count`, until the next call. */
int ctf_next_many(struct ctf_reader *reader, const struct ctf_entry *const **events, size_t *count);

/* Of a reader with a plan; the consumer's to change. */
static inline void *ctf_record(const struct ctf_entry *event)
{
    return (void *)((uintptr_t)event + sizeof *event);
}

/* Complete after ctf_next returned 0. `dropped_by_runtime` is not the reader's to know: 0. */
struct losses ctf_losses(const struct ctf_reader *reader);

/* Complete after ctf_next returned 0, as well. */
struct ctf_tally ctf_tally(const struct ctf_reader *reader);

/* Epoch nanoseconds = trace clock + this. 0 if no metadata says. */
int64_t ctf_clock_offset_ns(const struct ctf_reader *reader);

/* Bytes read so far and in all, for a progress line. */
void ctf_progress(const struct ctf_reader *reader, uint64_t *done, uint64_t *total);

/* The name of an enumeration's value, or NULL. */
const char *ctf_label(const struct ctf_labels *labels, uint64_t value);

#endif
