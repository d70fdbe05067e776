"""Beam search finds what trying everything finds, as far as its width reaches."""

from __future__ import annotations

import itertools
import math

import torch

from genmodels.text.beam import BeamSearch, Hypothesis

_END, _LONGEST = 0, 4


def _scores(tokens: tuple[int, ...]) -> torch.Tensor:
    """Fixed random scores (V,) of what follows a beginning."""
    seed = sum((token + 1) * 7**place for place, token in enumerate(tokens))
    return 2 * torch.randn(4, generator=torch.Generator().manual_seed(seed))


def _search(width: int, penalty: float = 0.0) -> BeamSearch:
    search = BeamSearch(width=width, end=_END, longest=_LONGEST, penalty=penalty)
    kept: list[tuple[int, ...]] = [()]
    while not search.done:
        assert [each.tokens for each in search.alive] == kept
        parents = search.advance(torch.stack([_scores(tokens) for tokens in kept]))
        kept = [
            (*kept[parent], each.tokens[-1])
            for parent, each in zip(parents, search.alive, strict=True)
        ]
    return search


def _likelihood(tokens: tuple[int, ...]) -> float:
    total = 0.0
    for place, token in enumerate(tokens):
        scores = _scores(tokens[:place]).double()
        if place == 0:
            scores[_END] = -math.inf
        total += float(scores.log_softmax(0)[token])
    return total


def test_a_beam_as_wide_as_all_ways_finds_the_likeliest_text() -> None:
    ways = [
        (*beginning, _END)
        for length in range(1, _LONGEST)  # an empty text is no answer
        for beginning in itertools.product((1, 2, 3), repeat=length)
    ] + list(itertools.product((1, 2, 3), repeat=_LONGEST))
    likeliest = max(ways, key=_likelihood)
    best = _search(width=200).ranked()[0]
    assert best.tokens == tuple(token for token in likeliest if token != _END)
    assert math.isclose(best.total, _likelihood(likeliest))


def test_a_beam_of_one_is_greedy() -> None:
    tokens: tuple[int, ...] = ()
    while len(tokens) < _LONGEST:
        allowed = _scores(tokens)[0 if tokens else 1 :]
        token = int(allowed.argmax()) + (0 if tokens else 1)
        if token == _END:
            break
        tokens = (*tokens, token)
    assert _search(width=1).ranked()[0].tokens == tokens


def test_heirs_stay_in_the_row_of_their_parent_where_they_can() -> None:
    search = BeamSearch(width=3, end=_END, longest=9, penalty=0.0)
    search.advance(torch.tensor([[-9.0, 3.0, 2.0, 1.0]]))
    # The first row is given up, the last one has two heirs.
    scores = torch.tensor(
        [[-9.0, -9.0, -9.0, -9.0], [-9.0, 9.0, -9.0, -9.0], [-9.0, 9.0, 9.0, -9.0]]
    )
    scores[0] = torch.tensor([99.0, -9.0, -9.0, -9.0])
    assert search.advance(scores) == [2, 1, 2]
    assert [each.tokens[0] for each in search.alive] == [3, 2, 3]


def test_the_length_penalty_decides_between_short_and_long() -> None:
    short, long = Hypothesis((1,), (-1.0,), -2.0), Hypothesis((1,) * 9, (-0.3,) * 9, -2.7)
    assert short.score(0.0) > long.score(0.0)
    assert short.score(1.0) < long.score(1.0)
