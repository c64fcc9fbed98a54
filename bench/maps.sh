#!/bin/sh
# msc_map beside the hash tables that C, C++ and Go programs use: thread CPU ns an operation on a million entries
# and resident bytes an entry, medians. Programs take turns, so that what disturbs the machine disturbs all.
# Each row is printed as it comes. With a FILE rows are added to those that are there, and the table is of all of them:
# so a run can be made a piece at a time (0 rounds: the table alone).
# usage: maps.sh BUILD_DIR [ROUNDS [COUNT [FILE]]]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
programs=$1/bench/maps
rounds=${2:-5}
count=${3:-1000000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
rows=${4:-$work/rows}

if command -v go >/dev/null && [ ! "$programs/go_maps" -nt "$here/maps/go.go" ]; then
    GOCACHE=${GOCACHE:-$work/cache} go build -o "$programs/go_maps" "$here/maps/go.go"
fi

# measure NAME PROGRAM [ARGUMENT]: a row for each kind of key.
measure() {
    name=$1
    [ -x "$2" ] || return 0
    "$2" "$count" ${3:+"$3"} | sed "s/^/$name /" | tee -a "$rows"
}

for round in $(seq "$rounds"); do
    measure untraced "$programs/ours_untraced"
    measure mapscope "$programs/ours"
    measure sampled "$programs/ours" sampled
    measure traced "$programs/ours" on
    measure call "$programs/ours_call"
    for peer in boost absl khash glib uthash lfht; do
        measure "$peer" "$programs/$peer"
    done
    measure go "$programs/go_maps" map
    measure sync.Map "$programs/go_maps" sync
done

awk '
    function median(list, n,   i, j, t) {
        for (i = 2; i <= n; i++)
            for (j = i; j > 1 && list[j] + 0 < list[j - 1] + 0; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
        return list[int((n + 1) / 2)]
    }
    function verdict(key, column, what,   name, best, ours, i) {
        best = m[key, "boost", column]
        if (best == "" || m[key, "absl", column] + 0 < best + 0) best = m[key, "absl", column]
        ours = m[key, "mapscope", column]
        if (best + 0) printf "%s %s: %.2f of the best flat map", key, what, ours / best
        for (i in behind) delete behind[i]
        losing = ""
        split("go glib uthash khash", names, " ")
        for (i = 1; i in names; i++)
            if (m[key, names[i], column] != "" && m[key, names[i], column] + 0 <= ours + 0) losing = losing " " names[i]
        print losing == "" ? "; ahead of Go, GLib, uthash, khash" : "; NOT ahead of" losing
    }
    {
        if (!seen[$1]++) order[++programs] = $1
        for (i = 3; i <= 8; i++) values[$2, $1, i, ++n[$2, $1, i]] = $i
        if (!kinds[$2]++) kind[++kind_count] = $2
    }
    END {
        for (k = 1; k <= kind_count; k++) {
            printf "%-12s %10s %10s %10s %10s %10s %10s\n", kind[k], "insert", "hit", "miss", "iterate", "delete", "bytes"
            for (p = 1; p <= programs; p++) {
                name = order[p]
                printf "%-12s", name
                for (i = 3; i <= 8; i++) {
                    for (r = 1; r <= n[kind[k], name, i]; r++) list[r] = values[kind[k], name, i, r]
                    m[kind[k], name, i] = median(list, n[kind[k], name, i])
                    printf " %10s", m[kind[k], name, i]
                }
                print ""
            }
        }
        for (k = 1; k <= kind_count; k++) { verdict(kind[k], 4, "hit"); verdict(kind[k], 5, "miss"); verdict(kind[k], 3, "insert") }
        for (k = 1; k <= kind_count; k++)
            for (i = 3; i <= 7; i++)
                printf "%s %s: tracing off %+.1f %% of compiled out, sampled 1/1000 %+.2f ns\n", kind[k],
                    i == 3 ? "insert" : i == 4 ? "hit" : i == 5 ? "miss" : i == 6 ? "iterate" : "delete",
                    100 * (m[kind[k], "mapscope", i] / m[kind[k], "untraced", i] - 1),
                    m[kind[k], "sampled", i] - m[kind[k], "mapscope", i]
    }' "$rows"
