#!/bin/sh
# libmapscope-preload where there is little room for it: small stacks, locks held over a fork, sandboxes, and
# daemons that close all they have open.
# usage: test_preload_odd.sh BUILD_DIR
#
# Not with sanitizers (tests/CMakeLists.txt): their stacks are larger.
set -eu
programs=preload_odd
. "$(dirname "$0")/recorder_world.sh"
bin=$work/bin

# same PROGRAM ARGUMENTS...: recorded with everything on, it prints what it prints without, and ends so.
same() {
    status=0
    timeout 60 "$@" >plain 2>complaints || status=$?
    record "$status" --mutex-fraction 1 -- "$@"
    diff plain stdout >differences || fail "$test: $*: not the same: $(head -5 differences)"
    deadline 30 babeltrace2 out/trace >events 2>said || fail "$test: $(cat said)"
}

# A stack of 16 KiB, of which the program takes what is left to it without us.
test_threads_with_the_smallest_stack() {
    same "$bin/preload_odd" tight
    [ "$(grep -c ' mapscope:lock_wait: ' events)" -ge 4 ] || fail "$test: not 4 waits: $(grep lock_ events)"
}

# The child gives back what its parent holds, and must not say so in its parent's name.
test_a_lock_that_is_held_over_a_fork() {
    same "$bin/preload_odd" across
    # LOCK CHARGE, of the program's own lock alone: LTTng's may be contended, too.
    sed -nE 's/.* mapscope:lock_release: .* lock = ([^,]*),.* charge_ns = ([0-9]+),.*/\1 \2/p' events >releases
    own=$(awk '$2 >= 100000000 { print $1; exit }' releases)
    [ -n "$own" ] && [ "$(awk -v own="$own" '$1 == own && $2 > 0' releases | wc -l)" = 1 ] ||
        fail "$test: not one release of 100 ms and more: $(cat releases)"
}

test_a_thread_that_may_not_ask_for_its_id() {
    same "$bin/preload_odd" sandbox
    grep -q ' mapscope:lock_wait: ' events || fail "$test: no wait"
}

# LTTng's sockets and pipes stay open, or it would write into the program's next files.
test_a_daemon_closes_what_is_its_own() {
    for how in from range loop; do
        [ "$how" != loop ] || export LD_PRELOAD=liblttng-ust-fd.so.1 # docs/preload.md
        same "$bin/preload_odd" closing "$how"
        [ "$(cat stdout)" = '0 0 are open' ] || fail "$test: $how: $(cat stdout)"
        grep -q '^others open: [1-9]' stderr || fail "$test: $how: LTTng's are closed: $(cat stderr)"
    done
    unset LD_PRELOAD
}

run_tests
