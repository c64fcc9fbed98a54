#!/bin/sh
# Fails on an include that crosses a layer's border (docs/architecture.md) or names a third-party library
# outside the one module that may. usage: check_layers.sh SOURCE_DIR
set -eu
cd "$1"
status=0

# allow FOLDER REGEX: includes of ours below FOLDER must match REGEX.
allow() {
    bad=$(grep -rnE --include='*.[ch]' '^#include "' "$1" | grep -vE "#include \"($2)" || true)
    [ -z "$bad" ] || complain "$1 may include only $2" "$bad"
}

# only REGEX PATHSPEC...: the system headers that match REGEX are named below these paths alone.
only() {
    header=$1
    shift
    bad=$(grep -rnE --include='*.[ch]' "^#include [<\"]($header)" src exporters | grep -vE "^($*)" || true)
    [ -z "$bad" ] || complain "$header belongs to $* alone" "$bad"
}

complain() {
    printf 'forbidden include: %s\n%s\n' "$1" "$2" >&2
    status=1
}

allow src/include 'mapscope/'
allow src/base 'base/|mapscope/hash\.h'
allow src/runtime 'base/|runtime/|mapscope/'
allow src/preload 'base/|runtime/|preload/'
allow src/tracepoints 'runtime/(emit|event)\.h|tracepoints/'
allow src/daemons 'nothing'
allow src/support 'support/'
allow src/model 'model/|support/'
allow src/collector 'collector/|model/|support/|base/page_layout\.h'
allow exporters 'exporters/|model/|support/|profile\.pb-c\.h'
allow src/cli 'cli/|collector/|exporters/|model/|support/'

only 'lttng/(tracepoint|ust|urcu)' src/tracepoints/
only 'lttng/lttng' src/collector/session/
only 'elfutils/|dwarf\.h|libelf\.h|gelf\.h' src/collector/symbolize/
only 'profile\.pb-c\.h|protobuf-c' exporters/pprof/
only 'zlib\.h' 'exporters/gzip_'
exit $status
