# SPDX-License-Identifier: MIT
"""The functions that a worker calls, from what it was told of them."""

from __future__ import annotations

import importlib
import io
import pickle
import sys
from typing import Any, Callable, Dict, Optional, Tuple

from ._by_value import Brought
from ._main_module import import_main
from ._parcel import split_call
from ._starts import Starts

__all__ = ["initializer_of", "load_function", "named"]


class _Finder(pickle.Unpickler):
    """Remembers what it has found by name last."""

    found: Any = None

    def find_class(self, module: str, name: str) -> Any:
        self.found = super().find_class(module, name)
        return self.found


def load_function(name: bytes) -> Tuple[Callable[..., Any], bool]:
    """From what ``dump_function`` made. And whether it was found by its name: any other is of one job,
    which may change what it carries."""
    kind, data = name[:1], name[1:]
    if kind == b"M":
        spec, data = pickle.loads(data)
        import_main(spec)
    finder = _Finder(io.BytesIO(data))
    try:
        function = finder.load()
    except ModuleNotFoundError as error:
        if error.name == "cloudpickle":
            raise ModuleNotFoundError(
                f"{sys.executable} has no cloudpickle, which this job's function needs: install it there",
                name=error.name,
            ) from None
        raise
    return function, function is finder.found


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
    starts = Starts(setup["starts"], setup["workers"])

    def initialize() -> None:
        with starts:
            _, name, data, buffers = split_call(memoryview(data_of_call))
            with Brought() as brought:
                function, _ = load_function(name)
                args, kwargs = pickle.loads(data, buffers=buffers)
            function(*args, **kwargs)
            brought.keep()

    return initialize
