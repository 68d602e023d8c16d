# SPDX-License-Identifier: MIT
"""Runs one module of tests, as ctest does: run_file.py MODULE.

The exit code is 77 where something that is missing kept tests from running: those whose reason for
being skipped begins with ``there is no``. All that could run has passed then.
"""

from __future__ import annotations

import sys
import unittest

SKIPPED = 77


def main(module: str) -> int:
    try:
        result = unittest.main(module=module, argv=["run_file.py"], verbosity=2, exit=False).result
    except unittest.SkipTest as missing:
        print(f"skipped: {missing}")
        return SKIPPED
    if not result.wasSuccessful():
        return 1
    missing = sorted({why for _, why in result.skipped if why.startswith("there is no ")})
    for why in missing:
        print(f"skipped: {why}")
    return SKIPPED if missing or result.testsRun == len(result.skipped) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
