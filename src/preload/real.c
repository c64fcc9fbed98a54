/* See real.h. Start reading at real_resolve. */
#include "preload/real.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <stdio.h>

/*
 * Other names of these in the C library, for whoever calls a hook while we look up the rest. They are of its
 * first version on each machine, and not for new programs, so that the version has to be asked for.
 */
#if defined __x86_64__
#define LIBC_FIRST "GLIBC_2.2.5"
#elif defined __aarch64__
#define LIBC_FIRST "GLIBC_2.17"
#endif
#define LIBC_ALIAS(name)                                                                                               \
    extern __typeof__(name) __##name;                                                                                  \
    __asm__(".symver __" #name ", __" #name "@" LIBC_FIRST)
LIBC_ALIAS(pthread_mutex_init);
LIBC_ALIAS(pthread_mutex_destroy);
LIBC_ALIAS(pthread_mutex_lock);
LIBC_ALIAS(pthread_mutex_trylock);
LIBC_ALIAS(pthread_mutex_unlock);

struct real real_table = {
    .pthread_mutex_init = __pthread_mutex_init,
    .pthread_mutex_destroy = __pthread_mutex_destroy,
    .pthread_mutex_lock = __pthread_mutex_lock,
    .pthread_mutex_trylock = __pthread_mutex_trylock,
    .pthread_mutex_unlock = __pthread_mutex_unlock,
};
atomic_bool real_ready;
atomic_bool real_is_usable;

enum { NOTES_MAX = 4, NOTE_SIZE = 256 };
static char note_texts[NOTES_MAX][NOTE_SIZE];
const char *real_notes[NOTES_MAX + 1];
static size_t note_count;

#define NOTE(...) snprintf(note_next(), NOTE_SIZE, __VA_ARGS__)

static char *note_next(void)
{
    size_t i = note_count < NOTES_MAX ? note_count++ : NOTES_MAX - 1;
    real_notes[i] = note_texts[i];
    return note_texts[i];
}

/* --- Lookup --------------------------------------------------------------------------------------------- */

static void *module_of(void *address)
{
    Dl_info info;
    return dladdr(address, &info) ? info.dli_fbase : NULL;
}

static int missing(void)
{
    return ENOSYS;
}

/* x86-64 has an older pthread_cond_t, whose functions have the same names and an older version. */
#ifdef __x86_64__
#define COND_VERSION "GLIBC_2.3.2"
#else
#define COND_VERSION NULL
#endif

/*
 * dlvsym passes over interposers, whose functions have no version: so it is asked only where the next one is the C
 * library's. A failed lookup allocates, but is not to be expected: what the C library lacks has no caller either.
 */
static void *lookup(const char *name, const char *version)
{
    void *next = dlsym(RTLD_NEXT, name);
    bool is_libc = version && next && module_of(next) == module_of((void *)gnu_get_libc_version);
    void *exact = is_libc ? dlvsym(RTLD_NEXT, name, version) : NULL;
    return exact ? exact : next;
}

static const char *version_of(const char *name)
{
    static const char *const versioned[] = {"pthread_cond_wait", "pthread_cond_timedwait", "pthread_cond_signal",
                                            "pthread_cond_broadcast"};
    for (size_t i = 0; i < sizeof versioned / sizeof versioned[0]; i++)
        if (__builtin_strcmp(name, versioned[i]) == 0)
            return COND_VERSION;
    return NULL;
}

/* False: there is nothing behind us, or only us again. */
static bool look_up_all(void)
{
    bool found_all = true;
    void *found;
#define LOOK_UP(name)                                                                                                  \
    found = lookup(#name, version_of(#name));                                                                          \
    found_all = found_all && found && found != (void *)name;                                                           \
    real_table.name = (__typeof__(real_table.name))(found && found != (void *)name ? found : (void *)missing);
    REAL_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    return found_all;
}

/* --- Who else is there ---------------------------------------------------------------------------------- */

HOOK extern const char msc_preload_here;
const char msc_preload_here = 1;

extern void __tsan_init(void) __attribute__((weak));
extern void __asan_init(void) __attribute__((weak));

static const char *file_of(void *address)
{
    Dl_info info;
    return dladdr(address, &info) && info.dli_fname ? info.dli_fname : "an unknown module";
}

/* Another interposer is no obstacle, but what it does is in the times, and what it keeps to itself is not seen. */
static void note_interposers(void)
{
    void *first = dlsym(RTLD_DEFAULT, "pthread_mutex_lock"), *next = (void *)real_table.pthread_mutex_lock;
    if (first != (void *)pthread_mutex_lock)
        NOTE("%s has a pthread_mutex_lock of its own before ours: only what it passes on is seen", file_of(first));
    if (module_of(next) != module_of((void *)gnu_get_libc_version))
        NOTE("%s has a pthread_mutex_lock of its own behind ours: its times are in what is measured", file_of(next));
}

static bool look_around(bool found_all)
{
    if (!found_all) {
        NOTE("locks are not recorded: the C library's functions were not found behind ours");
        return false;
    }
    if (dlsym(RTLD_DEFAULT, "msc_preload_here") != &msc_preload_here) /* the other one sees it all */
        return false;
    if (__tsan_init) {
        NOTE("locks are not recorded: ThreadSanitizer has its own pthread functions, and must see each call as it is");
        return false;
    }
    if (__asan_init)
        NOTE("AddressSanitizer: times are the sanitizer's, not the program's");
    note_interposers();
    return true;
}

/* --- Resolving ------------------------------------------------------------------------------------------- */

/* Before there is a second thread, but for a program whose constructors start some: all then find the same. */
void real_resolve(void)
{
    static _Thread_local bool resolving __attribute__((tls_model("initial-exec")));
    if (resolving)
        return;
    resolving = true;
    bool found_all = look_up_all();
    if (!atomic_load_explicit(&real_ready, memory_order_relaxed))
        atomic_store_explicit(&real_is_usable, look_around(found_all), memory_order_release);
    atomic_store_explicit(&real_ready, true, memory_order_release);
    resolving = false;
}

__attribute__((constructor)) static void resolve_early(void)
{
    real();
}
