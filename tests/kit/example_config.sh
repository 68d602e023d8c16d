#!/bin/sh
# SPDX-License-Identifier: MIT
# The example configuration is good as it is, and with every line in force that it shows as a comment.
# Usage: example_config.sh PREFIX FILE
set -u
prefix=${1:?usage: example_config.sh PREFIX FILE}
file=${2:?usage: example_config.sh PREFIX FILE}
whole=$(mktemp) || exit 2
trap 'rm -f "$whole"' EXIT
sed -E 's/^# (\[|[a-z_]+ = )/\1/' "$file" >"$whole"
shown=$(grep -cE '^(\[|[a-z_]+ = )' "$whole")
[ "$shown" -ge 10 ] || {
    echo "only $shown settings were found in $file"
    exit 1
}
for each in "$file" "$whole"; do
    "$prefix/bin/jobmilld" --check-config --config "$each" || exit 1
done
