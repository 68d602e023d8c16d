# SPDX-License-Identifier: MIT
"""Functions that tests run as jobs, in a module that workers can import."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any, List

import jobmill


def square(number: int) -> int:
    return number * number


def identity(value: Any) -> Any:
    return value


def touch(path: str, text: str = "") -> None:
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text)
    os.rename(path + ".new", path)


def wait_for_file(path: str) -> str:
    """Ends when somebody else makes the file."""
    while not os.path.exists(path):
        time.sleep(0.002)
    return path


def begin_and_wait(place: str, name: str = "job") -> str:
    """Says that it runs by a file with its pid, ends when there is ``go``, and says how it was left."""
    touch(os.path.join(place, name + ".begun"), str(os.getpid()))
    end = "stopped"
    try:
        wait_for_file(os.path.join(place, "go"))
        end = "finished"
        return end
    finally:
        touch(os.path.join(place, name + "." + end))


def begin_and_fail(place: str) -> None:
    touch(os.path.join(place, "job.begun"))
    raise ValueError("it fails")


def append(place: str, number: int) -> int:
    """To a list of those that ran."""
    with open(os.path.join(place, "numbers"), "a") as numbers:
        numbers.write(f"{number}\n")
    return number


def stay(place: str) -> None:
    """Does not heed that it is to stop."""
    touch(os.path.join(place, "job.begun"), str(os.getpid()))
    while True:
        try:
            wait_for_file(os.path.join(place, "go"))
            return
        except BaseException:
            touch(os.path.join(place, "job.asked"))


def die(number: int = signal.SIGKILL) -> None:
    os.kill(os.getpid(), number)


def leave(code: int) -> None:
    os._exit(code)


def ask_to_exit(code: Any) -> None:
    sys.exit(code)


def say_long(size: int) -> None:
    print("\u20ac" * size)


def fail_at_length(size: int) -> None:
    raise ValueError("\u20ac" * size)


def fail(text: str) -> None:
    raise ValueError(text)


def fail_with_cause() -> None:
    try:
        fail("the first")
    except ValueError as error:
        raise KeyError("the second") from error


class TwoArguments(Exception):
    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{what} in {where}")


def fail_with_two_arguments() -> None:
    raise TwoArguments("a fault", "a job")


class HasLock(Exception):
    def __init__(self) -> None:
        super().__init__("it has a lock")
        self.lock = threading.Lock()


def fail_with_lock() -> None:
    raise HasLock()


class Malicious(BaseException):
    """Its text and its making raise."""

    def __init__(self, *args: Any) -> None:
        raise RuntimeError("not so")

    def __str__(self) -> str:
        raise RuntimeError("no text")


def fail_maliciously() -> None:
    raise Malicious.__new__(Malicious)


def stop_iteration() -> None:
    raise StopIteration("early")


def exhaust_stack() -> int:
    return exhaust_stack() + 1


def allocate(size: int) -> int:
    return len(bytearray(size))


def say(text: str, error: str = "") -> str:
    print(text)
    if error:
        print(error, file=sys.stderr)
    return text


def say_in_pieces(text: str, rest: bytes = b"") -> str:
    """Of such a size each is sent by itself, and few end with a character."""
    data = text.encode()
    for begin in range(0, len(data), 8192):
        sys.stdout.buffer.write(data[begin : begin + 8192])
    sys.stdout.buffer.write(rest)
    return text


def say_much(lines: int) -> None:
    for number in range(lines):
        print(f"line {number}")


def log(text: str) -> None:
    logging.getLogger("workload").warning(text)


def replace_stdout() -> None:
    sys.stdout = None  # type: ignore[assignment]


def report_steps(steps: int) -> int:
    for step in range(1, steps + 1):
        jobmill.report(step, steps, f"step {step}")
    return steps


def report_and_wait(place: str) -> None:
    jobmill.report(1, 4, "begun")
    wait_for_file(os.path.join(place, "go"))


def poll_cancelled(place: str) -> None:
    touch(os.path.join(place, "job.begun"), str(os.getpid()))
    try:
        while not jobmill.cancelled():
            time.sleep(0.001)
    except jobmill.JobStopped:
        pass
    touch(os.path.join(place, "job.asked"), str(jobmill.cancelled()))


def where() -> List[int]:
    return [os.getpid(), os.getppid()]


def job_number() -> int:
    return jobmill.job_number()


def nested_sum(depth: int) -> int:
    if depth == 0:
        return 1
    with jobmill.Executor() as executor:
        parts = [executor.submit(nested_sum, depth - 1) for _ in range(2)]
        return sum(part.result() for part in parts)


def leave_thread(place: str) -> int:
    def stay_on() -> None:
        wait_for_file(os.path.join(place, "go"))
        touch(os.path.join(place, "thread.finished"))

    threading.Thread(target=stay_on, daemon=True).start()
    return os.getpid()


def leave_child() -> int:
    return subprocess.Popen(["sleep", "1000"]).pid


_state: List[Any] = []


def remember(*values: Any) -> None:
    _state.extend(values)


def remembered() -> List[Any]:
    return list(_state)


def keep(value: Any) -> None:
    """Beyond the end of the job."""
    _state.append(value)


def look_at_kept() -> Any:
    value = _state[-1]
    return value.copy() if hasattr(value, "copy") else bytes(value)


def forget() -> None:
    _state.clear()


def die_first(mark: str) -> None:
    """The first three times."""
    with open(mark, "ab", buffering=0) as file:
        file.write(b"x")
    if os.path.getsize(mark) <= 3:
        os._exit(3)


def fail_to_begin() -> None:
    raise RuntimeError("no licence")


def fds_and_mappings() -> List[int]:
    with open("/proc/self/maps", encoding="ascii", errors="replace") as maps:
        mapped = sum("/memfd:jobmill-payload" in line for line in maps)
    return [len(os.listdir("/proc/self/fd")), mapped]


class _Reader:
    def __reduce__(self) -> Any:
        return threading.get_ident, ()


def tell_reader() -> Any:
    """What is unpickled as the number of the thread that unpickles it."""
    return _Reader()


def interrupt_reader() -> int:
    """For whoever unpickles: interrupts the main thread, some time after it has begun."""
    if threading.current_thread() is threading.main_thread():
        time.sleep(0.005)
        signal.raise_signal(signal.SIGINT)
    return 7


class _Interrupting:
    def __reduce__(self) -> Any:
        return interrupt_reader, ()


def be_interrupting() -> Any:
    """What interrupts the thread that unpickles it, if that is the main thread; 7."""
    return _Interrupting()
