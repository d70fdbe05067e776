"""Records side by side lose nothing and gain nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch

from genmodels.randomness import seeded
from genmodels.text.batches import RecordBatches
from genmodels.text.corpus import Corpus
from genmodels.text.objective import FILLER, mean_loss, next_token_loss
from genmodels.text.vocabulary import make_pieces
from tests.genmodels.tiny import tiny_corpus

_RECORDS = tuple("abc" * count for count in range(1, 12))


@pytest.fixture
def corpus() -> Corpus:
    return replace(
        tiny_corpus(), vocabulary=make_pieces(_RECORDS, list), train=_RECORDS, validation=_RECORDS
    )


def test_every_token_is_predicted_once_also_of_records_longer_than_a_row(corpus: Corpus) -> None:
    batches = RecordBatches(corpus, corpus.train, context=10).all(num_rows=4)
    predicted = Counter(
        token for batch in batches for token in batch[:, 1:].flatten().tolist() if token != FILLER
    )
    assert predicted == Counter(
        token for record in _RECORDS for token in [*corpus.vocabulary.encode(record), 0]
    )
    assert max(batch.shape[1] for batch in batches) == 11


def test_a_drawn_batch_holds_records_of_about_one_length(corpus: Corpus) -> None:
    rows = RecordBatches(replace(corpus, train=_RECORDS * 20), _RECORDS * 20, context=100)
    seen = set()
    for seed in range(40):
        batch = rows.draw(num_rows=4, random=seeded(seed))
        lengths = (batch != FILLER).sum(dim=1)
        assert lengths.max() - lengths.min() <= 6  # of 3 to 33 letters
        assert batch[:, 0].tolist() == [0] * 4
        seen |= set(lengths.tolist())
    assert len(seen) == len(_RECORDS)


def test_fillers_are_neither_read_nor_predicted() -> None:
    def scorer(tokens: torch.Tensor, _: torch.Generator | None = None) -> torch.Tensor:
        assert tokens.min() >= 0
        return torch.nn.functional.one_hot(tokens, 4).double()

    short, long = torch.tensor([[1, 2, 3]]), torch.tensor([[0, 1, 2, 2, 1]])
    padded = torch.tensor([[1, 2, 3, FILLER, FILLER]])
    assert next_token_loss(scorer, padded) == next_token_loss(scorer, short)
    both = torch.cat((padded, long))
    assert mean_loss(scorer, [both]) == pytest.approx(mean_loss(scorer, [short, long]))
