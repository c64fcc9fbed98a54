/*
 * Settings of the traced process, read once from the environment by the library's constructor: the only
 * place that reads it. `mapscope record` sets these variables; docs/operations.md lists them.
 *
 *     MAPSCOPE_MAP_RATE=N         keep 1/N of the keys (1, the default = all; 0 = no map operations)
 *     MAPSCOPE_MUTEX_FRACTION=N   Bernoulli: 1/N of the contended releases and waits (1 = all; 0 = none)
 *     MAPSCOPE_MUTEX_RATE=NS      hybrid: p = 1 - (1 - 1/N) exp(-c / NS), with N from the fraction or 100
 *     MAPSCOPE_HOLD=1             time every hold of a lock (runtime/holds.h)
 *     MAPSCOPE_KEYS=1             record key bytes (private by default)
 *     MAPSCOPE_FAULT=abort        a misused map ends the program (mapscope/fault.h); record, the default
 *     MAPSCOPE_KEY_SEED=HEX       seed of key_id, one for a recording; random without it
 *     MAPSCOPE_PAGES=FOLDER       where the shared page of the process goes; private without it
 *
 * The first three may be changed while the program runs: they are control words of the shared page
 * (base/page_layout.h), read at each use. What is kept goes out with its weight or rate, so that a change
 * needs no moment of its own; it is told with sampler_config, before the next event of whoever sees it first.
 *
 * With neither of the two mutex settings: hybrid, N = 100, NS = 10 ms. A value that is not a plain number
 * in range is as good as none.
 */
#ifndef MSC_RUNTIME_CONFIG_H
#define MSC_RUNTIME_CONFIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mapscope/gate.h"
#include "runtime/page.h"

enum msc_sampler_mode {
    MSC_SAMPLER_OFF = PAGE_MUTEX_OFF,
    MSC_SAMPLER_BERNOULLI = PAGE_MUTEX_BERNOULLI,
    MSC_SAMPLER_HYBRID = PAGE_MUTEX_HYBRID,
};

struct config {
    uint32_t map_rate;
    enum msc_sampler_mode mutex_mode;
    uint64_t mutex_fraction;
    uint64_t mutex_rate_ns;
    bool record_keys;
    bool time_holds;
    bool abort_on_fault;
    uint64_t key_seed;
};

/* As the program was started: valid from the library's constructor on, read-only afterwards except in tests. */
extern struct config config __attribute__((visibility("hidden")));

/* Which keys are kept: the rate of the shared page, and what config_apply made of key_seed. */
extern struct msc_key_sampling key_sampling __attribute__((visibility("hidden")));

/* The rates in force. A few relaxed loads. */
static inline uint32_t config_map_rate(void)
{
    return atomic_load_explicit(&page.header.control.map_rate, memory_order_relaxed);
}

struct mutex_sampling {
    enum msc_sampler_mode mode;
    uint64_t fraction, rate_ns;
};

static inline struct mutex_sampling config_mutex_sampling(void)
{
    struct page_control *control = &page.header.control;
    return (struct mutex_sampling){
        (enum msc_sampler_mode)atomic_load_explicit(&control->mutex_mode, memory_order_relaxed),
        atomic_load_explicit(&control->mutex_fraction, memory_order_relaxed),
        atomic_load_explicit(&control->mutex_rate_ns, memory_order_relaxed),
    };
}

/* Puts the rates of `settings` in force, as `mapscope set` does from outside, and their key_seed. */
void config_apply(const struct config *settings);

/* Looks a setting up by name: NULL if it is not set. getenv, or a test's own. */
typedef const char *config_lookup_fn(const char *name);

/* The settings that `lookup` yields. Draws a random key_seed if it yields none. */
struct config config_read(config_lookup_fn *lookup);

/* Emits sampler_config if the event is on and what is in force was not told yet. Called by msc_emit. */
void config_announce(void);

#endif
