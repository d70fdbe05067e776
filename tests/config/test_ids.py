"""Identifiers sort by the order in which they were made."""

from __future__ import annotations

import time

from webapp.common.ids import uuid7


def test_those_of_one_process_sort_in_their_order():
    made = [uuid7() for _ in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_they_are_of_version_7_and_carry_the_time():
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000
