#!/bin/sh
# SPDX-License-Identifier: MIT
# Proves that tests/coverage/judge.py sees what it is for: a line that no test runs, and reasons that
# are about nothing. Usage: prove_coverage.sh TREE
set -u
judge=${1:?usage: prove_coverage.sh TREE}/tests/coverage/judge.py
if ! command -v python3 >/dev/null; then
    echo "skipped: python3 is missing (apt-get install python3)"
    exit 77
fi
copy=$(mktemp -d) || exit 2
trap 'rm -rf "$copy"' EXIT
status=0

mkdir -p "$copy/daemon/core" "$copy/common"
printf '%s\n' 'int one()' '{' '    if (broken) {' '        return 1;' '    }' '    return 2;' '}' \
    >"$copy/daemon/core/one.cpp"
printf '%s\n' 'int two()' '{' '    return 2;' '}' >"$copy/common/frame.cpp"

# line NUMBER COUNT: as gcovr writes it.
line() {
    printf '{"line_number": %s, "count": %s, "gcovr/noncode": false}' "$1" "$2"
}
cat >"$copy/report" <<END
{"files": [
  {"file": "daemon/core/one.cpp",
   "lines": [$(line 1 5), $(line 3 5), $(line 4 0), $(line 6 5)]},
  {"file": "daemon/elsewhere.cpp", "lines": [$(line 1 0)]},
  {"file": "common/frame.cpp", "lines": [$(line 1 1), $(line 3 1)]}]}
END

# expect WHETHER WORDS [REASON...]: the verdict upon these reasons, and what it has to say.
expect() {
    verdict=$1
    words=$2
    shift 2
    printf '%s\n' '# a comment' '' "$@" >"$copy/reasons"
    found=good
    python3 "$judge" "$copy" "$copy/report" "$copy/reasons" >"$copy/said" 2>&1 || found=bad
    if [ "$found" != "$verdict" ] || ! grep -qF -- "$words" "$copy/said"; then
        echo "expected $verdict, \"$words\" of: $*"
        cat "$copy/said"
        status=1
    fi
}

expect bad 'daemon/core/one.cpp:4: uncovered: return 1;'
expect bad '0 uncovered with a reason, 1 without, 0 entries wrong'
expect bad 'core: 75.0 % of 4 lines'
expect bad 'decoders: 100.0 % of 2 lines'
expect good '1 uncovered with a reason, 0 without' 'daemon/core/one.cpp: return 1; -- never broken'
expect good '1 uncovered with a reason, 0 without' 'daemon/core/one.cpp: if (broken) ... } -- never'
expect good 'not needed' 'daemon/core/one.cpp: return 1; -- never' 'common/frame.cpp: return 2; -- so'
expect bad 'uncovered: return 1;' 'common/frame.cpp: return 2; -- another file'
expect bad '2 lines of daemon/core/one.cpp have this text: return' 'daemon/core/one.cpp: return -- x'
expect bad '0 lines of daemon/core/one.cpp have this text: return 3;' \
    'daemon/core/one.cpp: return 1; -- never' 'daemon/core/one.cpp: return 3; -- gone'
expect bad 'no later line' 'daemon/core/one.cpp: return 1; ... return 3; -- gone'
expect bad 'no such file is judged' 'daemon/core/one.cpp: return 1; -- x' 'daemon/gone.cpp: x -- y'
expect bad 'no entry' 'daemon/core/one.cpp: return 1;'
expect bad 'no entry' 'daemon/core/one.cpp: return 1; -- '
echo '{"files": []}' >"$copy/report"
expect bad 'core: the report has no line of it'
exit "$status"
