/*
 * Programs that leave an interposer little room, one case an argument; each says what it saw, the same preloaded.
 *
 *     tight          threads with the smallest stack there is, and use for nearly all of it
 *     across         a library's lock that is held over a fork, for which a thread waits meanwhile
 *     sandbox        a thread that may not ask the kernel for its id any more (seccomp)
 *     closing HOW    a daemon that closes all it has open, by `loop`, `from` or `range`; on stderr, what is open then
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int ready;

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
}

static void *lock_once(void *unused)
{
    ready++;
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    return unused;
}

/* --- tight ------------------------------------------------------------------------------------------------- */

enum { TIGHT_USE = 8000 /* bytes, of PTHREAD_STACK_MIN: 16 KiB with thread-local data, and 3 KiB for the loader */ };

static void *fill_and_lock(void *unused)
{
    char filled[TIGHT_USE];
    memset(filled, 1, sizeof filled);
    __asm__ volatile("" : : "r"(filled) : "memory");
    return lock_once(unused);
}

static int tight(void)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    pthread_attr_t attributes;
    size_t size;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN);
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], &attributes, fill_and_lock, NULL))
            return 1;
    while (ready < THREADS) {
    }
    pause_ms(10);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_attr_getstacksize(&attributes, &size);
    printf("threads %d, still %d\n", THREADS, size == (size_t)PTHREAD_STACK_MIN);
    return 0;
}

/* --- across ------------------------------------------------------------------------------------------------ */

enum { BEFORE_MS = 100 };

static atomic_bool is_across, is_held;
static int child_unlocked[2]; /* a pipe */

static void hold(void)
{
    if (!is_across)
        return;
    pthread_mutex_lock(&mutex);
    is_held = true;
    while (ready < 2) {
    }
    pause_ms(BEFORE_MS);
}

static void let_go_in_child(void)
{
    if (!is_across)
        return;
    pthread_mutex_unlock(&mutex);
    if (write(child_unlocked[1], "", 1) != 1)
        _exit(1);
}

static void let_go_in_parent(void)
{
    char byte;
    if (!is_across)
        return;
    if (read(child_unlocked[0], &byte, 1) != 1)
        _exit(1);
    pthread_mutex_unlock(&mutex);
}

/* Before all constructors but those of -z initfirst, as those of a library may be. */
static void follow_forks(void)
{
    pthread_atfork(hold, let_go_in_parent, let_go_in_child);
}
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = follow_forks;

static void *lock_once_held(void *unused)
{
    ready++; /* not while the other one forks: LTTng would keep its first event waiting */
    while (!is_held) {
    }
    return lock_once(unused);
}

static int across(void)
{
    pthread_t waiter;
    is_across = true;
    if (pipe(child_unlocked) || pthread_create(&waiter, NULL, lock_once_held, NULL))
        return 1;
    while (!ready) {
    }
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    int status;
    waitpid(child, &status, 0);
    pthread_join(waiter, NULL);
    printf("child %d\n", WEXITSTATUS(status));
    return 0;
}

/* --- sandbox ----------------------------------------------------------------------------------------------- */

/* From here on the kernel kills the process where this thread asks for its id. */
static int forbid_gettid(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_gettid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void *hold_for_a_while(void *unused)
{
    pthread_mutex_lock(&mutex);
    ready = 1;
    pause_ms(10);
    pthread_mutex_unlock(&mutex);
    return unused;
}

static int sandbox(void)
{
    pthread_t holder;
    if (pthread_create(&holder, NULL, hold_for_a_while, NULL))
        return 1;
    while (!ready) {
    }
    if (forbid_gettid())
        return 1;
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    pthread_join(holder, NULL);
    puts("out of the sandbox");
    return 0;
}

/* --- closing ----------------------------------------------------------------------------------------------- */

enum { LOWEST = 3, FDS = 256 };

static int count_open(void)
{
    int count = 0;
    for (int fd = LOWEST; fd < FDS; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static int closing(const char *how)
{
    int own = open("/dev/null", O_RDONLY), high = fcntl(own, F_DUPFD, FDS - 1);
    if (strcmp(how, "from") == 0)
        closefrom(LOWEST);
    else if (strcmp(how, "range") == 0 && close_range(LOWEST, ~0U, 0))
        return 1;
    for (int fd = LOWEST; fd < FDS && strcmp(how, "loop") == 0; fd++)
        close(fd);
    printf("%d %d are open\n", fcntl(own, F_GETFD) >= 0, fcntl(high, F_GETFD) >= 0);
    fprintf(stderr, "others open: %d\n", count_open());
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "tight") == 0)
        return tight();
    if (strcmp(what, "across") == 0)
        return across();
    if (strcmp(what, "sandbox") == 0)
        return sandbox();
    if (strcmp(what, "closing") == 0)
        return argc > 2 ? closing(argv[2]) : 2;
    return 2;
}
