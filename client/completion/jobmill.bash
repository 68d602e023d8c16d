# SPDX-License-Identifier: MIT
# Completion of jobmill's command line in bash. What can be written is asked of the program itself, so that
# it is never of another version: subcommands and options of its --help, handlers, pools and jobs of the
# daemon, if one runs; looking starts none.
# shellcheck shell=bash

_jobmill_options() {
    "$@" --help 2>/dev/null | sed -n 's/^  \(-[-[:alnum:],]*\).*/\1/p' | tr , '\n'
}

# Those that have a value: its kind stands behind their names, in capitals.
_jobmill_valued() {
    "$@" --help 2>/dev/null | sed -n '/ Needs:/d; s/^  \(-[-[:alnum:],]*\) [[:upper:]].*/\1/p' | tr , '\n'
}

# Subcommands stand below headings of their own, after the options.
_jobmill_subcommands() {
    "$@" --help 2>/dev/null | awk '/^[^ ].*:$/ { options = /^(Options|Positionals):$/ }
        !options && /^  [a-z][-a-z]* / { print $1 }'
}

# Of the lines that come in, those that begin as what is written.
_jobmill_offer() {
    local line
    while IFS= read -r line; do
        [[ $line == "$cur"* ]] && COMPREPLY+=("$line")
    done
}

_jobmill_ask() {
    "$program" ${place[@]+"${place[@]}"} --no-start --quiet "$@" 2>/dev/null
}

_jobmill() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} program=$1
    local -a command=() place=()
    local i word valued handler=''
    COMPREPLY=()
    valued=$(_jobmill_valued "$program")
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == -- ]]; then
            # A command with words of its own; bash-completion knows how to go on with those.
            if declare -F _command_offset >/dev/null; then
                _command_offset $((i + 1))
            else
                mapfile -t COMPREPLY < <(compgen -c -- "$cur")
            fi
            return
        elif [[ $word == -* ]]; then
            [[ $'\n'$valued$'\n' == *$'\n'"$word"$'\n'* ]] || continue
            ((++i))
            if [[ $word == -s || $word == --socket ]] && ((i < COMP_CWORD)); then
                place=(--socket "${COMP_WORDS[i]}")
            fi
        elif [[ $word == [=:]* ]]; then
            ((++i)) # bash parts key=value
        elif [[ ${#command[@]} -eq 0 || ${command[*]} == daemon ]]; then
            command+=("$word")
            valued+=$'\n'$(_jobmill_valued "$program" "${command[@]}")
        else
            handler=$word
        fi
    done
    case $prev in
        -s | --socket | --joblog | --data)
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            compopt -o filenames 2>/dev/null
            return
            ;;
        -p | --pool)
            _jobmill_offer < <(_jobmill_ask handlers | awk 'NR > 1 && !seen[$1]++ { print $1 }')
            return
            ;;
        --handler)
            _jobmill_offer < <(_jobmill_ask handlers | awk 'NR > 1 && !seen[$2]++ { print $2 }')
            return
            ;;
    esac
    if [[ $'\n'$valued$'\n' == *$'\n'"$prev"$'\n'* ]]; then
        return
    fi
    if [[ $cur == -* ]]; then
        _jobmill_offer < <({
            _jobmill_options "$program" ${command[@]+"${command[@]}"}
            _jobmill_options "$program"
        } | sort -u)
        return
    fi
    case ${command[*]} in
        "" | daemon) _jobmill_offer < <(_jobmill_subcommands "$program" ${command[@]+"${command[@]}"}) ;;
        run | map | submit)
            if [[ -z $handler ]]; then
                _jobmill_offer < <(_jobmill_ask handlers | awk 'NR > 1 && !seen[$2]++ { print $2 }')
            fi
            ;;
        wait | cancel | retry | status)
            _jobmill_offer < <(_jobmill_ask status | awk 'jobs { print $1 } $1 == "ID" { jobs = 1 }')
            ;;
        "daemon log-level") _jobmill_offer < <(printf '%s\n' debug info warning error) ;;
    esac
}

complete -F _jobmill jobmill
