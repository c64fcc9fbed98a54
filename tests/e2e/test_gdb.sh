#!/bin/sh
# gdb's printers on a live process and on its core: entries of each kind of key, growth, a writer inside, every flavour;
# and the state as JSON. usage: test_gdb.sh BUILD_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/mapscope-gdb-XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# expect PATTERN FILE: the file has a line that matches.
expect() {
    grep -qE -- "$1" "$2" || {
        head -n 60 "$2" >&2
        fail "no line matches '$1'"
    }
}

cat >"$work/look" <<'TEXT'
print *numbers
print *names
print *points
print *empty
print *written
print foreign
print *shards
print *cache
print *prices
print *quotes
set print elements 2000
print *growing
print *users
print *routes
mapscope state growing written 16 users shards cache routes prices "(struct msc_rwmap *)users"
TEXT

# debug OUTPUT ARGUMENTS...
debug() {
    output=$1
    shift
    timeout 60 gdb -q -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load safe-path /' \
        -ex "source $here/../../src/gdb/mapscope_gdb.py" "$@" >"$output" 2>&1 || {
        cat "$output" >&2
        fail "gdb ended with $?"
    }
}

# each_once NUMBER FILE: that map's entries are 0 to 52, each once, wherever it is.
each_once() {
    sed -n "s/^\\\$$1 = [^{]*//p" "$2" | grep -oE '\[[0-9]+\] = [0-9]+' | sed 's/^\[\([0-9]*\)\] = \1$/\1/' | sort -n |
        uniq | tr '\n' ' ' >"$work/keys"
    [ "$(cat "$work/keys")" = "$(seq -s ' ' 0 52) " ] || fail "not the entries of \$$1: $(cat "$work/keys")"
}

# What is to be seen, alive or dead.
look() {
    expect '^\$1 = msc_map "numbers": 1 entries in 2\^0 buckets, seq 1 = \{\[42\] = 77\}$' "$1"
    expect '^\$2 = msc_map "names": 2 entries .* = \{.*\["alice"\] = 1000.*\}$' "$1"
    expect '\["a\\012\\042b"\] = 1000' "$1"
    expect '^\$3 = msc_map "points": 1 entries .* = \{\[\{x = 3, y = -4\}\] = \{cents = 1250, currency = "EUR"\}\}$' "$1"
    expect '^\$4 = msc_map "empty": 0 entries in 2\^0 buckets, seq 0$' "$1"
    expect '^\$5 = msc_map "written": 1 entries .*, thread [0-9]+ writes, from 0x[0-9a-f]+ <main\+[0-9]+> = ' "$1"
    expect '^\$6 = msc_probe "theirs": generation [1-9][0-9]*, seq 0, weak id$' "$1"
    expect '^\$7 = msc_shardmap "shards": 5 entries in [0-9]+ shards of 2\^0 to 2\^0 buckets, 0 growing, seq [0-9]+ = \{' "$1"
    for i in 1 2 3 4 5; do
        expect "^\\\$7 = .*\\[$i\\] = ${i}0[,}]" "$1"
    done
    expect '^\$8 = msc_syncmap "cache": 2 entries, 3 in read \(amended\), 3 in dirty, 1 misses, seq 6 = \{' "$1"
    expect '^\$8 = .*\{(\[1\] = 1, \[4\] = 40|\[4\] = 40, \[1\] = 1)\}$' "$1"
    expect '^\$9 = msc_mapwriter "prices": 1 entries in 2\^0 buckets, seq 1 = \{\[\{x = 5, y = 6\}\] = \{cents = 99, currency = "CHF"\}\}$' "$1"
    expect '^\$10 = msc_syncmap "quotes": 1 entries, 0 in read \(amended\), 1 in dirty, .* = \{\[\{x = 7, y = 8\}\] = \{cents = 12, currency = "SEK"\}\}$' "$1"
    expect '^\$11 = msc_map "growing": 53 entries in 2\^4 buckets, growing from 2\^3 \([1-7] of 8 evacuated\)' "$1"
    each_once 11 "$1"
    expect '^\$12 = msc_rwmap "users": 53 entries in 2\^4 buckets, growing from 2\^3 \([1-7] of 8 evacuated\), seq 53 = ' "$1"
    each_once 12 "$1"
    expect '^\$13 = msc_cowmap "routes": 49 entries, seq 51, 1 snapshots = \{' "$1"
    sed -n 's/^\$13 = [^{]*//p' "$1" | grep -oE '\["[0-9]+"\] = [0-9]+' | sed 's/^\["\([0-9]*\)"\] = \1$/\1/' | sort -n | uniq |
        tr '\n' ' ' >"$work/keys"
    [ "$(cat "$work/keys")" = "$(seq -s ' ' 100 148) " ] || fail "not the routes: $(cat "$work/keys")"
    # JSON, one line a map; an address that holds none says so.
    grep '^{' "$1" | jq -rs '.[0] | "\(.name) \(.count) \(.B) \(.growing) \(.old_B) \(.same_size) \(.seq) \(.writer)"' \
        >"$work/state"
    expect '^growing 53 4 true 3 false 53 0$' "$work/state"
    grep '^{' "$1" | jq -rs '.[1] | "\(.name) \(.count) \(.writer > 0) \(.writer_pc)"' >"$work/state"
    expect '^written 1 true 0x[0-9a-f]+$' "$work/state"
    grep '^{' "$1" | jq -rs '.[2] | "\(.map) \(.error)"' >"$work/state"
    expect '^0x10 Cannot access memory at address 0x[0-9a-f]+$' "$work/state"
    grep '^{' "$1" | jq -rs '.[3:][] | "\(.name) \(.flavor) \(.count) \(.B) \(.growing) \(.dirty) \(.misses) \(.snapshots) \(.error)"' \
        >"$work/state"
    expect '^users 1 53 4 true null null null null$' "$work/state"
    expect '^shards 3 5 null null null null null null$' "$work/state"
    expect '^cache 2 2 null null 3 1 null null$' "$work/state"
    expect '^routes 4 49 null null null null 1 null$' "$work/state"
    expect '^prices 5 1 0 false null null null null$' "$work/state"
    [ "$(grep -c '^users 1 53 ' "$work/state")" = 2 ] || fail "not by an address with its type: $(cat "$work/state")"
}

debug "$work/live" -ex 'set breakpoint pending on' -ex 'set disable-randomization off' -ex 'break stop_here' -ex run \
    -x "$work/look" -ex "generate-core-file $work/core" -ex kill "$build/tests/gdb_maps"
look "$work/live"
debug "$work/dead" -x "$work/look" "$build/tests/gdb_maps" "$work/core"
look "$work/dead"
