/* See config.h. */
#include "runtime/config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <mapscope/lock.h>

#include "base/clock.h"
#include "runtime/emit.h"
#include "runtime/thread.h"

struct config config;
struct msc_key_sampling key_sampling;

/* What was told last: changes of the control words, and in the upper half forks + audiences. 0 = nothing yet. */
static _Atomic uint64_t announced;

/* The setting `name` as a number up to `max`, or `fallback`. No sign, no blank, no rest. */
static uint64_t number(config_lookup_fn *lookup, const char *name, int base, uint64_t max, uint64_t fallback)
{
    const char *text = lookup(name);
    if (!text || text[0] == '\0')
        return fallback;
    for (const char *c = text; *c; c++) {
        bool digit = *c >= '0' && *c <= '9';
        bool letter = (*c >= 'a' && *c <= 'f') || (*c >= 'A' && *c <= 'F');
        if (!digit && !(base == 16 && letter))
            return fallback;
    }
    int kept_errno = errno;
    errno = 0;
    unsigned long long value = strtoull(text, NULL, base);
    bool fits = errno == 0 && value <= max;
    errno = kept_errno;
    return fits ? value : fallback;
}

static bool is(const char *text, const char *word)
{
    return text && strcmp(text, word) == 0;
}

static uint64_t random_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) /* early in boot */
        seed = clock_monotonic_ns() * UINT64_C(0x9e3779b97f4a7c15);
    return seed;
}

struct config config_read(config_lookup_fn *lookup)
{
    enum { DEFAULT_FRACTION = 100, DEFAULT_RATE_NS = 10000000 };
    const uint64_t unset = UINT64_MAX;
    uint64_t fraction = number(lookup, "MAPSCOPE_MUTEX_FRACTION", 10, unset - 1, unset);
    uint64_t rate_ns = number(lookup, "MAPSCOPE_MUTEX_RATE", 10, unset - 1, unset);
    if (fraction == unset && rate_ns == unset)
        rate_ns = DEFAULT_RATE_NS;
    struct config read = {
        .map_rate = (uint32_t)number(lookup, "MAPSCOPE_MAP_RATE", 10, UINT32_MAX, 1),
        .mutex_fraction = fraction == unset ? DEFAULT_FRACTION : fraction,
        .mutex_rate_ns = rate_ns == unset ? 0 : rate_ns,
        .record_keys = number(lookup, "MAPSCOPE_KEYS", 10, 1, 0) == 1,
        .time_holds = number(lookup, "MAPSCOPE_HOLD", 10, 1, 0) == 1,
        .abort_on_fault = is(lookup("MAPSCOPE_FAULT"), "abort"),
        .key_seed = number(lookup, "MAPSCOPE_KEY_SEED", 16, unset - 1, unset),
    };
    read.mutex_mode = read.mutex_fraction == 0  ? MSC_SAMPLER_OFF
                      : read.mutex_rate_ns == 0 ? MSC_SAMPLER_BERNOULLI
                                                : MSC_SAMPLER_HYBRID;
    if (read.key_seed == unset)
        read.key_seed = random_seed();
    return read;
}

void config_apply(const struct config *settings)
{
    struct page_control *control = &page.header.control;
    atomic_store_explicit(&control->mutex_fraction, settings->mutex_fraction, memory_order_relaxed);
    atomic_store_explicit(&control->mutex_rate_ns, settings->mutex_rate_ns, memory_order_relaxed);
    atomic_store_explicit(&control->mutex_mode, (uint32_t)settings->mutex_mode, memory_order_relaxed);
    atomic_store_explicit(&control->map_rate, settings->map_rate, memory_order_relaxed);
    atomic_store_explicit(&control->map_limit, page_map_limit(settings->map_rate), memory_order_relaxed);
    atomic_fetch_add_explicit(&control->changes, 1, memory_order_release);
    key_sampling.limit = (const uint64_t *)(uintptr_t)&control->map_limit; /* C++ has no _Atomic */
    key_sampling.seed = msc_hash_seed_of(settings->key_seed);
}

void config_announce(void)
{
    /* Acquire: the words that the change was about are told with it. */
    uint64_t changes = atomic_load_explicit(&page.header.control.changes, memory_order_acquire);
    uint64_t listeners = (uint64_t)atomic_load_explicit(&thread_forks, memory_order_relaxed) + emit_audience_now();
    uint64_t now = listeners << 32 | (uint32_t)changes;
    uint64_t told = atomic_load_explicit(&announced, memory_order_relaxed);
    if (told == now || !msc_gate_on(MSC_EVENT_SAMPLER_CONFIG))
        return;
    if (!atomic_compare_exchange_strong_explicit(&announced, &told, now, memory_order_relaxed, memory_order_relaxed))
        return; /* another thread was faster */
    struct mutex_sampling mutex = config_mutex_sampling();
    struct msc_ev_sampler_config record = {
        .map_rate = config_map_rate(),
        .mutex_mode = (uint32_t)mutex.mode,
        .mutex_fraction = mutex.fraction,
        .mutex_rate_ns = mutex.rate_ns,
    };
    msc_emit(MSC_EVENT_SAMPLER_CONFIG, &record);
}

static const char *environment(const char *name)
{
    return secure_getenv(name);
}

__attribute__((constructor(101))) static void config_prepare(void)
{
    config = config_read(environment);
    config_apply(&config);
    msc_lock_holds_timed = config.time_holds;
    page_begin(environment("MAPSCOPE_PAGES"));
}
