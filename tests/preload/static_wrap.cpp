// docs/preload.md, "Static programs": a program without a loader, whose own locks are routed at link time
// (--wrap). Prints how many of its locks had to wait.
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <mutex>
#include <thread>

namespace {
std::atomic<int> contended{0};
}

extern "C" {
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    int result = pthread_mutex_trylock(mutex);
    if (result != EBUSY)
        return result;
    contended++;
    return __real_pthread_mutex_lock(mutex);
}
}

int main()
{
    std::mutex mutex;
    mutex.lock();
    std::thread other([&] { std::lock_guard<std::mutex> guard(mutex); });
    while (contended == 0) {
    }
    mutex.unlock();
    other.join();
    std::lock_guard<std::mutex> guard(mutex);
    std::printf("waited: %d\n", contended.load());
}
