#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: find_bugs.sh SIMULATOR CORE: each mistake that is planted in the core's sources is found
# within so many seeds, and without any all is well. Says which seed found which.
set -eu
simulator=$1
core=$2
most_seeds=400

"$simulator" --seeds 20 || { echo "without any bug it fails, too"; exit 1; }
bugs=$(cat "$core"/*.cpp "$core"/*.hpp | sed -n 's/.*JOBMILL_BUG(\([0-9][0-9]*\)).*/\1/p' | sort -nu)
# Fewer, and the search has gone blind: the mistakes are called something else, or are elsewhere.
least_bugs=10
[ "$(echo "$bugs" | grep -c .)" -ge $least_bugs ] || { echo "fewer than $least_bugs bugs in $core"; exit 1; }
missed=0
for bug in $bugs; do
    # A mistake may also hang the core; then it is found as well.
    if found=$(timeout 60 "$simulator" --bug "$bug" --seeds $most_seeds --enough 1 2>&1); then
        echo "bug $bug: not found"
        missed=$((missed + 1))
    else
        echo "bug $bug: $(echo "$found" | grep '^seed' | head -n 1)"
    fi
done
[ "$missed" -eq 0 ]
