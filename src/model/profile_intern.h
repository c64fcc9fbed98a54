/*
 * The tables of a profile under construction: strings, mappings, functions and locations, each thing once.
 * Internal to profile_builder. Errors stick in `error`; after one, every id is 0.
 */
#ifndef MODEL_PROFILE_INTERN_H
#define MODEL_PROFILE_INTERN_H

#include "model/process.h"
#include "model/profile.h"
#include "model/symbols.h"
#include "support/hashmap.h"

struct profile_intern {
    struct profile *profile; /* owned */
    int error;
    size_t mapping_capacity, function_capacity, line_capacity, location_capacity;
    const struct symbol_module **modules; /* of each mapping, NULL = none; borrowed */
    size_t module_capacity;
    struct hashmap mapping_ids, function_ids, location_ids;
    bool has_main; /* mapping 1 is reserved for the module at main_base of main_pid */
    uint32_t main_pid, pseudo_mapping;
    uint64_t main_base, main_limit, pseudo_address;
};

int profile_intern_init(struct profile_intern *tables);
void profile_intern_fini(struct profile_intern *tables); /* destroys the profile if it is still there */

/* Well-formed UTF-8 of at most `max` bytes. */
str_id profile_intern_string(struct profile_intern *tables, const char *text, size_t max);

void profile_intern_main(struct profile_intern *tables, uint32_t pid, const struct process_module *module);
uint32_t profile_intern_location(struct profile_intern *tables, uint32_t pid, const struct symbol_location *location,
                                 uint32_t skip);
uint32_t profile_intern_pseudo(struct profile_intern *tables, const char *name);

/* Reads what the modules say about their symbols, once everything is resolved. */
void profile_intern_finish(struct profile_intern *tables);

#endif
