#!/bin/sh
# libmapscope-preload among forks, other allocators and ThreadSanitizer. usage: test_preload_foreign.sh BUILD_DIR
#
# Not with sanitizers (tests/CMakeLists.txt): a runtime of theirs that was preloaded into a foreign program does not
# know its threads, and takes the stacks that a forked child has from its parent's threads for its own.
set -eu
programs=preload_safety
. "$(dirname "$0")/recorder_world.sh"
bin=$work/bin

# same PROGRAM ARGUMENTS...: recorded with everything on, it prints what it prints without, and ends so.
same() {
    status=0
    timeout 60 "$@" >plain || status=$?
    record "$status" --mutex-fraction 1 -- "$@"
    diff plain stdout >differences || fail "$test: $*: not the same: $(head -5 differences)"
}

# lock_events: `EVENT key value key value...` of what was recorded of locks, one a line.
lock_events() {
    deadline 30 babeltrace2 out/trace 2>/dev/null |
        sed -nE 's/.* mapscope:(lock_[a-z]*): \{[^}]*\}, \{[^}]*\}, \{ (.*) \}$/\1 \2/p' | tr -d ',=' | tr -s ' ' |
        tr 'A-FX' 'a-fx'
}

# expect_remark PATTERN: the recording says so of itself.
expect_remark() {
    deadline 30 babeltrace2 out/trace 2>/dev/null | grep 'mapscope:log: .*category = "mapscope"' >remarks || true
    grep -qE "$1" remarks || fail "$test: no remark $1: $(cat remarks)"
}

test_forks_among_threads() { same "$bin/preload_safety" fork; }

test_other_allocators() {
    for allocator in libjemalloc.so.2 libtcmalloc_minimal.so.4; do
        LD_PRELOAD=$allocator same "$bin/preload_safety" cancel
        ! grep -q 'cannot be preloaded' stderr || fail "$test: $(cat stderr)"
        LD_PRELOAD=$allocator same "$bin/preload_safety" fork
    done
}

# Locks are its own matter: as many complaints as without us, and no event.
test_thread_sanitizer_is_left_alone() {
    cat >sanitized.c <<'C'
#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int count;
static void *work(void *unused)
{
    for (int i = 0; i < 10000; i++) {
        pthread_mutex_lock(&mutex);
        if (++count == 40000)
            pthread_cond_signal(&cond);
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}
int main(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    pthread_mutex_lock(&mutex);
    while (count < 40000)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    return printf("%d\n", count) < 0;
}
C
    cc -g -fsanitize=thread -o sanitized sanitized.c -pthread
    record 0 -- setarch -R ./sanitized
    [ "$(cat stdout)" = 40000 ] || fail "$test: $(cat stdout stderr)"
    ! grep -q 'WARNING: ThreadSanitizer' stderr || fail "$test: $(cat stderr)"
    expect_remark 'locks are not recorded: ThreadSanitizer'
    [ -z "$(lock_events | grep -v '^lock_totals')" ] || fail "$test: $(lock_events)"
}

run_tests
