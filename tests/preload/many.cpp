/*
 * As many std::mutex as the first argument says, which are never destroyed: each is waited for once, one after the
 * other. Before the one that the second argument numbers, it says "ready" and waits for a line.
 */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <sched.h>
#include <thread>

enum { CONTENDED = 2 /* what glibc's lock says of itself while a thread sleeps for it */ };

static std::atomic<unsigned> turn, done;

static void follow(std::mutex *mutexes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        while (turn <= i)
            sched_yield();
        mutexes[i].lock();
        mutexes[i].unlock();
        done = i + 1;
    }
}

int main(int argc, char **argv)
{
    unsigned count = argc > 1 ? static_cast<unsigned>(atoi(argv[1])) : 0;
    unsigned pause = argc > 2 ? static_cast<unsigned>(atoi(argv[2])) : count;
    std::mutex *mutexes = new std::mutex[count];
    std::thread waiter(follow, mutexes, count);
    for (unsigned i = 0; i < count; i++) {
        if (i == pause) {
            puts("ready");
            fflush(stdout);
            while (getchar() > '\n') {
            }
        }
        mutexes[i].lock();
        turn = i + 1;
        while (__atomic_load_n(&mutexes[i].native_handle()->__data.__lock, __ATOMIC_RELAXED) != CONTENDED)
            sched_yield();
        mutexes[i].unlock();
        while (done <= i)
            sched_yield();
    }
    waiter.join();
    return 0;
}
