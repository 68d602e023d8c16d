# SPDX-License-Identifier: MIT
"""The package as pip has it: a wheel, an sdist, an editable installation, and ``python -m jobmill``."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile
from typing import List, Optional

import surroundings
from surroundings import PACKAGE_PARENT, ROOT

import jobmill

JOB = """
import jobmill

def cube(number):
    return number ** 3

if __name__ == "__main__":
    with jobmill.Executor(1) as executor:
        print(executor.submit(cube, 3).result(), jobmill.__file__)
"""


# Python 3.14 wants to know how far an archive is trusted; before 3.12 some cannot be told.
_TRUSTED = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


def load_backend() -> object:
    path = os.path.join(PACKAGE_PARENT, "_build", "backend.py")
    spec = importlib.util.spec_from_file_location("backend", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def modules() -> List[str]:
    return sorted(
        f"jobmill/{name}"
        for name in os.listdir(os.path.join(PACKAGE_PARENT, "jobmill"))
        if name.endswith((".py", ".typed"))
    )


class Place(unittest.TestCase):
    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory(prefix="jobmill-test-")
        self.addCleanup(place.cleanup)
        self.place = place.name

    def run_program(self, *words: str, good: bool = True, **environment: Optional[str]) -> str:
        """Its output."""
        done = subprocess.run(
            words,
            cwd=self.place,
            env=surroundings.surroundings_of_scripts(**{"PYTHONPATH": None, **environment}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=surroundings.PATIENCE,
        )
        self.assertEqual(done.returncode == 0, good, done.stdout)
        return done.stdout


class Archives(Place):
    def setUp(self) -> None:
        super().setUp()
        self.backend = load_backend()

    def test_the_version_is_the_daemons(self) -> None:
        with open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8") as file:
            version = re.search(r"project\(jobmill VERSION ([0-9.]+)", file.read())[1]
        self.assertEqual(jobmill.__version__, version)
        self.assertEqual(
            self.backend.build_wheel(self.place), f"jobmill-{version}-py3-none-any.whl"
        )

    def test_a_wheel_has_every_module_its_types_and_a_true_record(self) -> None:
        wheel = zipfile.ZipFile(os.path.join(self.place, self.backend.build_wheel(self.place)))
        self.addCleanup(wheel.close)
        names = wheel.namelist()
        self.assertEqual([name for name in names if name.startswith("jobmill/")], modules())
        self.assertIn("jobmill/py.typed", names)
        info = f"jobmill-{jobmill.__version__}.dist-info"
        self.assertEqual(
            names[len(modules()) :],
            [f"{info}/{n}" for n in ("LICENSE", "METADATA", "WHEEL", "RECORD")],
        )
        record = wheel.read(f"{info}/RECORD").decode().splitlines()
        self.assertEqual([line.split(",")[0] for line in record], names)
        for line in record[:-1]:
            name, digest, size = line.split(",")
            self.assertEqual((digest, int(size)), self.digest_of(wheel.read(name)))

    def digest_of(self, content: bytes) -> object:
        row = self.backend._row("x", content).strip().split(",")
        return row[1], int(row[2])

    def test_an_empty_files_digest_is_the_known_one(self) -> None:
        self.assertEqual(
            self.backend._row("x", b""), "x,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n"
        )

    def test_the_same_files_make_the_same_bytes(self) -> None:
        for build in (
            self.backend.build_wheel,
            self.backend.build_sdist,
            self.backend.build_editable,
        ):
            archives = []
            for number in range(2):
                place = os.path.join(self.place, f"{build.__name__}{number}")
                os.mkdir(place)
                with open(os.path.join(place, build(place)), "rb") as file:
                    archives.append(file.read())
            self.assertEqual(*archives)

    def test_the_metadata_that_is_prepared_is_the_wheels(self) -> None:
        info = self.backend.prepare_metadata_for_build_wheel(self.place)
        with zipfile.ZipFile(
            os.path.join(self.place, self.backend.build_wheel(self.place))
        ) as wheel:
            for name in os.listdir(os.path.join(self.place, info)):
                with open(os.path.join(self.place, info, name), "rb") as file:
                    self.assertEqual(file.read(), wheel.read(f"{info}/{name}"))

    def test_an_sdist_has_what_builds_the_same_wheel(self) -> None:
        with tarfile.open(
            os.path.join(self.place, self.backend.build_sdist(self.place))
        ) as archive:
            self.assertTrue(all(entry.isfile() for entry in archive))
            for entry in archive:
                archive.extract(entry, self.place, **_TRUSTED)
        tree = os.path.join(self.place, f"jobmill-{jobmill.__version__}")
        os.mkdir(os.path.join(self.place, "wheel"))
        program = "import backend; print(backend.build_wheel('wheel'))"
        name = self.run_program(
            sys.executable, "-c", program, PYTHONPATH=os.path.join(tree, "_build")
        ).strip()
        own = self.backend.build_wheel(self.place)
        self.assertEqual(name, own)
        with open(os.path.join(self.place, own), "rb") as first:
            with open(os.path.join(self.place, "wheel", name), "rb") as second:
                self.assertEqual(first.read(), second.read())


class InAVenv(Place):
    """A plain one, without what the interpreter has beside it, made once. pip has no network."""

    @classmethod
    def setUpClass(cls) -> None:
        surroundings.need_daemon()
        place = tempfile.mkdtemp(prefix="jobmill-test-")
        cls.addClassCleanup(shutil.rmtree, place)
        cls.python = os.path.join(place, "bin", "python")
        if surroundings.has_module("pip"):
            # To copy it into the venv would take longer than all else.
            cls.pip = (sys.executable, "-m", "pip", "--python", cls.python)
            options = ["--without-pip"]
        elif surroundings.has_module("ensurepip"):
            cls.pip = (cls.python, "-m", "pip")
            options = []
        else:
            raise unittest.SkipTest("there is no ensurepip (apt-get install python3-venv)")
        made = subprocess.run(
            [sys.executable, "-m", "venv", *options, place],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        if made.returncode != 0:
            raise RuntimeError(made.stdout)

    def install(self, *words: str) -> None:
        self.run_program(
            *(*self.pip, "install", "--no-index", "--no-cache-dir", "--no-compile"),
            # In the place of what another test has installed.
            *("--disable-pip-version-check", "--force-reinstall", *words),
        )

    def run_job(self, *options: str) -> List[str]:
        program = os.path.join(self.place, "program.py")
        with open(program, "w", encoding="utf-8") as file:
            file.write(JOB)
        return self.run_program(self.python, *options, program).split()

    def test_it_is_installed_without_a_network_and_runs_jobs(self) -> None:
        self.install(PACKAGE_PARENT)
        value, path = self.run_job("-I")
        self.assertEqual(value, "27")
        self.assertIn("/site-packages/jobmill/", path)
        program = "import importlib.metadata; print(importlib.metadata.version('jobmill'))"
        self.assertEqual(
            self.run_program(self.python, "-I", "-c", program), jobmill.__version__ + "\n"
        )
        self.check_program()

    def check_program(self) -> None:
        """``python -m jobmill`` there."""
        command = (self.python, "-I", "-m", "jobmill")
        self.assertEqual(
            self.run_program(*command, "--version"), f"jobmill {jobmill.__version__}\n"
        )
        where = self.run_program(*command, "where")
        self.assertIn(f"interpreter  {self.python} (", where)
        self.assertRegex(where, f"(?m)^jobmilld     .*\\(jobmilld {jobmill.__version__}\\)$")
        self.assertRegex(where, "(?m)^cloudpickle  not installed$")
        check = self.run_program(*command, "check")
        self.assertRegex(check, "(?m)^a job +good: ")
        self.assertRegex(check, "(?m)^a crash +good: its worker died of SIGKILL")
        self.assertRegex(check, "(?m)^a cancel +good: ")

    def test_an_editable_one_is_the_tree(self) -> None:
        self.install("--editable", PACKAGE_PARENT)
        value, path = self.run_job()
        self.assertEqual(value, "27")
        self.assertEqual(path, os.path.join(PACKAGE_PARENT, "jobmill", "__init__.py"))


class Program(Place):
    def run_module(self, *words: str, good: bool = True, **environment: Optional[str]) -> str:
        command = (sys.executable, "-m", "jobmill", *words)
        return self.run_program(*command, good=good, PYTHONPATH=PACKAGE_PARENT, **environment)

    def test_it_says_that_there_is_no_daemon(self) -> None:
        missing = os.path.join(self.place, "jobmilld")
        for verb in ("where", "check"):
            said = self.run_module(verb, good=False, JOBMILLD=missing)
            self.assertIn(f"$JOBMILLD names no program: {missing}", said)

    def test_where_says_whose_socket_it_is_and_who_listens(self) -> None:
        surroundings.need_daemon()
        with jobmill.Executor(1) as executor:
            said = self.run_module("where", JOBMILL_SOCKET=executor.socket)
            self.assertIn(f"{executor.socket}, named by $JOBMILL_SOCKET (a daemon listens)", said)
            said = self.run_module("where", JOBMILL_SOCKET=executor.socket + ".no")
            self.assertIn("(nobody listens)", said)

    def test_help_names_the_verbs(self) -> None:
        said = self.run_module("--help")
        self.assertIn("where", said)
        self.assertIn("check", said)
        self.run_module(good=False)

    def test_a_job_runs_without_any_site_packages(self) -> None:
        surroundings.need_daemon()
        text = f"import sys\nsys.path.append({PACKAGE_PARENT!r})\n" + JOB
        with surroundings.script(text) as path:
            said = self.run_program(sys.executable, "-I", "-S", path)
        self.assertEqual(said.split()[0], "27")


if __name__ == "__main__":
    unittest.main()
