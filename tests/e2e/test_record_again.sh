#!/bin/sh
# mapscope record --pid where LTTng opens no buffers for the process at first, as on a machine that is too busy: it is
# tried again, a few times, and nothing of any attempt stays behind.
# usage: test_record_again.sh BUILD_DIR
set -eu
programs=libno_buffers.so
. "$(dirname "$0")/attach_world.sh"

# without BUFFERS|SESSION TIMES COMMAND...: what the command starts is kept from that so often (no_buffers.c).
without() {
    head -c "$2" /dev/zero >"$work/times"
    variable=NO_$1
    export "$variable=$work/times" LD_PRELOAD="$work/bin/libno_buffers.so"
    shift 2
    "$@"
    unset "$variable" LD_PRELOAD
}

test_a_second_attempt_beside_a_running_one() {
    without BUFFERS 1 shared_daemon_start
    program_start
    attach_and_interrupt 'shared, /run/lttng'
    expect_said 'could not open the buffers of a process: trying again'
    has_no_session || fail "$test: $(lttng list)"
    [ "$(find out/trace -name metadata | wc -l)" = 1 ] || fail "$test: what the first attempt left: $(find out)"
    program_end
    shared_daemon_end
}

test_every_attempt_beside_a_running_one() {
    without BUFFERS 100 shared_daemon_start
    program_start
    refused '3 attempts, .*could not open the buffers' --pid "$pid"
    has_no_session || fail "$test: $(lttng list)"
    : >"$work/times"
    attach_and_interrupt 'shared, /run/lttng'
    program_end
    shared_daemon_end
}

# The keeper, made before there was a first attempt, takes the session of the second one away.
test_a_recorder_killed_at_the_second_attempt_beside_a_running_one() {
    without BUFFERS 1 shared_daemon_start
    program_start
    attach_start
    lttng list | grep -q 'mapscope-.*-2 ' || fail "$test: no second session: $(lttng list)"
    kill -9 "$recorder"
    wait "$recorder" || true
    eventually_nothing_left
    has_no_session || fail "$test: $(lttng list)"
    program_end
    shared_daemon_end
}

# It says that it is there, and is gone when the session begins; liblttng-ust is back after 5 s.
test_a_program_that_misses_the_session() {
    without SESSION 2 program_start
    attach_start # its streams are there
    kill -INT "$recorder"
    record_end 0
    expect_said 'opened no buffers for the process: trying again'
    expect_capture '.counts.processes == 1'
    kill -9 "$pid"
}

run_tests
