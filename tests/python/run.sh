#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs one file of the Python package's tests against the daemon of a build, where there is a Python.
# Usage: run.sh BUILD INTERPRETER MODULE
set -u
build=$(cd "${1:?usage: run.sh BUILD INTERPRETER MODULE}" && pwd) || exit 2
python=${2:?usage: run.sh BUILD INTERPRETER MODULE}
module=${3:?usage: run.sh BUILD INTERPRETER MODULE}
if ! command -v "$python" >/dev/null; then
    echo "skipped: python3 is missing (apt-get install python3)"
    exit 77
fi
if [ -n "${JOBMILL_SANITIZE:-}" ]; then
    echo "skipped: an interpreter that was built without a sanitizer cannot load a library with one"
    exit 77
fi
JOBMILLD=$build/bin/jobmilld
export JOBMILLD
exec "$python" -B run_file.py "$module"
