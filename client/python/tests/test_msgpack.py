# SPDX-License-Identifier: MIT
"""MessagePack as the protocol has it."""

from __future__ import annotations

import os
import random
import struct
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from jobmill._msgpack import DEEPEST, MalformedDocument, pack, unpack  # noqa: E402

SAMPLES = [
    None,
    True,
    False,
    0,
    127,
    128,
    (1 << 64) - 1,
    -1,
    -32,
    -33,
    -(1 << 63),
    1.5,
    "",
    "a" * 31,
    "a" * 32,
    "é" * 127,
    "a" * 255,
    "a" * 256,
    "a" * 65_535,
    "a" * 65_536,
    [],
    list(range(15)),
    list(range(16)),
    list(range(70_000)),
    {},
    {str(number): number for number in range(15)},
    {str(number): number for number in range(16)},
    {"a": [{"b": None}, "c"], "d": {"e": 1.0}},
]


class Packing(unittest.TestCase):
    def test_what_is_packed_is_unpacked(self) -> None:
        for value in SAMPLES:
            with self.subTest(str(value)[:40]):
                self.assertEqual(unpack(pack(value)), value)

    def test_a_bool_is_no_number(self) -> None:
        self.assertEqual(pack(True), b"\xc3")
        self.assertIs(unpack(pack(True)), True)

    def test_tuples_are_lists(self) -> None:
        self.assertEqual(unpack(pack((1, (2,)))), [1, [2]])

    def test_numbers_beyond_64_bits_are_refused(self) -> None:
        for number in (1 << 64, -(1 << 63) - 1):
            with self.assertRaisesRegex(ValueError, "does not fit 64 bits"):
                pack(number)

    def test_what_has_no_spelling_is_refused_by_its_type(self) -> None:
        with self.assertRaisesRegex(TypeError, "bytes cannot be an argument"):
            pack({"a": b""})
        with self.assertRaisesRegex(TypeError, "a name of an argument is text, not int"):
            pack({1: 2})

    def test_what_refers_to_itself_is_refused(self) -> None:
        endless: list = []
        endless.append(endless)
        with self.assertRaisesRegex(ValueError, "nested deeper"):
            pack(endless)

    def test_the_deepest_document_that_is_packed_is_unpacked(self) -> None:
        value: list = []
        for _ in range(DEEPEST):
            value = [value]
        self.assertEqual(unpack(pack(value)), value)
        with self.assertRaises(ValueError):
            pack([value])


class Unpacking(unittest.TestCase):
    def test_every_size_of_number_is_read(self) -> None:
        for data, value in (
            (b"\xcc\xff", 255),
            (b"\xcd\xff\xff", 65_535),
            (b"\xce" + b"\xff" * 4, (1 << 32) - 1),
            (b"\xd0\x80", -128),
            (b"\xd1\x80\x00", -32_768),
            (b"\xd2\x80\x00\x00\x00", -(1 << 31)),
            (b"\xca" + struct.pack(">f", 0.5), 0.5),
        ):
            self.assertEqual(unpack(data), value)

    def test_every_truncation_is_malformed(self) -> None:
        for value in SAMPLES:
            data = pack(value)
            ends = range(len(data)) if len(data) < 300 else range(0, len(data), len(data) // 50)
            for end in ends:
                with self.subTest(value=str(value)[:20], end=end), self.assertRaises(
                    MalformedDocument
                ):
                    unpack(data[:end])

    def test_bytes_after_the_end_are_malformed(self) -> None:
        with self.assertRaisesRegex(MalformedDocument, "after the end"):
            unpack(pack(1) + b"\x00")

    def test_a_length_beyond_the_document_is_judged_before_anything_is_read(self) -> None:
        for head in (b"\xdb", b"\xdd", b"\xdf"):
            with self.assertRaisesRegex(MalformedDocument, "length beyond"):
                unpack(head + b"\xff\xff\xff\xff")

    def test_names_are_text(self) -> None:
        with self.assertRaisesRegex(MalformedDocument, "a name that is no text"):
            unpack(b"\x81\x01\x02")

    def test_text_is_utf_8(self) -> None:
        with self.assertRaises(MalformedDocument):
            unpack(b"\xa1\xff")

    def test_what_is_nested_too_deep_is_malformed(self) -> None:
        with self.assertRaisesRegex(MalformedDocument, "nested deeper"):
            unpack(b"\x91" * 100_000 + b"\xc0")

    def test_damage_is_malformed_or_another_document(self) -> None:
        chance = random.Random(7)
        data = pack({"code": "busy", "text": "é" * 20, "list": [1, -5, 2.5, None, {"a": True}]})
        malformed = 0
        for _ in range(20_000):
            damaged = bytearray(data)
            for _ in range(chance.randint(1, 4)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            try:
                unpack(bytes(damaged))
            except MalformedDocument:
                malformed += 1
        self.assertGreater(malformed, 1000)


if __name__ == "__main__":
    unittest.main()
