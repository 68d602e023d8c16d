# SPDX-License-Identifier: MIT
"""The frames of PROTOCOL.md, version 1: numbers, and what this client sends as bytes."""

from __future__ import annotations

import struct
from typing import Final

PREAMBLE: Final = b"\x8fJOBMILL"
VERSION: Final = 1

# Message types.
HELLO, WELCOME, OPEN, OPENED, SUBMIT, PIECE, ACCEPTED, STARTED, CHUNK, PROGRESS = range(1, 11)
RESULT, CANCEL, CANCELLED, WAIT, STATUS, HANDLERS, PING, PONG, CREDIT, CLOSING, ERROR = range(
    11, 22
)
RELOAD, LOG_LEVEL, SUBMIT_MANY, RETRY, ADJUST, RETRYING, PUT, STORED, DROP, RETURN = range(22, 32)

# Job states.
WAITING, QUEUED, RUNNING, SUCCEEDED, FAILED, CRASHED, TIMED_OUT, STATE_CANCELLED, EXPIRED = range(9)
STATE_NAMES: Final = (
    "waiting",
    "queued",
    "running",
    "succeeded",
    "failed",
    "crashed",
    "timed_out",
    "cancelled",
    "expired",
    "skipped",
    "interrupted",
)

MORE: Final = 1
STREAM_NONE, STREAM_OUT, STREAM_ERR = 0, 1, 2

# A header is: bytes after it, type, flags with the number of descriptors, bytes of metadata, id.
HEADER: Final = struct.Struct("<IBBHQ")
HELLO_FIELDS: Final = struct.Struct("<HH")
WELCOME_FIELDS: Final = struct.Struct("<HHIIIQIIQ")
SUBMIT_FIELDS: Final = struct.Struct("<IIQ")
CANCEL_FIELDS: Final = struct.Struct("<QII")
U32: Final = struct.Struct("<I")
U64: Final = struct.Struct("<Q")
ACCEPTED_FIELDS: Final = struct.Struct("<QII")
STARTED_FIELDS: Final = struct.Struct("<QII")
RETRYING_FIELDS: Final = struct.Struct("<QIIQ")
CHUNK_FIELDS: Final = struct.Struct("<QQB7x")
PROGRESS_FIELDS: Final = struct.Struct("<QQQ")
RESULT_FIELDS: Final = struct.Struct("<QQQQIBBHQQ")
CREDIT_FIELDS: Final = struct.Struct("<IIQ")
# A header and a submit's fields at once: most of what is sent.
SUBMIT_HEAD: Final = struct.Struct("<IBBHQIIQ")
SUBMIT_MANY_HEAD: Final = struct.Struct("<IBBHQII")

FIXED_BYTES: Final = {
    WELCOME: WELCOME_FIELDS.size,
    OPENED: 0,
    PIECE: 0,
    ACCEPTED: ACCEPTED_FIELDS.size,
    STARTED: STARTED_FIELDS.size,
    CHUNK: CHUNK_FIELDS.size,
    PROGRESS: PROGRESS_FIELDS.size,
    RESULT: RESULT_FIELDS.size,
    CANCELLED: 8,
    STATUS: 0,
    HANDLERS: 0,
    PONG: 0,
    CREDIT: CREDIT_FIELDS.size,
    CLOSING: 8,
    ERROR: 0,
    RELOAD: 0,
    LOG_LEVEL: 0,
    ADJUST: 0,
    RETRYING: RETRYING_FIELDS.size,
    STORED: 0,
}

MOST_OF_A_FRAME: Final = 262_144
MOST_INLINE: Final = 65_536
MOST_METADATA: Final = 65_535
MOST_DESCRIPTORS: Final = 253


def frame(
    kind: int, tag: int, fields: bytes = b"", meta: bytes = b"", payload: bytes = b""
) -> bytes:
    """One frame without descriptors."""
    return b"".join(
        (
            HEADER.pack(len(fields) + len(meta) + len(payload), kind, 0, len(meta), tag),
            fields,
            meta,
            payload,
        )
    )
