#!/bin/sh
# The main job, end to end: record the example, convert the trace, show the first finding, say how to open the results.
# usage: demo.sh BUILD_DIR OUT_DIR
set -eu
build=$1
out=$2

if [ -e "$out/capture.json" ]; then
    rm -rf "$out" # an earlier demo's
fi
echo "recording examples/session_cache ..."
"$build/bin/mapscope" record -o "$out" --mutex-fraction 1 --keys -- "$build/bin/session_cache"
how_to_open=$("$build/bin/mapscope" convert "$out" 2>&1) || {
    printf '%s\n' "$how_to_open" >&2
    exit 1
}
echo
sed '/^Locks$/,$d; s/^/    /' "$out/report.txt"
printf '%s\n' "$how_to_open"
