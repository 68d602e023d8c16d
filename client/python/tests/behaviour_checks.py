# SPDX-License-Identifier: MIT
"""What ``behaviour`` looks at: one function a row, which answers whether that is what one wants, and what happened."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, Executor
from typing import Any, Callable, Dict, List, Tuple

import surroundings
from behaviour_contenders import CONTENDERS, OURS, Contender, make

__all__ = ["CHECKS", "CONTENDERS", "OURS", "run"]

Answer = Tuple[bool, str]
CHECKS: Dict[str, Callable[[str, str], Answer]] = {}

# After it a result that does not come never does, with a pool that is known for that. Ours has longer.
_NEVER = 5.0


def check(title: str) -> Callable[[Callable[[str, str], Answer]], Callable[[str, str], Answer]]:
    def enter(function: Callable[[str, str], Answer]) -> Callable[[str, str], Answer]:
        CHECKS[title] = function
        return function

    return enter


def run(title: str, contender: str, place: str) -> None:
    """In a process of its own. The answer is a file of ``place``; whatever the pool does afterwards is not looked at."""
    try:
        answer = CHECKS[title](contender, place)
    except NotImplementedError:
        answer = False, "is not offered"
    with open(os.path.join(place, "new"), "w", encoding="utf-8") as file:
        json.dump(answer, file)
    os.rename(os.path.join(place, "new"), os.path.join(place, "answer"))
    os._exit(0)


# What jobs do.


def square(number: int) -> int:
    return number * number


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hold(place: str, name: str = "job") -> str:
    """Says when it begins, waits until it is told to go on, and says whether it came to its end."""
    _note(place, name + ".begun", str(os.getpid()))
    try:
        while not os.path.exists(os.path.join(place, "go")):
            time.sleep(0.005)
        _note(place, name + ".finished")
        return "finished"
    finally:
        _note(place, name + ".left")


class TwoArguments(Exception):
    """Pickle makes it again with the one argument that its base was given, which does not do."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{what} in {where}")


def raise_two_arguments() -> None:
    raise TwoArguments("a fault", "a job")


def fail() -> None:
    raise RuntimeError("no licence")


def nested(contender: str) -> int:
    inner = make(contender, 1)
    answer: int = inner.result(inner.submit(square, 7), 20.0)
    inner.end()
    return answer


# How that is watched.


def _note(place: str, name: str, text: str = "") -> None:
    with open(os.path.join(place, name + ".new"), "w", encoding="ascii") as file:
        file.write(text)
    os.rename(os.path.join(place, name + ".new"), os.path.join(place, name))


def _noted(place: str, name: str) -> bool:
    return os.path.exists(os.path.join(place, name))


def _pid_of(place: str, name: str = "job") -> int:
    path = os.path.join(place, name + ".begun")
    surroundings.eventually(lambda: os.path.exists(path), f"{name} begins")
    with open(path, encoding="ascii") as file:
        return int(file.read())


def _fate(place: str, pid: int) -> str:
    """Of a job that was to stop, once it may go on if it is still there."""

    def is_over() -> bool:
        return _noted(place, "job.left") or not surroundings.is_alive(pid)

    # Who looks every tenth of a second has time for it.
    end = time.monotonic() + _NEVER
    while not is_over() and time.monotonic() < end:
        time.sleep(0.01)
    _note(place, "go")
    surroundings.eventually(is_over)
    return "it runs on" if _noted(place, "job.finished") else "it stops"


def _patience(contender: str) -> float:
    return surroundings.PATIENCE if contender == OURS else _NEVER


def _outcome(pool: Contender, job: Any, contender: str) -> str:
    try:
        pool.result(job, _patience(contender))
        return "done"
    except Exception as error:
        return type(error).__name__
    except CancelledError:  # a BaseException of its own in some versions
        return "CancelledError"


def _goes_on(pool: Contender, contender: str) -> bool:
    try:
        return bool(pool.result(pool.submit(square, 3), _patience(contender)) == 9)
    except Exception:
        return False


def _then(goes_on: bool) -> str:
    return "the pool goes on" if goes_on else "the pool is of no more use"


@check("a job's worker is killed")
def _killed_worker(contender: str, place: str) -> Answer:
    pool = make(contender, 2)
    jobs = [pool.submit(die)] + [pool.submit(square, number) for number in range(4)]
    outcomes = [_outcome(pool, job, contender) for job in jobs]
    lost = len(outcomes) - outcomes.count("done")
    goes_on = _goes_on(pool, contender)
    how = "never ends" if "Timeout" in outcomes[0] else f"ends by {outcomes[0]}"
    return (
        lost == 1 and goes_on and how != "never ends",
        f"{lost} of 5 jobs lost, the one {how}; {_then(goes_on)}",
    )


@check("an exception that does not unpickle")
def _unpicklable_exception(contender: str, place: str) -> Answer:
    pool = make(contender, 2)
    job = pool.submit(raise_two_arguments)
    outcome = _outcome(pool, job, contender)
    goes_on = _goes_on(pool, contender)
    if "Timeout" in outcome:
        return False, f"its result never comes; {_then(goes_on)}"
    try:
        pool.result(job)
        text = ""
    except Exception as error:
        text = str(error)
    told = "a fault in a job" in text
    return told and goes_on, f"{outcome}{' with its words' if told else ''}; {_then(goes_on)}"


@check("cancel of a running job")
def _cancel_running(contender: str, place: str) -> Answer:
    pool = make(contender, 1)
    job = pool.submit(hold, place)
    pid = _pid_of(place)
    answer = pool.cancel(job)
    fate = _fate(place, pid)
    goes_on = _goes_on(pool, contender)
    return answer and fate == "it stops" and goes_on, f"{answer}: {fate}; {_then(goes_on)}"


@check("cancel of three jobs behind it")
def _cancel_queued(contender: str, place: str) -> Answer:
    pool = make(contender, 1)
    first = pool.submit(hold, place)
    jobs = [pool.submit(hold, place, f"queued{number}") for number in range(3)]
    _pid_of(place)
    answers = [pool.cancel(job) for job in jobs]
    _note(place, "go")
    pool.result(first, _patience(contender))
    begun = sum(_noted(place, f"queued{number}.begun") for number in range(3))
    text = f"{answers.count(True)} of 3" + (f", of which {begun} began" if begun else "")
    return all(answers) and not begun, text


@check("a job that runs longer than it may")
def _timeout(contender: str, place: str) -> Answer:
    pool = make(contender, 1)
    job = pool.submit_timed(1.0, hold, place)
    pid = _pid_of(place)
    outcome = _outcome(pool, job, contender)
    fate = _fate(place, pid)
    goes_on = _goes_on(pool, contender)
    return fate == "it stops" and goes_on, f"{outcome}: {fate}; {_then(goes_on)}"


@check("`asyncio.wait_for` gives up")
def _wait_for(contender: str, place: str) -> Answer:
    pool = make(contender, 1)
    if not isinstance(pool.pool, Executor):
        return False, "is no `Executor`"

    async def main() -> str:
        call = pool.call_in_loop(asyncio.get_running_loop(), hold, place)
        while not _noted(place, "job.begun"):
            await asyncio.sleep(0.005)
        try:
            await asyncio.wait_for(call, 0.01)
        except asyncio.TimeoutError:
            return "TimeoutError"
        return "nothing"

    outcome = asyncio.run(main())
    fate = _fate(place, _pid_of(place))
    return fate == "it stops", f"{outcome}: {fate}"


@check("a job that has jobs of its own, one worker")
def _nested(contender: str, place: str) -> Answer:
    pool = make(contender, 1)
    try:
        answer = pool.result(pool.submit(nested, contender), 60.0)
    except Exception as error:
        return False, type(error).__name__
    if contender == OURS:
        return answer == 49, "they run, in the worker whose job waits"
    return False, "they run, in a pool of their own"


@check("the initializer fails")
def _initializer(contender: str, place: str) -> Answer:
    pool = make(contender, 2, initializer=fail)
    outcome = _outcome(pool, pool.submit(square, 3), contender)
    if "Timeout" in outcome:
        return False, "the job never ends"
    return outcome == "InitializerFailed" or outcome.startswith("Broken"), outcome


@check("results of an endless iterable")
def _endless(contender: str, place: str) -> Answer:
    pool = make(contender, 2)
    read = itertools.count()
    newest = [0]

    def elements() -> Any:
        for newest[0] in read:
            if newest[0] == 100_000:
                threading.Event().wait()  # enough is known
            yield newest[0]

    results: List[Any] = []

    def first_three() -> None:
        results.extend(itertools.islice(pool.unordered(square, elements()), 3))

    reader = threading.Thread(target=first_three, daemon=True)
    reader.start()
    surroundings.eventually(lambda: len(results) == 3 or newest[0] == 100_000)
    if len(results) == 3 and newest[0] < 1000:
        return True, "come, and few are read ahead"
    reader.join(_NEVER)
    if len(results) == 3:
        return False, "come, but it is read without end"
    return False, "never come"


@check("Ctrl-C while jobs run")
def _interrupt(contender: str, place: str) -> Answer:
    program = f"""
import behaviour_checks, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # this may have been started with it ignored
pool = behaviour_checks.make({contender!r}, 2)
jobs = [pool.submit(behaviour_checks.hold, {place!r}, name) for name in ("a", "b")]
with pool.pool:
    for job in jobs:
        pool.result(job)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    pids = [_pid_of(place, name) for name in "ab"]
    # As a terminal does: everybody in the foreground.
    os.killpg(process.pid, signal.SIGINT)
    try:
        said = process.communicate(timeout=_patience(contender) + 10)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return False, "it does not end"
    left = sum(surroundings.is_alive(pid) for pid in pids)
    tracebacks = said.count("Traceback")
    for pid in pids:
        if surroundings.is_alive(pid):
            os.kill(pid, signal.SIGKILL)
    return (
        not left and tracebacks == 1,
        f"ends with {tracebacks} traceback{'s' * (tracebacks != 1)}, {left} processes left",
    )


@check("an argument of 1 GiB")
def _large_argument(contender: str, place: str) -> Answer:
    pool = make(contender, 1)
    try:
        size = pool.result(pool.submit(len, bytes(1 << 30)), 120.0)
    except Exception as error:
        return False, type(error).__name__
    return size == 1 << 30, "arrives"


@check("the program forks")
def _fork(contender: str, place: str) -> Answer:
    pool = make(contender, 2)
    pool.result(pool.submit(square, 2), 60.0)
    child = os.fork()
    if child == 0:
        try:
            if pool.result(pool.submit(square, 5), _patience(contender)) == 25:
                _note(place, "child")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    in_child = _noted(place, "child")
    goes_on = _goes_on(pool, contender)
    return in_child and goes_on, (
        f"the child's jobs {'run, too' if in_child else 'never end'}"
        + ("" if goes_on else "; the parent's do not, either")
    )


@check("the program ends with jobs under way")
def _exit(contender: str, place: str) -> Answer:
    program = f"""
import behaviour_checks, os
pool = behaviour_checks.make({contender!r}, 1)
for name in "abc":
    pool.submit(behaviour_checks.hold, {place!r}, name)
behaviour_checks._pid_of({place!r}, "a")
behaviour_checks._note({place!r}, "go")
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    process.wait(60.0)
    done = sum(_noted(place, name + ".finished") for name in "abc")
    return done == 3, "they are done first" if done == 3 else f"{3 - done} of 3 are lost"


@check("two event loops")
def _two_loops(contender: str, place: str) -> Answer:
    pool = make(contender, 2)
    if not isinstance(pool.pool, Executor):
        return False, "is no `Executor`"
    answers: List[Any] = []

    async def ask() -> Any:
        loop = asyncio.get_running_loop()
        calls = [pool.call_in_loop(loop, square, number) for number in range(100)]
        return sum(await asyncio.gather(*calls))

    def one_loop() -> None:
        answers.append(asyncio.run(ask()))

    threads = [threading.Thread(target=one_loop, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60.0)
    return answers == [328350, 328350], "share it" if len(answers) == 2 else "wait for ever"


@check("100,000 submits at once")
def _many(contender: str, place: str) -> Answer:
    pool = make(contender, 2)
    jobs = [pool.submit(square, number) for number in range(100_000)]
    total = sum(pool.result(job, 120.0) for job in jobs)
    good = total == sum(map(square, range(100_000)))
    return good, "all done" if good else "wrong"
