// The standard library's locks, as lock_matrix.c for C: one line each with what came of it; the same preloaded.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <future>
#include <mutex>
#include <shared_mutex>
#include <system_error>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

template <typename Function> void said(const char *what, Function function)
{
    try {
        std::printf("%s: %d\n", what, static_cast<int>(function()));
    } catch (const std::system_error &error) {
        std::printf("%s: %s %d\n", what, error.code().category().name(), error.code().value());
    }
}

// Runs `function` while another thread holds the lock, which `lock` takes and `unlock` gives back.
template <typename Lock, typename Unlock, typename Function>
void while_others(Lock lock, Unlock unlock, Function function)
{
    std::promise<void> has_it, go;
    std::thread other([&] {
        lock();
        has_it.set_value();
        go.get_future().wait();
        unlock();
    });
    has_it.get_future().wait();
    function();
    go.set_value();
    other.join();
}

template <typename Mutex> void exclusive(const char *name)
{
    Mutex mutex;
    std::printf("%s\n", name);
    mutex.lock();
    mutex.unlock();
    said(" try free", [&] { return mutex.try_lock(); });
    mutex.unlock();
    while_others([&] { mutex.lock(); }, [&] { mutex.unlock(); },
                 [&] { said(" try others'", [&] { return mutex.try_lock(); }); });
    long sum = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&] {
            for (int j = 0; j < 20000; j++) {
                std::lock_guard<Mutex> guard(mutex);
                sum++;
            }
        });
    for (auto &thread : threads)
        thread.join();
    std::printf(" sum %ld\n", sum);
}

template <typename Mutex> void timed(const char *name)
{
    Mutex mutex;
    std::printf("%s, timed\n", name);
    said(" for free", [&] { return mutex.try_lock_for(1ms); });
    mutex.unlock();
    while_others([&] { mutex.lock(); }, [&] { mutex.unlock(); },
                 [&] {
                     said(" for others'", [&] { return mutex.try_lock_for(2ms); });
                     said(" until steady", [&] { return mutex.try_lock_until(std::chrono::steady_clock::now() + 2ms); });
                     said(" until system", [&] { return mutex.try_lock_until(std::chrono::system_clock::now() + 2ms); });
                     said(" until past", [&] { return mutex.try_lock_until(std::chrono::system_clock::now() - 1s); });
                 });
    std::thread other;
    {
        std::lock_guard<Mutex> guard(mutex);
        other = std::thread([&] {
            said(" for soon free", [&] { return mutex.try_lock_for(20s); });
            mutex.unlock();
        });
        std::this_thread::sleep_for(2ms);
    }
    other.join();
}

template <typename Mutex> void shared(const char *name)
{
    Mutex mutex;
    std::printf("%s, shared\n", name);
    mutex.lock_shared();
    said(" try shared with one", [&] { return mutex.try_lock_shared(); });
    said(" try exclusive with readers", [&] { return mutex.try_lock(); });
    mutex.unlock_shared();
    mutex.unlock_shared();
    mutex.lock();
    said(" shared by the writer", [&] { return mutex.lock_shared(), 1; });
    mutex.unlock();
    while_others([&] { mutex.lock(); }, [&] { mutex.unlock(); },
                 [&] { said(" try shared with a writer", [&] { return mutex.try_lock_shared(); }); });
}

void shared_timed()
{
    std::shared_timed_mutex mutex;
    while_others([&] { mutex.lock(); }, [&] { mutex.unlock(); },
                 [&] {
                     said(" shared for", [&] { return mutex.try_lock_shared_for(2ms); });
                     said(" shared until", [&] {
                         return mutex.try_lock_shared_until(std::chrono::steady_clock::now() + 2ms);
                     });
                     said(" exclusive for", [&] { return mutex.try_lock_for(2ms); });
                 });
}

void conditions()
{
    std::mutex mutex;
    std::condition_variable condition;
    std::condition_variable_any any;
    std::unique_lock<std::mutex> lock(mutex);
    said("wait_for", [&] { return condition.wait_for(lock, 2ms) == std::cv_status::timeout; });
    said("wait_until system", [&] {
        return condition.wait_until(lock, std::chrono::system_clock::now() + 2ms) == std::cv_status::timeout;
    });
    said("wait_for false", [&] { return condition.wait_for(lock, 2ms, [] { return false; }); });
    said("any wait_for", [&] { return any.wait_for(lock, 2ms) == std::cv_status::timeout; });
    bool ready = false;
    std::thread other([&] {
        std::lock_guard<std::mutex> guard(mutex);
        ready = true;
        condition.notify_one();
    });
    condition.wait(lock, [&] { return ready; });
    lock.unlock();
    other.join();
    std::printf("notified %d\n", ready);
}

void others()
{
    std::once_flag once;
    int count = 0;
    for (int i = 0; i < 3; i++)
        std::call_once(once, [&] { count++; });
    std::printf("once %d\n", count);
    std::printf("async %d\n", std::async(std::launch::async, [] { return 42; }).get());
    std::recursive_mutex recursive;
    recursive.lock();
    recursive.lock();
    said("recursive try", [&] { return recursive.try_lock(); });
    for (int i = 0; i < 3; i++)
        recursive.unlock();
}

} // namespace

int main()
{
    exclusive<std::mutex>("mutex");
    exclusive<std::recursive_mutex>("recursive_mutex");
    exclusive<std::timed_mutex>("timed_mutex");
    exclusive<std::shared_mutex>("shared_mutex");
    exclusive<std::shared_timed_mutex>("shared_timed_mutex");
    timed<std::timed_mutex>("timed_mutex");
    timed<std::recursive_timed_mutex>("recursive_timed_mutex");
    timed<std::shared_timed_mutex>("shared_timed_mutex");
    shared<std::shared_mutex>("shared_mutex");
    shared<std::shared_timed_mutex>("shared_timed_mutex");
    shared_timed();
    conditions();
    others();
}
