#!/bin/sh
# mapscope doctor on machines in every state, and on programs and processes of every kind: what it says, and that
# what it says is what `mapscope record` then does. usage: test_doctor.sh BUILD_DIR
#
# Runs in a process and mount namespace of its own, where daemons, /run and /dev/shm are the test's.
set -eu
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

# ---- what the tests below are made of ----

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

eventually() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || fail "$test: never happened: $*"
        sleep 0.05
    done
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

# ---- the machine ----

test_a_healthy_machine() {
    doctor 0
    says 'ok       LTTng: lttng-sessiond 2\.'
    says 'ok       LTTng: lttng-consumerd 2\.'
    says "ok       libraries: $work/lib/libmapscope.so.0:"
    says 'ok       session daemon: a recording'"'s would be: own namespace \\(you are root\\)"
    says "ok       session daemon: root's session daemon does not run"
    says 'ok       /dev/shm: [0-9.]+ [MG]iB free, [0-9.]+ MiB needed'
    says 'ok       limits: [0-9]+ open files'
    says 'ok       environment: '
    says 'nothing wrong: mapscope record should work'
    [ ! -e /run/lttng ] || [ -z "$(ls -A /run/lttng)" ] || fail "$test: left behind: $(ls -A /run/lttng)"
    doctor 0 --quiet
    [ "$(wc -l <said)" = 1 ] || fail "$test: not quiet: $(cat said)"
}

test_usage() {
    doctor 0 --help
    says 'usage: mapscope doctor'
    doctor 2 --no-such-option
    doctor 2 --buffer 3
    status=0
    "$mapscope" doctor >/dev/full 2>stderr || status=$?
    [ "$status" = 1 ] || fail "$test: a full disk is no failure"
}

test_no_lttng() {
    as_whom="env PATH=/nowhere" doctor 1
    says 'PROBLEM  LTTng: there is no lttng-sessiond in PATH'
    mends 'apt install lttng-tools'
}

test_an_old_lttng() {
    mkdir -p fake
    printf '#!/bin/sh\necho "2.12.4 - X"\n' >fake/lttng-sessiond
    chmod +x fake/lttng-sessiond
    as_whom="env PATH=$work/fake:$PATH" doctor 1
    says 'PROBLEM  LTTng: .*/fake/lttng-sessiond is version 2\.12\.4.*: 2\.13 or later'
    printf '#!/bin/sh\nexec sleep 60\n' >fake/lttng-sessiond
    as_whom="env PATH=$work/fake:$PATH" doctor 1
    says 'PROBLEM  LTTng: .*does not say its version within 2 s'
}

test_libraries_are_missing() {
    mkdir -p alone/bin
    cp "$mapscope" alone/bin/
    mapscope=alone/bin/mapscope
    doctor 1
    says 'PROBLEM  libraries: cannot find libmapscope-lttng.so.0'
    mapscope=$work/bin/mapscope
}

test_shared_memory_is_short() {
    mount -t tmpfs -o size=1M,mode=1777 tmpfs /dev/shm
    doctor 1
    says 'PROBLEM  /dev/shm: /dev/shm has [0-9]+ KiB left, .*--buffer'
    record_fails true
    doctor 0 --buffer 64K
    says 'note     /dev/shm: .*needed for each traced process: few'
    mends 'size=1G'
    umount /dev/shm
}

test_limits_are_low() {
    as_whom="prlimit --nofile=80:80" doctor 1
    says 'PROBLEM  limits: 80 open files'
    mends 'LimitNOFILE'
    as_whom="prlimit --fsize=1000000" doctor 0
    says 'note     limits: files may have at most 977 KiB'
}

test_the_environment() {
    as_whom="env LTTNG_UST_WITHOUT_BADDR_STATEDUMP=1" doctor 1
    says 'PROBLEM  environment: LTTNG_UST_WITHOUT_BADDR_STATEDUMP=1: .*no function has a name'
}

# ---- daemons ----

is_stopped() { ! grep -L '^State:.*T' "/proc/$1/task/"*/status | grep -q .; }

# stop PROCESS: returns when all its threads have stopped.
stop() {
    kill -STOP "$1"
    eventually is_stopped "$1"
}

test_a_daemon_of_root_is_seen() {
    daemon_start
    doctor 0
    says "ok       session daemon: root's session daemon \\(process [0-9]+\\) runs and answers"
    stop "$daemon"
    doctor 0 # a recording has its own
    says "note     session daemon: root's .* runs but does not answer: a recording does not use it"
    mends 'kill -CONT'
    daemon_end
}

test_root_without_the_right_to_mount_depends_on_it() {
    as_whom='setpriv --bounding-set=-sys_admin'
    doctor 0
    says 'ok       session daemon: .*: own, /run/lttng'
    daemon_start
    doctor 0
    says 'ok       session daemon: .*: shared, /run/lttng'
    stop "$daemon"
    doctor 1
    says "PROBLEM  session daemon: root's .* does not answer\$"
    record_fails true
    daemon_end
    as_whom=
}

test_users_and_the_group_tracing() {
    as_plain='setpriv --reuid=nobody --regid=nogroup --clear-groups'
    as_member="setpriv --reuid=nobody --regid=nogroup --groups=$(getent group tracing | cut -d: -f3)"
    as_whom=$as_plain doctor 0
    says 'ok       session daemon: .*: own folder \(you are neither'
    daemon_start tracing
    as_whom=$as_plain doctor 0
    says "ok       session daemon: root's .* runs, and is not for you"
    as_whom=$as_member doctor 0
    says 'ok       session daemon: .*: shared, /run/lttng \(you are in group tracing\)'
    says "ok       session daemon: root's .* runs and answers"
    stop "$daemon"
    as_whom=$as_member doctor 1
    says "PROBLEM  session daemon: root's .* does not answer\$"
    daemon_end
}

# ---- programs ----

test_programs_are_judged_as_record_finds_them() {
    program dynamic -g -O2
    doctor 0 ./dynamic
    says 'ok       program: ./dynamic: .*, linked dynamically'
    says 'ok       build id: [0-9a-f]+'
    says 'ok       symbols: functions, files and lines$'
    record_works ./dynamic
    program static -static
    doctor 1 ./static
    says 'PROBLEM  program: ./static is linked statically'
    says '1 problem, .*would not work'
    record_fails ./static
    program static-pie -static-pie
    doctor 1 ./static-pie
    says 'PROBLEM  program: ./static-pie is linked statically'
    record_fails ./static-pie
    program asan -fsanitize=address
    as_whom='env -u ASAN_OPTIONS' doctor 1 ./asan
    says 'PROBLEM  sanitizer: AddressSanitizer'
    mends 'verify_asan_link_order=0'
    as_whom='env -u ASAN_OPTIONS' record_fails ./asan
    as_whom='env ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0' record_works ./asan
    as_whom='env ASAN_OPTIONS=verify_asan_link_order=0' doctor 0 ./asan
    doctor 1 ./no-such-program
    says 'PROBLEM  program: cannot run ./no-such-program: No such file'
    doctor 0 -- emit_all --its-own option
    says "ok       program: $work/bin/emit_all: "
    says 'ok       libmapscope: linked with libmapscope-lttng'
    printf '#!/usr/bin/env sh\nexit 0\n' >script
    chmod +x script
    doctor 0 ./script
    says 'ok       program: ./script: a script, run by /.*/sh$'
    ! grep -q symbols said || fail "$test: the symbols of a shell"
}

test_frame_pointers() {
    program kept -O2 -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer
    doctor 0 ./kept
    says 'ok       stacks: [0-9]+ of [0-9]+ functions keep a frame pointer'
    program omitted -O2 -fomit-frame-pointer
    doctor 0 ./omitted
    says 'note     stacks: 0 of [0-9]+ functions keep a frame pointer'
    mends 'fno-omit-frame-pointer'
}

test_symbols_and_separate_debug_files() {
    program whole -g
    cp whole stripped
    strip stripped
    doctor 0 ./stripped
    says 'note     symbols: stripped'
    says 'ok       stacks: ' # known without symbols
    objcopy --only-keep-debug whole stripped.debug
    objcopy --add-gnu-debuglink=stripped.debug stripped
    doctor 0 ./stripped
    says 'ok       symbols: functions, files and lines \(from a separate debug file\)'
    echo x >>stripped.debug
    program no-id -g -Wl,--build-id=none
    doctor 0 ./no-id
    says 'note     build id: has no build id'
}

test_rights_gained_by_exec() {
    as_whom=
    [ "$world" != root ] || as_whom='setpriv --reuid=nobody --regid=nogroup --clear-groups'
    doctor 1 su
    says 'PROBLEM  privileges: .*/su is setuid: the loader ignores LD_PRELOAD'
    if [ "$world" = root ]; then
        program capable
        setcap cap_net_raw+ep capable
        doctor 1 ./capable
        says 'PROBLEM  privileges: ./capable has file capabilities'
        as_whom= doctor 0 ./capable # root gains nothing
        program group
        chgrp tracing group
        chmod 2755 group
        doctor 1 ./group
        says 'PROBLEM  privileges: ./group is setgid'
    fi
    as_whom=
}

# ---- processes ----

# process_start COMMAND...: one that answers on a pipe, and so is known to have begun.
process_start() {
    rm -f commands answers
    mkfifo commands answers
    "$@" <commands >answers &
    pid=$!
    exec 3>commands 4<answers
    echo emit >&3
    deadline 20 head -n 1 <&4 >/dev/null
}

process_end() {
    exec 3>&-
    wait "$pid" || true
    exec 4<&-
}

is_registered() {
    "$mapscope" doctor "$pid" >said 2>stderr || true
    grep -qE '^ok       registered: with the session daemon of (/var)?/run/lttng$' said
}

test_a_process_and_its_daemon() {
    process_start emit_all
    doctor 0 "$pid"
    says "ok       process: $pid runs $work/bin/emit_all as user root"
    says 'ok       libmapscope: libmapscope-lttng is loaded'
    says 'note     registered: with no session daemon'
    says 'ok       session daemon: .*: own, /run/lttng \(you are root\)'
    says 'note     libmapscope: liblttng-ust-fork is not loaded'
    says 'ok       surroundings: '
    says '.*: tracing it should work'
    daemon_start
    eventually is_registered
    stop "$pid"
    doctor 0 "$pid"
    says 'ok       session daemon: .*: shared, /run/lttng \(you are root\)'
    says 'note     process: it is stopped'
    kill -CONT "$pid"
    stop "$daemon"
    doctor 1 "$pid"
    says "PROBLEM  session daemon: root's .* does not answer"
    daemon_end
    process_end
    doctor 1 "$pid"
    says "PROBLEM  process: there is no process $pid"
}

# As `record --pid` would: with the daemon that the user has started, or none.
test_a_plain_users_process_and_its_own_daemon() {
    as_plain='setpriv --reuid=nobody --regid=nogroup --clear-groups'
    mkdir -m 777 user
    as_whom=$as_plain
    # shellcheck disable=SC2086 # a list of words
    process_start $as_plain env HOME="$work/user" emit_all
    doctor 1 "$pid"
    says 'PROBLEM  session daemon: no session daemon of yours runs that the process could register with'
    mends 'lttng-sessiond --daemonize'
    # shellcheck disable=SC2086
    HOME=$work/user deadline 10 $as_plain lttng-sessiond --daemonize --no-kernel --quiet --pidfile="$work/user/pid"
    doctor 0 "$pid"
    says "ok       session daemon: .*: shared, the user's \(you are neither"
    stop "$(cat user/pid)"
    doctor 1 "$pid"
    says 'PROBLEM  session daemon: .*user/.lttng \(process [0-9]+\) runs but does not answer'
    kill -CONT "$(cat user/pid)"
    kill "$(cat user/pid)"
    process_end
    as_whom=
}

test_a_process_without_tracepoints() {
    process_start cat
    doctor 1 "$pid"
    says 'PROBLEM  libmapscope: it has not loaded libmapscope'
    mends 'mapscope record'
    process_end
}

test_a_process_whose_file_was_replaced() {
    cp bin/emit_all replaced
    process_start ./replaced
    rm replaced
    doctor 0 "$pid"
    says 'note     process: its file was removed or replaced'
    says 'ok       symbols: functions, files and lines'
    process_end
}

test_a_process_in_a_container() {
    process_start unshare --mount sh -c 'mount -t tmpfs tmpfs /dev/shm; exec emit_all'
    doctor 1 "$pid"
    says 'PROBLEM  surroundings: it sees another /dev/shm than you'
    process_end
}

test_a_process_of_somebody_else() {
    process_start emit_all
    as_whom='setpriv --reuid=nobody --regid=nogroup --clear-groups' doctor 1 "$pid"
    says "PROBLEM  process: process $pid is user 0's: only that user and root may look at it"
    process_end
}

# A process that ends while it is looked at: some problem is told, and nothing hangs or crashes.
test_processes_that_end_meanwhile() {
    for delay in 0 0.001 0.002 0.005 0.01 0.02 0.05; do
        sleep "$delay" &
        status=0
        deadline 20 "$mapscope" doctor $! >said 2>stderr || status=$?
        [ "$status" = 1 ] && [ ! -s stderr ] || fail "$test: exit status $status: $(cat said stderr)"
        wait
    done
}

# ---- all of them ----

as_whom= count=0
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
