# SPDX-License-Identifier: MIT
"""From the end of a job to the exception that tells it."""

from __future__ import annotations

import pickle
from typing import Any, Mapping, Optional

from . import _frames as f
from .errors import Cancelled, Expired, JobError, JobTimeout, RemoteTraceback, WorkerDied

__all__ = ["dump_exception", "error_of", "said"]

_MOST_TEXT = 16_384


def dump_exception(
    error: BaseException, traceback: str, pickled: Optional[bytes], most_text: int = _MOST_TEXT
) -> bytes:
    """What a worker sends before a job fails: the words, and the exception itself if it can be."""
    words = (_qualified(type(error)), said(error)[:most_text], traceback[-most_text:], pickled)
    return b"E" + pickle.dumps(words, 5)


def _qualified(kind: type) -> str:
    if kind.__module__ in ("builtins", "__main__", "__mp_main__"):
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def said(error: BaseException) -> str:
    """Its text, of whatever class it is."""
    try:
        return str(error)[:_MOST_TEXT]
    except Exception:
        return "(its text cannot be had)"


def error_of(state: int, cause: Mapping[str, Any], chunk: Optional[bytes]) -> BaseException:
    """``chunk`` is what ``dump_exception`` made, if it came."""
    text = _text_of(state, cause)
    error: BaseException
    if state == f.FAILED:
        return JobError(text, cause=cause) if chunk is None else _remote(chunk, cause)
    if state == f.CRASHED:
        error = WorkerDied(text, cause=cause)
    elif state == f.TIMED_OUT:
        error = JobTimeout(text, cause=cause)
    elif state == f.EXPIRED:
        error = Expired(text, cause=cause)
    else:
        error = Cancelled(text)
    if chunk is not None:
        # It was interrupted: that says where it was.
        error.__cause__ = _remote(chunk, cause).__cause__
    return error


def _remote(chunk: bytes, cause: Mapping[str, Any]) -> BaseException:
    try:
        if chunk[:1] != b"E":
            raise ValueError("it is none")
        type_name, said, traceback, pickled = pickle.loads(chunk[1:])
    except Exception as error:
        return JobError(f"the worker's exception cannot be read: {error}", cause=cause)
    result: Optional[BaseException] = None
    if pickled is not None:
        try:
            result = pickle.loads(pickled)
        except BaseException:  # its class may do anything while it is made
            result = None
    if not isinstance(result, BaseException):
        result = JobError(
            f"{type_name}: {said}" if said else type_name, type_name=type_name, cause=cause
        )
    result.__cause__ = RemoteTraceback(f'\n"""\n{traceback}"""')
    return result


def _text_of(state: int, cause: Mapping[str, Any]) -> str:
    kind = cause.get("kind", "")
    text = cause.get("text", "")
    name = cause.get("signal") or (
        f"exit code {cause['exit_code']}" if "exit_code" in cause else ""
    )
    if kind == "limit":
        said = f"it went beyond its limit of {cause.get('limit', '')}"
    elif state == f.CRASHED:
        said = f"its worker died ({name})" if name else "its worker died"
        if cause.get("oom"):
            said += ": the kernel killed it for want of memory"
        if cause.get("poison"):
            said += "; it has crashed too many workers and is not tried again"
    elif state == f.TIMED_OUT:
        said = "it showed no sign of life" if kind == "hang" else "it ran too long"
    elif state == f.EXPIRED:
        said = "it waited too long and never ran"
    elif kind == "stopping":
        said = "the daemon stopped"
    elif kind == "halted":
        said = "its batch gave up"
    else:
        said = name
    if text != said:
        said = f"{said}: {text}" if said and text else said or text
    said = said or f.STATE_NAMES[state]
    for title, key in (("it wrote", "stderr"), ("last words", "last_words")):
        if state != f.FAILED and cause.get(key):
            said += f"\n{title}: {cause[key].rstrip()}"
    return said
