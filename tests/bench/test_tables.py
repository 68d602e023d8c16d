#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""That the tables say what was measured."""

import unittest

import tables
from tables import Column, Results


def results_of(*lines):
    results = Results()
    for turn, line in lines:
        results.add(line, turn)
    return results


def measured(peer, value, case="", bench="trip", figure="us"):
    return {"bench": bench, "peer": peer, "case": case, figure: value}


def skipped(peer, why, case=""):
    return {"bench": "trip", "peer": peer, "case": case, "skipped": why}


class Ratios(unittest.TestCase):
    def test_less_is_better_unless_told_otherwise(self):
        self.assertEqual(tables.ratio({1: 10}, {1: 30}, False), 3)
        self.assertEqual(tables.ratio({1: 30}, {1: 10}, True), 3)

    def test_is_taken_within_each_round(self):
        # Everything was twice as slow in the second: the ratio does not notice.
        self.assertEqual(tables.ratio({1: 10, 2: 20, 3: 10}, {1: 20, 2: 40, 3: 20}, False), 2)

    def test_rounds_that_only_one_has_do_not_count(self):
        self.assertEqual(tables.ratio({1: 10, 2: 1}, {1: 20, 3: 1}, False), 2)
        self.assertIsNone(tables.ratio({1: 10}, {2: 20}, False))

    def test_nothing_is_divided_by_nothing(self):
        self.assertIsNone(tables.ratio({1: 20}, {1: 0}, True))


class Numbers(unittest.TestCase):
    def test_have_three_digits(self):
        self.assertEqual(tables.number(1234567), "1,230,000")
        self.assertEqual(tables.number(123.4), "123")
        self.assertEqual(tables.number(12.34), "12.3")
        self.assertEqual(tables.number(1.234), "1.23")
        self.assertEqual(tables.number(0.01234), "0.012")
        self.assertEqual(tables.number(0), "0")

    def test_a_spread_is_median_least_and_most(self):
        self.assertEqual(tables.spread([3, 1, 20]), "3.00 (1.00–20.0)")
        self.assertEqual(tables.spread([5]), "5.00")


class Lines(unittest.TestCase):
    def test_nested_figures_have_names_with_dots(self):
        nested = {"bench": "b", "p": {"p50": 1, "text": "x"}, "from": [{"n": 2}], "yes": True}
        self.assertEqual(tables.flattened(nested), {"p.p50": 1, "from.1.n": 2})

    def test_a_line_without_a_peer_is_ours(self):
        results = results_of((1, {"bench": "queue", "bytes": 7}))
        self.assertEqual(results.values("queue", "", "bytes", "jobmill"), {1: 7})

    def test_ours_comes_first(self):
        results = results_of((1, measured("a", 1)), (1, measured("jobmill", 1)), (1, measured("b", 1)))
        self.assertEqual(results.peers("trip"), ["jobmill", "a", "b"])


class Tables(unittest.TestCase):
    columns = [Column("pinned", "pinned", "us", "µs"), Column("free", "free", "us", "µs")]

    def test_have_medians_spreads_and_ratios(self):
        results = results_of(
            (1, measured("jobmill", 10, "pinned")), (2, measured("jobmill", 12, "pinned")),
            (1, measured("pool", 30, "pinned")), (2, measured("pool", 36, "pinned")))
        text = tables.table(results, "trip", self.columns)
        self.assertIn("| jobmill | 11.0 (10.0–12.0) | – |", text)
        self.assertIn("| pool | 33.0 (30.0–36.0) ×3.00 | – |", text)

    def test_say_why_a_figure_is_missing(self):
        results = results_of((1, measured("jobmill", 10, "pinned")), (1, measured("pool", 30, "pinned")),
                             (1, skipped("pool", "one", "free")), (1, skipped("make", "no jobs")),
                             (1, skipped("cron", "no jobs")))
        text = tables.table(results, "trip", self.columns)
        self.assertIn("Not measured: pool (free): one; make, cron: no jobs.", text)
        self.assertNotIn("| make |", text)

    def test_what_was_skipped_once_and_measured_later_is_measured(self):
        results = results_of((1, skipped("pool", "one", "free")), (2, measured("pool", 30, "free")))
        self.assertNotIn("Not measured", tables.table(results, "trip", self.columns[1:]))

    def test_a_bench_that_did_not_run_has_none(self):
        self.assertEqual(tables.table(Results(), "trip", self.columns), "")
        self.assertEqual(tables.listing(Results(), "trip"), "")


class Documents(unittest.TestCase):
    def test_only_the_generated_part_is_replaced(self):
        self.assertEqual(tables.replaced("a\n<<\nold\n>>\nb\n", "new", "<<", ">>"),
                         "a\n<<\nnew\n>>\nb\n")

    def test_without_such_a_part_nothing_is(self):
        with self.assertRaises(ValueError):
            tables.replaced("a\nb\n", "new", "<<", ">>")


if __name__ == "__main__":
    unittest.main()
