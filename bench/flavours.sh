#!/bin/sh
# Each concurrent map against Go's counterpart, one thread and two, at 1, 10 and 50 % writes: medians of ns an operation.
# Both programs draw the same keys and the same sequence of loads and stores, and take turns round by round.
# usage: flavours.sh BUILD_DIR      ENTRIES=65536 ROUNDS=5 OPS=1000000 THREADS="1 2"
set -eu
build=$1
here=$(cd "$(dirname "$0")" && pwd)
entries=${ENTRIES:-65536}
rounds=${ROUNDS:-5}
ops=${OPS:-1000000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$here" && GO111MODULE=off GOCACHE="$work/cache" go build -o "$work/go" flavours.go)

# measure PROGRAM WRITES OPS THREADS NAME WHOSE: appends to the file of its case.
measure() {
    "$1" "$2" "$entries" "$3" "$4" "$5" >>"$work/$6.$5.$2.$4"
}

median() {
    sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

for round in $(seq "$rounds"); do
    for threads in ${THREADS:-1 2}; do
        for writes in 1 10 50; do
            for name in rwmap syncmap shardmap mapwriter; do
                measure "$build/bench/flavours" $writes "$ops" "$threads" $name ours
                measure "$work/go" $writes "$ops" "$threads" $name go
            done
            measure "$build/bench/flavours" $writes "$ops" "$threads" pthread_rwlock ours
            measure "$build/bench/flavours" $writes "$ops" "$threads" cowmap ours
            measure "$work/go" $writes $((2000 / writes)) "$threads" cowmap go # each write copies all entries
        done
        measure "$build/bench/flavours" 0 "$ops" "$threads" guard ours
    done
    echo "round $round of $rounds" >&2
done

for threads in ${THREADS:-1 2}; do
    echo "$entries entries, threads: $threads, ns an operation of each"
    printf '%-15s %7s %9s %9s %7s\n' map writes ours Go ratio
    for name in rwmap syncmap shardmap cowmap mapwriter; do
        for writes in 1 10 50; do
            ours=$(median "$work/ours.$name.$writes.$threads") go=$(median "$work/go.$name.$writes.$threads")
            echo "$name $writes $ours $go" | awk '{ printf "%-15s %6d%% %9.1f %9.1f %7.2f\n", $1, $2, $3, $4, $3 / $4 }'
        done
    done
    for writes in 1 10 50; do
        printf '%-15s %6d%% %9.1f\n' pthread_rwlock $writes "$(median "$work/ours.pthread_rwlock.$writes.$threads")"
    done
    printf '%-15s %7s %9.1f\n\n' guard '' "$(median "$work/ours.guard.0.$threads")"
done
