#!/bin/sh
# libmapscope-preload: programs that know nothing of us do exactly what they do without, and what their locks cost
# is recorded, once. usage: test_preload.sh BUILD_DIR
#
# Runs in a process and mount namespace of its own (recorder_world.sh).
set -eu
programs="preload_lock_matrix preload_cpp_matrix preload_planned preload_safety preload_many preload_stacks preload_msc_shared
preload_msc_static preload_static_wrap libpreload_loaded.so libpreload_interposer.so"
. "$(dirname "$0")/recorder_world.sh"
bin=$work/bin

# lock_events: `EVENT key value key value...` of what was recorded of locks, one a line.
lock_events() {
    deadline 30 babeltrace2 out/trace 2>/dev/null |
        sed -nE 's/.* mapscope:(lock_[a-z]*|cond_signal): \{[^}]*\}, \{[^}]*\}, \{ (.*) \}$/\1 \2/p' | tr -d ',=' | tr -s ' ' |
        tr 'A-FX' 'a-fx'
}

# ---- the same as without ----

# same PROGRAM ARGUMENTS...: recorded with everything on, it prints what it prints without, and ends so.
same() {
    status=0
    timeout 60 "$@" >plain || status=$?
    record "$status" --mutex-fraction 1 -- "$@"
    diff plain stdout >differences || fail "$test: $*: not the same: $(head -5 differences)"
}

test_every_call_on_every_lock() {
    timeout 60 "$bin/preload_lock_matrix" >plain &
    record 0 --mutex-fraction 1 -- "$bin/preload_lock_matrix"
    wait $! || fail "$test: without us: $?"
    [ "$(wc -l <plain)" -gt 8000 ] || fail "$test: $(wc -l <plain) lines"
    diff plain stdout >differences || fail "$test: not the same: $(head -5 differences)"
}

test_every_lock_of_the_cpp_library() { same "$bin/preload_cpp_matrix"; }

test_cancelled_waits() { same "$bin/preload_safety" cancel; }

test_threads_that_come_and_go() { same "$bin/preload_safety" threads; }

test_loaded_libraries_whose_constructors_lock() {
    same "$bin/preload_safety" dlopen "$bin/libpreload_loaded.so"
    LD_PRELOAD=$bin/libpreload_loaded.so same "$bin/preload_safety" threads
}

test_the_condition_variables_of_old_are_not_ours() { same "$bin/preload_safety" old; }

# ---- what is recorded ----

# A std::mutex is never destroyed: those that nobody waits for any more make room, and nothing of them is lost.
test_more_mutexes_than_there_is_room_for() {
    record 0 --mutex-fraction 1 -- "$bin/preload_many" 10000
    lock_events >events
    awk '
        function field(name,    i) {
            for (i = 2; i < NF; i++)
                if ($i == name)
                    return $(i + 1)
        }
        $1 == "lock_wait" { waits++; waited += field("wait_ns") }
        $1 == "lock_release" { charged += field("charge_ns") + field("handoff_ns") }
        $1 == "lock_totals" {
            contentions += field("contentions")
            total += field("wait_ns")
            lost += field("dropped")
        }
        END {
            if (waits == 10000 && contentions == waits && total == waited && charged == waited && lost == 0)
                exit 0
            printf "%d waits, %d contentions, %d lost; %d ns of events, %d ns of totals, %d ns charged\n", waits,
                contentions, lost, waited, total, charged
            exit 1
        }' events >wrong || fail "$test: $(cat wrong)"
    "$mapscope" locks out >locks
    grep -q '^[1-9][0-9]* times a lock .* made room' locks || fail "$test: no eviction: $(head -3 locks)"
}

# Every way to wait: the waiter's wait and the holder's charge, within 5 %; a wait at a condition variable is none, nor is
# what follows its deadline (docs/preload.md).
test_planned_holds_are_charged() {
    record 0 --mutex-fraction 1 -- "$bin/preload_planned"
    lock_events >events
    awk '
        function field(name,    i) {
            for (i = 2; i < NF; i++)
                if ($i == name)
                    return $(i + 1)
        }
        function differs(is, planned) { return is < 0.95 * planned || is > 1.05 * planned }
        FILENAME == "events" && $1 == "cond_signal" {
            signals[field("lock")] += field("woken")
            signalled[field("lock")] = field("begin_ns")
            next
        }
        FILENAME == "events" && $1 == "lock_wait" {
            waits[field("lock")]++
            began[field("lock")] = field("begin_ns")
            waited[field("lock")] += field("wait_ns")
            result[field("lock")] = field("result")
            next
        }
        FILENAME == "events" && $1 == "lock_release" { charged[field("lock")] += field("charge_ns") }
        FILENAME == "events" { next }
        {
            planned++
            if (signals[$2] + 0 != ($1 ~ /^co?nd-/ && $4 > 0) || (signals[$2] && signalled[$2] != began[$2])) {
                printf "%s: %d signals, at %d, began %d\n", $0, signals[$2], signalled[$2], began[$2]
                failed++
            }
            if (waits[$2] + 0 != ($4 > 0) || (waits[$2] && result[$2] != $5) || differs(waited[$2], $4) || differs(charged[$2], $3)) {
                printf "%s: %d waits of %d ns, charged %d ns, result %d\n", $0, waits[$2], waited[$2], charged[$2],
                    result[$2]
                failed++
            }
        }
        END { exit failed || planned != 36 }' events stdout >wrong || fail "$test: $(cat wrong stderr)"
}

# With --hold the length of each hold as well, and a profile of them.
test_planned_holds_are_timed() {
    record 0 --hold --mutex-fraction 1 -- "$bin/preload_planned"
    lock_events >events
    awk '
        function field(name,    i) {
            for (i = 2; i < NF; i++)
                if ($i == name)
                    return $(i + 1)
        }
        FILENAME == "events" && $1 == "lock_hold" && field("hold_ns") > longest[field("lock")] + 0 {
            longest[field("lock")] = field("hold_ns")
        }
        FILENAME == "events" { next }
        {
            planned++
            if (longest[$2] < 0.95 * $6 || longest[$2] > 1.05 * $6) {
                printf "%s: the longest hold is %d ns\n", $0, longest[$2]
                failed++
            }
        }
        END { exit failed || planned != 36 }' events stdout >wrong || fail "$test: $(cat wrong stderr)"
    deadline 60 "$mapscope" convert out 2>said || fail "$test: $(cat said)"
    deadline 30 "$mapscope" check out/hold.pb.gz >checked || fail "$test: $(cat checked)"
    GOPATH=$work/go HOME=$work/home deadline 60 go tool pprof -top out/hold.pb.gz >top 2>said || fail "$test: $(cat said)"
    grep -q 'Type: hold' top && grep -qw be_holder top || fail "$test: $(cat top)"
}

test_a_program_with_libmapscope_is_counted_once() {
    for how in shared static; do
        record 0 --mutex-fraction 1 -- "$bin/preload_msc_$how"
        lock_events >events
        lock=$(cat stdout)
        [ "$(grep -c '^lock_wait ' events)" = 5 ] || fail "$test: $how: not 5 waits: $(cat events)"
        [ "$(grep '^lock_wait ' events | grep -c " lock $lock ")" = 5 ] || fail "$test: $how: not of $lock: $(cat events)"
        [ "$(grep '^lock_release ' events | grep " lock $lock " | grep -vc ' charge_ns 0 ')" = 5 ] ||
            fail "$test: $how: not 5 charges: $(cat events)"
        ops=$(sed -nE 's/^lock_totals .* ops ([0-9]+) .*/\1/p' events | awk '{ sum += $1 } END { print sum }')
        [ "$ops" -ge 1010 ] && [ "$ops" -lt 2010 ] || fail "$test: $how: $ops acquisitions, of 1010: $(cat events)"
        record 0 --hold --mutex-fraction 1 -- "$bin/preload_msc_$how"
        lock_events >events
        [ "$(grep '^lock_hold ' events | grep -c " lock $(cat stdout) ")" = 1010 ] || fail "$test: $how: not 1010 holds: $(cat events)"
    done
}

test_a_static_program_can_wrap_its_own_locks() {
    deadline 30 "$bin/preload_static_wrap" >stdout || fail "$test: $?"
    [ "$(cat stdout)" = "waited: 1" ] || fail "$test: $(cat stdout)"
}

# ---- where ----

# A stack ends where its thread began, whatever is in between: code without frame pointers, of C++, of the C library.
# One that is too deep says that it was cut, and is counted.
test_stacks_reach_main() {
    record 0 --mutex-fraction 1 -- "$bin/preload_stacks"
    deadline 60 "$mapscope" convert out 2>said || fail "$test: $(cat said)"
    grep -qE ', [1-9] stacks cut' said || fail "$test: not counted: $(cat said)"
    for profile in mutex block; do
        GOPATH=$work/go HOME=$work/home deadline 60 go tool pprof -traces "out/$profile.pb.gz" >traces 2>said ||
            fail "$test: $(cat said)"
        sed -n '/^---/,$p' traces | awk '
            /^---/ { if (last) print path; path = last = ""; next }
            !/:  / { last = $NF == "(inline)" ? $(NF - 1) : $NF; path = path " " $0 }
            END { if (last) print path }' | tr -s ' ' | sed 's/(anonymous namespace):::*//g' >paths
        deep='(through_recursion ){60,}\[stack cut\]'
        wrong=$(grep -vE "(_start|__clone3|libc\.so\.6\+0x[0-9a-f]+|\[lock handoff\]|$deep) ?\$" paths) || true
        [ -z "$wrong" ] || fail "$test: $profile: cut: $wrong"
        grep -qE "$deep" paths || fail "$test: $profile: a recursion of 100 is whole"
        for through in 'contend.* .*compare.*through_qsort main ' 'contend.* main ' 'contend.* .*through_call_once main ' \
            'in_condition_wait main '; do
            grep -qE "$through.*_start" paths || fail "$test: $profile: no stack through $through: $(cat paths)"
        done
    done
}

# ---- who else is there ----

# expect_remark PATTERN: the recording says so of itself.
expect_remark() {
    deadline 30 babeltrace2 out/trace 2>/dev/null | grep 'mapscope:log: .*category = "mapscope"' >remarks || true
    grep -qE "$1" remarks || fail "$test: no remark $1: $(cat remarks)"
}

test_another_interposer_is_said() {
    LD_PRELOAD=$bin/libpreload_interposer.so same "$bin/preload_safety" threads
    expect_remark 'libpreload_interposer.so has a pthread_mutex_lock of its own behind ours'
    # shellcheck disable=SC2016 # for the inner shell
    record 0 -- sh -c 'LD_PRELOAD=$1:$LD_PRELOAD exec "$2" threads' sh "$bin/libpreload_interposer.so" "$bin/preload_safety"
    expect_remark 'libpreload_interposer.so has a pthread_mutex_lock of its own before ours'
}

test_no_pthread_leaves_it_out() {
    record 0 --no-pthread --mutex-fraction 1 -- "$bin/preload_planned"
    [ -z "$(lock_events)" ] || fail "$test: $(lock_events)"
}

run_tests
