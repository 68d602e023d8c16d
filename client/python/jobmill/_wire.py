# SPDX-License-Identifier: MIT
"""The socket: a session's bytes and descriptors, in and out."""

from __future__ import annotations

import array
import os
import resource
import select
import socket
from typing import Any, List

from . import _frames as f
from ._session import Session, refusal
from .errors import DaemonGone

__all__ = ["begin", "connect", "greet", "read", "receive", "take"]

_ANCILLARY = socket.CMSG_SPACE(f.MOST_DESCRIPTORS * array.array("i").itemsize)
_GREETING_PATIENCE = 20.0
# A session may have 64 results in them that were not given back, and this program needs some.
_LEAST_FREE_DESCRIPTORS = 128
# As plain numbers: the module's are enumerations, whose every use costs microseconds.
_RECEIVE = int(socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC)
_TRUNCATED = int(socket.MSG_CTRUNC)
_RIGHTS = (int(socket.SOL_SOCKET), int(socket.SCM_RIGHTS))


def connect(path: str) -> socket.socket:
    """A connection to the daemon at ``path``; ``DaemonGone`` when there is none."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        connection.connect(path)
    except OSError as error:
        connection.close()
        raise DaemonGone(f"no daemon at {path}: {error.strerror or error}") from error
    return connection


def receive(connection: socket.socket, session: Session, most: int = 1 << 20) -> List[Any]:
    """What one read brings; ``BlockingIOError`` when there is nothing, ``DaemonGone`` at the end."""
    got: List[Any] = []
    read(connection, session.room()[:most], got)
    return take(got[0], session)


def read(connection: socket.socket, room: memoryview, got: List[Any]) -> None:
    """The half of ``receive`` that reads: appends what there is to be given to ``take``. An interrupt
    comes before or after that, so nothing that was read is lost with it."""
    try:
        got.extend(map(connection.recvmsg_into, ((room,),), (_ANCILLARY,), (_RECEIVE,)))
    except ConnectionError as error:
        raise DaemonGone(f"the daemon is gone: {error.strerror or error}") from error


def take(got: Any, session: Session) -> List[Any]:
    """The other half."""
    size, ancillary, flags, _ = got
    if not ancillary and size:
        return session.received(size)
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == _RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    if flags & _TRUNCATED:
        for descriptor in descriptors:
            os.close(descriptor)
        raise DaemonGone("this process may have no more descriptors")
    if size == 0:
        raise DaemonGone("the daemon has closed the connection")
    return session.received(size, descriptors)


def takes_blobs() -> bool:
    """Whether large results may come in descriptors: where this process has few left, the one that it
    has no room for would be lost, and the session with it."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        return soft - len(os.listdir("/proc/self/fd")) >= _LEAST_FREE_DESCRIPTORS
    except OSError:
        return False  # there is none left, or no such place


def begin(connection: socket.socket, client: str) -> Session:
    """A session that waits for its welcome."""
    session = Session(client, takes_blobs())
    try:
        session.out.send(connection)
    except ConnectionError:
        pass  # a daemon that has no room says so before it leaves: the next read has it
    return session


def greet(connection: socket.socket, client: str) -> Session:
    """A session that has its welcome."""
    session = begin(connection, client)
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    while session.welcome is None:
        if not poll.poll(_GREETING_PATIENCE * 1000):
            raise DaemonGone("the daemon does not answer")
        for event in receive(connection, session):
            if getattr(event, "kind", None) == f.ERROR:
                raise refusal(event.meta)
    return session
