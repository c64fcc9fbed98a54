#!/bin/sh
# go tool pprof reads back the fixture of tests/model/contention_fixture.h: the same values, names, lines,
# labels and mappings. usage: test_pprof_go.sh BUILD_DIR
set -eu
writer=$(cd "$1" && pwd)/tests/test_pprof
mapscope=$(cd "$1" && pwd)/bin/mapscope
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export HOME="$dir" PPROF_TMPDIR="$dir" PPROF_BINARY_PATH="$dir"
cd "$dir"
"$writer" .
seq 1 50 | sed 's/^/source line /' >session_cache.c

pprof() {
    go tool pprof "$@" 2>err || {
        cat err >&2
        exit 1
    }
}

# expect WHAT EXPECTED ACTUAL
expect() {
    [ "$2" = "$3" ] || {
        printf '%s\n--- expected\n%s\n--- go tool pprof says\n%s\n' "$1" "$2" "$3" >&2
        exit 1
    }
}

# The rows of a -top report: flat, cum, function.
top() {
    pprof -top -nodefraction=0 "$@" | awk 'rows { name = $6; for (i = 7; i <= NF; i++) name = name " " $i; print $1, $4, name }
        /flat%/ { rows = 1 }'
}

# Values and frames of the samples; a location by the names of its frames.
samples() {
    pprof -raw "$1" | awk '
        /^Locations/ { part = "locations"; next }
        /^Mappings/ { part = "mappings" }
        /^contentions\/count/ { part = "samples"; next }
        part == "samples" && /^ *[0-9]+ +[0-9]+: / { stacks[++count] = $0 }
        part == "locations" && $1 ~ /:$/ { id = $1 + 0; name[id] = $3 ~ /^M=/ ? $4 : $3 }
        part == "locations" && $1 !~ /:$/ { name[id] = name[id] "+" $1 }
        END {
            for (i = 1; i <= count; i++) {
                n = split(stacks[i], word, /[ :]+/)
                line = word[2] " " word[3]
                for (j = 4; j <= n; j++) if (word[j] != "") line = line " " name[word[j]]
                print line
            }
        }'
}

expect "mutex samples" "10 1500000000 key_hash+cache_put handle_request main
3 200 cache_remove(int) main
0 777 [lock
1 300 key_hash+cache_put main" "$(samples mutex.pb.gz)"

expect "block samples" "2 3000 key_hash+cache_put handle_request main
4 1000000000 key_hash+cache_put handle_request main
1 499997977 handle_request main
1 300 key_hash+cache_put 0x123455 main" "$(samples block.pb.gz)"

expect "sample types" "PeriodType: contentions count
Period: 1
Duration: 2s
contentions/count delay/nanoseconds[dflt]" \
    "$(pprof -raw mutex.pb.gz | grep -E '^(PeriodType|Period|Duration|contentions/count)')"

expect "main mapping, symbolised" "1: 0x401000/0x402000/0x1000 /opt/app/server c0ffee [FN][FL][LN][IN]" \
    "$(pprof -raw mutex.pb.gz | grep '^1: 0x')"

expect "-top is the delay" "1500000300ns 1500000300ns key_hash (inline)
777ns 777ns [lock handoff]
200ns 200ns cache_remove(int)
0 1500000300ns cache_put
0 1500000000ns handle_request
0 1500000500ns main" "$(top -unit=ns mutex.pb.gz)"

expect "-contentions" "11 11 key_hash (inline)
3 3 cache_remove(int)
0 11 cache_put
0 10 handle_request
0 14 main" "$(top -contentions mutex.pb.gz)"

expect "-mean_delay" "150ms handle_request" "$(top -mean_delay -unit=ms mutex.pb.gz | awk '$3 == "handle_request" { print $2, $3 }')"

# focus EXPRESSION: the sum that is left of the mutex profile, in ns.
focus() {
    top -unit=ns -tagfocus="$1" mutex.pb.gz | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}
expect "-tagfocus=lock" 1500000977 "$(focus lock='session table')"
expect "-tagfocus of an unnamed lock" 300 "$(focus lock=^0x8000$)"
expect "-tagfocus=mode" 300 "$(focus mode=shared)"
expect "-tagfocus=pid" 1500000977 "$(focus pid=100)"
expect "-tagfocus=wait_bucket" "3000ns 3000ns key_hash (inline)" \
    "$(top -unit=ns -tagfocus=wait_bucket=1us-2us block.pb.gz | head -1)"

expect "-list" ".      1.50s     12:source line 12" \
    "$(pprof -list='^cache_put$' -source_path=. mutex.pb.gz | sed -n 's/^ *\(.*source line 12\)$/\1/p')"

expect "-base" "5ms 5ms key_hash (inline)" "$(top -base mutex.pb.gz later.pb.gz | head -1)"
expect "-base of counts" "2 2 key_hash (inline)" "$(top -contentions -base mutex.pb.gz later.pb.gz | head -1)"

pprof -raw empty.pb.gz | grep -q '^Comment: exact totals: 0 contended of 5000 lock operations' || {
    echo "the empty profile does not say why" >&2
    exit 1
}

# ---- with a profile of Go's own ----

cat >program.go <<'TEXT'
package main

import (
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

var mutex sync.Mutex

func hold() { mutex.Lock(); time.Sleep(time.Millisecond); mutex.Unlock() }

func main() {
	runtime.SetMutexProfileFraction(1)
	var group sync.WaitGroup
	for i := 0; i < 4; i++ {
		group.Add(1)
		go func() { defer group.Done(); for j := 0; j < 5; j++ { hold() } }()
	}
	group.Wait()
	for _, name := range []string{"mutex", "heap"} {
		file, _ := os.Create("go-" + name + ".pb.gz")
		pprof.Lookup(name).WriteTo(file, 0)
		file.Close()
	}
}
TEXT
GOCACHE="$dir/cache" GO111MODULE=off GOFLAGS= go run program.go || {
    echo "go run failed" >&2
    exit 1
}
"$mapscope" check -q go-mutex.pb.gz go-heap.pb.gz mutex.pb.gz block.pb.gz later.pb.gz empty.pb.gz

# total INDEX FILE...: the sum of a value over all samples, by pprof's -raw.
total() {
    index=$1
    shift
    pprof -raw "$@" | awk -v index_="$index" '/^contentions\/count/ { rows = 1; next } /^Locations/ { rows = 0 }
        rows && /^ *-?[0-9]+ +-?[0-9]+: / { gsub(":", ""); sum += $index_ } END { printf "%.0f\n", sum }'
}
for index in 1 2; do
    ours=$(total $index mutex.pb.gz)
    gos=$(total $index go-mutex.pb.gz)
    expect "merged with Go's, value $index" "$((ours + gos))" "$(total $index mutex.pb.gz go-mutex.pb.gz)"
done
[ "$gos" -gt 0 ]
pprof -proto -output=merged.pb.gz mutex.pb.gz go-mutex.pb.gz >/dev/null
"$mapscope" check -q merged.pb.gz
expect "-diff_base" "5000000 2" "$(pprof -raw -diff_base mutex.pb.gz later.pb.gz | awk '/^contentions\/count/ { rows = 1; next }
    /^Locations/ { rows = 0 } rows && /^ *-?[0-9]+ +-?[0-9]+: / { gsub(":", ""); count += $1; delay += $2 }
    END { printf "%.0f %.0f\n", delay, count }')"
expect "-tagfocus=thread" 1500000000 "$(focus thread=phone)"

# ---- one that was too large ----

"$(dirname "$writer")/test_pprof_size" .
"$mapscope" check -q large.pb.gz
expect "a large profile, whole" "9000 40495500" "$(echo "$(total 1 large.pb.gz)" "$(total 2 large.pb.gz)")"
expect "a large profile, its rest" 1 "$(top -unit=ns large.pb.gz | grep -c ' \[smaller samples\]$')"
pprof -comments large.pb.gz | grep -q '^[0-9]* small samples are summed as \[smaller samples\]$' || {
    echo "the large profile does not say what was summed" >&2
    exit 1
}

# ---- brpc's text, which pprof itself refuses ----

printf -- '--- contention\ncycles/second=1000000000\n1500 3 @ 0x401112\n' >brpc
! go tool pprof -raw brpc >/dev/null 2>&1 || {
    echo "pprof reads brpc's text by itself now" >&2
    exit 1
}
"$mapscope" convert brpc 2>/dev/null
expect "brpc's text" "1500 3" "$(echo "$(total 2 brpc.pb.gz)" "$(total 1 brpc.pb.gz)")"
"$mapscope" check -q brpc.pb.gz
status=0
"$mapscope" convert brpc --report report 2>/dev/null || status=$?
expect "a report of brpc's text" 2 "$status"
