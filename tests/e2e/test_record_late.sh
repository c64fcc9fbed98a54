#!/bin/sh
# What a recording says of a lock is what happened while it was recorded, though the program counts from its beginning:
# each recording begins and ends with an inventory. usage: test_record_late.sh BUILD_DIR
set -eu
programs=late_locks
. "$(dirname "$0")/attach_world.sh"

# recorded_contentions NUMBER: so many while it is recorded, and the report says so, and of how many operations.
recorded_contentions() {
    attach_start
    for _ in $(seq "$1"); do
        say contend '^contended$'
    done
    kill -INT "$recorder"
    record_end 0
    deadline 60 "$mapscope" convert out --report report 2>said || fail "$test: $(cat said)"
    grep -q "^$1 contended of $((2 * $1)) lock operations (exact, 2 of 2 locks)" report || fail "$test: $1: $(cat report)"
    deadline 30 babeltrace2 out/trace | grep 'mapscope:lock_inventory: .*name = "old lock"' >inventory ||
        fail "$test: no inventory"
    [ "$(wc -l <inventory)" = 2 ] || fail "$test: not two rounds: $(cat inventory)"
}

test_each_recording_counts_what_is_its_own() {
    program_start "$work/bin/late_locks"
    recorded_contentions 3
    recorded_contentions 2
    program_end
}

run_tests
