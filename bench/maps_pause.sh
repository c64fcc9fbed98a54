#!/bin/sh
# The longest assigns while a map grows to ten million entries, beside a flat map and doing nothing at all.
# usage: maps_pause.sh BUILD_DIR [COUNT]
set -eu
"$1/bench/maps/pause_ours" ${2:+"$2"}
[ ! -x "$1/bench/maps/pause_boost" ] || "$1/bench/maps/pause_boost" ${2:+"$2"}
