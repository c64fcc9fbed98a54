#!/bin/sh
# The locks inside of concurrent maps in the profiles: under their map's name, as the label `map`, which
# `go tool pprof -tagfocus` picks. usage: test_record_map_locks.sh BUILD_DIR
set -eu
programs=map_locks
. "$(dirname "$0")/recorder_world.sh"
export PPROF_TMPDIR="$work"

# waiters PROFILE ARGUMENTS...: the functions of the program that waited, in order.
waiters() {
    go tool pprof -traces "$@" 2>/dev/null | grep -oE '(place_order|change_price|rename_user|want_plain)$' | sort -u | tr '\n' ' '
}

test_each_wait_is_its_maps() {
    record 0 --mutex-fraction 1 -- "$work/bin/map_locks" # every wait: of 20 ms by default one in eight is left out
    deadline 30 "$mapscope" convert out --pprof-block block.pb.gz --pprof-mutex mutex.pb.gz 2>stderr ||
        fail "convert: $(cat stderr)"
    [ "$(waiters block.pb.gz)" = "change_price place_order rename_user want_plain " ] ||
        fail "who waited: $(waiters block.pb.gz)"
    for pair in orders:place_order prices:change_price users:rename_user; do
        [ "$(waiters -tagfocus "map=^${pair%:*}\$" block.pb.gz)" = "${pair#*:} " ] ||
            fail "map=${pair%:*}: $(waiters -tagfocus "map=^${pair%:*}\$" block.pb.gz)"
        go tool pprof -tags -tagfocus "map=^${pair%:*}\$" mutex.pb.gz 2>/dev/null | grep -q " lock: Total" ||
            fail "map=${pair%:*} is not in the mutex profile"
    done
    [ "$(waiters -tagignore map=. block.pb.gz)" = "want_plain " ] ||
        fail "of no map: $(waiters -tagignore map=. block.pb.gz)"
}

run_tests
