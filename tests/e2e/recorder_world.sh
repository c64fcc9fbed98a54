# What the tests of the recorder are made of: a private world in which whatever is left can only be ours, ways to
# record in it, and to look at what came of that. Sourced, with the test's own arguments:
#
#     #!/bin/sh
#     set -eu
#     programs="emit_all ..."                 # of $build/tests, if others are needed: into $work/bin
#     . "$(dirname "$0")/recorder_world.sh"   # runs this script again in a world of its own; build=$1
#     test_this() { record 0 -- true; }
#     run_tests                               # everything named test_..., in the order of the file
#
# shellcheck shell=sh
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lttng_session.sh"
build=$(cd "$1" && pwd)
mapscope=$build/bin/mapscope
as_root=
[ "$(id -u)" -eq 0 ] || as_root='--user --map-root-user'
if [ -z "${MAPSCOPE_TEST_PRIVATE:-}" ]; then
    # shellcheck disable=SC2086 # a list of words
    MAPSCOPE_TEST_PRIVATE=${as_root:-root} exec unshare $as_root --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi
world=$MAPSCOPE_TEST_PRIVATE
unset MAPSCOPE_TEST_PRIVATE LTTNG_HOME LD_PRELOAD
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
chmod 1777 /dev/shm
work=/run/work
mkdir -m 755 "$work" "$work/home"
export HOME=$work/home
quiet_sanitizers
cd "$work"

# ---- what is left ----

# left_behind: what of ours is there; a process, a file, a mount.
left_behind() { all_there | grep -vxF "$not_ours" || true; }

all_there() {
    for folder in /proc/[0-9]*; do
        case $(cat "$folder/comm" 2>/dev/null) in
        lttng-* | mapscope*)
            grep -q '^State:.*Z' "$folder/status" 2>/dev/null ||
                { echo "process $(tr '\0' ' ' <"$folder/cmdline")"; } 2>/dev/null
            ;;
        esac
    done
    find /run/lttng -mindepth 1 2>/dev/null || true
    find /dev/shm -mindepth 1 ! -name 'lttng-ust-wait-8*'
    find "$work/runtime" -mindepth 1 2>/dev/null || true
    find /tmp -mindepth 1 -name 'ms-*'
    [ "$(cat /proc/self/mounts)" = "$mounts_before" ] || echo "a mount"
}

expect_nothing_left() {
    left=$(left_behind)
    [ -z "$left" ] || fail "$test: left behind: $left"
}

is_nothing_left() { [ -z "$(left_behind)" ]; }

eventually_nothing_left() {
    tries=0
    until is_nothing_left; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || fail "${round:-$test}: left behind: $(left_behind)"
        sleep 0.05
    done
}

# process NAME: the id of a process of that name; fails if there is none.
process() {
    for folder in /proc/[0-9]*; do
        if [ "$(cat "$folder/comm" 2>/dev/null)" = "$1" ] && ! grep -q '^State:.*Z' "$folder/status"; then
            basename "$folder"
            return 0
        fi
    done
    return 1
}

has_ended() { ! process "$1" >/dev/null; }

# record STATUS ARGUMENTS...: into `out`, from scratch, ends so within $patience seconds and leaves nothing.
record() {
    expected=$1
    shift
    rm -rf out
    status=0
    # shellcheck disable=SC2086 # a list of words
    timeout --kill-after=1 "$patience" $as_whom "$mapscope" record -o out "$@" >stdout 2>stderr || status=$?
    [ "$status" = "$expected" ] || fail "$test: exit status $status instead of $expected: $(cat stderr)"
    expect_nothing_left
}

# record_start ARGUMENTS...: the same in the background; returns when the program has made the file `ready`.
record_start() {
    rm -rf out ready
    # shellcheck disable=SC2086 # a list of words
    $as_whom "$mapscope" record -o out "$@" >stdout 2>stderr &
    recorder=$!
    eventually test -e ready
}

recorder_has_ended() { ! grep -q '^State:.*[^Z] (' "/proc/$recorder/status" 2>/dev/null; }

# record_end STATUS: what record_start has begun ends so, within 15 s, and leaves nothing.
record_end() {
    eventually recorder_has_ended
    status=0
    wait "$recorder" || status=$?
    [ "$status" = "$1" ] || fail "$test: exit status $status instead of $1: $(cat stderr)"
    expect_nothing_left
}

# expect_said PATTERN: on stderr.
expect_said() {
    grep -qE -- "$1" stderr || fail "$test: not said: $1; but: $(cat stderr)"
}

# expect_capture FILTER: jq finds it true of capture.json.
expect_capture() {
    jq -e "$1" out/capture.json >/dev/null || fail "$test: not so: $1: $(cat out/capture.json)"
}

# events: the names of what was recorded, once each. Folder by folder: one bad one would cost babeltrace2 them all.
events() {
    find out/trace -name metadata -size +4k | while read -r metadata; do
        deadline 30 babeltrace2 "${metadata%/metadata}" 2>/dev/null
    done | grep -o ' mapscope:[a-z_]*' | sort -u
}

wait_and_see="touch ready; n=0; while [ ! -e go ] && [ \$n -lt 200 ]; do sleep 0.1; n=\$((n + 1)); done; exit 3"

# ---- daemons of others ----

has_no_session() { ! deadline 5 lttng list 2>/dev/null | grep -q mapscope-; }

# A daemon of root's, as a machine may have it, with its consumer: that is not ours to take away.
shared_daemon_start() {
    deadline 10 lttng-sessiond --daemonize --no-kernel --quiet --pidfile=/run/daemon.pid
    deadline 10 lttng --quiet create other --output=/run/other
    deadline 10 lttng --quiet enable-event --userspace --session=other 'other:*'
    deadline 10 lttng --quiet start other
    deadline 10 lttng --quiet destroy other
    not_ours=$(left_behind)
}

shared_daemon_end() {
    not_ours=
    kill "$(cat /run/daemon.pid)"
    eventually_nothing_left
}

# ---- all tests ----

run() {
    test=$1
    begin=$(date +%s%N)
    "$1"
    count=$((count + 1))
    printf '%6d ms  %s\n' $((($(date +%s%N) - begin) / 1000000)) "$1"
}

# run_tests: every test_... of the script; those named so as a plain user, or only if we are really root.
run_tests() {
    for name in $names; do
        case $name in
        test_a_plain_user*)
            cd "$work/user"
            as_whom=$as_plain
            [ "$world" != root ] || as_whom="$as_plain --clear-groups"
            ;;
        *running_one | *to_mount)
            [ "$world" = root ] || {
                echo "needs root: $name"
                continue
            }
            ;;
        esac
        run "$name"
        as_whom=
        cd "$work"
    done
    [ "$count" -gt 0 ] || fail "no test was run"
    echo "$count passed, 0 failed"
}

as_plain='setpriv --reuid=nobody --regid=nogroup'
[ "$world" = root ] || as_plain='unshare --user --map-user=54321 --map-group=54321'
mkdir -m 700 "$work/runtime"
mkdir -m 777 "$work/user"
chown nobody "$work/runtime" 2>/dev/null || [ "$world" != root ]
export XDG_RUNTIME_DIR=$work/runtime
cp -r "$build/lib" "$work/lib" # elsewhere than built, and where a plain user gets to
mkdir "$work/bin"
cp "$mapscope" "$build/tests/emit_all" "$build/tests/emit_all_unlinked" "$build/tests/ctf_dump" "$work/bin"
for name in ${programs:-}; do
    cp "$build/tests/$name" "$work/bin"
done
mapscope=$work/bin/mapscope program=$work/bin/emit_all_unlinked linked=$work/bin/emit_all
names=$(grep -o '^test_[a-z_]*' "$here/$(basename "$0")")
mount -t tmpfs tmpfs /tmp # nothing of what others do; from here on, nothing that may lie there is needed
chmod 1777 /tmp
mounts_before=$(cat /proc/self/mounts)
not_ours= as_whom= count=0 patience=30
