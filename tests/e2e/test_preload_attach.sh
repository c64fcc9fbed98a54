#!/bin/sh
# libmapscope-preload in a program that runs: nothing is counted until somebody listens, then everything.
# usage: test_preload_attach.sh BUILD_DIR
set -eu
. "$(dirname "$0")/lttng_session.sh"
lttng_private "$@"
lib=$(cd "$1" && pwd)/lib
mkfifo /run/commands /run/answers
LD_PRELOAD=$lib/libmapscope.so.0:$lib/libmapscope-preload.so.0:$lib/libmapscope-lttng.so.0 MAPSCOPE_MUTEX_FRACTION=1 \
    "$1/tests/preload_many" 200 100 </run/commands >/run/answers &
pid=$!
exec 3>/run/commands 4</run/answers

answer=$(deadline 20 head -n 1 <&4) # after a hundred waits
[ "$answer" = ready ] || fail "the program says \"$answer\""
lttng_begin late 'mapscope:lock_wait' 'mapscope:lock_totals'
echo go >&3
wait "$pid" || fail "the program ended with $?"
lttng_end late

lttng_print late | awk '
    /lock_wait/ { waits++ }
    /lock_totals/ && match($0, /contentions = [0-9]+/) { contentions += substr($0, RSTART + 14, RLENGTH - 14) }
    END {
        if (waits != 100 || contentions != 100) {
            printf "%d waits and %d contentions after the first 100\n", waits, contentions
            exit 1
        }
    }' >/run/wrong || fail "$(cat /run/wrong)"
