#!/bin/sh
# Debian's own programs, unmodified, under load and recorded: the same output and exit code as without, and what is
# said of their locks is so. usage: test_preload_programs.sh BUILD_DIR
#
# Runs in a process and mount namespace of its own (recorder_world.sh).
set -eu
programs="preload_planned libpreload_stopwatch.so"
. "$(dirname "$0")/recorder_world.sh"

# lock_sums: `ADDRESS KIND WAITED_NS` of each lock that was contended, from the exact totals.
lock_sums() {
    deadline 30 babeltrace2 out/trace 2>/dev/null |
        sed -nE 's/.* mapscope:lock_totals: .*\{ lock = ([^,]*), .* kind = ([0-9]+), .* wait_ns = ([0-9]+), .*/\1 \2 \3/p'
}

# Its one mutex has the waiting.
test_sysbench_has_one_hot_mutex() {
    record 0 -- sysbench mutex run --mutex-num=1 --threads=4 --mutex-locks=400000 --mutex-loops=500
    grep -q 'total number of events: *4$' stdout || fail "$test: $(cat stdout stderr)"
    lock_sums | awk '{ sum += $3; if ($3 > hottest) hottest = $3 } END { exit !(sum > 0 && hottest >= 0.9 * sum) }' ||
        fail "$test: $(lock_sums)"
}

# cached_waits: a memcached with a loader: sets `ours` and `theirs`, ns that its threads waited for mutexes, as we
# say and as the stopwatch behind us does.
cached_waits() {
    rm -rf out stopwatch
    port=$(shuf -n1 -i 20000-60000)
    LD_PRELOAD=$work/bin/libpreload_stopwatch.so STOPWATCH=$work/stopwatch deadline 60 \
        "$mapscope" record -o out --mutex-fraction 1 --buffer 4M -- \
        memcached -u root -l 127.0.0.1 -p "$port" -U 0 -t 4 -m 64 >stdout 2>stderr &
    recorder=$!
    eventually memcping --servers="127.0.0.1:$port" >/dev/null 2>&1
    deadline 30 memcaslap -s "127.0.0.1:$port" -T 2 -c 16 -t 2s >loader 2>&1 || fail "$test: $(cat loader)"
    grep -q 'Ops: [1-9]' loader || fail "$test: no load: $(cat loader)"
    kill -INT "$(process memcached)"
    record_end 0
    theirs=$(sed -n 's/^memcached mutex \([0-9]*\) .*/\1/p' stopwatch)
    ours=$(lock_sums | awk '{ sum += $3 } END { printf "%.0f\n", sum }')
}

# Within 10 % of a second opinion; three tries, since either clock may be read a time slice too late.
test_memcached_waits_as_long_as_it_waits() {
    for try in 1 2 3; do
        cached_waits
        said="${said:-} $ours of $theirs ns;"
        if awk -v ours="$ours" -v theirs="$theirs" \
            'BEGIN { exit !(theirs > 0 && ours >= 0.9 * theirs && ours <= 1.1 * theirs) }'; then
            return 0
        fi
    done
    fail "$test: $said"
}

# Its threads wait for more than a second each, for input: that is no contention.
test_condition_waits_of_pigz_are_none() {
    head -c 3000000 /dev/urandom | od -x >input
    plain=$(cat input | pigz -m -p 4 -c | md5sum)
    export STOPWATCH="$work/stopwatch"
    # shellcheck disable=SC2016 # for the inner shell
    LD_PRELOAD=$work/bin/libpreload_stopwatch.so record 0 --mutex-fraction 1 -- \
        sh -c '{ head -c 2000000 input; sleep 1.5; tail -c +2000001 input; } | pigz -m -p 4 -c'
    unset STOPWATCH
    [ "$(md5sum <stdout)" = "$plain" ] || fail "$test: other output"
    waited=$(sed -n 's/^pigz mutex [0-9]* cond \([0-9]*\)/\1/p' stopwatch)
    lock_sums | awk -v waited="$waited" '{ sum += $3 } END { exit !(waited > 1e9 && sum < 0.25 * waited) }' ||
        fail "$test: waited $waited ns: $(lock_sums)"
}

# Without symbols: module and offset, and doctor says why.
test_a_stripped_program() {
    cp "$work/bin/preload_planned" stripped
    strip stripped
    record 0 --mutex-fraction 1 -- ./stripped
    deadline 60 "$mapscope" convert out --pprof-mutex mutex.pb.gz 2>said || fail "$test: $(cat said)"
    deadline 60 go tool pprof -top -nodefraction=0 mutex.pb.gz >top 2>said || fail "$test: $(cat said)"
    grep -qE ' stripped\+0x[0-9a-f]+$' top || fail "$test: $(cat top)"
    ! grep -q '<unknown>' top || fail "$test: $(cat top)"
    deadline 30 "$mapscope" doctor ./stripped >said || fail "$test: $(cat said)"
    grep -q '^note     symbols: stripped' said || fail "$test: $(cat said)"
}

run_tests
