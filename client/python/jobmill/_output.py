# SPDX-License-Identifier: MIT
"""What jobs print, as text, and on this program's own output."""

from __future__ import annotations

import codecs
import sys
from typing import Dict, List, Tuple, Union

from . import _frames as f

__all__ = ["MOST_OUTPUT", "Echo", "last_text"]

MOST_OUTPUT = 65_536  # bytes of each stream that are kept with a job

_new_decoder = codecs.getincrementaldecoder("utf-8")


class Echo:
    """What one job prints: it comes in pieces, which may end within a character."""

    __slots__ = ("_decoders", "_aloud")

    def __init__(self, aloud: bool = True) -> None:
        self._decoders: Dict[int, codecs.IncrementalDecoder] = {}
        self._aloud = aloud

    def write(self, stream: int, data: bytes) -> str:
        """The text that is complete now."""
        decoder = self._decoders.get(stream)
        if decoder is None:
            decoder = self._decoders[stream] = _new_decoder("replace")
        text = decoder.decode(data)
        if self._aloud:
            _print(stream, text)
        return text

    def end(self) -> List[Tuple[int, str]]:
        """What nothing completes any more."""
        rest = []
        for stream, decoder in self._decoders.items():
            text = decoder.decode(b"", True)
            if text:
                rest.append((stream, text))
                if self._aloud:
                    _print(stream, text)
        return rest


def _print(stream: int, text: str) -> None:
    target = sys.stdout if stream == f.STREAM_OUT else sys.stderr
    if target is None or not text:
        return
    try:
        target.write(text)
        target.flush()
    except Exception:
        pass  # neither a closed terminal nor any object in its place is a reason to lose a result


def last_text(kept: Union[bytes, bytearray]) -> str:
    """The last of what was kept, from a whole character on."""
    begin = max(0, len(kept) - MOST_OUTPUT)
    if begin:
        end = min(begin + 3, len(kept))
        while begin < end and kept[begin] & 0xC0 == 0x80:
            begin += 1
    return kept[begin:].decode("utf-8", "replace")
