#!/bin/sh
# What `cmake --install` puts into a prefix is whole: a user's program compiles against it with pkg-config and CMake,
# the installed mapscope records it, and the manual pages say what --help says. usage: test_install.sh BUILD_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/mapscope-install-XXXXXX")
trap 'rm -rf "$work"' EXIT
unset LD_LIBRARY_PATH PKG_CONFIG_PATH DESTDIR

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

cmake --install "$build" --prefix "$work/first" >"$work/log" || fail "$(cat "$work/log")"
prefix="$work/moved"
mv "$work/first" "$prefix" # nothing of it knows where it was put
PATH=$prefix/bin:$PATH
pc=$(dirname "$(find "$prefix" -name mapscope.pc)")
lib=$(dirname "$pc")

# ---- what is there ----

for file in bin/mapscope include/mapscope/mapscope.h include/mapscope/map.h share/man/man1/mapscope-doctor.1; do
    [ -e "$prefix/$file" ] || fail "not installed: $file"
done
[ -L "$lib/libmapscope.so" ] && [ -L "$lib/libmapscope-lttng.so.0" ] || fail "no links: $(ls "$lib")"
for header in "$here"/../../src/include/mapscope/*.h; do
    cmp "$header" "$prefix/include/mapscope/$(basename "$header")" || fail "not installed: $header"
done
for path in "$build" "$work" "$(cd "$here/../.." && pwd)"; do
    ! grep -rlF "$path" "$prefix" >"$work/log" || fail "these name $path: $(cat "$work/log")"
done

# ---- a user's program ----

# The README's, to the letter: its example, and the command that compiles it.
readme=$here/../../README.md
cd "$work"
sed -n '/^```c$/,/^```$/p' "$readme" | sed '1d;$d' >server.c
compile=$(sed -n 's/^    \(cc .* server\.c .*\)/\1/p' "$readme")
[ -s server.c ] && [ -n "$compile" ] || fail "no example in the README"
export PKG_CONFIG_PATH="$pc" LD_LIBRARY_PATH="$lib"
[ "$(pkg-config --modversion mapscope)" = "$(mapscope --version | cut -d' ' -f2)" ] || fail "version of mapscope.pc"
eval "$compile -std=c11 -Wall -Wextra -pedantic -Werror"
# shellcheck disable=SC2046 # a list of words
c++ -std=c++17 -Wall -Werror $(pkg-config --cflags mapscope) -fsyntax-only -x c++ - <<'TEXT'
#include <mapscope/mapscope.h>
#include <mapscope/flavour_template.h>
#include <mapscope/map_template.h>
MSC_MAP_TEMPLATE(ages, uint32_t, int, msc_u32_hash, msc_u32_equal);
MSC_FLAVOUR_TEMPLATE_BYTES(mapwriter, users, uint64_t);
MSC_FLAVOUR_TEMPLATE_PTR(syncmap, owners, uint32_t);
TEXT

# loads PROGRAM LIBRARY: of this prefix.
loads() {
    [ "$(ldd "$1" | sed -n "s/.*$2.so.0 => \([^ ]*\) .*/\1/p")" = "$lib/$2.so.0" ] || fail "$1: not our $2: $(ldd "$1")"
}
loads ./server libmapscope
! ldd ./server | grep -q lttng || fail "linked with the tracepoints: $(ldd ./server)"

mapscope doctor ./server >said || fail "doctor: $(cat said)"
grep -q '^ok       libmapscope: linked with libmapscope' said || fail "doctor: $(cat said)"
status=0
timeout 60 mapscope record -o out --keys -- ./server 2>said || status=$?
[ "$status" = 3 ] || fail "record: status $status: $(cat said)"
timeout 60 mapscope convert out 2>said || fail "convert: $(cat said)"
grep -q '^1. lost key, certain$' out/report.txt && grep -q 'key alice .* of map sessions' out/report.txt ||
    fail "the key is not told of: $(cat out/report.txt)"
[ "$(timeout 60 babeltrace2 out/trace 2>/dev/null | grep -c ' mapscope:map_assign:')" = 2 ] || fail "not two assigns"

# With the tracepoints linked in: by pkg-config, and by CMake.
# shellcheck disable=SC2046
cc -o tracepoints server.c $(pkg-config --cflags --libs mapscope-lttng)
loads ./tracepoints libmapscope-lttng
cat >CMakeLists.txt <<'TEXT'
cmake_minimum_required(VERSION 3.18)
project(server C)
find_package(mapscope 0.1 REQUIRED)
add_executable(server server.c)
target_link_libraries(server mapscope::mapscope mapscope::mapscope-lttng)
TEXT
unset PKG_CONFIG_PATH LD_LIBRARY_PATH
{ cmake -B cmake -DCMAKE_PREFIX_PATH="$prefix" && cmake --build cmake; } >said 2>&1 || fail "CMake: $(cat said)"
loads cmake/server libmapscope
loads cmake/server libmapscope-lttng

# ---- manual pages ----

# page NAME: as it is read; what the formatter has to complain about fails.
page() {
    LC_ALL=C.UTF-8 MANWIDTH=200 man --warnings -E UTF-8 -l "$prefix/share/man/man1/$1.1" >page 2>warnings || fail "man $1"
    [ ! -s warnings ] || fail "man $1: $(cat warnings)"
}

# Each command has its page, and the page every option that --help names.
page mapscope
cp page main-page
for command in $(mapscope --help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p'); do
    grep -q "mapscope-$command(1)" main-page || fail "mapscope(1) does not name $command"
    page "mapscope-$command"
    mapscope "$command" --help >help || fail "$command --help"
    for option in $(grep -oE -- '(^|[ ,])--?[a-z][a-z-]*' help | grep -oE -- '--?[a-z][a-z-]*' | sort -u); do
        grep -qE -- "(^|[^a-z-])$option([^a-z-]|\$)" page || fail "mapscope-$command(1) does not have $option"
    done
done
echo "passed"
