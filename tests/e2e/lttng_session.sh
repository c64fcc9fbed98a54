# A private LTTng session daemon for one shell script; sourced by the end-to-end tests and the benchmarks.
#
#     #!/bin/sh
#     set -eu
#     . "$(dirname "$0")/lttng_session.sh"
#     lttng_private "$@"                      # runs this script again, alone with its daemon
#     lttng_begin trace 'mapscope:*'          # a session of that name, started
#     program
#     lttng_end trace                         # everything is on disk below "$lttng_dir/trace"
#
# Private means: an own mount, process and (for a plain user) user namespace, with an own /run, /dev/shm and
# $lttng_dir. When the script ends, however it ends, the kernel ends every process and drops every file of
# it; no other daemon of the machine is seen or disturbed. Every step has a deadline: a daemon that hangs
# fails the script.
# shellcheck shell=sh

# deadline SECONDS COMMAND...: fails loudly when the command takes longer.
deadline() {
    seconds=$1
    shift
    status=0
    timeout --kill-after=1 "$seconds" "$@" || status=$?
    case $status in
    124 | 137) fail "no end after $seconds s: $*" ;;
    esac
    return "$status"
}

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# eventually COMMAND...: within 15 s.
eventually() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || fail "${test:+$test: }never happened: $*"
        sleep 0.05
    done
}

# lttng_private ARGUMENTS...: goes on in a private world with a daemon that is ready.
lttng_private() {
    if [ -z "${MAPSCOPE_TEST_PRIVATE:-}" ]; then
        as_user=
        [ "$(id -u)" -eq 0 ] || as_user='--user --map-root-user'
        # shellcheck disable=SC2086 # a list of words
        exec env MAPSCOPE_TEST_PRIVATE=1 unshare $as_user --mount --pid --fork --kill-child --mount-proc "$0" "$@"
    fi
    unset MAPSCOPE_TEST_PRIVATE LTTNG_HOME
    mount -t tmpfs tmpfs /run
    mount -t tmpfs tmpfs /dev/shm
    lttng_dir=/run/trace
    mkdir -p "$lttng_dir" /run/home
    export HOME=/run/home LTTNG_UST_REGISTER_TIMEOUT=5000
    quiet_sanitizers
    # A user namespace knows no group `tracing`, which the daemon would give its sockets to.
    deadline 10 lttng-sessiond --daemonize --no-kernel --quiet --group=root \
        --pidfile=/run/sessiond.pid || fail "lttng-sessiond does not start"
}

# pthread_option BUILD_DIR: keeps `mapscope record` from loading libmapscope-preload where libmapscope is built with
# the thread sanitizer: it comes before everything else, so before the sanitizer's runtime.
pthread_option() {
    ! grep -q __tsan_init "$1/lib/libmapscope.so.0" || echo --no-pthread
}

# Sanitizers see our code, not LTTng's: its leaks, and races with its code that they cannot follow, are not ours.
# quiet_sanitizers [DIR]: where the lists of what is not ours are kept, /run by default.
quiet_sanitizers() {
    lists=${1:-/run}
    echo 'leak:liblttng-ust' >"$lists/leaks"
    echo 'race:liblttng-ust' >"$lists/races"
    export LSAN_OPTIONS="suppressions=$lists/leaks:print_suppressions=0"
    export TSAN_OPTIONS="suppressions=$lists/races:print_suppressions=0:die_after_fork=0"
    export ASAN_OPTIONS=verify_asan_link_order=0 # we preload
}

# lttng_create NAME: a session with per-process buffers and a channel `ev`, not yet started, no events.
lttng_create() {
    deadline 10 lttng --quiet create "$1" --output="$lttng_dir/$1"
    deadline 10 lttng --quiet enable-channel --userspace --session="$1" --buffers-pid \
        --subbuf-size="${lttng_subbuf:-256k}" --num-subbuf=4 ev
    deadline 10 lttng --quiet add-context --userspace --session="$1" --channel=ev --type=vpid --type=vtid
}

# lttng_event NAME ENABLE|DISABLE ARGUMENTS...: as `lttng enable-event` on the channel of the session.
lttng_event() {
    session=$1
    verb=$2
    shift 2
    deadline 10 lttng --quiet "$verb-event" --userspace --session="$session" --channel=ev "$@"
}

# lttng_begin NAME EVENT...: creates and starts a session that records these.
lttng_begin() {
    name=$1
    shift
    lttng_create "$name"
    for event in "$@"; do
        lttng_event "$name" enable "$event"
    done
    deadline 10 lttng --quiet start "$name"
}

# lttng_end NAME: stops the session and waits until its data is on disk.
lttng_end() {
    deadline 20 lttng --quiet stop "$1"
    deadline 20 lttng --quiet destroy "$1"
}

# lttng_print NAME: what the session recorded, in the order of time: `EVENT VPID { fields }`, one a line.
# babeltrace2 warns where events were lost: that fails too.
lttng_print() {
    warnings=$(deadline 30 babeltrace2 "$lttng_dir/$1" 2>&1 >"$lttng_dir/$1.txt") || fail "babeltrace2: $warnings"
    [ -z "$warnings" ] || fail "babeltrace2: $warnings"
    sed -E 's/^\[[^]]*\] \([^)]*\) [^ ]* ([^ ]+): \{ cpu_id = [0-9]+ \}, \{ vpid = ([0-9]+), [^}]*\}, /\1 \2 /' \
        "$lttng_dir/$1.txt"
}
