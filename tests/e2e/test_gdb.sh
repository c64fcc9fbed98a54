#!/bin/sh
# gdb's printers on a live process and on its core: entries of each kind of key, growth, a writer inside; and the
# state as JSON. usage: test_gdb.sh BUILD_DIR
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
set print elements 2000
print *growing
mapscope state growing written 16
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

# What is to be seen, alive or dead.
look() {
    expect '^\$1 = msc_map "numbers": 1 entries in 2\^0 buckets, seq 1 = \{\[42\] = 77\}$' "$1"
    expect '^\$2 = msc_map "names": 2 entries .* = \{.*\["alice"\] = 1000.*\}$' "$1"
    expect '\["a\\012\\042b"\] = 1000' "$1"
    expect '^\$3 = msc_map "points": 1 entries .* = \{\[\{x = 3, y = -4\}\] = \{cents = 1250, currency = "EUR"\}\}$' "$1"
    expect '^\$4 = msc_map "empty": 0 entries in 2\^0 buckets, seq 0$' "$1"
    expect '^\$5 = msc_map "written": 1 entries .*, thread [0-9]+ writes, from 0x[0-9a-f]+ <main\+[0-9]+> = ' "$1"
    expect '^\$6 = msc_probe "theirs": generation [1-9][0-9]*, seq 0, weak id$' "$1"
    expect '^\$7 = msc_map "growing": 53 entries in 2\^4 buckets, growing from 2\^3 \([1-7] of 8 evacuated\)' "$1"
    # Each of the 53 once, wherever it is.
    sed -n 's/^\$7 = [^{]*//p' "$1" | grep -oE '\[[0-9]+\] = [0-9]+' | sed 's/^\[\([0-9]*\)\] = \1$/\1/' | sort -n |
        uniq | tr '\n' ' ' >"$work/keys"
    [ "$(cat "$work/keys")" = "$(seq -s ' ' 0 52) " ] || fail "not the entries of the growing map: $(cat "$work/keys")"
    # JSON, one line a map; an address that holds none says so.
    grep '^{' "$1" | jq -rs '.[0] | "\(.name) \(.count) \(.B) \(.growing) \(.old_B) \(.same_size) \(.seq) \(.writer)"' \
        >"$work/state"
    expect '^growing 53 4 true 3 false 53 0$' "$work/state"
    grep '^{' "$1" | jq -rs '.[1] | "\(.name) \(.count) \(.writer > 0) \(.writer_pc)"' >"$work/state"
    expect '^written 1 true 0x[0-9a-f]+$' "$work/state"
    grep '^{' "$1" | jq -rs '.[2] | "\(.map) \(.error)"' >"$work/state"
    expect '^0x10 Cannot access memory at address 0x[0-9a-f]+$' "$work/state"
}

debug "$work/live" -ex 'set breakpoint pending on' -ex 'set disable-randomization off' -ex 'break stop_here' -ex run \
    -x "$work/look" -ex "generate-core-file $work/core" -ex kill "$build/tests/gdb_maps"
look "$work/live"
debug "$work/dead" -x "$work/look" "$build/tests/gdb_maps" "$work/core"
look "$work/dead"
