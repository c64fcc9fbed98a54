/*
 * What an address means: the interface that analyses and exporters see; collector/symbolize implements it.
 *
 * One address yields one location with one or more frames (inlined functions first, the function that
 * holds the code last), all borrowed from the symboliser and alive as long as it is.
 */
#ifndef MODEL_SYMBOLS_H
#define MODEL_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

struct symbol_frame {
    const char *function;    /* demangled; never NULL or empty: "module+0xoffset" where nothing is known */
    const char *system_name; /* as in the symbol table; never NULL */
    const char *file;        /* "" = unknown */
    uint32_t line;           /* 0 = unknown */
    uint32_t start_line;     /* of the function; 0 = unknown */
};

struct symbol_module {
    uint32_t id; /* 1.. , dense: one for each (pid, mapping) */
    uint32_t pid;
    uint64_t start, limit;                                 /* mapped addresses of the executable part */
    uint64_t file_offset;                                  /* of `start` in the file */
    const char *path;                                      /* never NULL */
    const char *build_id;                                  /* lower-case hex, "" = unknown */
    bool has_functions, has_files, has_lines, has_inlines; /* truthful: what was really resolved */
    const char *reason;                                    /* why symbols are missing, "" = they are not */
};

struct symbol_location {
    uint64_t address;                   /* the call instruction: return address - 1 */
    const struct symbol_module *module; /* NULL = in no known mapping */
    const struct symbol_frame *frames;  /* innermost first */
    uint32_t frame_count;               /* at least 1 */
};

/*
 * The seam: `resolve` never fails, an unknown address yields a location that says so. `object` names data:
 * "table_lock", "shards+0x80", or "server+0x4010" where the module has no symbols; NULL where no module is (the
 * heap, a stack) or memory is out.
 */
struct symbols {
    const char *(*object)(void *self, uint32_t pid, uint64_t address, uint64_t time_ns); /* may be NULL */
    const struct symbol_location *(*resolve)(void *self, uint32_t pid, uint64_t return_address, uint64_t time_ns);
    void *self;
};

static inline const struct symbol_location *symbols_resolve(const struct symbols *symbols, uint32_t pid,
                                                            uint64_t return_address, uint64_t time_ns)
{
    return symbols->resolve(symbols->self, pid, return_address, time_ns);
}

static inline const char *symbols_object(const struct symbols *symbols, uint32_t pid, uint64_t address,
                                         uint64_t time_ns)
{
    return symbols->object ? symbols->object(symbols->self, pid, address, time_ns) : NULL;
}

#endif
