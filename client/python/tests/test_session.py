# SPDX-License-Identifier: MIT
"""A session without a socket, and what it makes of bytes that no daemon should send."""

from __future__ import annotations

import os
import random
import socket
import unittest
from typing import Any, Dict, Iterable, List, Tuple

import surroundings

from jobmill import Busy, DaemonGone, InitializerFailed, ProtocolError, Refused
from jobmill import _frames as f
from jobmill._desk import Desk, Sink
from jobmill._msgpack import pack, unpack
from jobmill._session import Blob, Event, Result, Session, refusal
from jobmill._wire import greet


def frame(
    kind: int, tag: int, fields: bytes = b"", meta: bytes = b"", rest: bytes = b"", flags: int = 0
) -> bytes:
    size = len(fields) + len(meta) + len(rest)
    return f.HEADER.pack(size, kind, flags, len(meta), tag) + fields + meta + rest


def result_fields(job: int, size: int, state: int = f.SUCCEEDED) -> bytes:
    return f.RESULT_FIELDS.pack(job, size, 10, 20, 1, state, 0, 1, 30, 40)


WELCOME = frame(
    f.WELCOME, 0, f.WELCOME_FIELDS.pack(1, 0, 65_536, 262_144, 32_768, 1 << 36, 4096, 77, 1 << 30)
)
FAILURE = pack({"kind": "exit", "exit_code": 3, "text": "no"})

CONVERSATION = [
    WELCOME,
    frame(f.OPENED, 1),
    frame(f.ACCEPTED, 1025, f.ACCEPTED_FIELDS.pack(7, 0, 0)),
    frame(f.STARTED, 1025, f.STARTED_FIELDS.pack(7, 1, 1)),
    frame(f.PROGRESS, 1025, f.PROGRESS_FIELDS.pack(7, 1, 2), b"", b"half"),
    frame(f.CHUNK, 1025, f.CHUNK_FIELDS.pack(7, 5, f.STREAM_OUT), b"", b"hello"),
    frame(f.RETRYING, 1025, f.RETRYING_FIELDS.pack(7, 1, 0, 1_000_000), pack({"state": "crashed"})),
    frame(f.RESULT, 1025, result_fields(7, 6), b"", b"answer"),
    frame(f.RESULT, 1026, result_fields(8, 0, f.FAILED), FAILURE),
    frame(f.RESULT, 1027, result_fields(9, 9), b"", b"abc", flags=f.MORE),
    frame(f.CREDIT, 0, f.CREDIT_FIELDS.pack(10, 0, 1 << 20)),
    frame(f.PIECE, 1027, b"", b"", b"def", flags=f.MORE),
    frame(f.STATUS, 1028, b"", b"", pack({"pools": []})),
    frame(f.PIECE, 1027, b"", b"", b"ghi"),
    frame(f.ERROR, 1029, b"", pack({"code": "busy", "text": "later", "retry_after_ms": 20})),
    frame(f.CANCELLED, 1030, bytes(8)),
    frame(f.STORED, 1031),
    frame(f.CLOSING, 0, bytes(8)),
]
KINDS = [
    f.STARTED, f.PROGRESS, f.CHUNK, f.RETRYING, "7", "8", f.STATUS, "9", f.ERROR, f.CANCELLED, f.STORED, f.CLOSING
]  # fmt: skip


def feed(session: Session, data: bytes, descriptors: Iterable[int] = ()) -> List[Any]:
    room = session.room()
    room[: len(data)] = data
    return session.received(len(data), list(descriptors))


class Silent(Sink):
    """Whoever wants a result, and does nothing with it."""

    __slots__ = ("tag",)


def kinds(events: Iterable[Any]) -> List[Any]:
    return [str(event.job) if isinstance(event, Result) else event.kind for event in events]


class Receiving(unittest.TestCase):
    def setUp(self) -> None:
        self.session = Session("test")
        self.addCleanup(self.session.close)

    def test_events_come_in_order(self) -> None:
        events = feed(self.session, b"".join(CONVERSATION))
        self.assertEqual(kinds(events), KINDS)
        small, failed, pieces = [event for event in events if isinstance(event, Result)]
        self.assertEqual((small.payload, small.state, small.tag), (b"answer", f.SUCCEEDED, 1025))
        self.assertEqual((failed.state, failed.meta["exit_code"]), (f.FAILED, 3))
        self.assertEqual(pieces.payload, b"abcdefghi")
        self.assertEqual(events[1], Event(f.PROGRESS, 1025, (7, 1, 2), b"half"))
        self.assertTrue(self.session.closing)

    def test_bytes_may_come_one_by_one(self) -> None:
        events: List[Any] = []
        for byte in b"".join(CONVERSATION):
            events += feed(self.session, bytes((byte,)))
        self.assertEqual(kinds(events), KINDS)

    def test_a_small_result_alone_is_seen_ahead_of_time(self) -> None:
        accepted, result = CONVERSATION[2], CONVERSATION[7]
        failed = CONVERSATION[8]
        for data, tag in (
            (result, 1025),
            (accepted + result, 1025),
            (accepted, None),
            (b"", None),
            (result + accepted[:5], None),
            (result[:-1], None),
            (result + result, None),
            (failed, None),
            (accepted + CONVERSATION[4] + result, None),
        ):
            self.session.room()[: len(data)] = data
            sole = self.session.sole_result(len(data))
            self.assertEqual(sole and (sole.tag, sole.payload), tag and (tag, b"answer"))
            session = Session("another")
            self.addCleanup(session.close)
            # It is still to come, and nothing but it.
            later = feed(session, data)
            self.assertEqual(kinds(self.session.received(len(data))), kinds(later))
            if self.session._filled:
                self.assertIsNone(self.session.sole_result(len(result)))
                self.session._filled = 0

    def test_the_newest_credit_counts(self) -> None:
        feed(self.session, WELCOME)
        self.assertEqual(self.session.welcome.credit_jobs, 4096)
        feed(self.session, frame(f.CREDIT, 0, f.CREDIT_FIELDS.pack(10, 0, 1 << 20)))
        self.assertEqual(self.session.welcome.credit_jobs, 10)
        self.assertEqual(self.session.welcome.credit_bytes, 1 << 20)

    def test_there_is_room_for_the_largest_frame_behind_any_other(self) -> None:
        largest = frame(
            f.CHUNK, 1, f.CHUNK_FIELDS.pack(7, 0, 1), b"", bytes(f.MOST_OF_A_FRAME - 24)
        )
        data = b"".join((CONVERSATION[4] * 3, largest, largest))
        events: List[Any] = []
        while data:
            size = len(self.session.room())
            self.assertGreater(size, 200_000)
            events += feed(self.session, data[:size])
            data = data[size:]
        self.assertEqual(kinds(events), [f.PROGRESS] * 3 + [f.CHUNK] * 2)

    def test_a_large_result_is_a_descriptor(self) -> None:
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        data = frame(f.RESULT, 1025, result_fields(7, 100_000), flags=1 << 4)
        (result,) = feed(self.session, data, [writer])
        self.assertEqual(result.payload, Blob(writer, 100_000))
        os.close(writer)


class Payloads(unittest.TestCase):
    """What is written to again, once a job has ended."""

    def setUp(self) -> None:
        self.session = Session("test")
        feed(self.session, WELCOME)
        self.desk = Desk(self.session)
        self.addCleanup(self.desk.end, Busy("over"))

    def sent(self) -> Tuple[int, int]:
        """The tag of another job, and the inode that its payload lies in."""
        sink = Silent()
        self.assertGreater(self.desk.submit(sink, bytes(100_000), ("p", "h"), b""), 0)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self.session.out.send(ours)
        blob = self.desk._jobs[sink.tag][2]
        assert blob is not None
        return sink.tag, os.fstat(blob.descriptor).st_ino

    def ended(self, tag: int, job: int, result: int = -1, cause: Dict[str, Any] = {}) -> List[Any]:
        state, size, flags = (f.FAILED, 0, 0) if cause else (f.SUCCEEDED, 100_000, 1 << 4)
        if result < 0:
            size, flags = 0, 0
        data = frame(
            f.RESULT,
            tag,
            result_fields(job, size, state),
            pack(cause) if cause else b"",
            flags=flags,
        )
        return self.desk.take(feed(self.session, data, [result] if flags else []))

    def test_it_is_that_of_the_last(self) -> None:
        tag, first = self.sent()
        self.ended(tag, 7)
        self.assertEqual(self.sent()[1], first)

    def test_it_is_not_what_was_set_aside(self) -> None:
        tag, first = self.sent()
        kept = os.dup(self.desk._jobs[tag][2].descriptor)  # type: ignore[union-attr]
        self.addCleanup(os.close, kept)
        self.ended(tag, 7, cause={"kind": "signal", "poison": True})
        self.assertNotEqual(self.sent()[1], first)

    def test_it_is_not_what_a_result_lies_in_that_somebody_has(self) -> None:
        tag, first = self.sent()
        descriptor = os.dup(self.desk._jobs[tag][2].descriptor)  # type: ignore[union-attr]
        ((_, result),) = self.ended(tag, 7, descriptor)
        self.addCleanup(os.close, descriptor)
        self.assertEqual(result.payload, Blob(descriptor, 100_000))
        self.assertNotEqual(self.sent()[1], first)
        self.desk.return_soon(7)
        self.desk.settle()
        self.assertEqual(self.sent()[1], first)

    def test_nor_are_many_such_kept(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        for job in range(1, 129):
            tag, _ = self.sent()
            descriptor = os.dup(self.desk._jobs[tag][2].descriptor)  # type: ignore[union-attr]
            self.ended(tag, job, descriptor)
            os.close(descriptor)
        self.assertLess(len(os.listdir("/proc/self/fd")), before + 64)


class HostileBytes(unittest.TestCase):
    def expect_error(self, data: bytes, words: str, descriptors: Iterable[int] = ()) -> None:
        session = Session("test")
        self.addCleanup(session.close)
        with self.assertRaisesRegex(ProtocolError, words):
            feed(session, data, descriptors)

    def test_a_frame_beyond_the_limit(self) -> None:
        self.expect_error(
            f.HEADER.pack(f.MOST_OF_A_FRAME + 1, f.RESULT, 0, 0, 1), "a frame of 262145 bytes"
        )

    def test_unknown_types(self) -> None:
        for kind in (0, f.HELLO, f.SUBMIT, f.PUT, 99, 255):
            self.expect_error(frame(kind, 1), f"a message of type {kind}")

    def test_frames_shorter_than_their_fields(self) -> None:
        for kind, size in f.FIXED_BYTES.items():
            if size and kind != f.ACCEPTED:  # that one is not looked at
                self.expect_error(frame(kind, 1, bytes(size - 1)), "too short")

    def test_metadata_longer_than_its_frame(self) -> None:
        self.expect_error(f.HEADER.pack(0, f.ERROR, 0, 5, 1), "too short")

    def test_documents_that_are_none(self) -> None:
        for document in (b"\xc1", b"\x81", pack([1]), pack(5), pack({}) + b"\x00"):
            self.expect_error(frame(f.ERROR, 1, b"", document), "")
            self.expect_error(frame(f.STATUS, 1, b"", b"", document), "")

    def test_pieces_of_nothing(self) -> None:
        self.expect_error(frame(f.PIECE, 1, b"", b"", b"x"), "a piece of nothing")

    def test_more_or_fewer_bytes_than_were_announced(self) -> None:
        begin = frame(f.RESULT, 1, result_fields(7, 5), b"", b"abc", flags=f.MORE)
        self.expect_error(
            begin + frame(f.PIECE, 1, b"", b"", b"def"), "5 bytes that were announced"
        )
        self.expect_error(begin + frame(f.PIECE, 1, b"", b"", b"d"), "5 bytes that were announced")
        too_many = frame(f.RESULT, 1, result_fields(7, 2), b"", b"abc", flags=f.MORE)
        self.expect_error(too_many, "2 bytes that were announced")

    def test_descriptors_that_did_not_come(self) -> None:
        self.expect_error(
            frame(f.RESULT, 1, result_fields(7, 5), flags=1 << 4), "without the descriptors"
        )

    def test_descriptors_are_closed_whatever_their_frame_is(self) -> None:
        before = surroundings.descriptors()
        for data in (
            frame(f.STATUS, 1, b"", b"", b"\xc1", flags=2 << 4),
            frame(f.PIECE, 1, flags=2 << 4),
            frame(f.PROGRESS, 1, bytes(24), flags=2 << 4),
            frame(f.RESULT, 1, result_fields(7, 5), b"", b"abc", flags=(2 << 4) | f.MORE),
            CONVERSATION[4],
        ):
            session = Session("test")
            try:
                feed(session, data, os.pipe())
            except ProtocolError:
                pass
            session.close()
            self.assertEqual(surroundings.descriptors(), before)

    def test_every_truncation_waits_for_more(self) -> None:
        data = b"".join(CONVERSATION)
        whole = len(kinds(feed(Session("test"), data)))
        for end in range(len(data)):
            session = Session("test")
            events = feed(session, data[:end])
            self.assertLessEqual(len(events), whole)
            self.assertEqual(kinds(events + feed(session, data[end:])), KINDS)

    def test_random_damage_is_a_protocol_error_or_is_not_noticed(self) -> None:
        chance = random.Random(11)
        data = b"".join(CONVERSATION)
        errors = 0
        for _ in range(5000):
            damaged = bytearray(data)
            for _ in range(chance.randint(1, 5)):
                damaged[chance.randrange(len(damaged))] = chance.choice(
                    (0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256))
                )
            session = Session("test")
            at = 0
            try:
                while at < len(damaged):
                    end = at + chance.randint(1, len(damaged))
                    feed(session, bytes(damaged[at:end]))
                    at = end
            except ProtocolError:
                errors += 1
        self.assertGreater(errors, 500)


class Sending(unittest.TestCase):
    def setUp(self) -> None:
        self.session = Session("me")
        self.addCleanup(self.session.close)

    def take(self) -> bytes:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self.assertTrue(self.session.out.send(ours))
            return theirs.recv(1 << 20)

    def test_it_begins_with_the_greeting(self) -> None:
        out = self.take()
        self.assertTrue(out.startswith(f.PREAMBLE))
        _, kind, _, meta_size, _ = f.HEADER.unpack_from(out, len(f.PREAMBLE))
        self.assertEqual(kind, f.HELLO)
        self.assertEqual(unpack(out[-meta_size:]), {"client": "me", "blobs": True})

    def test_a_handler_is_opened_once(self) -> None:
        self.take()
        self.assertEqual(self.session.opened(("python", "python.call")), 1)
        self.assertEqual(self.session.opened(("python", "other")), 2)
        self.assertEqual(self.session.opened(("python", "python.call")), 1)
        self.assertEqual(self.take().count(b"python.call"), 1)

    def test_there_is_an_end_to_handlers(self) -> None:
        for number in range(1024):
            self.session.opened(("", str(number)))
        with self.assertRaisesRegex(Refused, "more than 1024"):
            self.session.opened(("", "one more"))

    def test_descriptors_go_with_the_first_byte_of_their_frame(self) -> None:
        self.take()
        before = surroundings.descriptors()
        reader, writer = os.pipe()
        self.session.ping(1, b"before")
        self.session.submit_blob(1, reader, 100_000, b"")
        self.session.put(3, writer, 100_000)
        self.session.ping(4, b"after")
        os.close(reader)
        os.close(writer)
        sent: List[Tuple[bytes, int]] = []

        class Narrow:
            """A socket that takes three bytes at a time, and then no more."""

            def __init__(self) -> None:
                self.left = 3

            def send(self, data: bytearray, _flags: int) -> int:
                return self.sendmsg((data,), (), _flags)

            def sendmsg(self, buffers: Any, ancillary: Any, _flags: int) -> int:
                if not self.left:
                    raise BlockingIOError
                part = bytes(buffers[0][: self.left])
                self.left -= len(part)
                sent.append((part, len(ancillary)))
                return len(part)

        while not self.session.out.send(Narrow()):  # type: ignore[arg-type]
            pass
        self.assertFalse(self.session.out)
        stream = b"".join(part for part, _ in sent)
        at = 0
        begins = []
        for part, descriptors in sent:
            begins += [at] * descriptors
            at += len(part)
        frames = []
        at = 0
        while at < len(stream):
            length, kind, flags, _, _ = f.HEADER.unpack_from(stream, at)
            frames.append((kind, at, flags >> 4))
            at += f.HEADER.size + length
        self.assertEqual([kind for kind, _, _ in frames], [f.PING, f.SUBMIT, f.PUT, f.PING])
        self.assertEqual([at for _, at, descriptors in frames if descriptors], begins)
        self.assertEqual(surroundings.descriptors(), before)

    def test_what_was_not_sent_is_closed_with_it(self) -> None:
        before = surroundings.descriptors()
        reader, writer = os.pipe()
        self.session.put(3, writer, 100_000)
        os.close(reader)
        os.close(writer)
        self.assertNotEqual(surroundings.descriptors(), before)
        self.session.close()
        self.assertEqual(surroundings.descriptors(), before)


BUSY = (
    b'{"op":"error","code":"busy","text":"2 sessions are there","limit":2,"retry_after_ms":200}\n'
)


class Greeting(unittest.TestCase):
    def setUp(self) -> None:
        self.here, self.there = socket.socketpair()
        self.addCleanup(self.here.close)
        self.addCleanup(self.there.close)

    def assert_is_busy(self) -> None:
        with self.assertRaisesRegex(Busy, "^2 sessions are there$") as caught:
            greet(self.here, "test")
        self.assertEqual(caught.exception.retry_after, 0.2)

    def test_a_daemon_without_room_says_so(self) -> None:
        self.there.send(BUSY)
        self.assert_is_busy()

    def test_it_may_have_left_already(self) -> None:
        self.there.send(BUSY)
        self.there.close()
        self.assert_is_busy()

    def test_its_words_may_come_one_by_one(self) -> None:
        session = Session("test")
        self.addCleanup(session.close)
        for byte in BUSY[:-1]:
            self.assertEqual(feed(session, bytes((byte,))), [])
        with self.assertRaises(Busy):
            feed(session, BUSY[-1:])

    def test_one_that_leaves_without_a_word_is_gone(self) -> None:
        self.there.close()
        with self.assertRaisesRegex(DaemonGone, "gone|closed"):
            greet(self.here, "test")

    def test_what_is_no_json_is_told(self) -> None:
        self.there.send(b'{"op":"error","code":\n')
        with self.assertRaisesRegex(ProtocolError, "no JSON"):
            greet(self.here, "test")

    def test_a_line_after_the_welcome_is_a_fault(self) -> None:
        session = Session("test")
        self.addCleanup(session.close)
        feed(session, WELCOME)
        with self.assertRaisesRegex(ProtocolError, "a frame of"):
            feed(session, BUSY)


class Refusals(unittest.TestCase):
    def test_busy_tells_when_to_try_again(self) -> None:
        error = refusal({"code": "busy", "text": "full", "retry_after_ms": 1500})
        self.assertIsInstance(error, Busy)
        self.assertEqual(error.retry_after, 1.5)

    def test_a_daemon_that_closes_is_gone(self) -> None:
        self.assertIsInstance(refusal({"code": "closing"}), DaemonGone)

    def test_a_pool_without_workers_is_broken(self) -> None:
        error = refusal(
            {"code": "pool_down", "text": 'pool "python": exit code 1', "field": "pool"}
        )
        self.assertIsInstance(error, InitializerFailed)
        self.assertIn('pool "python": exit code 1', str(error))

    def test_the_field_is_named(self) -> None:
        error = refusal({"code": "bad_option", "text": "beyond 100", "field": "priority"})
        self.assertIsInstance(error, Refused)
        self.assertEqual(str(error), "priority: beyond 100")
        self.assertEqual((error.code, error.field), ("bad_option", "priority"))

    def test_members_of_other_types_are_read_as_text(self) -> None:
        for value in (5, None, [], {}, True):
            error = refusal({"code": value, "text": value, "field": value, "retry_after_ms": value})
            self.assertIsInstance(error, Refused)


if __name__ == "__main__":
    unittest.main()
