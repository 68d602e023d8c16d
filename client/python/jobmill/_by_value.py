# SPDX-License-Identifier: MIT
"""Functions of a main program by value, with cloudpickle where it is installed. Both sides have this file.

Each pickle brings such functions globals of their own, as they are in the program. In a worker whose
initializer is one of them, what that has set is put over these, so that jobs find it.
"""

from __future__ import annotations

import types
from typing import Any, Callable, Dict, List, Optional, Tuple

try:
    import cloudpickle  # type: ignore[import]
except ImportError:
    cloudpickle = None

__all__ = ["Brought", "cloudpickle", "dump", "restore"]

_MAIN = "__main__"
# What cannot have been changed in its place, or is the newer one in a job that brings it along.
_UNCHANGED = (
    types.FunctionType,
    types.ModuleType,
    type,
    type(None),
    int,
    float,
    complex,
    str,
    bytes,
    tuple,
    frozenset,
)

if cloudpickle is not None:

    class _Pickler(cloudpickle.CloudPickler):
        def reducer_override(self, value: Any) -> Any:
            reduced = super().reducer_override(value)
            if type(value) is not types.FunctionType or type(reduced) is not tuple:
                return reduced
            if len(reduced) < 6 or value.__globals__.get("__name__") != _MAIN:
                return reduced
            make, arguments, state, _, _, set_state = reduced
            return make, arguments, (set_state, state), None, None, restore


def dump(value: Any, file: Any, buffer_callback: Optional[Callable[[Any], bool]]) -> None:
    _Pickler(file, 5, buffer_callback=buffer_callback).dump(value)


# What the initializer of this worker has left in the main program's globals.
_left: Dict[str, Any] = {}
_brought: Optional[Dict[int, Dict[str, Any]]] = None


def restore(function: types.FunctionType, state: Tuple[Callable[..., Any], Any]) -> None:
    """The last of the steps of unpickling one."""
    set_state, own = state
    set_state(function, own)
    if _brought is not None:
        _brought[id(function.__globals__)] = function.__globals__
    elif _left:
        function.__globals__.update(_left)


class Brought:
    """The globals of what is unpickled within it: those of the initializer."""

    def __enter__(self) -> "Brought":
        global _brought
        self._globals = _brought = {}
        return self

    def __exit__(self, *_: Any) -> None:
        global _brought
        _brought = None
        self._before: List[Tuple[Dict[str, Any], Dict[str, Any]]] = [
            (after, dict(after)) for after in self._globals.values()
        ]

    def keep(self) -> None:
        """When it has run: what it has set, and what it may have changed."""
        for after, before in self._before:
            for name, value in after.items():
                is_set = name not in before or before[name] is not value
                if is_set or not (isinstance(value, _UNCHANGED) or name.startswith("__")):
                    _left[name] = value
