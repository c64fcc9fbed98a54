#!/bin/sh
# mapscope set for real: new rates in a process that runs, by its number and by its recording, are in its trace, and
# what was recorded before keeps its weight. usage: test_set.sh BUILD_DIR
set -eu
programs=contend
. "$(dirname "$0")/recorder_world.sh"
contend=$work/bin/contend

settings() { deadline 30 babeltrace2 out/trace 2>/dev/null | grep -o 'mapscope:sampler_config.*map_rate.*' | sed 's/.*{ map_rate/map_rate/'; }

releases() { deadline 30 babeltrace2 out/trace 2>/dev/null | grep 'mapscope:lock_release'; }

set_to() { "$mapscope" set "$@" 2>set.err || fail "$test: set $*: $(cat set.err)"; }

# contentions: how often there was one so far, in the recording that runs.
contentions() { "$mapscope" locks --json out | jq '[.locks[].contentions] | add // 0'; }

is_beyond() { [ "$(contentions)" -gt "$1" ]; }

# The change is told with the next event, and some are kept.
let_it_contend() { eventually is_beyond $(($(contentions) + 20)); }

test_new_rates_are_in_force_and_in_the_trace() {
    rm -f go
    record_start --mutex-fraction 1000000 -- "$contend"
    set_to --mutex-fraction 1 --map-rate 7 out
    grep -q 'set in 1 process' set.err || fail "$test: $(cat set.err)"
    let_it_contend
    set_to --mutex-fraction 50 --mutex-rate 1000 "$(process contend)"
    let_it_contend
    touch go
    record_end 0
    settings >told
    tail -n 2 told >last
    printf 'map_rate = 7, mutex_mode = %s }\n' '1, mutex_fraction = 1, mutex_rate_ns = 0' \
        '2, mutex_fraction = 50, mutex_rate_ns = 1000' | diff - last >&2 || fail "$test: told: $(cat told)"
    releases | grep -q 'weight = 65536,' || fail "$test: nothing was kept at rate 1"
}

test_a_page_with_locks_stays_with_the_recording() {
    rm -f go
    record_start -- sh -c "true; $contend; true"
    touch go
    record_end 0
    [ "$(find out/pages -name '*.page' -size +1000k | wc -l)" = 1 ] || fail "$test: $(ls -l out/pages)"
    [ "$(find out/pages -type f | wc -l)" = 1 ] || fail "$test: pages that say nothing: $(ls -l out/pages)"
    [ "$(stat -c %a out/pages)" = 700 ] || fail "$test: open to others"
    expect_capture '.pages == "pages"'
}

test_what_cannot_be_set_is_said() {
    ! "$mapscope" set --mutex-fraction 1 $$ 2>stderr || fail "$test: set"
    expect_said 'process [0-9]* has no page'
    ! "$mapscope" set --mutex-fraction 1 out 2>stderr || fail "$test: set"
    expect_said 'no process of the recording out runs'
    ! "$mapscope" set --mutex-fraction 1 nowhere 2>stderr || fail "$test: set"
    expect_said 'nowhere'
    ! "$mapscope" set --off 4194303 2>stderr || fail "$test: set"
    expect_said 'there is no process 4194303'
    status=0
    "$mapscope" set out 2>stderr || status=$?
    [ "$status" = 2 ] || fail "$test: exit status $status"
}

run_tests
