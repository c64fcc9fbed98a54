#!/bin/sh
# Converting takes the same memory however long the trace is, if the traced program itself holds no more. The reader
# maps no files, so that what is resident is anonymous, or the program and its libraries.
# usage: test_memory.sh BUILD_DIR [EVENTS MORE_EVENTS]
set -eu
build=$1
short=${2:-200000}
long=${3:-3000000}
tolerated_kib=1024
work=$(mktemp -d "${TMPDIR:-/tmp}/mapscope-memory-XXXXXX")
trap 'rm -rf "$work"' EXIT

# peak EVENTS: KiB, with all outputs at once.
peak() {
    "$build/tests/ctf_steady" "$1" "$work/trace"
    timeout 250 "$build/tests/peak_memory" "$build/bin/mapscope" convert "$work/trace" --pprof-mutex "$work/mutex" \
        --pprof-block "$work/block" --report "$work/report" --chrome /dev/null 2>"$work/said"
    rm -rf "$work/trace"
}

little=$(peak "$short") || { cat "$work/said" >&2; exit 1; }
much=$(peak "$long") || { cat "$work/said" >&2; exit 1; }
grep -q "lock" "$work/report" # it was read
echo "$short events: $little KiB, $long events: $much KiB"
[ "$much" -le $((little + tolerated_kib)) ] || {
    echo "FAIL: memory grows with the length of the trace" >&2
    exit 1
}
