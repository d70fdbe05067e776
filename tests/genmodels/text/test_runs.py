"""A text ends where it should, keeps to its rules and tells how surprising it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from genmodels.contract import Card, InvalidRequest, Sample, Scalar, resolve_request
from genmodels.text.constraints import Constraint
from genmodels.text.kinds import Kind, find_kind
from genmodels.text.outputs import Writing
from genmodels.text.runs import TextRun, write_next
from genmodels.text.vocabulary import Characters, Pieces, Vocabulary
from tests.genmodels.tiny import describe, tiny_transformer

_CHARACTERS = Characters("ab\n")
_BRACKETS = Pieces(("", "(", ")", "x"))


class _Balanced:
    """Brackets are closed before the end, and nothing is closed that is not open."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._depth = 0

    def allowed(self) -> torch.Tensor:
        return torch.tensor([self._depth == 0, True, self._depth > 0, True])

    def accept(self, token: int) -> None:
        text = self._vocabulary.decode([token])
        if text == ")" and not self._depth:
            raise ValueError("nothing is open that could be closed")
        self._depth += (text == "(") - (text == ")")


def _open_balanced(vocabulary: Vocabulary) -> Constraint:
    return _Balanced(vocabulary)


def _deliver(writing: Writing) -> Sample:
    whole = writing.prompt + writing.text
    return Sample(
        content=whole.encode(),
        media_type="text/plain",
        text=whole,
        extra={"complete": writing.ended},
    )


_BALANCED = replace(find_kind("text"), name="balanced", output=_deliver, grammar=_open_balanced)


def _card() -> Card:
    return describe(tiny_transformer())("0" * 64)


def _open(
    prompt: str,
    parameters: dict[str, Scalar],
    *,
    vocabulary: Vocabulary = _CHARACTERS,
    kind: Kind | None = None,
) -> TextRun:
    request = resolve_request(
        _card(), prompt=prompt, parameters={"temperature": 0.0, **parameters}, seed=0
    )
    return TextRun(request, card=_card(), kind=kind or find_kind("text"), vocabulary=vocabulary)


def _write(run: TextRun, text: str, vocabulary: Vocabulary) -> None:
    """Let the network be certain of the next token, as long as the run goes on."""
    for token in [*vocabulary.encode(text), vocabulary.end or 0]:
        if run.done:
            return
        scores = torch.zeros(1, vocabulary.size, dtype=torch.float64)
        scores[0, token] = 5.0
        write_next(scores, [run])


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        ("", "aabab\nba"),
        ("ab", "a"),
        ("bab|b\\n", "aa"),
        ("b\\n|\\n", "aaba"),
        ("\\n", "aabab"),
    ],
)
def test_a_text_stops_before_the_first_stop_string(stop: str, text: str) -> None:
    run = _open("b", {"max_new_tokens": 8, "stop": stop})
    _write(run, "aabab\nba", _CHARACTERS)
    assert run.done
    assert run.sample.text == text


def test_a_record_begins_and_ends_with_the_end_token() -> None:
    run = _open("x", {"max_new_tokens": 9}, vocabulary=_BRACKETS, kind=_BALANCED)
    assert run.tokens == [0, 3]
    _write(run, "()", _BRACKETS)
    assert run.done
    assert run.sample.text == "x()"
    assert run.sample.extra["complete"] is True
    assert run.sample.metrics["tokens"] == 3


def test_a_text_keeps_to_its_grammar() -> None:
    run = _open("(", {"max_new_tokens": 4}, vocabulary=_BRACKETS, kind=_BALANCED)
    for _ in range(4):
        write_next(torch.tensor([[9.0, 0.0, 1.0, 2.0]]), [run])  # the end would be likeliest
    assert run.sample.text == "(xxxx"
    assert run.sample.extra["complete"] is False
    free = TextRun(
        replace(run.request, parameters={**run.request.parameters, "grammar": False}),
        card=_card(),
        kind=_BALANCED,
        vocabulary=_BRACKETS,
    )
    write_next(torch.tensor([[9.0, 0.0, 1.0, 2.0]]), [free])
    assert free.done


def test_a_prompt_against_the_grammar_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="nothing is open") as caught:
        _open("())", {}, vocabulary=_BRACKETS, kind=_BALANCED)
    assert [fault.pointer for fault in caught.value.faults] == ["/prompt"]


def test_a_sample_tells_the_surprise_of_every_token() -> None:
    run = _open("b", {"max_new_tokens": 2})
    write_next(torch.tensor([[0.5, 0.25, 0.25]]).log(), [run])
    write_next(torch.tensor([[0.0, 1.0, 0.0]]).log(), [run])
    sample = run.sample
    assert sample.extra["surprise"] == {"pieces": ["a", "b"], "nats": [0.69, 0.0]}
    assert sample.metrics == {"tokens": 2.0, "surprise": pytest.approx(0.3466)}
