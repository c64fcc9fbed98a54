#!/bin/sh
# Recordings that begin when the program has long had its maps: each gets to know those that are used, its threads and
# the settings; so does one that asks again, before a snapshot; and mapscope tells their names.
# usage: test_late_start.sh BUILD_DIR
set -eu
. "$(dirname "$0")/lttng_session.sh"
lttng_private "$@"
build=$1

# use: the program looks up a key in each map.
use() {
    echo use >&3
    answer=$(deadline 15 head -n 1 <&4)
    [ "$answer" = used ] || fail "the program says \"$answer\""
}

# told SESSION: the names of its events that are said once, with the maps' names, counts and sizes.
told() {
    lttng_print "$1" >/run/printed
    sed -nE -e 's/^mapscope:(thread_start|map_inventory) .* name = "([^"]*)".*/\1 \2/' -e 's/^mapscope:(sampler_config) .*/\1/' \
        -e 's/^([a-z].*)/\1/p' /run/printed | grep -E '^(thread_start|map_inventory|sampler_config)' || true
}

expect_told() {
    session=$1
    shift
    [ "$(told "$session" | paste -sd ',')" = "$*" ] || fail "$session was told \"$(told "$session" | paste -sd ',')\" instead of \"$*\""
}

mkfifo /run/commands /run/answers
"$build/tests/late" </run/commands >/run/answers &
pid=$!
exec 3>/run/commands 4</run/answers
[ "$(deadline 15 head -n 1 <&4)" = ready ] || fail "the program does not start"

everything='sampler_config,thread_start late bird,map_inventory sessions,map_inventory users'

lttng_begin first 'mapscope:*'
use
use
lttng_begin second 'mapscope:*'
use
deadline 15 lttng --quiet regenerate statedump --session=second
use
use
lttng_end first
lttng_end second

deadline 60 lttng --quiet create snapshots --snapshot --output=/run/trace/snapshots
deadline 10 lttng --quiet enable-event --userspace --session=snapshots 'mapscope:*'
deadline 10 lttng --quiet add-context --userspace --session=snapshots --type=vpid --type=vtid
deadline 10 lttng --quiet start snapshots
use
deadline 20 lttng --quiet snapshot record --session=snapshots
lttng_end snapshots
exec 3>&-
wait "$pid" || fail "the program ended with $?"

expect_told second "$everything,$everything"
expect_told first "$everything,$everything,$everything"
expect_told snapshots "$everything"

# What it says of a map: as it is.
grep -qE '^mapscope:map_inventory [0-9]+ \{ map = 0x[0-9A-F]+, map_gen = 1, name = "sessions", flavor = 0, flags = 0, key_size = 8, value_size = 8, hint = 0, B = 3, hash0 = 0x[0-9A-F]+, count = 37, _stack_length = 1,' /run/printed ||
    fail "$(grep map_inventory /run/printed)"
grep -qE 'name = "users", flavor = 1, .* count = 2, _stack_length = 1,' /run/printed || fail "$(grep map_inventory /run/printed)"

# mapscope knows them by name, and their entries.
deadline 60 "$build/bin/mapscope" convert "$lttng_dir/second" --chrome /run/timeline.json >/run/said 2>&1 || fail "$(cat /run/said)"
grep -q 'functions have no names, .*lttng_ust_statedump' /run/said || fail "it does not say why functions have no names"
grep -q '"name":"map sessions"' /run/timeline.json || fail "the timeline does not know the map's name"
grep -q '"in the map":37' /run/timeline.json || fail "the timeline does not know how many entries there are"
grep -q 'access sessions' /run/timeline.json || fail "the timeline does not say what was looked up"
