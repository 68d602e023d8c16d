# SPDX-License-Identifier: MIT
"""Builds the wheel and the sdist (PEP 517, 660) from nothing but the standard library, so that pip
needs no network. The same files give the same bytes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import re
import tarfile
import time
import zipfile
from typing import Any, Dict, Optional

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Of an sdist, and of the tree.
LICENCES = (os.path.join(HERE, "LICENSE"), os.path.join(HERE, "..", "..", "LICENSE"))
# A zip knows no earlier time.
OLDEST = 315532800

Files = Dict[str, bytes]


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _version() -> str:
    text = _read(os.path.join(HERE, "jobmill", "__init__.py")).decode()
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        raise RuntimeError("jobmill/__init__.py says no __version__")
    return found[1]


def _licence() -> bytes:
    return _read(next(path for path in LICENCES if os.path.exists(path)))


def _metadata() -> bytes:
    head = f"""\
Metadata-Version: 2.1
Name: jobmill
Version: {_version()}
Summary: Functions in warm worker processes that may die, be cancelled and time out
License: MIT
Requires-Python: >=3.9
Provides-Extra: cloudpickle
Requires-Dist: cloudpickle >=2.0 ; extra == 'cloudpickle'
Classifier: License :: OSI Approved :: MIT License
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Python :: 3 :: Only
Classifier: Programming Language :: Python :: Implementation :: CPython
Classifier: Typing :: Typed
Description-Content-Type: text/markdown

"""
    return head.encode() + _read(os.path.join(HERE, "README.md"))


def _package() -> Files:
    place = os.path.join(HERE, "jobmill")
    names = (name for name in os.listdir(place) if name.endswith((".py", ".typed")))
    return {f"jobmill/{name}": _read(os.path.join(place, name)) for name in names}


def _dist_info() -> Files:
    wheel = b"Wheel-Version: 1.0\nGenerator: jobmill\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    place = f"jobmill-{_version()}.dist-info"
    return {
        f"{place}/METADATA": _metadata(),
        f"{place}/WHEEL": wheel,
        f"{place}/LICENSE": _licence(),
    }


def _time() -> int:
    return max(OLDEST, int(os.environ.get("SOURCE_DATE_EPOCH", OLDEST)))


def _row(name: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n"


def _write_wheel(directory: str, files: Files) -> str:
    name = f"jobmill-{_version()}-py3-none-any.whl"
    record = f"jobmill-{_version()}.dist-info/RECORD"
    # Package first, as pip likes its metadata last.
    ordered = sorted(files, key=lambda path: (".dist-info/" in path, path))
    rows = "".join(_row(path, files[path]) for path in ordered) + f"{record},,\n"
    with zipfile.ZipFile(os.path.join(directory, name), "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, content in [*((path, files[path]) for path in ordered), (record, rows.encode())]:
            entry = zipfile.ZipInfo(path, time.gmtime(_time())[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            wheel.writestr(entry, content)
    return name


# The hooks. Nothing is to be configured.


def build_wheel(
    wheel_directory: str, config_settings: Any = None, metadata_directory: Optional[str] = None
) -> str:
    return _write_wheel(wheel_directory, {**_package(), **_dist_info()})


def build_editable(
    wheel_directory: str, config_settings: Any = None, metadata_directory: Optional[str] = None
) -> str:
    return _write_wheel(
        wheel_directory, {"_jobmill_editable.pth": os.fsencode(HERE) + b"\n", **_dist_info()}
    )


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Any = None) -> str:
    for path, content in _dist_info().items():
        path = os.path.join(metadata_directory, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    return f"jobmill-{_version()}.dist-info"


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    root = f"jobmill-{_version()}"
    own = ("README.md", "pyproject.toml", "_build/backend.py")
    files = {name: _read(os.path.join(HERE, name)) for name in own}
    files.update(_package())
    files.update({"LICENSE": _licence(), "PKG-INFO": _metadata()})
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(files):
            entry = tarfile.TarInfo(f"{root}/{path}")
            entry.size = len(files[path])
            entry.mtime = _time()
            entry.mode = 0o644
            tar.addfile(entry, io.BytesIO(files[path]))
    name = f"{root}.tar.gz"
    with open(os.path.join(sdist_directory, name), "wb") as file:
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=_time()) as packed:
            packed.write(archive.getvalue())
    return name
