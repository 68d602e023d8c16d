#!/bin/sh
# SPDX-License-Identifier: MIT
# mypy has nothing to say of the package for Python, nor of a program with types that uses it.
# Usage: check_types.sh TREE
set -u
cd "${1:?usage: check_types.sh TREE}/client/python" || exit 2
# Debian's: another version may know other faults.
if [ ! -x /usr/bin/mypy ]; then
    echo "skipped: mypy is missing (apt-get install mypy)"
    exit 77
fi
exec /usr/bin/mypy --cache-dir=/dev/null jobmill tests/typed_use.py
