#!/bin/sh
# SPDX-License-Identifier: MIT
# Every shell script of the tree passes shellcheck. Usage: check_scripts.sh TREE
set -u
cd "${1:?usage: check_scripts.sh TREE}" || exit 2
if ! command -v shellcheck >/dev/null; then
    echo "skipped: shellcheck is missing (apt-get install shellcheck)"
    exit 77
fi
status=0
for script in dev .ci/run systemd/debian/p* \
    $(find tests systemd client worker daemon \( -name '*.sh' -o -name '*.bash' \) -type f | sort); do
    [ ! -f "$script" ] || shellcheck "$script" || status=1
done
exit "$status"
