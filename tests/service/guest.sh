#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs as root in the container that boot.sh has booted: the installed service under a real systemd.
# A check is a function; its first command that fails fails it. Prints a line for each, and what a
# failed one said; the last line counts them.
set -u
cd /jobmill-test || exit 1
socket=/run/jobmill/jobmill.sock
drop_ins=/etc/systemd/system/jobmilld.service.d
examples=$(dirname "$(dirname "$(command -v jobmilld)")")/share/doc/jobmill/systemd
passed=0
failed=0

# check NAME FUNCTION
check() {
    local status words
    words=$(
        set -e
        "$2" 2>&1
    )
    status=$?
    if [ "$status" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok      $1$(cat figures 2>/dev/null)"
        rm -f figures
        return
    fi
    failed=$((failed + 1))
    echo "FAILED  $1 (code $status)"
    printf '%s\n' "$words" | tail -n 40 | sed 's/^/        /'
    journalctl -u jobmilld.service -u jobmilld.socket --no-pager -n 25 2>&1 | sed 's/^/        /'
}

# eventually COMMAND...: until it succeeds, at most 20 seconds.
eventually() {
    local end=$((SECONDS + 20))
    until "$@" >/dev/null 2>&1; do
        if [ "$SECONDS" -ge "$end" ]; then
            echo "never came true: $*"
            return 1
        fi
        sleep 0.02
    done
}

# equal WHAT IS WANTED
equal() {
    [ "$2" = "$3" ] || {
        echo "$1 is \"$2\", not \"$3\""
        return 1
    }
}

# contains TEXT PART
contains() {
    case $1 in *"$2"*) return 0 ;; esac
    echo "no \"$2\" in: $1"
    return 1
}

# as USER ARGUMENT...: jobmill, run by that user against the system's daemon.
as() {
    local user=$1
    shift
    runuser -u "$user" -- jobmill --socket "$socket" "$@"
}

# words_of COMMAND...: both its outputs, for a command that may fail.
words_of() {
    "$@" 2>&1 || true
}

property() {
    systemctl show --value -p "$1" "${2:-jobmilld.service}"
}

is() {
    [ "$(property "$1" "${3:-jobmilld.service}")" = "$2" ]
}

# configure [TOML]: before the pool of all these checks.
configure() {
    mkdir -p /etc/jobmill
    cat >/etc/jobmill/jobmill.toml <<TOML
${1:-}
[pool.default]
workers = 2
modules = ["/usr/local/lib/jobmill-test/testhandlers.so"]
${2:-}
TOML
}

# drop_in NAME LINE...: one more drop-in of the service.
drop_in() {
    mkdir -p "$drop_ins"
    {
        echo "[Service]"
        printf '%s\n' "${@:2}"
    } >"$drop_ins/$1.conf"
    systemctl daemon-reload
}

# Everything as it is after the installation, and the service running.
fresh() {
    rm -rf "$drop_ins"
    configure
    systemctl daemon-reload
    # Starts are counted, and forgotten here: these checks make more than the unit allows.
    systemctl reset-failed jobmilld.service jobmilld.socket
    systemctl start jobmilld.socket
    systemctl restart jobmilld.service
}

user_and_directory_are_there() {
    equal "the user's home" "$(getent passwd jobmill | cut -d: -f6)" /var/lib/jobmill
    equal "the directory" "$(stat -c '%a %U %G' /run/jobmill)" "755 jobmill jobmill"
}

the_first_client_starts_the_daemon() {
    systemctl start jobmilld.socket
    equal "the daemon" "$(property ActiveState)" inactive
    equal "the socket" "$(stat -c '%a %U %G' "$socket")" "660 jobmill jobmill"
    equal "the sum" "$(as anna run sum 100)" 5050
    equal "the daemon" "$(property ActiveState)" active
    equal "the socket" "$(stat -c '%a %U %G' "$socket")" "660 jobmill jobmill"
    equal "the state's directory" "$(stat -c '%a %U' /var/lib/jobmill)" "700 jobmill"
}

who_is_not_in_the_group_stays_outside() {
    contains "$(words_of as carl ping)" "Permission denied"
}

it_says_as_whom_jobs_run() {
    local uid
    uid=$(id -u jobmill)
    contains "$(property StatusText)" "jobs run as jobmill (uid $uid)"
    contains "$(systemctl status --no-pager jobmilld.service)" "jobs run as jobmill (uid $uid)"
    contains "$(as anna status)" "jobs run as jobmill (uid $uid)"
}

users_are_kept_apart() {
    local job
    job=$(as anna submit sleep 1h)
    contains "$(as anna status)" "$job"
    contains "$(as anna status)" sleep
    if as bert status | grep -q sleep || as bert cancel "$job"; then
        echo "bert sees or stops what is anna's"
        return 1
    fi
    as anna cancel "$job"
}

payloads_and_modules_run_in_the_hardened_unit() {
    equal "the hash" "$(printf abc | as anna run sha256 -)" \
        ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
    as anna run pid
    local pid
    pid=$(as anna run pid)
    equal "the worker's user" "$(stat -c %U "/proc/$pid")" jobmill
    grep -q '^NoNewPrivs:.*1$' "/proc/$pid/status"
    grep -q '^CapBnd:.*0000000000000000$' "/proc/$pid/status"
    grep -q '^Seccomp:.*2$' "/proc/$pid/status"
    head -c 3000000 /dev/zero | as anna run sha256 -
}

a_crash_costs_one_job() {
    contains "$(words_of as anna run segv)" SIGSEGV
    equal "the sum" "$(as anna run sum 100)" 5050
}

the_journal_has_events_with_fields() {
    local before line
    before=$(journalctl -u jobmilld.service -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
    contains "$(words_of as anna run segv)" SIGSEGV
    eventually crash_after "$before"
    line=$(crash_after "$before")
    contains "$line" '"JOBMILL_POOL":"default"'
    contains "$line" '"JOBMILL_SIGNAL":"SIGSEGV"'
    contains "$line" '"PRIORITY":"4"'
    contains "$line" '"_SYSTEMD_UNIT":"jobmilld.service"'
}

# crash_after CURSOR: the event of a crashed worker, as the journal has it.
crash_after() {
    journalctl -u jobmilld.service --after-cursor="$1" -o json JOBMILL_EVENT="worker crashed" |
        tail -n 1 | grep -o '.*JOBMILL_EVENT.*'
}

workers_are_not_told_what_is_the_daemons() {
    local environment
    environment=$(as anna run env)
    if printf '%s\n' "$environment" | grep -E '^(NOTIFY_SOCKET|LISTEN_|WATCHDOG_|JOURNAL_STREAM)'; then
        return 1
    fi
    contains "$environment" "OMP_NUM_THREADS="
}

commands_and_paths_are_refused() {
    contains "$(words_of as anna run -- id)" "runs no commands"
    contains "$(words_of as anna run sha256 -a path=/etc/passwd)" "is off in this pool"
    if as anna run -- id || as anna run sha256 -a path=/etc/passwd; then
        return 1
    fi
}

what_the_unit_hides_is_named() {
    configure "" "paths = true"
    systemctl restart jobmilld.service
    echo x >/tmp/for-all
    echo x >/home/anna/for-all
    contains "$(words_of as anna run sha256 -a path=/tmp/for-all)" "PrivateTmp="
    contains "$(words_of as anna run sha256 -a path=/home/anna/for-all)" "ProtectHome="
    mkdir -p "$drop_ins"
    cp "$examples/home.conf" "$drop_ins"
    systemctl daemon-reload
    systemctl restart jobmilld.service
    as anna run sha256 -a path=/tmp/for-all
    as anna run sha256 -a path=/home/anna/for-all
    configure "" "exec = true"
    systemctl restart jobmilld.service
    as anna run -- sh -c 'echo x >/tmp/of-a-job && echo x >/var/tmp/of-a-job'
    equal "what a job wrote" "$(stat -c %U /tmp/of-a-job)" jobmill
    rm /tmp/of-a-job /var/tmp/of-a-job
}

another_group_may_connect() {
    configure "" "exec = true"
    mkdir -p /etc/systemd/system/jobmilld.socket.d
    printf '[Socket]\nSocketGroup=render-farm\n' >/etc/systemd/system/jobmilld.socket.d/group.conf
    systemctl daemon-reload
    systemctl stop jobmilld.service jobmilld.socket
    systemctl start jobmilld.socket
    equal "the socket" "$(stat -c '%a %U %G' "$socket")" "660 jobmill render-farm"
    equal "the sum" "$(as carl run sum 100)" 5050
    contains "$(words_of as anna ping)" "Permission denied"
    systemctl reload jobmilld.service
    equal "the sum of a job's job" "$(as carl run -- jobmill run sum 10)" 55
}

without_that_group() {
    rm -rf /etc/systemd/system/jobmilld.socket.d
    systemctl daemon-reload
    systemctl stop jobmilld.service
    systemctl restart jobmilld.socket
}

a_daemon_that_hangs_is_replaced() {
    local pid
    drop_in watchdog WatchdogSec=1
    systemctl restart jobmilld.service
    pid=$(property MainPID)
    kill -STOP "$pid"
    eventually is NRestarts 1
    [ ! -e "/proc/$pid" ]
    equal "the sum" "$(as anna run sum 100)" 5050
    journalctl -u jobmilld.service --no-pager | grep -q 'Watchdog timeout'
}

a_daemon_that_dies_is_replaced_and_leaves_nobody() {
    local pid worker
    worker=$(as anna run pid)
    pid=$(property MainPID)
    kill -KILL "$pid"
    equal "the sum" "$(as anna run sum 100)" 5050
    equal "restarts" "$(property NRestarts)" 1
    [ ! -e "/proc/$worker" ]
}

a_stop_finishes_what_runs() {
    configure 'drain_timeout = "15s"'
    drop_in impatient TimeoutStopSec=1
    systemctl restart jobmilld.service
    as anna run sleep 3s &
    local client=$!
    eventually busy
    systemctl stop jobmilld.service
    wait "$client"
    equal "the result of the stop" "$(property Result)" success
    equal "the socket" "$(stat -c '%a %U %G' "$socket")" "660 jobmill jobmill"
}

a_reload_answers_and_stops_nothing() {
    local pid
    pid=$(property MainPID)
    as anna run sleep 2s &
    local client=$!
    eventually busy
    configure 'log_level = "debug"'
    systemctl reload jobmilld.service
    as anna ping
    eventually logs_of_level 7 "$pid"
    configure "" "[pool.more]"
    systemctl reload jobmilld.service
    equal "the sum in a new pool" "$(as anna run --pool more sum 100)" 5050
    configure
    kill -HUP "$pid"
    eventually pool_is_gone more
    configure "max_jobs = 0"
    if systemctl reload jobmilld.service; then
        echo "a bad file was taken"
        return 1
    fi
    contains "$(journalctl -u jobmilld.service -n 10 --no-pager)" "jobmill.toml:1:12"
    wait "$client"
    equal "the daemon" "$(property MainPID)" "$pid"
    equal "the daemon" "$(property ActiveState)" active
    equal "the sum" "$(as anna run sum 100)" 5050
}

pool_is_gone() {
    ! as anna run --pool "$1" sum 1
}

# logs_of_level NUMBER PID: something was logged with that priority.
logs_of_level() {
    [ -n "$(journalctl -q -u jobmilld.service PRIORITY="$1" _PID="$2" -n 1)" ]
}

busy() {
    as anna status | grep -q running
}

# Longer than a client waits for a daemon that is there.
who_comes_during_a_long_stop_waits_for_the_next() {
    configure 'drain_timeout = "30s"'
    systemctl restart jobmilld.service
    as anna run sleep 7s &
    local client=$!
    eventually busy
    systemctl restart jobmilld.service &
    local restart=$!
    eventually is SubState stop-sigterm
    equal "the sum" "$(as bert run sum 100)" 5050
    wait "$client" "$restart"
}

# One of the sixteen: jobs, one after the other, until there is a file "over".
submit_for_a_while() {
    local words code
    while [ ! -e over ]; do
        code=0
        words=$(as anna run sum 30000000 2>&1) || code=$?
        echo "code $code: ${words//$'\n'/ | }"
    done
}

nobody_is_refused_while_it_restarts() {
    local i clients=()
    rm -f over load.*
    trap 'touch over' EXIT
    for i in {1..16}; do
        submit_for_a_while >"load.$i" &
        clients+=($!)
    done
    for i in {1..3}; do
        eventually busy
        systemctl restart jobmilld.service
    done
    eventually busy
    touch over
    wait "${clients[@]}"
    sort load.* | sed -E 's/job [0-9]+/job N/' | uniq -c
    # Results, and jobs that were told that they do not end: nothing else.
    if grep -hvE '^code 0: (jobmill: the daemon stops \| )?450000015000000$' load.* |
        grep -vE '^code [1-9][0-9]*: .*(stops|cancelled|interrupted)'; then
        return 1
    fi
    local ended told
    ended=$(cat load.* | grep -c '^code 0:')
    told=$(cat load.* | grep -vc '^code 0:' || true)
    [ "$ended" -ge 16 ]
    echo ": $ended jobs ended, $told were told that they do not" >figures
}

root_is_refused_and_not_tried_again() {
    drop_in root User=root Group=root
    if systemctl restart jobmilld.service; then
        return 1
    fi
    equal "the exit code" "$(property ExecMainStatus)" 78
    equal "restarts" "$(property NRestarts)" 0
    journalctl -u jobmilld.service --no-pager | grep -q 'User='
}

a_bad_configuration_is_not_tried_again() {
    configure "max_jobs = 0"
    if systemctl restart jobmilld.service; then
        return 1
    fi
    equal "the exit code" "$(property ExecMainStatus)" 78
    equal "restarts" "$(property NRestarts)" 0
    journalctl -u jobmilld.service --no-pager | grep -q 'jobmill.toml:1:12'
}

a_stopped_service_leaves_no_process() {
    systemctl stop jobmilld.service jobmilld.socket
    [ -z "$(pgrep -u jobmill || true)" ]
    [ -z "$(pgrep jobmill-worker || true)" ]
}

# own COMMAND...: by anna, in her own service manager's reach.
own() {
    runuser -u anna -- env HOME=/home/anna XDG_RUNTIME_DIR="/run/user/$(id -u anna)" "$@"
}

own_property() {
    own systemctl --user show --value -p "$1" jobmilld.service
}

a_user_has_a_service_of_her_own() {
    local pid
    systemctl start "user@$(id -u anna).service"
    own systemctl --user start jobmilld.socket
    equal "her daemon" "$(own_property ActiveState)" inactive
    equal "the sum" "$(own jobmill run sum 100)" 5050
    contains "$(own_property StatusText)" "jobs run as anna"
    contains "$(own jobmill run -- id -un)" anna
    pid=$(own_property MainPID)
    kill -KILL "$pid"
    equal "the sum" "$(own jobmill run sum 100)" 5050
    own systemctl --user restart jobmilld.service
    equal "the sum" "$(own jobmill run sum 100)" 5050
    contains "$(words_of runuser -u bert -- jobmill ping \
        --socket "/run/user/$(id -u anna)/jobmill/jobmill.sock")" "Permission denied"
    own systemctl --user stop jobmilld.socket jobmilld.service
    [ -z "$(pgrep -u anna jobmill || true)" ]
}

a_socket_unit_leaves_a_running_daemon_alone() {
    own jobmilld &
    eventually own jobmill ping
    if own systemctl --user start jobmilld.socket; then
        echo "it took the socket away"
        return 1
    fi
    equal "the sum" "$(own jobmill run sum 100)" 5050
    pkill -u anna -x jobmilld
    wait
    own systemctl --user start jobmilld.socket
    equal "the sum" "$(own jobmill run sum 100)" 5050
    own systemctl --user stop jobmilld.socket jobmilld.service
}

for user in anna bert carl; do
    useradd --create-home "$user"
    chmod 0755 "/home/$user"
done
usermod --append --groups jobmill anna
usermod --append --groups jobmill bert
groupadd render-farm
usermod --append --groups render-farm carl
mkdir -p /usr/local/lib/jobmill-test
cp /jobmill-test/testhandlers.so /usr/local/lib/jobmill-test/
configure

check "the user and the socket's directory are there" user_and_directory_are_there
check "the first client starts the daemon" the_first_client_starts_the_daemon
check "who is not in the group stays outside" who_is_not_in_the_group_stays_outside
check "it says as whom jobs run" it_says_as_whom_jobs_run
check "users are kept apart" users_are_kept_apart
check "payloads and modules run in the hardened unit" payloads_and_modules_run_in_the_hardened_unit
check "a crash costs one job" a_crash_costs_one_job
check "the journal has events with fields" the_journal_has_events_with_fields
check "workers are not told what is the daemon's" workers_are_not_told_what_is_the_daemons
check "commands and paths are refused" commands_and_paths_are_refused
fresh
check "what the unit hides is named in errors, and a drop-in opens it" what_the_unit_hides_is_named
fresh
check "another group may connect, and reload and jobs of jobs go on" another_group_may_connect
without_that_group
fresh
check "a daemon that hangs is replaced" a_daemon_that_hangs_is_replaced
fresh
check "a daemon that dies is replaced and leaves nobody" \
    a_daemon_that_dies_is_replaced_and_leaves_nobody
fresh
check "a reload answers and stops nothing" a_reload_answers_and_stops_nothing
fresh
check "a stop finishes what runs, however long the unit's own patience is" a_stop_finishes_what_runs
fresh
check "who comes during a long stop waits for the next daemon" \
    who_comes_during_a_long_stop_waits_for_the_next
fresh
check "nobody is refused while it restarts under 16 clients" nobody_is_refused_while_it_restarts
fresh
check "root is refused, and not tried again" root_is_refused_and_not_tried_again
fresh
check "a bad configuration is not tried again" a_bad_configuration_is_not_tried_again
check "a user has a service of her own" a_user_has_a_service_of_her_own
check "a socket unit leaves a running daemon alone" a_socket_unit_leaves_a_running_daemon_alone
fresh
check "a stopped service leaves no process" a_stopped_service_leaves_no_process
echo "$passed passed, $failed failed"
