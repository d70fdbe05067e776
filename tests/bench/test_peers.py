"""A search that others offer is measured or the measurement fails; it never goes missing."""

import sys

import numpy as np
import pytest

from bench.peers import started

#: Finds the passages that have the question in them, as any peer may.
_SEARCHER = """
import json, numpy, sys
for line in sys.stdin:
    order = json.loads(line)
    vectors = numpy.load(order["vectors"])
    if order["do"] == "load":
        texts = [json.loads(row)["text"] for row in open(order["passages"])]
        answer = {"methods": ["words"], "seconds": {}}
    else:
        found = [[n for n, own in enumerate(texts) if text in own] for text in order["texts"]]
        answer = {"rankings": found, "milliseconds": [1.0] * len(vectors)}
    print(json.dumps(answer), flush=True)
"""


def test_a_peer_that_ends_in_the_middle_is_an_error_that_names_what_failed() -> None:
    vectors = np.ones((1, 2), np.float32)

    with (
        started([sys.executable, "-c", "input()"]) as peers,
        pytest.raises(SystemExit, match="failed to load"),
    ):
        peers.load(["one"], vectors, depth=1)


def test_passages_questions_and_answers_pass_to_and_from_the_other_python() -> None:
    vectors = np.ones((2, 3), np.float32)

    with started([sys.executable, "-c", _SEARCHER]) as peers:
        methods = peers.load(["a cat", "a\0 dog"], vectors, depth=1)
        answers = peers.rank("words", ["dog", "fish"], vectors)

    assert methods == ["words"]
    assert answers.rankings == [[1], []]
    assert len(answers.milliseconds) == 2
