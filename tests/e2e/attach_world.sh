# What the tests of `record --pid` are made of, on top of recorder_world.sh: a program that runs already, and does what it
# is told. Sourced, with the test's own arguments, after `programs=...` if any.
#
# shellcheck shell=sh
. "$(dirname "$0")/recorder_world.sh"
export LD_LIBRARY_PATH="$work/lib" LTTNG_UST_REGISTER_TIMEOUT=0

# program_start: the program, linked with the tracepoints, before there is any recording; commands on fd 4.
program_start() {
    rm -f commands.fifo answers
    mkfifo -m 666 commands.fifo
    # shellcheck disable=SC2086 # a list of words
    $as_whom "${1:-$linked}" <commands.fifo >>answers 2>&1 &
    pid=$!
    exec 4>commands.fifo
    eventually grep -q "lib" "/proc/$pid/maps"
    say farewell noted
}

# say COMMAND ANSWER: the program does that, and answers so.
say() {
    : >answers # to which it appends
    echo "$1" >&4
    tries=0
    until grep -q "$2" answers; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || fail "$test: asked to $1, it says: $(cat answers); mapscope says: $(cat stderr)"
        sleep 0.05
    done
}

# program_end: by itself, unharmed.
program_end() {
    exec 4>&-
    status=0
    wait "$pid" || status=$?
    [ "$status" = 0 ] || fail "$test: the program ended with $status: $(cat answers)"
}

is_recording() { jq -e '.state == "recording"' out/capture.json >/dev/null 2>&1; }

# attach_start ARGUMENTS...: in the background; returns when it records.
attach_start() {
    rm -rf out
    # shellcheck disable=SC2086 # a list of words; what runs in the background of a script ignores ^C
    env --default-signal=INT $as_whom "$mapscope" record -o out --pid "$pid" "$@" >stdout 2>stderr 4>&- &
    recorder=$!
    eventually attached_or_ended
    is_recording || fail "$test: not attached: $(cat stderr)"
}

attached_or_ended() { is_recording || recorder_has_ended; }

# refused PATTERN ARGUMENTS...: within 6 s, so, and nothing is left.
refused() {
    pattern=$1
    shift
    patience=6
    record 1 "$@"
    patience=30
    expect_said "$pattern"
    [ ! -e out ] || fail "$test: a folder for nothing"
}

# What every recording of a running program has: this process alone, every event, its modules.
expect_recorded() {
    [ "$(events | wc -l)" -gt 10 ] || fail "$test: no events: $(cat stderr)"
    deadline 30 babeltrace2 out/trace >all
    grep -q 'lttng_ust_statedump:build_id' all || fail "$test: no modules"
    [ "$(grep -o 'vpid = [0-9]*' all | sort -u)" = "vpid = $pid" ] || fail "$test: others: $(grep -o 'vpid = [0-9]*' all | sort -u)"
    expect_capture ".pid == $pid and (.command | endswith(\"emit_all\")) and .arguments == null"
}

# attach_and_interrupt DAEMON: records once, until ^C.
attach_and_interrupt() {
    attach_start
    say emit map_assign
    kill -INT "$recorder"
    record_end 0
    expect_capture ".state == \"complete\" and .ended_by == \"signal\" and .daemon == \"$1\""
    expect_recorded
    say emit nothing
}
