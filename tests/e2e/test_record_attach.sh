#!/bin/sh
# mapscope record --pid: a program that runs already, under every kind of daemon that it can have; what ends the
# recording, what cannot be recorded, and that program and daemon go on as if nothing had been.
# usage: test_record_attach.sh BUILD_DIR
set -eu
. "$(dirname "$0")/attach_world.sh"

# ---- kinds of daemon ----

test_without_a_daemon_root_has_its_own() {
    program_start
    attach_and_interrupt 'own, /run/lttng'
    attach_and_interrupt 'own, /run/lttng'
    program_end
}

test_beside_the_sessions_of_a_running_one() {
    shared_daemon_start
    not_ours=
    deadline 10 lttng --quiet create mine --output=/run/other
    deadline 10 lttng --quiet enable-event --userspace --session=mine 'mapscope:lock_wait'
    deadline 10 lttng --quiet start mine
    program_start
    LD_PRELOAD=$work/lib/libmapscope.so.0:$work/lib/libmapscope-lttng.so.0 sleep 60 &
    bystander=$!
    eventually lists_tracepoints
    say emit lock_wait
    not_ours=$(left_behind)
    attach_start
    say emit map_assign
    kill -INT "$recorder"
    eventually recorder_has_ended
    wait "$recorder" || fail "$test: $(cat stderr)"
    has_no_session || fail "$test: $(lttng list)"
    expect_recorded
    lttng list | grep -q 'mine.*\[active\]' || fail "$test: their session is gone"
    say emit '^lock_wait$'
    kill "$bystander"
    program_end
    deadline 10 lttng --quiet destroy mine
    shared_daemon_end
}

lists_tracepoints() { deadline 5 lttng list --userspace | grep -q mapscope:; }

test_a_member_of_group_tracing_uses_a_running_one() {
    cd "$work/user"
    shared_daemon_start
    as_whom="$as_plain --groups=$(getent group tracing | cut -d: -f3)"
    program_start
    attach_and_interrupt 'shared, /run/lttng'
    has_no_session || fail "$test: $(lttng list)"
    kill -STOP "$(cat /run/daemon.pid)"
    refused 'no answer within 5 s' --pid "$pid"
    kill -CONT "$(cat /run/daemon.pid)"
    program_end
    as_whom=
    shared_daemon_end
}

test_a_plain_user_needs_a_daemon() {
    mkdir -p "$work/user/home"
    chmod 777 "$work/user/home"
    export HOME=$work/user/home
    program_start
    refused 'start one with lttng-sessiond --daemonize' --pid "$pid"
    # shellcheck disable=SC2086 # a list of words
    deadline 10 $as_whom lttng-sessiond --daemonize --no-kernel --quiet --pidfile="$HOME/pid"
    attach_and_wait_for_daemon
    program_end
    kill "$(cat "$HOME/pid")"
    not_ours=
    eventually has_ended lttng-sessiond
    export HOME=$work/home
}

# The user's own daemon, and its consumer, stay.
attach_and_wait_for_daemon() {
    attach_start
    say emit map_assign
    kill -INT "$recorder"
    eventually recorder_has_ended
    wait "$recorder" || fail "$test: $(cat stderr)"
    expect_capture '.state == "complete" and .daemon == "shared, the user'"'"'s"'
    expect_recorded
    not_ours=$(left_behind)
    [ "$(echo "$not_ours" | grep -c '^process lttng-\|^process.*consumerd')" -ge 1 ] || fail "$test: no daemon: $not_ours"
    attach_and_interrupt "shared, the user's"
}

# ---- what ends it ----

test_the_program_ends() {
    program_start
    attach_start
    say emit map_assign
    program_end
    record_end 0
    expect_capture '.state == "complete" and .ended_by == "program" and .exit == {status: null, signal: null}'
    expect_recorded
}

test_the_program_is_killed() {
    program_start
    attach_start
    say emit map_assign
    kill -9 "$pid"
    wait "$pid" || true
    record_end 0
    expect_capture '.ended_by == "program"'
    expect_recorded
}

test_the_duration_ends() {
    program_start
    attach_start --duration 1
    say emit map_assign
    record_end 0
    expect_capture '.state == "complete" and .ended_by == "duration"'
    expect_recorded
    program_end
}

test_the_size_is_reached() {
    program_start
    attach_start --max-size 1M --buffer 64K
    n=0
    while ! recorder_has_ended && [ "$((n += 1))" -lt 1000 ]; do
        yes emit 2>/dev/null | head -n 100 >&4
        sleep 0.01
    done
    record_end 0
    expect_capture '.state == "complete" and .ended_by == "size"'
    say farewell noted
    program_end
}

# Whoever is killed, the program goes on and can be recorded again.
test_the_recorder_is_killed() {
    program_start
    attach_start
    kill -9 "$recorder"
    wait "$recorder" || true
    eventually_nothing_left
    expect_capture '.state == "recording"'
    attach_and_interrupt 'own, /run/lttng'
    program_end
}

test_our_daemon_is_killed() {
    program_start
    attach_start
    kill -9 "$(process lttng-sessiond)"
    record_end 1
    expect_said 'the rest is not recorded: .*signal 9'
    expect_capture '.state == "cut" and .ended_by == "daemon"'
    program_end
}

# ---- what cannot be recorded ----

test_refusals() {
    sleep 60 &
    refused 'has no tracepoints: link it with .*-lmapscope-lttng' --pid $!
    kill $!
    wait $! || true
    refused "there is no process $!" --pid $!
    refused 'there is no process 2000000000' --pid 2000000000
    as_whom="unshare --mount --propagation=private"
    program_start
    as_whom=
    refused 'is in another mount namespace .*nsenter' --pid "$pid"
    program_end
    for wrong in "--pid 0" "--pid x" "--pid $$ true" "--pid $$ --keys" "--pid $$ --keep-going"; do
        # shellcheck disable=SC2086 # words
        record 125 $wrong
    done
}

test_a_plain_user_and_another_users_program() {
    as=$as_whom as_whom=
    [ "$world" = root ] || return 0 # another user is one only for root
    program_start
    as_whom=$as
    refused "is another user's \(0\): record it as that user or as root" --pid "$pid"
    program_end
}

run_tests
