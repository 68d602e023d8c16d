#!/bin/sh
# SPDX-License-Identifier: MIT
# Who may include what: the floor knows nobody, the core knows the floor alone, only the daemon knows
# the loop. Prints every include that breaks a rule, as FILE:LINE: why. Usage: check_layers.sh TREE
set -u
cd "${1:?usage: check_layers.sh TREE}" || exit 2

includes=$(mktemp) || exit 2
findings=$(mktemp) || exit 2
trap 'rm -f "$includes" "$findings"' EXIT

# Every include of the four rooms, as FILE:LINE:TARGET with its <> or "".
grep -rnE --include='*.cpp' --include='*.hpp' --include='*.c' --include='*.h' \
    '^[[:space:]]*#[[:space:]]*include' common daemon worker client |
    sed -E 's/^([^:]*:[0-9]+:)[[:space:]]*#[[:space:]]*include[[:space:]]*([<"][^>"]*[>"]).*/\1\2/' \
        >"$includes"

# note WHY: what it reads are findings.
note() {
    sed "s|\$|: $1|" >>"$findings"
}

# allow FOLDER WHY PATTERN: every include in the folder must match the pattern.
allow() {
    grep "^$1/" "$includes" | grep -vE "^[^:]*:[0-9]+:($3)$" | note "$2"
}

# forbid FOLDER WHY PATTERN: no include in the folder may match the pattern.
forbid() {
    grep "^$1/" "$includes" | grep -E "^[^:]*:[0-9]+:($3)$" | note "$2"
}

# only FOLDER FILES WHY PATTERN: what matches is for files of that name alone.
only() {
    grep "^$1/" "$includes" | grep -E "^[^:]*:[0-9]+:($4)$" | grep -vE "^$2:" | note "$3"
}

# never FOLDER WHY PATTERN: no line of code in the folder may match the pattern.
never() {
    grep -rnE --include='*.cpp' --include='*.hpp' "$3" "$1" |
        grep -vE '^[^:]*:[0-9]+:[[:space:]]*//' | note "$2"
}

standard='<[a-z_0-9]+>'
posix='<[a-z_0-9]+\.h>|<(sys|linux|netinet|arpa)/[a-z_0-9]+\.h>'
vocabulary='"jobmill/(bytes|error_code|ids|job_options|job_state|rarely|result|stream|value)\.hpp"'
floor='"common/[a-z_0-9]+\.hpp"|'"$vocabulary"

allow common 'common/ includes the standard library, the system and itself' \
    "$standard|$posix|$floor|<tl/expected\.hpp>|<simdjson\.h>|<boost/interprocess/[a-z_]+\.hpp>"
only common 'common/segment\.cpp' 'Boost is for common/segment.cpp alone' '<boost/.*>'
only common 'common/json_[a-z]+\.[ch]pp' 'simdjson is for common/json_*.cpp alone' '<simdjson\.h>'
forbid common 'common/ knows no loop' '<uv\.h>'

allow daemon/core 'the core includes the standard library, common/ and itself' \
    "$standard|$floor|\"daemon/core/[a-z_0-9]+\.hpp\""
forbid daemon/core 'the core does no input or output and has no threads' \
    '<(thread|mutex|future|condition_variable|fstream|iostream|filesystem|random|csignal|ctime|cstdlib|cstdio)>'
forbid daemon/core 'the core opens no descriptors' \
    '"common/(fd_io|blob|segment|unique_fd|places)\.hpp"'
never daemon/core 'the core is told the time' '_clock::now|[^_a-z]time\(|gettimeofday'
never daemon/core 'the core is given its random numbers' '[^_a-z]s?rand\(|random_device'

allow daemon/loop 'the loop includes libuv, the standard library, the system, common/ and itself' \
    "$standard|$posix|$floor|\"daemon/loop/[a-z_0-9]+\.hpp\""
forbid daemon 'the daemon knows no client and no worker' \
    '"(worker|client)/.*"|["<]jobmill/(client|event|handler|module)\.h.*'
forbid daemon 'shared memory is reached through common/segment.hpp' '<boost/.*>'
forbid daemon 'JSON is reached through common/json_lines.hpp' '<simdjson\.h>'
only daemon 'daemon/log\.cpp' 'the log is reached through daemon/log.hpp' '<spdlog/.*>'
only daemon 'daemon/(service_manager|log)\.cpp' \
    'systemd is reached through daemon/service_manager.hpp and daemon/log.hpp' '<systemd/.*>'
only daemon 'daemon/options\.cpp' 'CLI11 takes ten seconds: one file includes it' '<CLI/.*>'

forbid worker 'a worker knows neither daemon nor client' '"(daemon|client)/.*"|<jobmill/client.*>'
forbid worker 'a worker has no loop, log or parser of its own' \
    '<(uv\.h|spdlog/.*|fmt/.*|boost/.*|CLI/.*|toml\+\+/.*|simdjson\.h|sqlite3\.h)>'
allow worker/include 'a module includes the standard library and nothing else of ours' \
    "$standard|<[a-z_0-9]+\.h>|[<\"]jobmill/(module\.h|handler\.hpp)[>\"]"

forbid client 'a client knows neither daemon nor worker' '"(daemon|worker)/.*"'
forbid client 'a client needs no loop and no log' \
    '<(uv\.h|spdlog/.*|fmt/.*|toml\+\+/.*|simdjson\.h|sqlite3\.h)>'
only client 'client/event_queue\.hpp' 'Boost is for the queue of events alone' '<boost/.*>'
only client 'client/((jobmill|demo/[a-z_]+)\.cpp|cli_parts\.hpp)' 'CLI11 takes ten seconds: one file includes it' '<CLI/.*>'
for folder in common/include client/include; do
    allow "$folder" 'what is installed includes the standard library and each other' \
        "$standard|<tl/expected\.hpp>|[<\"]jobmill/[a-z_]+\.hpp[>\"]"
done

for folder in common daemon worker client; do
    forbid "$folder" 'nothing includes the tests' '"tests/.*"'
    forbid "$folder" 'includes start at the root of the tree' '"\.\./.*"'
done

sort -u "$findings"
[ ! -s "$findings" ]
