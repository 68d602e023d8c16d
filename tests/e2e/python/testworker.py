# SPDX-License-Identifier: MIT
"""A worker program above jobmill._runtime, in the place of the one that the package has.

An interpreter that is a script runs it with what the daemon says: BOOTSTRAP LIBRARY [OPTION]... --
ARGUMENTS OF THE WORKER PROGRAM...
"""

import ctypes
import errno
import os
import signal
import sys
import threading
import time
from typing import Callable, List

sys.path.append(os.path.dirname(os.path.dirname(sys.argv[1])))

from jobmill import _runtime  # noqa: E402

held = open("/proc/self/status", "rb")  # noqa: SIM115 -- workers are to be without it
loaded_in = os.getpid()
begun_in = 0
idled = 0
ticks = 0


class Interrupted(BaseException):
    pass


class Gate:
    """Whether an interrupt may raise just now; one that came too early is remembered."""

    inside = False
    interrupted = False


def on_interrupt(_signal: int, _frame: object) -> None:
    Gate.interrupted = True
    if Gate.inside:
        Gate.inside = False
        raise Interrupted


def answer(job: int, text: str) -> int:
    data = text.encode()
    return _runtime.api.result(job, data, len(data))


def echo(job: int) -> int:
    return _runtime.api.result_payload(job)


def pid(job: int) -> int:
    return answer(job, str(os.getpid()))


def number(job: int) -> int:
    return answer(job, str(_runtime.job_number()))


def history(job: int) -> int:
    own = os.getpid()
    loaded = "here" if loaded_in == own else "elsewhere"
    begun = "here" if begun_in == own else "elsewhere"
    return answer(job, "loaded %s, begun %s, idle %d" % (loaded, begun, idled))


def count_ticks(job: int) -> int:
    return answer(job, str(ticks))


def arguments(job: int) -> int:
    found = _runtime.api.arguments(job)
    return _runtime.api.result(job, found.data, found.size)


def descriptors(job: int) -> int:
    lines = []
    for name in sorted(os.listdir("/proc/self/fd"), key=int):
        try:
            lines.append(name + " " + os.readlink("/proc/self/fd/" + name))
        except FileNotFoundError:  # that of the list itself
            pass
    return answer(job, "\n".join(lines))


def environment(job: int) -> int:
    return answer(job, "\n".join(k + "=" + v for k, v in sorted(os.environ.items())))


def fail(job: int) -> int:
    raise ValueError("no such luck: é")


def starve(job: int) -> int:
    try:
        kept = []
        while True:
            kept.append(bytearray(1 << 20))
    except MemoryError:
        del kept
        ctypes.set_errno(errno.ENOMEM)
        _runtime.api.fail(job, b"MemoryError")
        return 1


def until_interrupted(job: int, turn: Callable[[], object]) -> int:
    try:
        Gate.inside = True
        if Gate.interrupted:
            raise Interrupted
        _runtime.api.emit(job, _runtime.STREAM_NONE, b"runs", 4)
        while True:
            turn()
    except Interrupted:
        _runtime.api.fail(job, b"interrupted")
        return 1


def wait(job: int) -> int:
    return until_interrupted(job, lambda: time.sleep(1000))


def spin(job: int) -> int:
    return until_interrupted(job, lambda: None)


def stubborn(job: int) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return until_interrupted(job, lambda: time.sleep(1000))


def begin_worker() -> None:
    global begun_in
    begun_in = os.getpid()
    signal.signal(signal.SIGINT, on_interrupt)
    if "threads" in os.environ.get("TESTWORKER", ""):

        def tick() -> None:
            global ticks
            while True:
                time.sleep(0.001)
                ticks += 1

        threading.Thread(target=tick, daemon=True).start()


def idle() -> None:
    global idled
    idled += 1
    if "RECORD" in os.environ:
        with open(os.environ["RECORD"], "a", encoding="ascii") as file:
            file.write("idle\n")


def load() -> List[_runtime.Handler]:
    wish = os.environ.get("TESTWORKER", "")
    if "refuse" in wish:
        raise RuntimeError("the model is missing: é" + "x" * 5000)
    if "early thread" in wish:
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    if "short thread" in wish:
        short = threading.Thread(target=lambda: None)
        short.start()
        short.join()
    print("not for every worker", end="")
    functions = {
        "echo": echo,
        "pid": pid,
        "number": number,
        "history": history,
        "ticks": count_ticks,
        "arguments": arguments,
        "descriptors": descriptors,
        "environment": environment,
        "fail": fail,
        "starve": starve,
        "wait": wait,
        "spin": spin,
        "stubborn": stubborn,
    }
    return [_runtime.Handler("py." + name, "", run) for name, run in functions.items()]


if __name__ == "__main__":
    border = sys.argv.index("--")
    sys.exit(_runtime.serve(sys.argv[2], sys.argv[border + 1 :], load, begin_worker, idle))
