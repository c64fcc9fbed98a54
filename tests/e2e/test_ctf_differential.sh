#!/bin/sh
# Every event and every field of our CTF reader against babeltrace2's, on traces of many shapes: recorded here,
# and written in the layouts that no machine at hand records. Each is read as values, which are compared, and as
# records under many plans, which are compared with those (ctf_records.c). usage: test_ctf_differential.sh BUILD_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lttng_session.sh"
lttng_private "$@"
build=$1
kinds=$build/tests/ctf_kinds
dump=$build/tests/ctf_dump
records=$build/tests/ctf_records
work=/run/work
export LC_ALL=C # texts are bytes
export LTTNG_UST_ALLOW_BLOCKING=1
lossless=--blocking-timeout=inf
mkdir -p "$work"

# lt ARGUMENTS...: lttng, quietly and not for ever.
lt() {
    deadline 30 lttng --quiet "$@"
}

# begin NAME CHANNEL_OPTIONS [CONTEXT...]: a started session with one channel for all our events.
begin() {
    name=$1
    options=$2
    shift 2
    lt create "$name" --output="$lttng_dir/$name"
    # shellcheck disable=SC2086 # a list of words
    lt enable-channel --userspace --session="$name" $options ch
    for context in "$@"; do
        lt add-context --userspace --session="$name" --channel=ch --type="$context"
    done
    lt enable-event --userspace --session="$name" --channel=ch 'ctf_kinds:*'
    lt start "$name"
}

# What babeltrace2 shows and a consumer of ours does not need: the host and process in front of the event's name,
# the lengths before sequences, and sequences of structures, which ours steps over (the kernel's poll and epoll have
# `fds` of them). Left out is ctf_kinds:empty_text: babeltrace2 2.0.4 prints the text of an earlier event for an empty
# string and an empty sequence of text (fixed in 2.0.5).
like_ours() {
    sed -E -e '/ ctf_kinds:empty_text: /d' -e 's/ fds_length = [0-9]+,?//' -e 's/,? fds = .*\] \}$/ }/' \
        -e 's/_[A-Za-z0-9_]+_length = [0-9]+, //g' -e 's/^(\[[0-9]+\]) ([^{]* )?([a-z0-9_]+(:[a-z_]+)?: \{)/\1 \3/'
}

# compare NAME FOLDER AT_LEAST [FILTER]: all read FOLDER alike, and there are so many events in it. Events of one time on
# two CPUs may come in either order, so lines are compared sorted; that ours come in order is looked at apart.
compare() {
    deadline 60 babeltrace2 --clock-cycles --no-delta "$2" 2>"$work/peer.said" >"$work/peer" ||
        fail "$1: babeltrace2: $(cat "$work/peer.said")"
    deadline 60 "$dump" "$2" >"$work/ours" 2>"$work/ours.said" || fail "$1: $(cat "$work/ours.said")"
    [ -s "$work/ours.said" ] && fail "$1: damage where there is none: $(cat "$work/ours.said")"
    [ "$(wc -l <"$work/ours")" -ge "$3" ] || fail "$1: $(wc -l <"$work/ours") events, not $3"
    cut -c 1-22 "$work/ours" | sort -c || fail "$1: not in the order of time"
    sed '/ ctf_kinds:empty_text: /d' "$work/ours" | ${4:-cat} | sort >"$work/ours.sorted"
    like_ours <"$work/peer" | ${4:-cat} | sort >"$work/peer.sorted"
    diff "$work/peer.sorted" "$work/ours.sorted" >"$work/diff" || fail "$1: differs: $(head -n 6 "$work/diff")"
    deadline 60 "$records" "$2" >"$work/records" 2>"$work/records.said" || fail "$1: records: $(cat "$work/records.said")"
    grep -q "^events=$(wc -l <"$work/ours") " "$work/records" || fail "$1: records: $(cat "$work/records")"
    echo "$1: $(wc -l <"$work/ours.sorted") events alike, records: $(cat "$work/records")"
}

# losses FOLDER FIELD: one of the reader's counts.
losses() {
    "$dump" --losses "$1" | tr ' ' '\n' | sed -n "s/^$2=//p"
}

# --- layouts that are written ---
mkdir "$work/written"
"$build/tests/ctf_shapes" "$work/written"
for shape in "$work"/written/*; do
    compare "${shape##*/}" "$shape" 9
done

# --- recorded elsewhere: a 32-bit program, by LTTng 2.13.9 of Debian 12 on i386 (ctf_kinds 8, and the statedump) ---
compare i386 "$here/../collector/recorded/i386" 32
[ "$("$dump" "$here/../collector/recorded/i386" | grep -c ' ctf_kinds:')" -eq 25 ] || fail 'i386: not what was emitted'

# --- recorded elsewhere: a kernel of Debian 12, by lttng-modules 2.13.9 (see record_kernel.sh beside them) ---
# Of fstat, whose file name is empty, babeltrace2 2.0.4 prints an earlier one.
without_fstat() { sed '/ syscall_entry_newfstatat: .* flag = 4096 }/s/filename = "[^"]*"/filename = ""/'; }

mkdir "$work/kernel"
tar xzf "$here/../collector/recorded/kernel.tar.gz" -C "$work/kernel"
compare kernel-scheduler "$work/kernel/sched" 554
compare kernel-syscalls "$work/kernel/syscalls" 4075 without_fstat
compare kernel-everything "$work/kernel/all" 7831 without_fstat
[ "$(losses "$work/kernel/all" discarded_events)" -eq 11 ] || fail 'kernel: not the losses that lttng told'

# --- the demo: our own events, and where its modules are mapped ---
lt create demo --output="$lttng_dir/demo"
lt enable-channel --userspace --session=demo --buffers-pid ch
lt add-context --userspace --session=demo --channel=ch --type=vpid --type=vtid
lt enable-event --userspace --session=demo --channel=ch 'mapscope:*,lttng_ust_statedump:*'
lt start demo
MAPSCOPE_MUTEX_FRACTION=1 MAPSCOPE_KEYS=1 deadline 60 "$build/bin/session_cache" >/dev/null
lt stop demo
compare demo "$lttng_dir/demo" 1500
[ "$(sed -n 's/.*straight=//p' "$work/records")" -ge 1500 ] || fail "demo: not by the fast path: $(cat "$work/records")"

# --- buffers and contexts ---
begin uid "$lossless --buffers-uid --subbuf-size=64k" vpid vtid procname
"$kinds" 2000 >/dev/null
"$kinds" 2000 >/dev/null
lttng_end uid
compare uid "$lttng_dir/uid" 12000

begin pid "$lossless --buffers-pid --subbuf-size=64k"
"$kinds" 500 >/dev/null
"$kinds" 500 >/dev/null
lttng_end pid
compare pid-without-contexts "$lttng_dir/pid" 3000

begin contexts "$lossless --buffers-pid --subbuf-size=64k" procname ip pthread_id vtid vuid vgid cgroup_ns pid_ns time_ns vpid
"$kinds" 500 >/dev/null
lttng_end contexts
compare many-contexts "$lttng_dir/contexts" 1500

begin bare "$lossless --buffers-uid --subbuf-size=4k --num-subbuf=64"
"$kinds" 40 >/dev/null
lttng_end bare
compare small-packets "$lttng_dir/bare" 120

# --- several channels, and everything that LTTng itself adds ---
lt create channels --output="$lttng_dir/channels"
for channel in one two; do
    lt enable-channel --userspace --session=channels "$lossless" --buffers-pid --subbuf-size=128k "$channel"
done
lt add-context --userspace --session=channels --channel=two --type=vpid
lt enable-event --userspace --session=channels --channel=one ctf_kinds:numbers
lt enable-event --userspace --session=channels --channel=two --all
lt start channels
"$kinds" 300 >/dev/null
lttng_end channels
compare channels-and-statedump "$lttng_dir/channels" 1200

# --- time ---
begin pause "$lossless --buffers-uid --subbuf-size=64k" vpid
"$kinds" 10 5 >/dev/null # more than 2^32 ns: an extended header
lttng_end pause
compare pause "$lttng_dir/pause" 30

# --- losses ---
# Nobody empties the buffers while the second half is emitted.
consumer() {
    for folder in /proc/[0-9]*; do
        [ "$(cat "$folder/comm" 2>/dev/null)" != lttng-consumerd ] || basename "$folder"
    done
}

has_streams() { [ -n "$(find "$lttng_dir/discard" -name 'ch_*' -size +0 2>/dev/null)" ]; }

begin discard '--buffers-uid --subbuf-size=4k --num-subbuf=2'
"$kinds" 20000 3 >"$work/emitted" &
emitter=$!
tries=0
until has_streams; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || fail 'discard: nothing is recorded'
    sleep 0.05
done
kill -STOP "$(consumer)"
wait "$emitter" || fail "discard: the program ended with $?"
kill -CONT "$(consumer)"
emitted=$(cat "$work/emitted")
lttng_end discard
compare discard "$lttng_dir/discard" 10
discarded=$(losses "$lttng_dir/discard" discarded_events)
[ "$discarded" -gt 0 ] || fail 'discard: nothing was discarded'
kept=$(losses "$lttng_dir/discard" events)
[ $((kept + discarded)) -eq "$emitted" ] || fail "discard: $kept kept + $discarded discarded, not $emitted"

begin ring "$lossless --buffers-uid --subbuf-size=4k --num-subbuf=64 --tracefile-size=16384 --tracefile-count=3" vtid
"$kinds" 1000 >/dev/null
lttng_end ring
compare ring "$lttng_dir/ring" 100
[ "$(losses "$lttng_dir/ring" lost_packets)" -gt 0 ] || fail 'ring: no packet is missing at its start'

# --- one stream in many folders ---
begin rotate "$lossless --buffers-uid --subbuf-size=16k" vpid
for _ in 1 2 3; do
    "$kinds" 200 >/dev/null
    lt rotate rotate
done
"$kinds" 200 >/dev/null
lttng_end rotate
compare rotation "$lttng_dir/rotate" 2400
[ "$(losses "$lttng_dir/rotate" lost_packets)" -eq 0 ] || fail 'rotation: packets lost between the chunks'

lt create flight --snapshot --output="$lttng_dir/flight"
lt enable-channel --userspace --session=flight --buffers-uid --subbuf-size=16k --num-subbuf=8 ch
lt enable-event --userspace --session=flight --channel=ch 'ctf_kinds:*'
lt start flight
for _ in 1 2 3; do # each holds what the one before did not, and some of what it did
    "$kinds" 80 >/dev/null
    lt snapshot record --session=flight
done
lttng_end flight
compare overlapping-snapshots "$lttng_dir/flight" 480
all=0
for snapshot in "$lttng_dir"/flight/*; do
    all=$((all + $("$dump" "$snapshot" | wc -l)))
done
[ "$all" -gt "$("$dump" "$lttng_dir/flight" | wc -l)" ] || fail 'overlapping-snapshots: they do not overlap'
