#!/bin/sh
# SPDX-License-Identifier: MIT
# map: what it prints of each item. Usage: mapping.sh BINDIR
# shellcheck disable=SC1091,SC2154,SC2016  # place.sh says what is what; jobs expand their own words
. "$(dirname "$0")/place.sh"
cd "$place" || exit 2
jobmill daemon start >/dev/null 2>&1 || exit 2
tab=$(printf '\t')

# lines WORD...: of three items, the second of them empty, with a bar at each line's end.
lines() { printf 'a\n\nb\n' | jobmill map -k "$@" 2>/dev/null | sed 's/$/|/'; }

echo "-- a line for each result"
same "an empty one" "$(printf 'a|\n|\nb|')" "$(lines echo)"
same "with its item" "$(printf 'a\ta|\n\t|\nb\tb|')" "$(lines --tag echo)"
same "in any order" 3 "$(printf '\n\n\n' | jobmill map echo | wc -l)"
same "one with a newline has no other" "1 1 0" \
    "$(printf '1\n\0' | jobmill map -0 echo | wc -l) $(printf '1\0' | jobmill map -0 echo | wc -l) \
$(: | jobmill map echo | wc -l)"
same "none has failed" "" "$(lines sum)"
same "JSON has no other lines" 6 "$(printf 'a\n\nb\n' | jobmill --json map echo | wc -l)"

echo "-- a command that says nothing"
same "has no line" "" "$(lines -- true)"
same "nor by its item" "" "$(lines --tag -- true)"
same "nor has what it says elsewhere" "" "$(lines --tag -- sh -c 'echo said >&2')"

echo "-- what a log has of both"
printf '\n' | jobmill map --joblog log sum >/dev/null 2>&1
sed -i 's/ sum -- / echo -- /' log
same "a handler's result" "$tab|" "$(jobmill map --tag --joblog log --retry-failed | sed 's/^.*\t/\t/; s/$/|/')"
printf 'x\n' | jobmill map --joblog log -- test -e >/dev/null 2>&1
touch x
same "a command's silence" "" "$(jobmill map --joblog log --retry-failed)"

echo "-- a bar"
# Each of the jobs waits until the bar has had its total.
cat >"$place/map" <<END
seq 3 | jobmill map --bar -j1 -- sh -c 'read -r _ <$place/go'
END
mkfifo "$place/go"
script -qefc "sh $place/map" /dev/null </dev/null >"$place/drawn" &
holds "knows how many jobs there are before one has ended" eventually grep -q '0/3' "$place/drawn"
for _ in 1 2 3; do timeout 20 sh -c 'echo >"$1"' sh "$place/go"; done
wait $!
same "and all of them end" 0 $?

judge
