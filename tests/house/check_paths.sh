#!/bin/sh
# SPDX-License-Identifier: MIT
# The files that documents name by their path in the tree are there. Usage: check_paths.sh TREE
set -eu
cd "${1:?usage: check_paths.sh TREE}"

# shellcheck disable=SC2016  # backquotes are what is looked for
named=$(grep -oE '`(client|common|daemon|docs|systemd|tests|worker)/[A-Za-z0-9_./-]+`' \
    README.md common/PROTOCOL.md docs/*.md | tr -d '`')
[ -n "$named" ] || { echo "no document names a file"; exit 1; }

missing=0
for each in $named; do
    if [ ! -e "${each#*:}" ]; then
        echo "${each%%:*}: there is no ${each#*:}"
        missing=$((missing + 1))
    fi
done
[ "$missing" -eq 0 ]
