#!/bin/sh
# SPDX-License-Identifier: MIT
# What every source has: the licence in its first line, a guard, at most 400 lines (tables and tests
# may be longer), no notes to oneself; tests have names by which they can be run. Usage: check_sources.sh TREE
set -u
cd "${1:?usage: check_sources.sh TREE}" || exit 2
findings=$(mktemp) || exit 2
trap 'rm -f "$findings"' EXIT
mark=$(printf 'TO%s|FIX%s|XX%s' DO ME X)

# shellcheck disable=SC2016  # the program is for awk
find common daemon worker client tests -type f \
    \( -name '*.cpp' -o -name '*.hpp' -o -name '*.c' -o -name '*.h' -o -name '*.sh' \
    -o -name '*.js' -o -name '*.mjs' -o -name '*.ts' -o -name '*.py' \) -print |
    sort | xargs awk -v mark="(^|[^A-Za-z_])($mark)([^A-Za-z_]|\$)" '
        function judge() {
            if (file == "") return
            if (!licence) print file ":1: no SPDX line"
            if (file ~ /\.(hpp|h)$/ && !guard) print file ":1: no #pragma once"
            if (lines > 400 && file !~ /^tests\/|^client\/python\/tests\/|message_table\.hpp$/)
                print file ":" lines ": more than 400 lines; part it along a noun"
        }
        FNR == 1 { judge(); file = FILENAME; licence = guard = 0 }
        FNR <= 2 && /SPDX-License-Identifier: MIT/ { licence = 1 }
        /^#pragma once$/ || /^#ifndef / { guard = 1 }
        # CMake parts lists there: the rest of the name is lost, and what runs is no test at all.
        /^TEST_CASE/ { named = 0 }
        /^TEST_CASE/, /"/ {
            if (!named && /"/) {
                named = 1
                if (/"[^"]*;[^"]*"/) print file ":" FNR ": a semicolon in the name of a test"
            }
        }
        $0 ~ mark { print file ":" FNR ": notes belong into an issue" }
        { lines = FNR }
        END { judge() }
    ' >"$findings"

sort -u "$findings"
[ ! -s "$findings" ]
