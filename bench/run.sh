#!/bin/sh
# Runs the benchmarks, all or the ones named. usage: run.sh BUILD_DIR [NAME...]
# Each prints a table of medians with the ratio against its peer in the same run. Close other programs first.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1
shift
[ $# -gt 0 ] || set -- mutex preload sampling page guard stack tracepoint ctf_read convert maps maps_pause flavours
for name in "$@"; do
    echo "== $name"
    if [ -x "$here/$name.sh" ]; then
        "$here/$name.sh" "$build"
    elif [ -x "$build/bench/$name" ]; then
        "$build/bench/$name"
    else
        echo "bench/run.sh: no benchmark named $name" >&2
        exit 2
    fi
done
