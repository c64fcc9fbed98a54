#!/bin/sh
# Our map does what Go's own does: with Go's hash values the same B, growths, overflow and evacuation after each
# operation, and every tophash byte in the same slot. usage: test_map_against_go.sh BUILD_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/mapscope-go-map-XXXXXX")
trap 'rm -rf "$work"' EXIT
export HOME="${HOME:-$work}" GOCACHE="$work/cache" GO111MODULE=off GOFLAGS= CGO_ENABLED=0

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

(cd "$here/go_map" && timeout 120 go build -o "$work/go_map" .) || fail "cannot build Go's side"
for seed in 1 2; do
    # Kept on failure: the hashes are Go's, others each time.
    timeout 60 "$work/go_map" "$seed" >"$work/operations" || fail "Go's side ended with $?"
    timeout 60 "$build/tests/map_replay" <"$work/operations" >"$work/saw" || {
        cp "$work/operations" "$build/tests/map_against_go.txt"
        fail "seed $seed; again with: $build/tests/map_replay <$build/tests/map_against_go.txt"
    }
    # It compared something: hundreds of growths of each kind, up to B = 15.
    awk '$2 == "operations," && $1 > 400000 && $3 > 300 && $5 > 20 && $14 == "15," && $NF > 3000 { ok = 1 }
        END { exit !ok }' "$work/saw" || fail "it saw too little: $(cat "$work/saw")"
done
