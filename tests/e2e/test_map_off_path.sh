#!/bin/sh
# What an operation on a map costs while nobody traces, as the compiler made it: one load of a gate. In a typed
# look-up it goes into a branch that is there without tracing, too; elsewhere one branch follows it.
# usage: test_map_off_path.sh BUILD_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$here/../..
work=$(mktemp -d "${TMPDIR:-/tmp}/mapscope-off-XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# compile NAME FILE FLAG...: the code of each function into $work/NAME, a line an instruction, relocations behind it.
compile() {
    name=$1 file=$2
    shift 2
    cc -std=gnu11 -O2 -fvisibility=hidden -D_GNU_SOURCE -DMSC_MAP_GUARD=1 -I"$source/src" -I"$source/src/include" \
        "$@" -c "$source/$file" -o "$work/object"
    objdump -dr --no-show-raw-insn "$work/object" | sed 's/^[ 	]*[0-9a-f]*:[ 	]*\(R_\)/    \1/' >"$work/$name"
}

# function NAME FUNCTION: its code, without what the compiler put aside as cold.
function_of() {
    awk -v function_name="<$2>:" '$2 == function_name { on = 1; next } /^$/ { on = 0 } on' "$work/$1"
}

# gates NAME FUNCTION: how many loads of gates it has.
gates() {
    function_of "$1" "$2" | grep -cE 'R_.*msc_(probe_)?gates' || true
}

# before_hash NAME FUNCTION PATTERN: how many instructions of that kind come before the key is hashed.
before_hash() {
    function_of "$1" "$2" | awk '/[ 	]mulx?q?[ 	]/ { exit } !/R_/' | grep -cE ":[ 	]*($3)" || true
}

[ "$(uname -m)" = x86_64 ] || fail "reads x86-64 code"

compile traced tests/e2e/map_off_path.c -fPIE
compile untraced tests/e2e/map_off_path.c -fPIE -DMSC_TRACE=0
for operation in look_up assign erase; do
    [ "$(gates traced $operation)" = 1 ] || fail "$operation loads $(gates traced $operation) gates"
    [ "$(gates untraced $operation)" = 0 ] || fail "$operation, compiled without tracing, loads a gate"
done
with=$(before_hash traced look_up 'j[a-z]*')
without=$(before_hash untraced look_up 'j[a-z]*')
[ "$without" = 2 ] || fail "a look-up has $without branches before its hash: NULL, and a writer or growth, are two"
[ "$with" = "$without" ] || fail "the gate of a look-up has a branch of its own: $with instead of $without"
more=$(($(before_hash traced look_up '[a-z]') - $(before_hash untraced look_up '[a-z]')))
[ "$more" -le 3 ] || fail "the gate of a look-up takes $more instructions"

# The library's own: the gate is asked, and the next instruction but one branches on it.
compile library src/runtime/map_ops.c -fPIC
for operation in find_u64 load_u64 assign_u64 delete_u64 find_bytes assign_bytes delete_bytes find assign delete; do
    loads=$(gates library msc_map_$operation)
    [ "$loads" = 1 ] || fail "msc_map_$operation loads $loads gates"
    branches=$(function_of library msc_map_$operation | grep -A 6 'R_.*msc_gates' | grep -m 1 -cE ':[ 	]*j') || true
    [ "$branches" = 1 ] || fail "msc_map_$operation: $branches branches follow the gate"
done
for operation in assign_hashed delete_hashed; do
    [ "$(gates library msc_map_$operation)" = 0 ] || fail "msc_map_$operation asks what the program has asked"
done
compile library src/runtime/map_ops.c -fPIC -DMSC_TRACE=0
! grep -q 'R_.*msc_gates' "$work/library" || fail "without tracing, map_ops.c asks a gate"
compile write src/runtime/map_write.c -fPIC
! grep -q 'R_.*gates' "$work/write" || fail "an entry is written or removed under a second gate"
