#!/bin/sh
# SPDX-License-Identifier: MIT
# What bash offers when Tab is pressed behind words of jobmill's. Usage: completion.sh BINDIR
# shellcheck disable=SC1091,SC2154  # place.sh says what is what
. "$(dirname "$0")/place.sh"
completion=$(cd "$(dirname "$0")/../.." && pwd)/client/completion/jobmill.bash

# offered WORD...: what may stand for the last word.
offered() {
    bash -c '
        . "$0"
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        _jobmill "$1"
        printf "%s " "${COMPREPLY[@]}"' "$completion" jobmill "$@" </dev/null
}

echo "-- what needs no daemon"
same "commands" "$(jobmill --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p' | tr '\n' ' ')" "$(offered "")"
same "commands that begin so" "run retry reload " "$(offered -q r)"
same "verbs" "start stop status log log-level " "$(offered daemon "")"
same "levels" "debug info warning error " "$(offered daemon log-level "")"
same "options" "--resume --resume-failed --retries --retry-failed " "$(offered map --re)"
same "common options behind a command" "--queue-timeout --quiet " "$(offered run --qu)"
same "options of a verb" "--follow " "$(offered daemon log -n 3 --f)"
same "a value that only its writer knows" " " "$(offered map -r "")"
mkdir "$place/files" && : >"$place/files/log of jobs"
same "files" "$place/files/log of jobs " "$(offered map --joblog "$place/files/")"
has "a command's name" " printf " " $(offered run -- print)"
same "no daemon, no handlers" " " "$(offered run "")"
fails "a look starts no daemon" test -e "$socket"

echo "-- what the daemon knows"
printf '[pool.default]\nworkers = 1\n[pool.large]\nworkers = 1\n' >"$XDG_CONFIG_HOME/jobmill/jobmill.toml"
jobmill daemon start >/dev/null 2>&1 || exit 2
same "pools" "default large " "$(offered run -p "")"
same "handlers of all pools, once each" "sleep sum sha256 " "$(offered run -p large s)"
same "behind an option with a value" "echo exec " "$(offered map -j 3 --tag e)"
same "behind an option without" "echo exec " "$(offered map --tag --bar e)"
same "behind key=value, which bash parts" "echo exec " "$(offered run -a key = value e)"
same "only the first word is a handler" " " "$(offered run echo e)"
job=$(jobmill submit sleep 1h)
same "jobs" "$job " "$(offered wait "")"
same "jobs, to cancel the second" "$job " "$(offered cancel 1 "")"
same "those of another daemon" " " "$(offered --socket "$place/nowhere" cancel "")"
jobmill cancel "$job"
judge
