# SPDX-License-Identifier: MIT
"""What code may ask that runs inside a job. Outside of one it answers that there is nothing to
tell."""

from __future__ import annotations

from typing import Any, Callable, Dict, NamedTuple, Optional, TypeVar

__all__ = ["Context", "JobStopped", "cancelled", "handler", "job_number", "report"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


class JobStopped(BaseException):
    """Raised in a job that is to stop: it was cancelled, or ran too long. Clean up and let it pass;
    who stays is killed a moment later."""


class Context(NamedTuple):
    """The worker that this process is."""

    socket: str
    pool: str
    interface: Any  # has progress(), cancelled() and job_number()


_context: Optional[Context] = None
_importing_main = False


def context() -> Optional[Context]:
    return _context


def become_worker(context: Context) -> None:
    global _context
    _context = context


def importing_main(now: bool) -> None:
    global _importing_main
    _importing_main = now


def refuse_in_main() -> None:
    """For whoever would submit jobs while a worker imports the program's main module."""
    if _importing_main:
        raise RuntimeError(
            "a worker imports this program to find a function that is defined in it, and so arrived here again. "
            "Put what starts jobs below \"if __name__ == '__main__':\", or install cloudpickle"
        )


def report(done: int, total: int = 0, note: str = "") -> None:
    """Tells how far this job is: ``done`` of ``total`` (0: unknown). Cheap; who listens is told ten
    times a second at most. Does nothing outside a job."""
    if _context is not None:
        _context.interface.progress(done, total, note)


def cancelled() -> bool:
    """Whether this job should stop. A job that does not ask is interrupted by ``JobStopped``."""
    return _context is not None and _context.interface.cancelled()


def job_number() -> int:
    """The daemon's number of the job that runs here; 0 outside of one."""
    return 0 if _context is None else _context.interface.job_number()


registered: Dict[str, Callable[..., Any]] = {}


def handler(name: str) -> Callable[[_Function], _Function]:
    """Offers a function of a preloaded module under a name, to clients in any language: it gets the
    payload (bytes) and the job's arguments by name, and answers bytes, text, or None."""

    def register(function: _Function) -> _Function:
        registered[name] = function
        return function

    return register
