#!/bin/sh
# The main job, end to end: record the example, convert the trace, say how to open the results.
# usage: demo.sh BUILD_DIR OUT_DIR
set -eu
build=$1
out=$2

if [ -e "$out/capture.json" ]; then
    rm -rf "$out" # an earlier demo's
fi
echo "recording examples/session_cache ..."
"$build/bin/mapscope" record -o "$out" --mutex-fraction 1 --keys -- "$build/bin/session_cache"
echo
"$build/bin/mapscope" convert "$out"
echo
sed 's/^/    /' "$out/report.txt"
