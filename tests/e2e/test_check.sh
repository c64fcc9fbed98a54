#!/bin/sh
# mapscope check as a user calls it: what it says, and its exit status. usage: test_check.sh BUILD_DIR
set -eu
mapscope=$(cd "$1" && pwd)/bin/mapscope
writer=$(cd "$1" && pwd)/tests/test_pprof
work=$(mktemp -d "${TMPDIR:-/tmp}/mapscope-check-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
"$writer" .

fail() {
    echo "FAIL: $*" >&2
    cat out said >&2
    exit 1
}

# check STATUS ARGUMENTS...
check() {
    expected=$1
    shift
    status=0
    timeout 20 "$mapscope" check "$@" >out 2>said || status=$?
    [ "$status" -eq "$expected" ] || fail "check $* ended with $status instead of $expected"
}

says() {
    grep -qF -- "$1" out said || fail "it does not say '$1'"
}

check 0 --help
says 'usage: mapscope check'
check 2
check 2 --for everybody mutex.pb.gz
says 'go, pyroscope, parca or alloy'
check 2 --no-such-option mutex.pb.gz

check 0 mutex.pb.gz block.pb.gz empty.pb.gz
says 'mutex.pb.gz: keeps every rule: 4 samples of contentions/count delay/nanoseconds'
check 0 -q mutex.pb.gz
[ ! -s out ] || fail "it is not quiet"
gzip -dc mutex.pb.gz >mutex.pb
check 0 mutex.pb
check 0 - <mutex.pb.gz

# The last field of the file (default_sample_type) says 99: no string has that number.
{ cat mutex.pb && printf '\160\143'; } >broken.pb
check 1 broken.pb mutex.pb
says 'broken.pb: string-index: default_sample_type: it names a string that is not there (everybody): the file is refused'
says 'broken.pb: default-type: profile: default_sample_type names none of the sample types (go tool pprof)'
says 'mutex.pb: keeps every rule'
# time_nanos is 0: not everybody minds.
{ cat mutex.pb && printf '\110\000'; } >timeless.pb
check 1 timeless.pb
says 'timeless.pb: time: profile: time_nanos is not given (Pyroscope, Parca)'
check 0 --for go --for alloy timeless.pb
check 1 --for parca timeless.pb

head -c 100 mutex.pb.gz >cut.pb.gz
check 1 cut.pb.gz
says 'cut.pb.gz: its gzip is damaged, cut off'
echo 'no profile' >text
check 1 text
says 'text: it is no profile.proto'
printf -- '--- contention\ncycles/second=1000000000\n' >brpc
check 1 brpc
says 'mapscope convert brpc'
check 1 nowhere mutex.pb
says 'cannot read nowhere: No such file or directory'
says 'mutex.pb: keeps every rule'
status=0
"$mapscope" check mutex.pb >/dev/full 2>said || status=$?
[ "$status" -eq 1 ] || fail "a full disk went unnoticed"
echo "passed"
