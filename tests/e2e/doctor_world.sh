# What the tests of the doctor are made of: a process and mount namespace of their own, where daemons, /run and /dev/shm are
# the test's. Sourced, with the test's own arguments; build=$1.
#
#     . "$(dirname "$0")/doctor_world.sh"     # runs this script again in a world of its own
#     test_this() { doctor 0 emit_all; says 'ok       ...'; }
#     run_tests                               # everything named test_..., in the order of the file
#
# shellcheck shell=sh
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lttng_session.sh"
script=$here/$(basename "$0")
build=$(cd "$1" && pwd)
as_root=
[ "$(id -u)" -eq 0 ] || as_root='--user --map-root-user'
if [ -z "${MAPSCOPE_TEST_PRIVATE:-}" ]; then
    # shellcheck disable=SC2086 # a list of words
    MAPSCOPE_TEST_PRIVATE=${as_root:-root} exec unshare $as_root --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi
world=$MAPSCOPE_TEST_PRIVATE
unset MAPSCOPE_TEST_PRIVATE LTTNG_HOME LD_PRELOAD XDG_RUNTIME_DIR ASAN_OPTIONS
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
chmod 1777 /dev/shm
work=/run/work
mkdir -m 755 "$work" "$work/bin"
mkdir -m 777 "$work/home"
export HOME=$work/home
quiet_sanitizers
cd "$work"
cp -r "$build/lib" lib # where a plain user gets to
cp "$build/bin/mapscope" "$build/tests/emit_all" bin
PATH=$work/bin:$PATH
mapscope=$work/bin/mapscope

# doctor STATUS ARGUMENTS...: ends so, in time.
doctor() {
    expected=$1
    shift
    status=0
    # shellcheck disable=SC2086 # a list of words
    deadline 20 $as_whom "$mapscope" doctor "$@" >said 2>stderr || status=$?
    [ "$status" = "$expected" ] || fail "$test: doctor $*: exit status $status instead of $expected: $(cat said stderr)"
    # each with its mend; that of /dev/shm stands in its line
    bare=$(awk '/^(PROBLEM|note) / { if (line) print line; line = /remount/ ? "" : $0; next } /^   mend: / { line = "" }
        !/^ / && line { print line; line = "" } END { if (line) print line }' said)
    [ -z "$bare" ] || fail "$test: without a way to mend it: $bare"
}

# says PATTERN: on a line of its own.
says() { grep -qE -- "^$1" said || fail "$test: it does not say: $1; but: $(cat said stderr)"; }
mends() { grep -qE -- "^   mend: .*$1" said || fail "$test: no such mend: $1; but: $(cat said stderr)"; }

# record_fails ARGUMENTS...: as the doctor said, nothing can be recorded.
record_fails() {
    rm -rf out
    # shellcheck disable=SC2086 # a list of words
    deadline 30 $as_whom "$mapscope" record -o out -- "$@" >/dev/null 2>stderr || true
    ! grep -q 'recorded 1 process' stderr || fail "$test: it is recorded all the same: $(cat stderr)"
}

record_works() {
    rm -rf out
    # shellcheck disable=SC2086 # a list of words
    deadline 30 $as_whom "$mapscope" record -o out -- "$@" >/dev/null 2>stderr || fail "$test: $(cat stderr)"
    grep -q 'recorded 1 process' stderr || fail "$test: not recorded: $(cat stderr)"
}

# program NAME OPTIONS...: compiles one that works through two functions.
program() {
    name=$1
    shift
    cat >"$name.c" <<'TEXT'
#include <stdlib.h>
#include <string.h>
__attribute__((noinline)) static int work(int n)
{
    volatile char bytes[300];
    memset((void *)bytes, n, sizeof bytes);
    return bytes[n % 300] + (int)random();
}
int main(int argc, char **argv)
{
    (void)argv;
    return work(argc) == -1 ? 1 : 0;
}
TEXT
    cc -o "$name" "$name.c" "$@"
}

daemon_start() {
    deadline 10 lttng-sessiond --daemonize --no-kernel --quiet --group="${1:-root}" --pidfile=/run/daemon.pid
    daemon=$(cat /run/daemon.pid)
}

daemon_end() {
    kill -CONT "$daemon"
    kill "$daemon"
    eventually has_ended "$daemon"
    rm -rf /run/lttng
}

has_ended() { ! kill -0 "$1" 2>/dev/null; }

is_stopped() { ! grep -L '^State:.*T' "/proc/$1/task/"*/status | grep -q .; }

# stop PROCESS: returns when all its threads have stopped.
stop() {
    kill -STOP "$1"
    eventually is_stopped "$1"
}

as_whom= count=0

# run_tests: every test_... of the script; some only if we are really root.
run_tests() {
    for test in $(grep -o "^test_[a-z_]*" "$script"); do
        case $test in
        *to_mount_depends_on_it | *group_tracing | *somebody_else | *its_own_daemon)
            [ "$world" = root ] || {
                echo "needs root: $test"
                continue
            }
            ;;
        esac
        begin=$(date +%s%N)
        "$test"
        count=$((count + 1))
        printf '%6d ms  %s\n' $((($(date +%s%N) - begin) / 1000000)) "$test"
    done
    echo "$count passed, 0 failed"
}
