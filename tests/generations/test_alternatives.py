"""Candidates and words for gaps as they are shown."""

from __future__ import annotations

from typing import Any

import pytest

from webapp.generations.alternatives import Filling, read_alternatives


def test_other_texts_and_words_for_gaps_are_told() -> None:
    found = read_alternatives(
        {
            "candidates": [{"text": "a", "score": -1}, {"text": "b"}, {"text": ""}, {"score": 3}],
            "gaps": [[{"text": "dog", "probability": 0.51234}], [{"text": 3}], "x"],
        }
    )
    assert found is not None
    assert found.texts == ("b",)
    assert found.gaps == ((Filling("dog", 51.2),),)


@pytest.mark.parametrize(
    "extra",
    [{}, {"candidates": [{"text": "only"}]}, {"candidates": "x", "gaps": {}}, {"gaps": [[1]]}],
)
def test_nothing_to_choose_between_is_nothing(extra: dict[str, Any]) -> None:
    assert read_alternatives(extra) is None
