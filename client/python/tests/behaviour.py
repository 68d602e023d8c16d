# SPDX-License-Identifier: MIT
"""What happens when something goes wrong: jobmill.Executor beside its peers, as a table in Markdown.

    behaviour.py [--only WORDS] [--contenders NAME,...] [--write]

Each check runs in a process of its own with a time limit, so that a hang is a result, too. ``--write`` puts the
table into docs/python.md.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from typing import Dict, List, Tuple

import surroundings
from behaviour_checks import CHECKS, CONTENDERS, OURS

PAGE = os.path.join(surroundings.ROOT, "docs", "python.md")
BEGIN = "<!-- what client/python/tests/behaviour.py prints -->"
END = "<!-- the end of it -->"
# Whoever takes longer hangs. Of ours nothing is known to, so a busy machine has all the time that it needs.
_LIMIT = 60.0
_OWN_LIMIT = 300.0

Answer = Tuple[bool, str]


def judge(check: str, contender: str) -> Answer:
    """Whether it is what one wants, and what happens, in words."""
    with tempfile.TemporaryDirectory(prefix="jobmill-test-") as place:
        answer = os.path.join(place, "answer")
        # A file: workers that are left behind would keep a pipe open.
        said = os.path.join(place, "said")
        program = (
            f"import behaviour_checks; behaviour_checks.run({check!r}, {contender!r}, {place!r})"
        )
        with open(said, "wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-c", program],
                env=surroundings.surroundings_of_scripts(
                    PYTHONPATH=os.pathsep.join((surroundings.HERE, surroundings.PACKAGE_PARENT))
                ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        hangs = False
        try:
            process.wait(_OWN_LIMIT if contender == OURS else _LIMIT)
        except subprocess.TimeoutExpired:
            hangs = True
        finally:
            _end(process)
        if os.path.exists(answer):
            with open(answer, encoding="utf-8") as file:
                good, text = json.load(file)
            return good, text
        if hangs:
            return False, "hangs"
        with open(said, encoding="utf-8", errors="replace") as file:
            lines = file.read().strip().splitlines() or ["without a word"]
        return False, "the program ends: " + lines[-1]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """With the workers that some leave behind."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def available() -> List[str]:
    return [name for name, module in CONTENDERS.items() if surroundings.has_module(module)]


def table(names: List[str], checks: List[str]) -> str:
    lines = [
        "| | " + " | ".join(f"`{name}`" for name in names) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for check in checks:
        answers = [judge(check, name) for name in names]
        lines.append(f"| {check} | " + " | ".join(_cell(answer) for answer in answers) + " |")
        print(lines[-1], file=sys.stderr)
    return "\n".join(lines) + "\n"


def _cell(answer: Answer) -> str:
    good, text = answer
    text = text.replace("|", "\\|")
    return f"**{text}**" if good else text


def column_of_page(name: str = OURS) -> Dict[str, str]:
    """What docs/python.md says of a contender, by check."""
    with open(PAGE, encoding="utf-8") as page:
        text = page.read()
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text[text.index(BEGIN) : text.index(END)].splitlines()
        if line.startswith("| ")
    ]
    at = rows[0].index(f"`{name}`")
    return {row[0]: row[at] for row in rows[1:]}


def write(text: str) -> None:
    with open(PAGE, encoding="utf-8") as page:
        old = page.read()
    begin, end = old.index(BEGIN) + len(BEGIN), old.index(END)
    with open(PAGE, "w", encoding="utf-8") as page:
        page.write(old[:begin] + "\n\n" + text + "\n" + old[end:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", default="", help="checks with this text in their names")
    parser.add_argument("--contenders", default=",".join(available()))
    parser.add_argument("--write", action="store_true", help="put the table into docs/python.md")
    options = parser.parse_args()
    checks = [check for check in CHECKS if options.only in check]
    text = table(options.contenders.split(","), checks)
    if options.write:
        write(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
