#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs tests of the Node client by Node's own runner, where there is one. Usage: run.sh BUILD TEST...
set -u
JOBMILL_BUILD=$(cd "${1:?usage: run.sh BUILD TEST...}" && pwd) || exit 2
export JOBMILL_BUILD
shift
if ! command -v node >/dev/null; then
    echo "skipped: node is missing (apt-get install nodejs)"
    exit 77
fi
if ! node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'; then
    echo "skipped: node $(node --version) is older than 18"
    exit 77
fi
exec node --test "$@"
