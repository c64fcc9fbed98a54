#!/bin/sh
# mapscope record that ends before its program: --duration and --max-size; and what becomes of the processes that a
# program starts, turns into, or leaves behind. usage: test_record_limits.sh BUILD_DIR
set -eu
. "$(dirname "$0")/recorder_world.sh"

# Commands for a program that emits every event again and again: some MB a second, until the file `go` is there, or
# at most 30 s.
flood() {
    n=0
    while [ ! -e go ] && [ "$((n += 1))" -lt 3000 ]; do
        yes emit 2>/dev/null | head -n 100
        sleep 0.01
    done
}

trace_bytes() { find out/trace -type f -printf '%s\n' 2>/dev/null | awk '{ bytes += $1 } END { print bytes + 0 }'; }

# ---- limits ----

test_the_duration_ends_the_recording_and_not_the_program() {
    record_start --duration 1 -- sh -c "echo emit | $program >/dev/null; $wait_and_see"
    eventually grep -q 'the recording in out has ended (--duration): waiting for sh to end' stderr
    ! recorder_has_ended || fail "$test: it did not wait for the program"
    expect_nothing_left_but_recorder
    expect_capture '.state == "complete" and .ended_by == "duration" and .exit == {status: null, signal: null}'
    expect_capture '.losses == {discarded_events: 0, lost_packets: 0, without_buffers: {count: 0, first: []}, without_metadata: {count: 0, first: []}} and .pid > 0'
    expect_capture '(.end.monotonic_ns - .begin.monotonic_ns) / 1e9 | . >= 1 and . < 3'
    [ -n "$(events)" ] || fail "$test: no events"
    deadline 30 "$mapscope" convert out >/dev/null 2>convert || fail "$test: $(cat convert)"
    touch go
    record_end 3
    rm go
    expect_said 'recorded [1-9][0-9]* process'
}

# The recorder alone is left, which waits.
expect_nothing_left_but_recorder() {
    left=$(left_behind | grep -v "^process .*mapscope record" || true)
    [ -z "$left" ] || fail "$test: left behind: $left"
}

test_signals_reach_a_program_that_is_no_longer_recorded() {
    record_start --duration 1 -- sh -c "trap 'exit 42' TERM; $wait_and_see"
    eventually grep -q 'has ended (--duration)' stderr
    kill -TERM "$recorder"
    record_end 42
}

test_a_program_that_ends_before_the_duration() {
    record 5 --duration 60 --max-size 1G -- sh -c 'exit 5'
    expect_capture '.ended_by == "program" and .exit.status == 5'
}

test_the_trace_stops_growing_at_the_size() {
    rm -rf out commands.fifo
    mkfifo commands.fifo
    flood >commands.fifo &
    "$mapscope" record -o out --max-size 2M --buffer 64K -- "$program" <commands.fifo >/dev/null 2>stderr &
    recorder=$!
    eventually grep -q 'has ended (--max-size)' stderr
    bytes=$(trace_bytes)
    # How far beyond depends on how long the daemon takes to stop on a busy machine.
    [ "$bytes" -ge 2097152 ] && [ "$bytes" -lt 67108864 ] || fail "$test: $bytes bytes"
    expect_capture '.state == "complete" and .ended_by == "size" and .exit.status == null'
    sleep 0.3
    [ "$(trace_bytes)" = "$bytes" ] || fail "$test: it grows on"
    touch go
    record_end 0
    rm go commands.fifo
}

test_limits_that_are_none() {
    for limit in '--duration 0' '--duration 1.5' '--duration x' '--max-size 0' '--max-size 3X'; do
        # shellcheck disable=SC2086 # two words
        record 125 $limit -- true
        expect_said "${limit% *} takes a"
    done
}

# ---- a program's processes ----

# vpids: of the processes that have events in the trace.
vpids() {
    deadline 30 babeltrace2 out/trace 2>/dev/null | grep 'mapscope:' | grep -o 'vpid = [0-9]*' | sort -u | wc -l
}

# all_kept COUNT: as many emissions of every event as the program said are in the trace.
expect_all_kept() {
    said=$(tr ' ' '\n' <stdout | grep -c .)
    kept=$(deadline 30 babeltrace2 out/trace 2>/dev/null | grep -c 'mapscope:')
    [ "$said" -gt 10 ] && [ "$said" = "$kept" ] || fail "$test: $kept events of $said: $(cat stderr)"
}

test_short_lived_processes_are_kept() {
    echo emit >commands
    record 0 --buffer 64K -- sh -c "n=0; while [ \$n -lt 20 ]; do $program <commands; n=\$((n + 1)); done"
    expect_all_kept
    [ "$(vpids)" = 20 ] || fail "$test: $(vpids) processes of 20"
    expect_said 'no event lost'
}

test_forks_are_recorded() {
    printf 'emit\nfork\n' >commands
    record 0 -- "$program" <commands
    expect_all_kept
    [ "$(vpids)" = 2 ] || fail "$test: $(vpids) processes of 2"
}

test_a_program_that_turns_into_another_is_recorded() {
    printf 'emit\nexec\n' >commands
    record 0 -- "$program" <commands
    expect_all_kept
    [ "$(vpids)" = 1 ] || fail "$test: $(vpids) processes of 1"
}

# The recording ends with the program that was started: what went to the background before is in it until then.
test_a_program_that_goes_into_the_background() {
    rm -f emitted
    record 0 -- sh -c "mkfifo -m 600 commands.fifo
        setsid sh -c '$program <commands.fifo >background; echo \$? >emitted' >/dev/null 2>&1 &
        { echo emit; until grep -q mapscope: background || grep -q _ background; do sleep 0.05; done
          sleep 30 & echo \$! >holder; } >commands.fifo"
    expect_capture '.state == "complete" and .exit.status == 0'
    [ -n "$(events)" ] || fail "$test: nothing of it: $(cat stderr)"
    ! test -e emitted || fail "$test: it did not survive: $(cat emitted)"
    kill "$(cat holder)"
    eventually test -e emitted
    [ "$(cat emitted)" = 0 ] || fail "$test: it was harmed: $(cat emitted)"
    rm commands.fifo
}

run_tests
