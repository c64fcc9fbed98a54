#!/bin/sh
# Programs that stand still, seen through their shared pages while they run and after they were killed: mapscope
# locks, [still held] and [still waiting], deadlocks in the report. usage: test_locks.sh BUILD_DIR
set -eu
. "$(dirname "$0")/lttng_session.sh"
lttng_private "$@"
build=$(cd "$1" && pwd)
mapscope=$build/bin/mapscope
work=/run/work
mkdir "$work"
cd "$work"

# locks STATUS ARGUMENTS...: the table is in `out`.
locks() {
    expected=$1
    shift
    status=0
    timeout 20 "$mapscope" locks "$@" >out 2>said || status=$?
    [ "$status" -eq "$expected" ] || fail "locks $* ended with $status instead of $expected: $(cat said)"
}

# eventually SECONDS COMMAND...
eventually() {
    tries=$(($1 * 20))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "never: $*: $(cat out said)"
        sleep 0.05
    done
}

# waiting LOCK COUNT: so many wait for it.
waiting() {
    "$mapscope" locks --json "$pid" >out 2>said &&
        jq -e --arg lock "$1" --argjson count "$2" '.locks[] | select(.lock == $lock and .waiters == $count)' out >/dev/null
}

# stand MODE: the program, recorded, in the background.
stand() {
    lttng_begin "$1" 'mapscope:*' 'lttng_ust_statedump:*'
    mkdir "$lttng_dir/$1/pages"
    MAPSCOPE_PAGES=$lttng_dir/$1/pages "$build/tests/standstill" "$1" &
    pid=$!
}

# still_held PROFILE: the delay of [still held], in ns.
still_held() {
    go tool pprof -raw "$1" 2>/dev/null | awk '
        /^ *1 +[0-9]+: / { delay = $2 }
        /lock:\[table\]/ && held == "" { held = delay + 0 }
        END { printf "%.0f\n", held }'
}

locks 0 --help
locks 2
locks 2 a b
locks 2 --top 0 .
locks 1 "$work/nowhere"
grep -q 'has no shared pages' said || fail "$(cat said)"
locks 1 $$
grep -q 'has no shared page: it was not started by mapscope record' said || fail "$(cat said)"
locks 1 4194303
grep -q 'there is no process 4194303' said || fail "$(cat said)"

# ---- a holder that never unlocks ----

stand stuck
eventually 15 waiting table 3
jq -e '.processes == 1 and .running == 1 and .locks[0].holder == "hog" and .locks[0].kind == "mutex"' out >/dev/null ||
    fail "$(cat out)"
locks 0 "$pid"
grep -qE '^LOCK +KIND +WAITERS +HOLDER +LONGEST +CONTENTIONS +WAITED$' out || fail "$(cat out)"
grep -qE '^table +mutex +3 +hog \([0-9]+\) +[0-9.]+ [mu]?s +3 +[0-9.]+ [mu]?s$' out || fail "$(cat out)"
"$mapscope" locks --watch "$pid" >watched 2>said &
watcher=$!

export PPROF_TMPDIR="$work"
deadline 20 "$mapscope" convert "$lttng_dir/stuck" --pprof-mutex first.pb.gz --pprof-block block.pb.gz 2>said ||
    fail "convert: $(cat said)"
sleep 1
deadline 20 "$mapscope" convert "$lttng_dir/stuck" --pprof-mutex second.pb.gz --report report 2>said ||
    fail "convert: $(cat said)"
before=$(still_held first.pb.gz)
after=$(still_held second.pb.gz)
# Three threads wait: a second of the holder's costs three.
[ "$before" -gt 0 ] && [ "$after" -ge $((before + 2900000000)) ] || fail "[still held]: $before, then $after ns"
go tool pprof -top block.pb.gz 2>/dev/null | grep -q 'still waiting' || fail "no [still waiting]"
go tool pprof -traces block.pb.gz 2>/dev/null | grep -q wait_for_the_table || fail "no stack of a waiter"
grep -q 'table of .*: 3 waits, still held: .*, held by thread' report || fail "$(cat report)"
grep -q 'as it runs now' report || fail "$(cat report)"
grep -q 'wait_for_the_table' report || fail "$(cat report)"

kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
status=0
wait "$watcher" || status=$?
[ "$status" -eq 0 ] || fail "--watch ended with $status: $(cat said)"
grep -q '^table ' watched || fail "nothing watched: $(cat watched)"
lttng_end stuck
locks 0 "$lttng_dir/stuck"
grep -q '^1 process, 0 of them running; 3 threads waiting' out || fail "$(cat out)"
grep -qE '^table +mutex +3 ' out || fail "$(cat out)"
deadline 20 "$mapscope" convert "$lttng_dir/stuck" --report report --pprof-mutex mutex.pb.gz 2>said ||
    fail "convert: $(cat said)"
grep -q 'when it ended' report || fail "$(cat report)"
! grep -q deadlock report || fail "$(cat report)"
"$mapscope" check -q mutex.pb.gz

# ---- two threads that wait for each other; one of the locks has no name ----

stand deadlock
eventually 15 waiting nameless 1
eventually 15 waiting table 1
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
lttng_end deadlock
deadline 20 "$mapscope" convert "$lttng_dir/deadlock" --report report --chrome timeline.json 2>said ||
    fail "convert: $(cat said)"
grep -q '^1\. deadlock, certain' report || fail "$(cat report)"
grep -q '2 threads of .* wait for each other' report || fail "$(cat report)"
[ "$(sed -n '/^Deadlocks/,/^Threads/p' report | grep -c 'take_in_order')" = 2 ] || fail "$(cat report)"
grep -qE 'thread [0-9]+.* waits for nameless for .*, held by thread [0-9]+' report || fail "$(cat report)"
grep -q '^1 finding\. ' report || fail "$(cat report)"
[ "$(jq '[.traceEvents[] | select(.args.deadlock and .args.result == "still waiting")] | length' \
    timeline.json)" = 2 ] || fail "$(grep deadlock timeline.json)"
[ "$(grep -c 'holds, still"' timeline.json)" = 2 ] || fail "$(grep holds timeline.json)"
locks 0 "$lttng_dir/deadlock" --top 1
grep -q '2 of 2 locks contended, the first 1 of them:' out || fail "$(cat out)"
echo "passed"
