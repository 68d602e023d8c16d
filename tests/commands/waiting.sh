#!/bin/sh
# SPDX-License-Identifier: MIT
# wait: until all have ended, until one has, until one has failed. Usage: waiting.sh BINDIR
# shellcheck disable=SC1091,SC2154  # place.sh says what is what
. "$(dirname "$0")/place.sh"
printf '[pool.default]\nworkers = 4\n' >"$XDG_CONFIG_HOME/jobmill/jobmill.toml"
jobmill daemon start >/dev/null 2>&1 || exit 2

submit() { jobmill submit -- sh -c "$1"; }

echo "-- all"
try wait "$(submit 'echo a')" "$(submit 'exit 3')"
same "one of several failed" 1 "$code"
same "its output" a "$out"
try wait "$(submit 'exit 3')"
same "one job's own code" 3 "$code"
job=$(submit 'echo once')
try wait "$job" "$job"
same "a job that is named twice is one" "0 once" "$code $out"

echo "-- any"
mkfifo "$place/go"
slow=$(submit 'echo slow begins; read -r x <'"$place"'/go; echo slow')
quick=$(submit 'echo quick; exit 4')
try wait --any "$slow" "$quick"
same "the code is that of the first" 4 "$code"
same "and so is the output" quick "$out"
echo x >"$place/go"
try wait "$slow"
same "what the others say is not lost" "$(printf 'slow begins\nslow')" "$out"

echo "-- first failure"
good=$(submit 'echo good')
bad=$(submit 'exit 5')
never=$(submit 'sleep 60')
try wait --first-failure "$good" "$bad" "$never"
same "the code is that of the failure" 5 "$code"
has "the job that goes on goes on" running "$(jobmill status "$never")"
jobmill cancel "$never" >/dev/null
try wait --first-failure "$(submit 'echo 1')" "$(submit 'echo 2')"
same "all succeeded" "0 2" "$code $(echo "$out" | wc -l)"

echo "-- what makes no sense"
try wait --any --all 1
same "one of them" 2 "$code"
try wait x
same "no number" 2 "$code"
try wait --any 998 999
same "a job that is not known" 1 "$code"
has "is told" "998" "$err"
judge
