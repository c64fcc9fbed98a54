// Contention far from main: below qsort, pthread_once, std::call_once, and in std::condition_variable::wait. Built
// without frame pointers, as the libraries in between are. Every wait and every release of the main thread must be
// traced to main (tests/e2e/test_preload.sh), but for those of a recursion that is deeper than a stack can be.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <pthread.h>
#include <thread>

namespace {

constexpr auto hold = std::chrono::milliseconds(60);

// The main thread holds the lock while another wants it, then wants it while the other holds it.
__attribute__((noinline)) void contend()
{
    std::mutex mutex;
    std::atomic<bool> wants{false}, has_it{false}, wanted_back{false};
    mutex.lock();
    std::thread other([&] {
        wants = true;
        mutex.lock();
        has_it = true;
        while (!wanted_back) { // however long the main thread does not get a CPU
        }
        std::this_thread::sleep_for(hold);
        mutex.unlock();
    });
    while (!wants) {
    }
    std::this_thread::sleep_for(hold);
    mutex.unlock();
    while (!has_it) {
    }
    wanted_back = true;
    mutex.lock();
    mutex.unlock();
    other.join();
}

int compare(const void *left, const void *right)
{
    contend();
    return *static_cast<const int *>(left) - *static_cast<const int *>(right);
}

__attribute__((noinline)) void through_qsort()
{
    int numbers[] = {2, 1};
    std::qsort(numbers, 2, sizeof numbers[0], compare);
}

void once()
{
    contend();
}

__attribute__((noinline)) void through_pthread_once()
{
    static pthread_once_t control = PTHREAD_ONCE_INIT;
    pthread_once(&control, once);
}

__attribute__((noinline)) void through_call_once()
{
    static std::once_flag flag;
    std::call_once(flag, [] { contend(); });
}

__attribute__((noinline)) void through_recursion(unsigned depth) // NOLINT(misc-no-recursion): that is the point
{
    if (depth == 0)
        contend();
    else
        through_recursion(depth - 1);
    asm volatile(""); // no tail call
}

// The wait gives up a mutex that another thread wants, and wants it back while that one holds it.
__attribute__((noinline)) void in_condition_wait()
{
    std::mutex mutex;
    std::condition_variable condition;
    std::atomic<bool> wants{false};
    bool ready = false;
    std::unique_lock<std::mutex> lock(mutex);
    std::thread other([&] {
        wants = true;
        std::lock_guard<std::mutex> guard(mutex);
        ready = true;
        condition.notify_one();
        std::this_thread::sleep_for(hold);
    });
    while (!wants) {
    }
    std::this_thread::sleep_for(hold);
    condition.wait(lock, [&] { return ready; });
    lock.unlock();
    other.join();
}

} // namespace

int main()
{
    through_qsort();
    through_pthread_once();
    through_call_once();
    in_condition_wait();
    through_recursion(100);
}
