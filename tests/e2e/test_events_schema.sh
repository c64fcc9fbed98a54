#!/bin/sh
# docs/events.md against a recorded trace: every event's fields by name, type and order, in both directions,
# and every field's value. usage: test_events_schema.sh BUILD_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lttng_session.sh"
lttng_private "$@"
build=$1
schema=$here/../../docs/events.md

# The tables of events.md as `event position field type`; with SECTION=reserved those not emitted yet.
documented() {
    awk -v wanted="${1:-emitted}" -F ' *[|] *' '
        /^## / { section = $0 == "## Reserved" ? "reserved" : "emitted" }
        /^##/ { count = 0; in_table = 0 }
        /^### / { count = split(substr($0, 5), names, ", *"); position = 0 }
        /^[|]/ && count {
            if ($2 == "field") { in_table = 1; next }
            if (!in_table || $2 ~ /^-+$/) next
            position++
            if (NF != 6 || $5 == "" || $3 !~ /^([ui](8|32|64)|hex64|string)(\[\])?$/) print "not a row: " $0
            else if (section == wanted) for (i = 1; i <= count; i++) print names[i], position, $2, $3
        }' "$schema" | sort
}

# The same from the trace's metadata. The length of a sequence is part of its type.
recorded() {
    deadline 10 babeltrace2 -o ctf-metadata "$lttng_dir"/schema/ust/pid/* | awk '
        function type(line) {
            if (line ~ /^\t*string/) return "string"
            match(line, /size = [0-9]+/)
            size = substr(line, RSTART + 7, RLENGTH - 7)
            base = line ~ /base = 16/ ? "hex" : line ~ /signed = 1/ ? "i" : "u"
            return base size (line ~ /\]/ ? "[]" : "")
        }
        /name = "mapscope:/ { split($0, parts, /[:"]/); event = parts[3]; position = 0 }
        /^\t\t/ && event != "" {
            name = $0
            sub(/\[.*/, "", name); sub(/;$/, "", name); sub(/.* _/, "", name)
            if (name !~ /^_/) print event, ++position, name, type($0)
        }
        /^}/ { event = "" }' | sort
}

expect_same() {
    diff -u "$2" "$3" >&2 || fail "$1"
}

lttng_begin schema 'mapscope:*'
echo emit | deadline 20 "$build/tests/emit_all" >"$lttng_dir/emitted"
lttng_end schema

documented >"$lttng_dir/documented"
recorded >"$lttng_dir/recorded"
expect_same 'docs/events.md (-) and the metadata of the trace (+) differ' "$lttng_dir/documented" "$lttng_dir/recorded"

documented reserved >"$lttng_dir/reserved"
grep -q '^io_wait 1 fd i32$' "$lttng_dir/reserved" || fail 'the reserved events of docs/events.md were not found'

lttng_print schema | sed -E 's/ [0-9]+ / /' >"$lttng_dir/values"
expect_same 'recorded values (+) are not what was emitted (-)' "$here/../tracepoints/events.expected" "$lttng_dir/values"
