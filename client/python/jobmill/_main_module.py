# SPDX-License-Identifier: MIT
"""A client's main module in a worker, for functions that are defined in it: as multiprocessing's
spawn does."""

from __future__ import annotations

import runpy
import sys
import types
from typing import Dict, Tuple

from . import _inside

__all__ = ["import_main"]

_NAME = "__mp_main__"
_imported: Dict[Tuple[str, str, int], types.ModuleType] = {}


def import_main(spec: Tuple[str, str, int]) -> None:
    """Makes it this process's ``__main__``. What is below ``if __name__ == "__main__"`` does not
    run."""
    module = _imported.get(spec)
    if module is None:
        module = types.ModuleType(_NAME)
        _inside.importing_main(True)
        try:
            kind, where, _ = spec
            if kind == "name":
                content = runpy.run_module(where, run_name=_NAME, alter_sys=True)
            else:
                content = runpy.run_path(where, run_name=_NAME)
        finally:
            _inside.importing_main(False)
        module.__dict__.update(content)
        module.__dict__["__jobmill_main__"] = True
        _imported[spec] = module
    sys.modules["__main__"] = sys.modules[_NAME] = module
