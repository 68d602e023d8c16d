# SPDX-License-Identifier: MIT
"""The functions that a worker calls, from what it was told of them."""

from __future__ import annotations

import importlib
import pickle
import sys
from typing import Any, Callable, Dict, Optional

from ._main_module import import_main
from ._parcel import split_call

__all__ = ["initializer_of", "load_function", "named"]


def load_function(name: bytes) -> Callable[..., Any]:
    """From what ``dump_function`` made."""
    kind, data = name[:1], name[1:]
    if kind == b"M":
        spec, data = pickle.loads(data)
        import_main(spec)
    try:
        return pickle.loads(data)
    except ModuleNotFoundError as error:
        if error.name == "cloudpickle":
            raise ModuleNotFoundError(
                f"{sys.executable} has no cloudpickle, which this job's function needs: install it there",
                name=error.name,
            ) from None
        raise


def named(name: str) -> Callable[[], None]:
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found


def initializer_of(setup: Dict[str, Any]) -> Optional[Callable[[], None]]:
    """The one that the program of a private daemon has given."""
    call = setup.get("initializer")
    if call is None:
        return None

    data_of_call: bytes = call

    def initialize() -> None:
        _, name, data, buffers = split_call(memoryview(data_of_call))
        function = load_function(name)
        args, kwargs = pickle.loads(data, buffers=buffers)
        function(*args, **kwargs)

    return initialize
