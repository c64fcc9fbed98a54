#!/bin/sh
# Where the names of a profile come from: an optimised program and its library, which unlocks in an inlined function, with
# debug information, with it in a file beside, and with none. usage: test_symbols.sh BUILD_DIR
#
# Runs in a process and mount namespace of its own (recorder_world.sh).
set -eu
. "$(dirname "$0")/recorder_world.sh"

# The frames of interest: table_close is inlined into table_put, which lies in the library; turns_of into main.
cat >table.c <<'END'
#include <pthread.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static inline __attribute__((always_inline)) void table_close(void)
{
    pthread_mutex_unlock(&lock); /* the release */
    __asm__ volatile("");
}

void table_put(void)
{
    pthread_mutex_lock(&lock);
    nanosleep(&(struct timespec){0, 2000000}, NULL);
    table_close();
    __asm__ volatile("");
}
END
cat >server.c <<'END'
#include <pthread.h>
#include <stddef.h>

void table_put(void);

static inline __attribute__((always_inline)) void turns_of(int count)
{
    for (int i = 0; i < count; i++)
        table_put(); /* a turn */
}

static void *serve(void *argument)
{
    turns_of(50);
    return argument;
}

int main(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, NULL))
        return 1;
    turns_of(50);
    return pthread_join(thread, NULL);
}
END
gcc -O2 -g -fno-omit-frame-pointer -fPIC -shared -o libtable.so table.c -pthread
gcc -O2 -g -fno-omit-frame-pointer -fPIE -pie -o server server.c -pthread -L. -ltable -Wl,-rpath,"\$ORIGIN"

# view NAME[=ARGUMENT]: into the file NAME, what go tool pprof says.
view() {
    deadline 30 go tool pprof -nodefraction=0 "-$1" out/mutex.pb.gz >"${1%%=*}" 2>said || fail "$test: $1: $(cat said)"
}

# profile: records ./server as it is now, and looks at it.
profile() {
    record 0 --mutex-fraction 1 -- ./server
    deadline 30 "$mapscope" convert out 2>said || fail "$test: $(cat said)"
    view top
    view traces
    ! grep -q '<unknown>' top traces || fail "$test: $(cat top)"
}

# expect_lines FILE PATTERN...: lines of FILE that follow each other.
expect_lines() {
    file=$1
    shift
    tr -s ' ' <"$file" | wanted=$(printf '%s\n' "$@") awk '
        BEGIN { count = split(ENVIRON["wanted"], pattern, "\n") }
        { at = $0 ~ pattern[at + 1] ? at + 1 : $0 ~ pattern[1] ? 1 : 0 }
        at == count { found = 1; exit }
        END { exit !found }' || fail "$test: no $* in $file: $(cat "$file")"
}

expect_names() {
    view list=table_
    expect_lines traces 'table_close \(inline\)$' 'table_put$' 'turns_of \(inline\)$' 'main$'
    expect_lines top ' table_close( \(inline\))?$'
    expect_lines list 'pthread_mutex_unlock\(&lock\); /\* the release \*/'
    ! grep -qE '(server|libtable\.so)\+0x' traces || fail "$test: without a name: $(cat traces)"
}

test_debug_information_gives_inlined_functions_and_lines() {
    profile
    expect_names
}

test_a_debug_link_gives_the_same() {
    for file in server libtable.so; do
        objcopy --only-keep-debug "$file" "$file.debug"
        objcopy --strip-all --add-gnu-debuglink="$file.debug" "$file"
    done
    profile
    expect_names
}

test_without_any_there_are_offsets_and_the_reason() {
    rm -f ./*.debug
    strip --remove-section=.gnu_debuglink server libtable.so
    profile
    expect_lines traces '(table_put|libtable\.so\+0x[0-9a-f]+)$' 'server\+0x[0-9a-f]+$'
    view comments
    for file in server libtable.so; do
        grep -qE "^symbols: .*/$file: .+" comments || fail "$test: no reason for $file: $(cat comments)"
    done
}

run_tests
