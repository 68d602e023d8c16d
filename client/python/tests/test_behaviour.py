# SPDX-License-Identifier: MIT
"""What docs/python.md says of jobmill beside the standard library is what happens."""

from __future__ import annotations

import concurrent.futures
import unittest
from typing import Dict

import behaviour
import surroundings
from behaviour_checks import CHECKS, OURS


def setUpModule() -> None:
    surroundings.need_daemon()


class TheColumnOfJobmill(unittest.TestCase):
    answers: "Dict[str, concurrent.futures.Future[behaviour.Answer]]" = {}

    @classmethod
    def setUpClass(cls) -> None:
        # Most of them wait for processes to begin and to end.
        judges = concurrent.futures.ThreadPoolExecutor(3)
        cls.addClassCleanup(judges.shutdown, cancel_futures=True)
        cls.answers = {check: judges.submit(behaviour.judge, check, OURS) for check in CHECKS}

    def test_the_page_has_every_check(self) -> None:
        self.assertEqual(list(behaviour.column_of_page()), list(CHECKS))


def _test_of(check: str) -> object:
    def test(self: TheColumnOfJobmill) -> None:
        good, text = self.answers[check].result()
        self.assertTrue(good, text)
        self.assertEqual(behaviour.column_of_page()[check], f"**{text}**")

    test.__doc__ = check
    return test


for _number, _check in enumerate(CHECKS):
    setattr(TheColumnOfJobmill, f"test_check_{_number:02}", _test_of(_check))


if __name__ == "__main__":
    unittest.main()
