#!/bin/sh
# mapscope core: a program is recorded and leaves a core within a write; each of its maps is as recorded but for the
# one whose write was under way. usage: test_core.sh BUILD_DIR
set -eu
. "$(dirname "$0")/lttng_session.sh"
build=$1
mapscope=$build/bin/mapscope
work=$(mktemp -d "${TMPDIR:-/tmp}/mapscope-core-XXXXXX")
trap 'rm -rf "$work"' EXIT

# expect PATTERN: what it said has a line that matches.
expect() {
    grep -qE -- "$1" "$work/said" || {
        head -n 40 "$work/said" >&2
        fail "no line matches '$1'"
    }
}

cat >"$work/commands" <<TEXT
set startup-with-shell off
set breakpoint pending on
set disable-randomization off
break stop_here
run
generate-core-file $work/core
kill
TEXT
timeout 100 "$mapscope" record -o "$work/out" -- gdb -q -nx -batch -iex 'set debuginfod enabled off' \
    -x "$work/commands" "$build/tests/gdb_maps" >"$work/said" 2>&1 || fail "cannot record: $(cat "$work/said")"
[ -s "$work/core" ] || fail "no core: $(cat "$work/said")"

status=0
timeout 60 "$mapscope" core "$build/tests/gdb_maps" "$work/core" "$work/out" >"$work/said" 2>&1 || status=$?
[ "$status" -eq 1 ] || fail "ended with $status: $(cat "$work/said")"
expect '^map "numbers" \(0x[0-9a-f]+\): 1 entries in 2\^0 buckets, seq 1$'
expect '^map "growing" \(0x[0-9a-f]+\): 53 entries in 2\^4 buckets, growing, seq 53$'
expect '^map "users" .*: 53 entries in 2\^4 buckets, growing, seq 53$'
expect '^map "shards" .*: 5 entries, seq [0-9]+$'
expect '^map "cache" .*: 2 entries, seq 6$'
expect '^map "routes" .*: 49 entries, seq 51$'
expect '^map "prices" .*: 1 entries in 2\^0 buckets, seq 1$'
expect '^  thread [0-9]+ was writing to it$'
expect '^  modifications: 2 in the core, 1 recorded$'
expect '^11 of 12 maps of process [0-9]+ are as recorded; 1 more are not compared: tables that are not ours, or more than 4096 maps$'
[ "$(grep -c ' in the core, ' "$work/said")" -eq 1 ] || fail "more differs: $(cat "$work/said")"

# What cannot be read is said.
status=0
timeout 60 "$mapscope" core "$build/tests/gdb_maps" "$work/commands" "$work/out" >"$work/said" 2>&1 || status=$?
[ "$status" -eq 1 ] || fail "no core: ended with $status: $(cat "$work/said")"
status=0
timeout 60 "$mapscope" core "$build/tests/gdb_maps" "$work/nowhere" "$work/out" >"$work/said" 2>&1 || status=$?
[ "$status" -eq 1 ] || fail "nowhere: ended with $status: $(cat "$work/said")"
expect "cannot read $work/nowhere: No such file or directory"
