#!/bin/sh
# What `cmake --install` puts into a prefix is whole: a user's program compiles against it with pkg-config, the
# installed mapscope records it, and the manual pages say what --help says. usage: test_install.sh BUILD_DIR
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

cat >"$work/program.c" <<'TEXT'
#include <mapscope/mapscope.h>
#include <stdio.h>

int main(void)
{
    struct msc_map_options options = {.struct_size = sizeof options, .name = "installed", .value_size = sizeof(int)};
    struct msc_map *map;
    int value = 1;
    if (msc_map_create(&options, &map))
        return 1;
    for (uint64_t key = 0; key < 10; key++)
        if (msc_map_assign_u64(map, key, &value))
            return 1;
    msc_map_destroy(map);
    puts("done");
    return 7;
}
TEXT
export PKG_CONFIG_PATH="$pc"
[ "$(pkg-config --modversion mapscope)" = "$(mapscope --version | cut -d' ' -f2)" ] || fail "version of mapscope.pc"
# shellcheck disable=SC2046 # a list of words
cc -std=c11 -Wall -Werror $(pkg-config --cflags mapscope) -o "$work/program" "$work/program.c" \
    $(pkg-config --libs mapscope) -Wl,-rpath,"$lib"
# shellcheck disable=SC2046
c++ -std=c++17 -Wall -Werror $(pkg-config --cflags mapscope) -fsyntax-only -x c++ - <<'TEXT'
#include <mapscope/mapscope.h>
#include <mapscope/flavour_template.h>
#include <mapscope/map_template.h>
MSC_MAP_TEMPLATE(ages, uint32_t, int, msc_u32_hash, msc_u32_equal);
MSC_FLAVOUR_TEMPLATE_BYTES(mapwriter, users, uint64_t);
MSC_FLAVOUR_TEMPLATE_PTR(syncmap, owners, uint32_t);
TEXT
cd "$work"
[ "$(ldd ./program | sed -n 's/.*libmapscope.so.0 => \([^ ]*\) .*/\1/p')" = "$lib/libmapscope.so.0" ] ||
    fail "another libmapscope: $(ldd ./program)"

mapscope doctor ./program >said || fail "doctor: $(cat said)"
grep -q '^ok       libmapscope: linked with libmapscope' said || fail "doctor: $(cat said)"
status=0
timeout 60 mapscope record -o out -- ./program >printed 2>said || status=$?
[ "$status" = 7 ] && [ "$(cat printed)" = "done" ] || fail "record: status $status: $(cat said)"
timeout 60 mapscope convert out --chrome timeline.json 2>said || fail "convert: $(cat said)"
jq -e '[.traceEvents[] | tostring | select(contains("installed"))] | length > 0' timeline.json >/dev/null ||
    fail "the map is not in the timeline"
[ "$(timeout 60 babeltrace2 out/trace 2>/dev/null | grep -c ' mapscope:map_assign:')" = 10 ] || fail "not ten assigns"

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
