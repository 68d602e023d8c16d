#!/bin/sh
# SPDX-License-Identifier: MIT
# Proves that check_layers.sh sees what it is for: each forbidden include is planted into a copy of
# the tree, and must be found at its place. Usage: prove_layers.sh TREE
set -u
tree=$(cd "${1:?usage: prove_layers.sh TREE}" && pwd) || exit 2
check=$tree/tests/house/check_layers.sh
copy=$(mktemp -d) || exit 2
trap 'rm -rf "$copy"' EXIT
planted=0

for room in common daemon worker client; do
    cp -R "$tree/$room" "$copy/$room" || exit 2
done
if ! sh "$check" "$copy"; then
    echo "the tree itself breaks a rule"
    exit 1
fi

# plant FOLDER LINE: a source with that line, which must be refused by its name.
plant() {
    planted=$((planted + 1))
    printf '%s\n' "$2" >"$copy/$1/planted_$planted.cpp"
    printf '%s/planted_%s.cpp:1:\t%s\n' "$1" "$planted" "$2" >>"$copy/expected"
}

plant common '#include <uv.h>'
plant common '#include <spdlog/spdlog.h>'
plant common '#include <boost/interprocess/mapped_region.hpp>'
plant common '#include <simdjson.h>'
plant common '#include "daemon/core/event.hpp"'
plant common '#include "tests/support/conversation.hpp"'
plant common '#include "../daemon/core/event.hpp"'
plant daemon/core '#include <uv.h>'
plant daemon/core '#  include <unistd.h>'
plant daemon/core '#include <sys/socket.h>'
plant daemon/core '#include <thread>'
plant daemon/core '#include <fstream>'
plant daemon/core '#include <spdlog/spdlog.h>'
plant daemon/core '#include "common/fd_io.hpp"'
plant daemon/core '#include "daemon/loop/timer.hpp"'
plant daemon/core 'auto now = std::chrono::steady_clock::now();'
plant daemon/core 'int dice = rand() % 6;'
plant daemon/loop '#include "daemon/core/event.hpp"'
plant daemon/loop '#include "daemon/supervisor.hpp"'
plant daemon/loop '#include <spdlog/spdlog.h>'
plant daemon '#include "worker/job_loop.hpp"'
plant daemon '#include "client/connect.hpp"'
plant daemon '#include <boost/interprocess/mapped_region.hpp>'
plant daemon '#include <CLI/CLI.hpp>'
plant worker '#include "daemon/log.hpp"'
plant worker '#include <uv.h>'
plant worker '#include <spdlog/spdlog.h>'
plant client '#include <uv.h>'
plant client '#include <boost/container/deque.hpp>'
plant client '#include "daemon/log.hpp"'
plant client '#include "worker/job_loop.hpp"'
plant client/include/jobmill '#include "common/messages.hpp"'
plant common/include/jobmill '#include "common/messages.hpp"'
plant common/include/jobmill '#include <unistd.h>'

sh "$check" "$copy" >"$copy/found" 2>&1 && echo "no finding at all"
missed=$(while IFS="$(printf '\t')" read -r place line; do
    grep -q "^$place" "$copy/found" || printf 'not seen: %s %s\n' "$place" "$line"
done <"$copy/expected")
echo "$planted planted${missed:+, }$missed"
[ -z "$missed" ]
