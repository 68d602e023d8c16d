#!/bin/sh
# SPDX-License-Identifier: MIT
# What --help says and what the manual page says are the same commands and options.
# Usage: manual.sh BINDIR
# shellcheck disable=SC1091,SC2154  # place.sh says what is what
. "$(dirname "$0")/place.sh"
page=$(cd "$(dirname "$0")/../.." && pwd)/client/jobmill.1.scd

# The names of options and of commands in a help text, which begin its lines.
options_of() { "$@" --help | sed -n 's/^  \(-[^ ]*\).*/\1/p' | tr , '\n' | sort -u; }
commands_of() {
    "$@" --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p' | grep -vxE 'handler|payload|id|level'
}

commands=$(commands_of jobmill)
same "commands are found at all" 15 "$(echo "$commands" | wc -l)"
{
    options_of jobmill
    for command in $commands; do
        options_of jobmill "$command"
        [ "$command" != daemon ] || for verb in $(commands_of jobmill daemon); do
            options_of jobmill daemon "$verb"
        done
    done
} | sort -u >"$place/helped"
# In the page's part about options, those at the beginning of a line are explained by what follows.
sed -n '/^# OPTIONS/,/^# JOB LOGS/p' "$page" | grep '^\*-' |
    grep -oE '\*--?[a-zA-Z0-9-]+\*' | tr -d '*' | sort -u >"$place/explained"
same "options that only --help knows" "" "$(comm -23 "$place/helped" "$place/explained")"
same "options that only the manual page knows" "" "$(comm -13 "$place/helped" "$place/explained")"

for command in $commands; do
    holds "the manual page has the command $command" grep -q "^\*${command}[* ]" "$page"
done
for verb in $(commands_of jobmill daemon); do
    holds "the manual page has daemon $verb" grep -q "^\*daemon $verb\*" "$page"
done
for code in 0 1 2 78 124 125; do
    holds "the manual page has the exit code $code" grep -qF "*$code*" "$page"
done
judge
