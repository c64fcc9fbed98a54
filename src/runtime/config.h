/*
 * Settings of the traced process, read once from the environment by the library's constructor: the only
 * place that reads it. `mapscope record` sets these variables; docs/operations.md lists them.
 *
 *     MAPSCOPE_MAP_RATE=N         keep 1/N of the keys (1, the default = all; 0 = no map operations)
 *     MAPSCOPE_MUTEX_FRACTION=N   Bernoulli: 1/N of the contended releases and waits (1 = all; 0 = none)
 *     MAPSCOPE_MUTEX_RATE=NS      hybrid: p = 1 - (1 - 1/N) exp(-c / NS), with N from the fraction or 100
 *     MAPSCOPE_KEYS=1             record key bytes (private by default)
 *     MAPSCOPE_FAULT=abort        a misused map ends the program (mapscope/fault.h); record, the default
 *     MAPSCOPE_KEY_SEED=HEX       seed of key_id, one for a recording; random without it
 *
 * With neither of the two mutex settings: hybrid, N = 100, NS = 10 ms. A value that is not a plain number
 * in range is as good as none.
 */
#ifndef MSC_RUNTIME_CONFIG_H
#define MSC_RUNTIME_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

enum msc_sampler_mode { MSC_SAMPLER_OFF = 0, MSC_SAMPLER_BERNOULLI = 1, MSC_SAMPLER_HYBRID = 2 };

struct config {
    uint32_t map_rate;
    enum msc_sampler_mode mutex_mode;
    uint64_t mutex_fraction;
    uint64_t mutex_rate_ns;
    bool record_keys;
    bool abort_on_fault;
    uint64_t key_seed;
};

/* Valid from the library's constructor on; read-only afterwards except in tests. */
extern struct config config __attribute__((visibility("hidden")));

/* Looks a setting up by name: NULL if it is not set. getenv, or a test's own. */
typedef const char *config_lookup_fn(const char *name);

/* The settings that `lookup` yields. Draws a random key_seed if it yields none. */
struct config config_read(config_lookup_fn *lookup);

/* Emits sampler_config if that was not done in this process and the event is on. Called by msc_emit. */
void config_announce(void);

#endif
