#!/bin/sh
# SPDX-License-Identifier: MIT
# Stands for systemctl: a service manager of the user's that knows what is in $FAKE_UNITS.
#   jobmilld.service, jobmilld.socket   installed; their text is the LoadState
#   enabled, broken, hangs              what their names say
#   pid                                 of the service, while it runs
#   listens                             the socket is active
#   calls                               what was asked
here=$FAKE_UNITS
printf '%s\n' "$*" >>"$here/calls"
[ ! -e "$here/hangs" ] || exec sleep 60

alive() {
    [ -s "$here/pid" ] && [ -e "/proc/$(cat "$here/pid")" ] &&
        ! grep -q '^State:.Z' "/proc/$(cat "$here/pid")/status"
}

load_state() {
    cat "$here/$1" 2>/dev/null || echo not-found
}

state_of_file() {
    [ ! -e "$here/enabled" ] || echo enabled
}

show() {
    if alive; then state=active pid=$(cat "$here/pid"); else state=inactive pid=0; fi
    [ ! -e "$here/broken" ] || state=failed
    printf 'MainPID=%s\nId=jobmilld.service\nLoadState=%s\nActiveState=%s\nUnitFileState=%s\n\n' \
        "$pid" "$(load_state jobmilld.service)" "$state" "$(state_of_file)"
    if [ -e "$here/listens" ]; then state=active; else state=inactive; fi
    printf 'Id=jobmilld.socket\nLoadState=%s\nActiveState=%s\nUnitFileState=%s\n' \
        "$(load_state jobmilld.socket)" "$state" "$(state_of_file)"
}

start() {
    if [ -e "$here/broken" ]; then
        echo "Job for $1 failed." >&2
        exit 1
    fi
    [ "$1" != jobmilld.socket ] || : >"$here/listens"
    setsid jobmilld </dev/null >>"$here/journal" 2>&1 &
    echo $! >"$here/pid"
}

stop() {
    if [ "$1" = jobmilld.socket ]; then
        rm -f "$here/listens"
    elif alive; then
        kill "$(cat "$here/pid")"
        while alive; do sleep 0.01; done
        rm "$here/pid"
    fi
}

for word; do
    case $word in
        --*) ;;
        show)
            show
            exit
            ;;
        start | stop) verb=$word ;;
        *) "$verb" "$word" ;;
    esac
done
