#!/bin/sh
# Each concurrent map against Go's counterpart, two threads, at 1, 10 and 50 % writes: medians of ns an operation.
# usage: flavours.sh BUILD_DIR      ENTRIES=65536 ROUNDS=5 THREADS=2
set -eu
build=$1
here=$(cd "$(dirname "$0")" && pwd)
entries=${ENTRIES:-65536}
rounds=${ROUNDS:-5}
threads=${THREADS:-2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$here" && GO111MODULE=off GOCACHE="$work/cache" go build -o "$work/go" flavours.go)

# measure PROGRAM WRITES OPS NAME: appends to the file of its case. The variants take turns.
measure() {
    "$1" "$2" "$entries" "$3" "$threads" "$4" >>"$work/$5.$4.$2"
}

median() {
    sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

round=0
while [ $round -lt "$rounds" ]; do
    round=$((round + 1))
    for writes in 1 10 50; do
        for name in rwmap syncmap shardmap mapwriter; do
            measure "$build/bench/flavours" $writes 1000000 $name ours
            measure "$work/go" $writes 1000000 $name go
        done
        measure "$build/bench/flavours" $writes 1000000 pthread_rwlock ours
        measure "$build/bench/flavours" $writes 1000000 cowmap ours
        measure "$work/go" $writes $((2000 / writes)) cowmap go # each write copies all entries
    done
    measure "$build/bench/flavours" 0 1000000 guard ours
done

echo "$entries entries, $threads threads, ns an operation"
printf '%-15s %7s %9s %9s %7s\n' map writes ours Go ratio
for name in rwmap syncmap shardmap cowmap mapwriter; do
    for writes in 1 10 50; do
        ours=$(median "$work/ours.$name.$writes") go=$(median "$work/go.$name.$writes")
        echo "$name $writes $ours $go" | awk '{ printf "%-15s %6d%% %9.1f %9.1f %7.2f\n", $1, $2, $3, $4, $3 / $4 }'
    done
done
for writes in 1 10 50; do
    printf '%-15s %6d%% %9.1f\n' pthread_rwlock $writes "$(median "$work/ours.pthread_rwlock.$writes")"
done
printf '%-15s %7s %9.1f\n' guard '' "$(median "$work/ours.guard.0")"
