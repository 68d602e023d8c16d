# SPDX-License-Identifier: MIT
"""What the daemon executes: an interpreter that becomes a pool's template, or a worker.

INTERPRETER .../jobmill/_bootstrap.py LIBRARY [--pool NAME] [--preload MODULE]...
[--initializer MODULE:FUNCTION] -- ARGUMENTS OF THE WORKER PROGRAM...
"""

import os
import sys


def _find_package() -> None:
    """Modules of the package are not to be found by their bare names, the package is.

    At the end: a package of that name in the interpreter's own environment wins.
    """
    package = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.realpath(sys.path[0]) == os.path.realpath(package):
        del sys.path[0]
    place = os.path.dirname(package)
    if place not in sys.path:
        sys.path.append(place)


if __name__ == "__main__":
    _find_package()
    from jobmill import _worker

    sys.exit(_worker.main(sys.argv[1:]))
