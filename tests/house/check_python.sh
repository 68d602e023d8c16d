#!/bin/sh
# SPDX-License-Identifier: MIT
# pyflakes has nothing to say of the tree's Python. Usage: check_python.sh TREE
set -u
cd "${1:?usage: check_python.sh TREE}" || exit 2
if ! command -v pyflakes3 >/dev/null; then
    echo "skipped: pyflakes3 is missing (apt-get install pyflakes3)"
    exit 77
fi
exec pyflakes3 client/python tests
